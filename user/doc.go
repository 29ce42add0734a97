// Package user holds what usher knows about people: the [User] type, its
// identifiers, names, metadata and password, and the rules that keep them
// right. Functions take a [store.Tx], so that several compose in one
// transaction with the host's own writes.
//
//	err := s.Update(ctx, func(tx store.Tx) error {
//		u, err := user.ByIdentifier(ctx, tx, "ada@example.com")
//		if err != nil {
//			return err
//		}
//		u.FirstName = "Ada"
//		return user.Put(ctx, tx, u, time.Now())
//	})
//
// Who owns an address is decided by the store's unique index when the address
// is verified (or reserved), never by looking first. An unverified address
// claims nothing: two people may have typed it.
//
// The package makes no decision about sessions, sends no mail and hashes no
// password; see package user/password and package auth.
package user
