// Package postgres is a store in a PostgreSQL database, tested with version 15,
// for programs that run on any number of machines. It uses pgx.
//
//	s, err := postgres.Open(ctx, "postgres://usher@db/usher?pool_max_conns=20")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	err = s.Prepare(ctx, user.Kind, session.Kind) // or on first use
//
// # What a host may rely on
//
// A kind is a table usher_<kind>, such as usher_user, in the first schema of
// the search_path, with these columns:
//
//	id       TEXT PRIMARY KEY
//	version  BIGINT, counts the writes
//	expires  BIGINT, milliseconds of Unix time, or NULL
//	<index>  TEXT, one for each index without Many; NULL without an entry
//	data     TEXT, the JSON document
//
// All texts have COLLATE "C". The document is text and not jsonb, because a
// store keeps it byte for byte and jsonb would sort and respace it; cast it
// where you look into it. A host may read the tables, join them, make views
// and further indexes of them and refer to them:
//
//	CREATE TABLE invoice (
//		id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
//		"user" TEXT NOT NULL REFERENCES usher_user(id) ON DELETE CASCADE
//	);
//	SELECT id, data::jsonb ->> 'first_name' FROM usher_user;
//	CREATE INDEX ON usher_user ((data::jsonb -> 'public_metadata' ->> 'plan'));
//
// A reference without ON DELETE makes Delete and Purge fail while it stands.
// All writes go through the [Store], or through [Join] where they have to
// succeed or fail together with the host's own: a column changed by hand would
// disagree with the others. Everything else (the columns keys, long and sum, the
// tables usher_<kind>_key and usher_schema) may change. An index value of more
// than 1 KiB is cut in its column and followed by its hash, as PostgreSQL
// bounds what it indexes. Index columns named keys, long, sum or like a system
// column end in an underscore.
//
// # Connections
//
// [Open] makes a pool that keeps at least two connections ready
// (pool_min_idle_conns in the DSN says otherwise) and closes an idle one after
// half an hour. pool_max_conns is 4 or the number of cores if that is more: set
// it to what the server has room for, divided by the number of processes.
// Reading or writing one record is one statement outside of a transaction.
//
// Behind PgBouncer in transaction mode, prepared statements need PgBouncer
// 1.21 with max_prepared_statements above 0; otherwise put
// default_query_exec_mode=exec in the DSN. Nothing else here depends on the
// session: migrations lock with pg_advisory_xact_lock.
//
// Transactions are REPEATABLE READ; the database's default isolation, also
// serializable, does not matter. With synchronous_commit=off a crash of the
// server can undo the last moments, so that a revoked session is valid again.
//
// Adding an index to a kind makes a column and an index in a transaction that
// keeps writers of that kind waiting meanwhile.
//
// # What it refuses
//
// Databases that are not encoded in UTF8, a schema written by a newer version
// ([store.ErrSchema]), and nested transactions.
package postgres
