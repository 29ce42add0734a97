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
// # Bringing passwords along
//
// People who come from another system keep their passwords: [Hasher.Import]
// takes the digests that it kept, and [Hasher.Verify] checks against them. At
// the first right password the caller hashes anew, as always when a Result says
// Rehash; only an argon2id hash that is weaker in nothing is left as it is. A
// password is tried as it was typed, then normalised.
//
// These are the formats, with an example of each. [Hasher.Formats] takes others.
//
//	argon2id             $argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc
//	argon2i              $argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA
//	bcrypt               $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW
//	bcrypt_sha256_django bcrypt_sha256$$2a$08$NDjSAIcas.EcoxCRiArvT.MkNiPYVhrsrnJsRkLueZOoV1bsQqlmC
//	bcrypt_peppered      $2b$04$7QkqLzN/UP9tnrB2eyJBXendXsUCJ3BKWOB6w1WJcwFg1MROBP2sS$short
//	md5                  f96b697d7cb7938d525a2f31aaf161d0
//	md5_salted           NaCl$f35b863d8f174ecf9ce1ce4e034b930f
//	sha256               ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
//	sha256_salted        NaCl$cbc68d120dcfcaced236a717e2a8756f8f184ccbb40a75189bf8b5cfe353b63d
//	sha512_symfony       sha512_symfony$5000$seasalt$2cxPdH49fKsXTKWbAYYmcKBReVPGOCASn9wDFyzbUdf+QA7gI4gTMDexgQZU5+AegZjCn+b93GvqTGbIUviCPg==
//	ldap_ssha            {SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr
//	phpass               $P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0
//	md5_phpass           $P$662jMHkQ7Lob2UxAiW9H.UFM88ZYBI.
//	pbkdf2_sha1          pbkdf2_sha1$4096$73616c74$4b007901b765489abead49d926f721d065a429c1$20
//	pbkdf2_sha256        pbkdf2_sha256$1000$c2Vhc2FsdA==$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=
//	pbkdf2_sha256_django pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=
//	pbkdf2_sha512        pbkdf2_sha512$1000$seasalt$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44
//	pbkdf2_sha512_hex    pbkdf2_sha512_hex$1000$73656173616c74$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44
//	scrypt_firebase      lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$Bw==$8$14
//	scrypt_werkzeug      scrypt:32768:8:1$seasaltseasalt16$be8154824e72bf2a22b730d28ac88254d3b0be29d80b5682f3113b3403bf20fd6139a1c134e5281ac3544eb23ba97c5decc182cbe6c46636be062d43f5c2b25e
//	scrypt_better_auth   5aa21a1ce1f1e3183c7087c47885b184:5cfe415870d56b9e9e8d6684a2af1f9218895ae9e13423de8c7663652b84aa5dfd36263e1303253aff22f97eea1c6c2e317f0107a565b60d5414a134aa1894ba
//	scrypt_lucia         d409b4de3b0055ae6644b007f5a34f99:a400d9f9775bc76bbd719d880c47ab448e2e4136ba14ec592d1882bb2a1946e863b27ff0e990ad3317aa03dd7e59c94f239e515b073d7f378c26a5facfd7cd26
//	scrypt_lucia_legacy  seasaltseasalt16:44962e43bf4deb5e26fc45aa63a9e970616da9b41fff00dabbf87d6e13ea04e1424158463e85c4e0b90f088020dbf2b5c0f171669e88a17b5f0447bb3e2b05b5
//	gotrue               $argon2i$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g
//	keycloak             {"type":"password","secretData":"{\"value\":\"JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k=\",\"salt\":\"P5rtFkGtPfoaryJ6PizUJw==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}
//
// Which one it is, by system:
//
//   - Django: pbkdf2_sha256_django, bcrypt_sha256_django, argon2id without the
//     "argon2" in front. Flask: scrypt_werkzeug.
//   - WordPress before 6.8, phpBB: phpass. Drupal 6 that became 7: md5_phpass.
//     Symfony and Laravel of today: bcrypt or argon2id; Symfony's old
//     MessageDigest: sha512_symfony.
//   - Devise (Rails): bcrypt, with a pepper bcrypt_peppered.
//   - Auth0, PocketBase: bcrypt. Supabase (GoTrue): gotrue. Firebase:
//     scrypt_firebase, of what `firebase auth:export` gives and the project's
//     parameters. Clerk: the hasher that its export names.
//   - better-auth: scrypt_better_auth. Lucia 3 and 2: scrypt_lucia; Lucia 1, and
//     3 with LegacyScrypt: scrypt_lucia_legacy.
//   - Keycloak: keycloak, with the credential of type password of an exported
//     realm, as it is.
//
// A digest is refused when checking it would cost more than some two seconds of
// a core or 128 MiB: bcrypt over 15, four million iterations of PBKDF2, half a
// gigabyte through scrypt, [MaxMemory] and [MaxCost] of argon2. So nobody's
// account is a way to keep the server busy.
//
// A wrong password against a foreign digest costs one hash with the parameters
// of today besides, as a right one does that is hashed anew. So an MD5 digest,
// which takes no time at all, is not told from an account that does not exist.
// Where digests are slower than that, [Hasher.Dummy] works against one of those
// that were seen lately: its time follows what is in use as far as a sample can.
// What it cannot hide is an account whose format is the only one of its cost.
//
// # What it refuses
//
// Passwords over 72 bytes or with NUL against bcrypt, stored hashes whose
// parameters ask for more than is said above, and hashes of a format that
// nobody has a [Format] for. It has no pepper in the database, no password
// hints, no forced expiry and no truncation.
package password
