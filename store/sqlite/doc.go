// Package sqlite is a store in one SQLite file, for programs that run on one
// machine. It uses a driver in pure Go (modernc.org/sqlite).
//
//	s, err := sqlite.Open("usher.db")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	err = s.Prepare(ctx, user.Kind, session.Kind) // or on first use
//
// # What a host may rely on
//
// A kind is a table usher_<kind>, such as usher_user, with these columns:
//
//	id       TEXT PRIMARY KEY
//	version  INTEGER, counts the writes
//	expires  INTEGER, milliseconds of Unix time, or NULL
//	<index>  TEXT, one for each index without Many; NULL without an entry
//	data     TEXT, the JSON document
//
// A host may read them, join them, make views and further indexes of them and
// refer to them:
//
//	CREATE TABLE invoice (
//		id   INTEGER PRIMARY KEY,
//		user TEXT NOT NULL REFERENCES usher_user(id) ON DELETE CASCADE
//	);
//	SELECT id, data ->> '$.first_name' FROM usher_user;
//
// Foreign keys are enforced on the connections of this package: a reference
// without ON DELETE makes Delete and Purge fail while it stands. All writes go
// through the [Store], or through [Join] where they have to succeed or fail
// together with the host's own: a column changed by hand would disagree with
// the others. Everything else (the columns keys and sum, the tables usher_<kind>_key
// and usher_schema) may change. Index columns named keys, long, sum or like a system
// column of PostgreSQL end in an underscore.
//
// # Durability and speed
//
// The file is in WAL mode. [Options] has FULL synchronous by default: what has
// been acknowledged survives a power cut, for the price of one fsync a write.
// With Relaxed (synchronous=NORMAL) a power cut can undo the last moments, so
// that a revoked session is valid again or a code can be used again; a crash
// of the process alone loses nothing either way.
//
// One connection writes, and whoever waits for it waits in line. A few others
// read, and never wait for the writer. Another process may write to the same
// file: it is waited for as long as Options.BusyTimeout. The file must not be
// on a network file system.
//
// A new file, which will hold secrets, is made readable by its owner alone.
//
// # What it refuses
//
// Memory databases (package store/memory is one), a file written by a newer
// version ([store.ErrSchema]), and nested transactions.
package sqlite
