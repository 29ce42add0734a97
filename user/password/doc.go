// Package password keeps and judges passwords: slow hashing in a bounded pool,
// PHC strings, foreign hashes, a policy after NIST SP 800-63B-4, a strength
// estimate and a breach check.
//
//	h := &password.Hasher{}
//	hash, err := h.Hash(ctx, plain)           // at sign-up
//	res, err := h.Verify(ctx, hash, plain)    // at sign-in
//	if errors.Is(err, password.ErrBusy) {     // answer 503 with Retry-After
//	}
//	if res.OK && res.Rehash {                 // parameters have changed:
//	}                                         // store h.Hash(ctx, plain), if hash is still the stored one
//	err = h.Dummy(ctx, identifier, plain)     // unknown account: the same work
//	err = checker.Check(policy, plain, words) // every violation, joined
//
// # One text, one password
//
// A password is brought into the OpaqueString profile of RFC 8265 when it is
// set and when it is checked: any Unicode space becomes U+0020, the result is
// in NFC, and control characters, unassigned code points and invalid UTF-8 are
// refused. Case is kept and nothing is trimmed. Size is bounded before that:
// 4 KiB of bytes and 256 code points, so nothing is ever cut silently.
//
// # Work and memory
//
// Every slow hash runs inside a [Pool]. It has as many slots as the process
// has cores, a memory budget that counts twice what a hash asks for (Go's
// collector lets the heap double), and a bounded queue that takes turns between
// client addresses, see [WithFairness]. Past the queue the answer is a
// [*BusyError] and no work at all.
//
// # What it refuses
//
// Passwords over 72 bytes or with NUL against bcrypt, stored hashes whose
// parameters ask for more than [MaxMemory] or [MaxCost], and hashes of a format
// that nobody has a [Verifier] for. It has no pepper in the database, no
// password hints, no forced expiry and no truncation.
package password
