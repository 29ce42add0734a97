// Package session holds the two things that stand for being signed in: a
// [Client], which is one browser, and the [Session]s on it, one for each
// account that is signed in there.
//
// A browser proves to be a client by a secret in a cookie; only its hash is
// stored, and it changes at every sign-in and sign-out. What a host's handlers
// see is neither of these but a short-lived token, made by package token from
// a session that is alive.
//
//	err := s.Update(ctx, func(tx store.Tx) error {
//		ss, err := session.Live(ctx, tx, userID, time.Now())
//		if err != nil {
//			return err
//		}
//		return session.EndAll(ctx, tx, ss, session.Revoked, time.Now())
//	})
//
// The package knows no users, no HTTP and no tokens.
package session
