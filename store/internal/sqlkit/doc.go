// Package sqlkit is what store/sqlite and store/postgres have in common: the
// layout of tables, the statements, the migrations, and transactions that ask
// the database for as little as the contract of package store allows.
//
// # Layout
//
// A kind is a table usher_<kind>: id, version, expires (milliseconds of Unix
// time, NULL for never), one column for each index without Many, keys (all
// entries of Many indexes in one text) and data. Entries of Many indexes are
// also rows of usher_<kind>_key, which is what queries look at. The copy in
// keys makes a record one row to read, and lets a Put that changes no such
// entry be one statement. The column sum, a hash of all index values, does the
// same for the other entries: an UPDATE that finds it unchanged leaves every
// index alone.
//
// # Statements
//
// fn of an Update or View usually reads one or two records and writes one.
// Until it does more, no transaction is begun. Each Get is one statement, which
// also checks that the records read before are what they were, so that all
// reads see one state. The first write is held back; if it is also the last, it
// is one statement that compares and swaps. Anything else begins a transaction,
// checks the records again in it, and goes on there. When a check fails, fn
// runs again in a transaction from its start.
//
// That is as strong as a transaction of repeatable read: its reads see one
// state too, and its only write fails if its record has changed.
//
//	e := sqlkit.NewEngine(dialect, db)
//	err := e.Update(ctx, func(tx store.Tx) error { … })
//
// A page of the records that have a value in a Many index, or one in each of
// several, by ID, comes from the key table, where they lie in that order: it
// costs what the page holds, and what an offset skips is an entry of an index.
// Counts of such records look at nothing else.
//
// # What it refuses
//
// To know a driver: statements and errors come and go through [DB] and [Conn].
package sqlkit
