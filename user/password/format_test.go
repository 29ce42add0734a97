package password_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/usherauth/usher/user/password"
)

// A vector is a digest of a known password.
type vector struct{ format, digest, plain string }

const (
	keycloakLive = `{"type":"password","secretData":"{\"value\":\"JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k=\",\"salt\":\"P5rtFkGtPfoaryJ6PizUJw==\",\"additionalParameters\":{}}",` +
		`"credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}`
	firebaseKey = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
	gotrueKey   = "ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw=="
)

// keycloakOf is a credential as Keycloak exports it.
func keycloakOf(value, salt, data string) string {
	q := func(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }
	return `{"secretData":"` + q(`{"value":"`+value+`","salt":"`+salt+`"}`) + `","credentialData":"` + q(data) + `"}`
}

// vectors, with where each group is from: published ones, and some made with
// the implementation that is named.
var vectors = []vector{
	// The reference implementation of RFC 9106 (test.c).
	{"argon2id", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
	{"argon2i", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password"},
	// argon2-cffi with its defaults of 2023.
	{"argon2id", "$argon2id$v=19$m=65536,t=3,p=4$seHq3kAgYMgLTmlIQpopjw$R0ytfaPBZBP7rYj5o/fHlg", "lètmein"},
	// GoTrue's own tests (internal/crypto/password_test.go).
	{"gotrue", "$argon2i$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g", "test"},
	{"gotrue", "$argon2id$v=19$m=32,t=3,p=2$SFVpOWJ0eXhjRzVkdGN1RQ$RXnb8rh7LaDcn07xsssqqulZYXOM/EUCEFMVcAcyYVk", "test"},
	{"gotrue", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=" + gotrueKey + "$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==", "mytestpassword"},
	{"gotrue", "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2", "lètmein"}, // Python's bcrypt
	// crypt_blowfish (wrapper.c), as passlib's tests carry it.
	{"bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	{"bcrypt", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"},
	// Django 1.6, from passlib's tests, and Django 3.2.
	{"bcrypt_sha256_django", "bcrypt_sha256$$2a$08$NDjSAIcas.EcoxCRiArvT.MkNiPYVhrsrnJsRkLueZOoV1bsQqlmC", "lètmein"},
	{"bcrypt_sha256_django", "bcrypt_sha256$$2b$04$y34l5Js5hpXQI6njHZqTAukLZo6LaIErvSi6o7KprXDQ4To6y54HK", "lètmein"},
	// Python's bcrypt, with a pepper behind the password as Devise has it.
	{"bcrypt_peppered", "$2b$04$7QkqLzN/UP9tnrB2eyJBXendXsUCJ3BKWOB6w1WJcwFg1MROBP2sS$short", "lètmein"},
	{"bcrypt_peppered", "$2b$04$XsEufWPBNdawSPM1aQ.ArucU8P5SvVAFXtLMImPgc5W6D1HS8b10a$" + strings.Repeat("a1b2", 32), "lètmein"},
	// RFC 1321, FIPS 180 and Clerk's documentation.
	{"md5", "f96b697d7cb7938d525a2f31aaf161d0", "message digest"},
	{"md5", "5F4DCC3B5AA765D61D8327DEB882CF99", "password"},
	{"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc"},
	// Python's hashlib: salt in front, then behind.
	{"md5_salted", "NaCl$f35b863d8f174ecf9ce1ce4e034b930f", "lètmein"},
	{"md5_salted", "NaCl$a8ac2ca71edee2c932f33a15a9685d03", "lètmein"},
	{"sha256_salted", "NaCl$cbc68d120dcfcaced236a717e2a8756f8f184ccbb40a75189bf8b5cfe353b63d", "lètmein"},
	{"sha256_salted", "NaCl$6b1611bec0f3268379b53a08cddb7e49619f4ccd258c99111e263498681920ab", "lètmein"},
	{"sha512_symfony", "sha512_symfony$5000$seasalt$2cxPdH49fKsXTKWbAYYmcKBReVPGOCASn9wDFyzbUdf+QA7gI4gTMDexgQZU5+AegZjCn+b93GvqTGbIUviCPg==", "lètmein"},
	{"sha512_symfony", "sha512_symfony$1$$N6g7NZd/oHxn1KzJBHpNIkrbiwg4smNct16MnImZphxNFeUEXlQWpvez3QBPpze+OMMvHGhN/XpIWRVWKRoA2A==", "lètmein"},
	// passlib's tests.
	{"ldap_ssha", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "testing123"},
	{"ldap_ssha", "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==", "test"},
	{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"},
	{"phpass", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1", "123456"},
	{"phpass", "$P$612345678si5M0DDyPpmRCmcltU/YW/", "JohnRipper"},
	// passlib, over the MD5 of hashlib, and over the password itself.
	{"md5_phpass", "$P$662jMHkQ7Lob2UxAiW9H.UFM88ZYBI.", "lètmein"},
	{"md5_phpass", "U$P$662jMHkQ7Lob2UxAiW9H.UFM88ZYBI.", "lètmein"},
	{"md5_phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"},
	// Django 1.4, from passlib's tests, and Django's tests of 5.2.
	{"pbkdf2_sha256_django", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=", "not a password"},
	{"pbkdf2_sha256_django", "pbkdf2_sha256$870000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=", "lètmein"},
	// RFC 6070, whose fourth vector is the longest that fits.
	{"pbkdf2_sha1", "pbkdf2_sha1$4096$73616c74$4b007901b765489abead49d926f721d065a429c1$20", "password"},
	// Python's hashlib.pbkdf2_hmac.
	{"pbkdf2_sha1", "pbkdf2_sha1$1000$seasalt$96395e538c01993b73fcca06e584f0c6933477b2d3f11351c3740181c168cb81", "lètmein"},
	{"pbkdf2_sha256", "pbkdf2_sha256$1000$c2Vhc2FsdA==$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", "lètmein"},
	{"pbkdf2_sha512", "pbkdf2_sha512$1000$seasalt$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44", "lètmein"},
	{"pbkdf2_sha512_hex", "pbkdf2_sha512_hex$1000$73656173616c74$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44", "lètmein"},
	// The example of github.com/firebase/scrypt.
	{"scrypt_firebase", "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw==$" + firebaseKey + "$Bw==$8$14", "user1password"},
	// The same as Firebase's own tool exports it, in the alphabet for addresses.
	{"scrypt_firebase", "lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==$42xEC-ixf3L2lw==$" + firebaseKey + "$Bw==$8$14", "user1password"},
	// Python's hashlib.scrypt, with the parameters of Werkzeug 3 and of Lucia 1.
	{"scrypt_werkzeug", "scrypt:32768:8:1$seasaltseasalt16$be8154824e72bf2a22b730d28ac88254d3b0be29d80b5682f3113b3403bf20fd6139a1c134e5281ac3544eb23ba97c5decc182cbe6c46636be062d43f5c2b25e", "lètmein"},
	{"scrypt_lucia_legacy", "seasaltseasalt16:44962e43bf4deb5e26fc45aa63a9e970616da9b41fff00dabbf87d6e13ea04e1424158463e85c4e0b90f088020dbf2b5c0f171669e88a17b5f0447bb3e2b05b5", "lètmein"},
	// better-auth 0.5.1 of its utilities, Lucia 3.2.2 and 2.7.7.
	{"scrypt_better_auth", "5aa21a1ce1f1e3183c7087c47885b184:5cfe415870d56b9e9e8d6684a2af1f9218895ae9e13423de8c7663652b84aa5dfd36263e1303253aff22f97eea1c6c2e317f0107a565b60d5414a134aa1894ba", "lètmein"},
	{"scrypt_lucia", "d409b4de3b0055ae6644b007f5a34f99:a400d9f9775bc76bbd719d880c47ab448e2e4136ba14ec592d1882bb2a1946e863b27ff0e990ad3317aa03dd7e59c94f239e515b073d7f378c26a5facfd7cd26", "lètmein"},
	{"scrypt_lucia", "s2:30csrukpvzj3548l:14402b08f1afae0b707ec234f658fe7c39c8325247991535e7d3bb057124149841e21e86d7015593875ba274bb206b246a764a8114e0a3623f3805a4c203f8e2", "lètmein"},
	{"scrypt_lucia_legacy", "s2:30csrukpvzj3548l:14402b08f1afae0b707ec234f658fe7c39c8325247991535e7d3bb057124149841e21e86d7015593875ba274bb206b246a764a8114e0a3623f3805a4c203f8e2", "lètmein"},
	// A published realm of Gloo's workshops, and Python's hashlib and argon2-cffi.
	{"keycloak", keycloakLive, "password"},
	{"keycloak", keycloakOf("ybJHpGrJWhs4LImjx0GRtSdR5xilwB3BnBveZB7Hc+0a5LUJEHbU53wtKP1vGk3Cf3S9Qk64owinPovOEXjxSw==", "MDEyMzQ1Njc4OWFiY2RlZg==", `{"hashIterations":1000,"algorithm":"pbkdf2-sha512"}`), "lètmein"},
	{"keycloak", keycloakOf("fAVyzQNNkMB93BxqSKITIbIy1MI/7aiP4QXDmyNXP6/TLAEgTo+jBWNLU1wvqAyrxvOTsuDxTOzf2+vVMerrNA==", "MDEyMzQ1Njc4OWFiY2RlZg==", `{"hashIterations":1000,"algorithm":"pbkdf2"}`), "lètmein"},
	{"keycloak", keycloakOf("YrFxYlMuVqBnOrQ35zSmRM9cGK176eYtZ/8PY2oxxrw=", "MDEyMzQ1Njc4OWFiY2RlZg==", `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["7168"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`), "lètmein"},
}

func imported(t testing.TB, h *password.Hasher, format, digest string) string {
	t.Helper()
	stored, err := h.Import(format, digest)
	if err != nil {
		t.Fatalf("%s %q: %v", format, digest, err)
	}
	return stored
}

// Every format is shown to take the passwords of others' digests, and no other.
func TestFormatVectors(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	seen := map[string]bool{}
	for _, v := range vectors {
		seen[v.format] = true
		stored := imported(t, h, v.format, v.digest)
		if r := verify(t, h, stored, v.plain); !r.OK {
			t.Errorf("%s refuses %q for %s", v.format, v.plain, v.digest)
		}
		for _, wrong := range []string{v.plain + "z", v.plain[1:]} {
			if r := verify(t, h, stored, wrong); r.OK {
				t.Errorf("%s takes %q for %s", v.format, wrong, v.digest)
			}
		}
	}
	for _, f := range password.Formats() {
		if !seen[f.Name] {
			t.Errorf("no vector of %s", f.Name)
		}
	}
}

// A digest in which one character differs is refused or matches nothing.
func TestFormatVectorsByteByByte(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	for _, v := range vectors {
		if strings.HasPrefix(v.format, "scrypt") || v.format == "keycloak" || len(v.digest) > 120 || strings.Contains(v.digest, "$870000$") || strings.Contains(v.digest, "m=65536") {
			continue // slow, and of the same parser as a quicker one
		}
		last := len(v.digest) - 1
		for last > 0 && v.digest[last] == '=' {
			last-- // padding may be there or not
		}
		if v.format == "bcrypt_peppered" {
			last = 59
		}
		// The last character of base64 has bits that mean nothing in some of them.
		spoiled := v.digest[:last-2] + swap(v.digest[last-2]) + v.digest[last-1:]
		stored, err := h.Import(v.format, spoiled)
		if err != nil {
			continue
		}
		if r := verify(t, h, stored, v.plain); r.OK {
			t.Errorf("%s takes %q for %s", v.format, v.plain, spoiled)
		}
	}
}

func swap(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

// The documentation shows an example of every format that is one of the
// vectors.
func TestFormatsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[vector]bool{}
	for _, v := range vectors {
		known[vector{v.format, v.digest, ""}] = true
	}
	examples := map[string]string{}
	for line := range strings.Lines(string(doc)) {
		if name, digest, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "//")), " "); ok {
			digest = strings.TrimSpace(digest)
			if known[vector{name, digest, ""}] {
				examples[name] = digest
			}
		}
	}
	for _, f := range password.Formats() {
		if examples[f.Name] == "" {
			t.Errorf("doc.go has no example of %s", f.Name)
		}
		if f.Form == "" {
			t.Errorf("%s has no form", f.Name)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	var h password.Hasher
	bcrypt := "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"
	key32 := strings.Repeat("ab", 32)
	firebase := func(rounds, cost string) string {
		return firebaseKey + "$42xEC+ixf3L2lw==$" + firebaseKey + "$Bw==$" + rounds + "$" + cost
	}
	for _, c := range []struct {
		format, digest string
		want           error
	}{
		{"", "5f4dcc3b5aa765d61d8327deb882cf99", password.ErrUnknownFormat},
		{"awscognito", "awscognito#a#b#c", password.ErrUnknownFormat},
		{strings.Repeat("x", 5000), "x", password.ErrUnknownFormat},
		{"bcrypt", "", password.ErrMalformed},
		{"bcrypt", bcrypt + "\n", password.ErrMalformed},
		{"bcrypt", "$2x" + bcrypt[3:], password.ErrMalformed},
		{"bcrypt", "$2b$03" + bcrypt[6:], password.ErrMalformed},
		{"bcrypt_peppered", bcrypt, password.ErrMalformed},
		{"bcrypt_peppered", bcrypt + "$", password.ErrMalformed},
		{"bcrypt_sha256_django", bcrypt, password.ErrMalformed},
		{"md5", "5f4dcc3b5aa765d61d8327deb882cf9", password.ErrMalformed},
		{"md5", "5f4dcc3b5aa765d61d8327deb882cf9g", password.ErrMalformed},
		{"md5_salted", "$5f4dcc3b5aa765d61d8327deb882cf99", password.ErrMalformed},
		{"sha256", key32[2:], password.ErrMalformed},
		{"sha512_symfony", "sha512_symfony$0$salt$" + key32, password.ErrMalformed},
		{"sha512_symfony", "sha512_symfony$1$sa{lt$N6g7NZd/oHxn1KzJBHpNIkrbiwg4smNct16MnImZphxNFeUEXlQWpvez3QBPpze+OMMvHGhN/XpIWRVWKRoA2A==", password.ErrMalformed},
		{"ldap_ssha", "{SSHA}" + "qUqP5cyxm6YcTAhz05Hph5gvu9M=", password.ErrMalformed}, // no salt
		{"ldap_ssha", "{SHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", password.ErrMalformed},
		{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L", password.ErrMalformed},
		{"phpass", "$P$.IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", password.ErrMalformed},
		{"phpass", "$P$9IQRaTwmfe:o7ud9Fh4E2PdI0S3r.L0", password.ErrMalformed},
		{"pbkdf2_sha256", "pbkdf2_sha256$1000$!$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", password.ErrMalformed},
		{"pbkdf2_sha256", "pbkdf2_sha256$1000$$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", password.ErrMalformed},
		{"pbkdf2_sha256", "pbkdf2_sha256$+1000$c2Fs$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", password.ErrMalformed},
		{"pbkdf2_sha256", "pbkdf2_sha256$1000$c2Fs$JgZryXe2", password.ErrMalformed},
		{"pbkdf2_sha1", "pbkdf2_sha1$1000$salt$" + key32 + "$20", password.ErrMalformed},
		{"scrypt_werkzeug", "scrypt:1000:8:1$salt$" + key32, password.ErrMalformed},
		{"scrypt_werkzeug", "pbkdf2:sha256:600000$salt$" + key32, password.ErrMalformed},
		{"scrypt_better_auth", "salt:" + key32, password.ErrMalformed},
		{"scrypt_lucia", ":" + key32 + key32, password.ErrMalformed},
		{"scrypt_firebase", "QUJD$42xEC+ixf3L2lw==$" + firebaseKey + "$Bw==$8$14", password.ErrMalformed},
		{"gotrue", "$argon2d$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g", password.ErrMalformed},
		{"gotrue", "$fbscrypt$v=2,n=14,r=8,p=1,ss=Bw==,sk=" + firebaseKey + "$C0sHCg9ek77hsg==$" + firebaseKey, password.ErrMalformed},
		{"gotrue", "$fbscrypt$v=1,n=14,r=8,p=2,ss=Bw==,sk=" + firebaseKey + "$C0sHCg9ek77hsg==$" + firebaseKey, password.ErrMalformed},
		{"keycloak", "{}", password.ErrMalformed},
		{"keycloak", keycloakOf("YrFxYlMuVqBnOrQ35zSmRM9cGK176eYtZ/8PY2oxxrw=", "c2FsdA==", `{"hashIterations":1000,"algorithm":"md5"}`), password.ErrMalformed},
		{"argon2i", vectors[0].digest, password.ErrMalformed},
		{"argon2id", "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", password.ErrMalformed},
		{"argon2id", "$argon2id$v=19$m=256,t=2,p=1,keyid=b25l$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", password.ErrUnknownPepper},
		{"md5_salted", strings.Repeat("x", 1024) + "$5f4dcc3b5aa765d61d8327deb882cf99", password.ErrMalformed},

		// A digest is no denial of service.
		{"bcrypt", "$2b$16" + bcrypt[6:], password.ErrParams},
		{"bcrypt_sha256_django", "bcrypt_sha256$$2b$31" + bcrypt[6:], password.ErrParams},
		{"bcrypt_peppered", "$2b$20" + bcrypt[6:] + "$pepper", password.ErrParams},
		{"phpass", "$P$JIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", password.ErrParams},
		{"pbkdf2_sha256", "pbkdf2_sha256$2147483647$c2Fs$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", password.ErrParams},
		{"pbkdf2_sha1", "pbkdf2_sha1$2100000$salt$" + key32, password.ErrParams}, // two blocks of 20 bytes
		{"pbkdf2_sha512_hex", "pbkdf2_sha512_hex$99999999$00$" + key32, password.ErrParams},
		{"sha512_symfony", "sha512_symfony$99999999$s$N6g7NZd/oHxn1KzJBHpNIkrbiwg4smNct16MnImZphxNFeUEXlQWpvez3QBPpze+OMMvHGhN/XpIWRVWKRoA2A==", password.ErrParams},
		{"scrypt_werkzeug", "scrypt:1073741824:8:1$salt$" + key32, password.ErrParams},
		{"scrypt_werkzeug", "scrypt:2:1073741824:1$salt$" + key32, password.ErrParams},
		{"scrypt_werkzeug", "scrypt:2:1:2147483647$salt$" + key32, password.ErrParams},
		{"scrypt_firebase", firebase("8", "31"), password.ErrParams},
		{"scrypt_firebase", firebase("8", "20"), password.ErrParams},
		{"scrypt_firebase", firebase("2147483647", "1"), password.ErrParams},
		{"argon2i", "$argon2i$v=19$m=2097152,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", password.ErrParams},
		{"argon2id", "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", password.ErrParams},
		{"keycloak", keycloakOf("YrFxYlMuVqBnOrQ35zSmRM9cGK176eYtZ/8PY2oxxrw=", "c2FsdA==", `{"hashIterations":2147483647,"algorithm":"pbkdf2-sha256"}`), password.ErrParams},
		{"keycloak", keycloakOf("YrFxYlMuVqBnOrQ35zSmRM9cGK176eYtZ/8PY2oxxrw=", "c2FsdHNhbHQ=", `{"hashIterations":1,"algorithm":"argon2","additionalParameters":{"memory":["9999999"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`), password.ErrParams},
	} {
		if stored, err := h.Import(c.format, c.digest); !errors.Is(err, c.want) || stored != "" {
			t.Errorf("%.20s %.80q: %q, %v, want %v", c.format, c.digest, stored, err, c.want)
		}
	}
	small := &password.Hasher{Pool: &password.Pool{Memory: 20 << 20}}
	if _, err := small.Import("scrypt_better_auth", strings.Repeat("ab", 16)+":"+strings.Repeat("ab", 64)); !errors.Is(err, password.ErrTooCostly) {
		t.Errorf("more than the pool has: %v", err)
	}
}

// What is weaker than our own is hashed anew, what is not is left alone.
func TestAttack_C18_ForeignRehash(t *testing.T) {
	strong := "$argon2id$v=19$m=65536,t=3,p=4$seHq3kAgYMgLTmlIQpopjw$R0ytfaPBZBP7rYj5o/fHlg" // key of 16 bytes
	pepper := []password.Pepper{{ID: "k1", Key: []byte("0123456789abcdef")}}
	for name, c := range map[string]struct {
		h      *password.Hasher
		rehash bool
	}{
		"stronger":      {&password.Hasher{Params: password.Params{Memory: 64, Time: 1, KeyLength: 16}}, false},
		"the same":      {&password.Hasher{Params: password.Params{Memory: 65536, Time: 3, KeyLength: 16}}, false},
		"short key":     {&password.Hasher{}, true},
		"more memory":   {&password.Hasher{Params: password.Params{Memory: 65537, Time: 1, KeyLength: 16}}, true},
		"more passes":   {&password.Hasher{Params: password.Params{Memory: 65536, Time: 4, KeyLength: 16}}, true},
		"salt":          {&password.Hasher{Params: password.Params{Memory: 64, Time: 1, KeyLength: 16, SaltLength: 17}}, true},
		"not peppered":  {&password.Hasher{Params: password.Params{Memory: 64, Time: 1, KeyLength: 16}, Peppers: pepper}, true},
		"more memory 2": {&password.Hasher{Params: password.Params{Memory: 131072, Time: 1, KeyLength: 16}}, true},
	} {
		if r := verify(t, c.h, imported(t, c.h, "argon2id", strong), "lètmein"); !r.OK || r.Rehash != c.rehash {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// A hash of ours from elsewhere comes with its pepper, and stays what it is.
	ours := &password.Hasher{Params: cheap, Peppers: pepper}
	hash := mustHash(t, ours, "correct horse")
	if stored := imported(t, ours, "argon2id", hash); stored != hash {
		t.Errorf("peppered hash is stored as %q", stored)
	}
	h := &password.Hasher{Params: cheap}
	if r := verify(t, h, imported(t, h, vectors[1].format, vectors[1].digest), vectors[1].plain); !r.Rehash {
		t.Errorf("%s is kept", vectors[1].format)
	}
}

// Systems normalise differently or not at all: the password is tried as it was
// typed, then normalised.
func TestAttack_C11_ForeignAsTypedFirst(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	composed := vector{"md5", "88a434c88cca4e900f7874cd98123f43", "lètmein"} // hashlib
	for _, typed := range []string{composed.plain, norm.NFD.String(composed.plain)} {
		if r := verify(t, h, imported(t, h, composed.format, composed.digest), typed); !r.OK {
			t.Errorf("%+q is refused", typed)
		}
	}
	decomposed := "c95d827a9e4d9e48b4618049ff1e9fb9" // hashlib, of "le\u0300tmein"
	if r := verify(t, h, imported(t, h, "md5", decomposed), "le\u0300tmein"); !r.OK {
		t.Error("what was typed there is refused")
	}
	if r := verify(t, h, imported(t, h, "md5", decomposed), "l\u00e8tmein"); r.OK {
		t.Error("a password that was never typed there is taken")
	}
}

// A digest that takes no time to check is not told by that, and neither is
// whether a password is the one of a digest that a made-up account works
// against.
func TestAttack_C02_QuickDigestsCostAsMuch(t *testing.T) {
	var h password.Hasher
	own, quick := mustHash(t, &h, "correct horse"), imported(t, &h, "md5", "88a434c88cca4e900f7874cd98123f43")
	least := func(f func()) time.Duration {
		best := time.Hour
		for range 3 {
			best = min(best, time.Duration(timed(f)))
		}
		return best
	}
	want := least(func() { verify(t, &h, own, "wrong") }) / 2
	only := &password.Hasher{}
	verify(t, only, quick, "wrong") // the one hash that it has seen
	for name, f := range map[string]func(){
		"wrong":            func() { verify(t, &h, quick, "wrong") },
		"made up":          func() { only.Dummy(t.Context(), "nobody@example.com", "wrong") },
		"made up, matches": func() { only.Dummy(t.Context(), "nobody@example.com", "lètmein") },
	} {
		if got := least(f); got < want {
			t.Errorf("%s: %v, where one of ours takes %v", name, got, 2*want)
		}
	}
}

func TestAttack_C10_ForeignBcrypt(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	pepper := "$" + strings.Repeat("a1b2", 32)
	digest := "$2b$04$XsEufWPBNdawSPM1aQ.ArucU8P5SvVAFXtLMImPgc5W6D1HS8b10a" + pepper
	for format, digest := range map[string]string{"bcrypt_peppered": digest, "bcrypt": digest[:60], "gotrue": digest[:60]} {
		_, err := h.Verify(t.Context(), imported(t, h, format, digest), strings.Repeat("x", 73))
		if !errors.Is(err, password.ErrTooLongForHash) {
			t.Errorf("%s: %v", format, err)
		}
	}
	// Django's variant cuts nothing: passlib's test has two that differ behind 72.
	for digest, plain := range map[string]string{
		"bcrypt_sha256$$2a$06$Tg/oYyZTyAf.Nb3qSgN61OySmyXA8FoY4PjGizjE1QSDfuL5MXNni": strings.Repeat("abc123", 12),
		"bcrypt_sha256$$2a$06$Tg/oYyZTyAf.Nb3qSgN61Ocy0BEz1RK6xslSNi8PlaLX2pe7x/KQG": strings.Repeat("abc123", 12) + "qwr",
		"bcrypt_sha256$$2a$06$Tg/oYyZTyAf.Nb3qSgN61OvY2zoRVUa2Pugv2ExVOUT2YmhvxUFUa": strings.Repeat("abc123", 12) + "xyz",
	} {
		stored := imported(t, h, "bcrypt_sha256_django", digest)
		if r := verify(t, h, stored, plain); !r.OK {
			t.Errorf("%s is refused", plain[60:])
		}
		if r := verify(t, h, stored, plain[:71]); r.OK {
			t.Errorf("%s matches cut short", plain[60:])
		}
	}
	for _, plain := range []string{"lètmein\x00", "lètmein\x00lètmein"} {
		if r := verify(t, h, imported(t, h, "bcrypt", "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"), plain); r.OK {
			t.Errorf("%q matches", plain)
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.format, v.digest)
	}
	f.Fuzz(func(t *testing.T, format, digest string) {
		var h password.Hasher
		stored, err := h.Import(format, digest)
		if (err == nil) != (stored != "") {
			t.Fatalf("%q and %v", stored, err)
		}
		for _, known := range []error{password.ErrUnknownFormat, password.ErrMalformed, password.ErrParams, password.ErrUnknownPepper, password.ErrTooCostly} {
			if errors.Is(err, known) {
				return
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
