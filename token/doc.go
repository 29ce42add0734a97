// Package token issues and verifies session tokens: short-lived JWTs that a
// service checks without asking anybody.
//
// A service that only verifies imports this package and nothing else of usher:
//
//	keys := &token.Remote{URL: "https://example.com/.well-known/jwks.json"} // at Config.URL of the instance
//	v := &token.Verifier{Issuer: "https://clerk.example.com", Keys: keys}   // a name: nothing need answer there
//	if err := v.Check(); err != nil {
//		log.Fatal(err)
//	}
//	http.Handle("/api/", v.Require(http.HandlerFunc(
//		func(w http.ResponseWriter, r *http.Request) {
//			c, _ := token.FromContext(r.Context())
//			fmt.Fprintln(w, c.Subject, c.HasPermission("org:invoices:create"))
//		})))
//
// [Issuer] mints tokens with the keys that a [Schedule] plans, [Coalescer]
// lets equal requests share one signature, [KeySet] is what the world may know
// of the keys, [Remote] fetches such a set and keeps it, and [Verifier]
// accepts a token or says why not.
//
// The algorithms are RS256 with RSA-2048, which every client library reads,
// ES256 and EdDSA with Ed25519 (RFC 7518, RFC 8037). The verifier follows RFC
// 8725: the key decides the algorithm, and exp, nbf, iat, iss and sub are
// required.
//
// # What it refuses
//
// Symmetric algorithms and "none"; tokens over 16 KiB or nested deeper than
// 16; duplicate JSON names, also ones that differ in escapes or letter case
// only; base64 that is padded or not canonical; crit, b64:false, compressed and
// nested tokens; numbers that are not plain integers; tokens of another kind,
// issuer, party or audience; RSA keys under 2048 bits, with an exponent under
// 65537 or with the ROCA fingerprint; curve points of small order; JWK sets
// that hold a secret or two keys of one name; redirects while fetching keys.
// Keys and URLs inside of a token are never used.
package token
