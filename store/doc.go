// Package store is the contract between usher and the database it keeps its
// records in.
//
// A store keeps records. A [Record] belongs to a [Kind], has an ID, a version,
// a set of index entries and a JSON document that the store never looks into.
// Nine methods are all there is: [Store] has four and [Tx] has five. A new
// feature of usher is a new Kind, which is data, so a store written today
// keeps working.
//
//	err := s.Update(ctx, func(tx store.Tx) error {
//		u, err := users.By(ctx, tx, "email", "ada@example.com")
//		if err != nil {
//			return err
//		}
//		u.Name = "Ada"
//		return users.Put(ctx, tx, u)
//	})
//
// # The eight rules
//
// A store keeps these, and usher relies on nothing else. Package storetest
// checks every one of them.
//
//  1. Atomic. All of fn's writes are kept, or none: after an error, a panic or
//     a cancelled context nothing remains.
//  2. Snapshot. Inside fn, reads see one state, plus fn's own writes.
//  3. First writer wins. A Put or Delete at a version that is no longer the
//     stored one fails with [ErrConflict]. A store may call fn again, a few
//     times, before it returns that error (View may, too, to give rule 2), so
//     fn must have no effect outside tx: no mail, no HTTP, no counters. Trap:
//     [Table.Put] advances the version inside the object, so an object made
//     outside fn fails when fn runs again; load or build what is stored inside
//     fn.
//  4. Unique is unique. Two records of a kind never share a value of a Unique
//     index, under any interleaving; the loser gets a [*DuplicateError].
//  5. Doomed after failure. After any error but [ErrNotFound] fn must return
//     it. A store may report the failure of a write late, from Update instead
//     of from Put or Delete, so callers look at the error of Update.
//  6. Byte order. Index values are compared bytewise, without a collation.
//     Times and numbers are indexed as [TimeKey] and [IntKey] write them.
//     [Contains] is a bytewise substring test; fold before you store and ask.
//  7. No nesting. fn uses tx, never the Store. A tx is dead when fn returns
//     and serves one goroutine.
//  8. Missing is [ErrNotFound], from Get and from Delete. Find of nothing is
//     an empty slice, not an error. A Limit of 0 is no limit.
//
// # Guard records
//
// Snapshot plus first-writer-wins leaves one anomaly, write skew: two
// transactions read the same rows, each writes another one, and together they
// break a rule that each kept. Every rule over more than one record therefore
// has a guard record: whoever changes what the rule speaks of also Puts the
// guard, so that the two writers collide and one runs again. Completing a
// sign-in Puts the user, so it collides with a ban or a password change;
// changing memberships Puts the organization, so the last administrator stays.
//
// # Writing a store
//
//  1. Copy examples/customstore: it is whole, in one file.
//  2. Keep records by (Kind.Name, ID) and entries by (Kind.Name, Index, Value, ID).
//  3. Update: take a write lock or an isolation level that gives rule 2, run
//     fn, commit on nil, roll back on error and on panic (then panic on).
//  4. Put: call [Record.Validate], compare Record.Version with the stored one
//     (0: must be absent), set it one higher, replace all entries, check
//     Unique indexes. Get and Delete of no [ValidID] are ErrNotFound.
//  5. Find: call [Query.Validate]; all matches must hold; sort by the Order
//     index, then by ID; start behind After; then Offset and Limit. Count: the
//     same without paging. [Query.Matches] and [Query.Compare] are for what
//     your database cannot be asked.
//  6. Copy bytes and slices in both directions; never keep the caller's.
//  7. Refuse work on a cancelled ctx, and do not commit it.
//  8. Run fn again on your database's "try again" errors, five times or so.
//  9. Purge: delete records whose Expires is set and before the given time.
//  10. Run storetest.Run on it, with -race, and mend until it is silent.
//
// # What it refuses
//
// No joins, no aggregates, no schema per feature, no query language, no
// background work, no serializable isolation (measured: a third of the rate,
// with one transaction in seven aborted for nothing).
package store
