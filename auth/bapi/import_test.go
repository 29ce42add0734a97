package bapi_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// digests are of "lètmein", as other systems keep it: see package password for
// where they are from.
var digests = []struct{ hasher, digest string }{
	{"argon2i", "$argon2i$v=19$m=256,t=3,p=2$kz+1ckx96GhQ2Wuduyxpsg$upYHD2C+NNoUMQfgMPF12g"},
	{"bcrypt", "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"},
	{"bcrypt_sha256_django", "bcrypt_sha256$$2b$04$y34l5Js5hpXQI6njHZqTAukLZo6LaIErvSi6o7KprXDQ4To6y54HK"},
	{"bcrypt_peppered", "$2b$04$7QkqLzN/UP9tnrB2eyJBXendXsUCJ3BKWOB6w1WJcwFg1MROBP2sS$short"},
	{"md5", "88a434c88cca4e900f7874cd98123f43"},
	{"md5_salted", "NaCl$f35b863d8f174ecf9ce1ce4e034b930f"},
	{"md5_phpass", "$P$662jMHkQ7Lob2UxAiW9H.UFM88ZYBI."},
	{"sha256", "1af7ea1e8c993e69aa1fe000aedd64a4586cc74b978bf3b951eda5009d2eba2d"},
	{"sha256_salted", "NaCl$cbc68d120dcfcaced236a717e2a8756f8f184ccbb40a75189bf8b5cfe353b63d"},
	{"sha512_symfony", "sha512_symfony$5000$seasalt$2cxPdH49fKsXTKWbAYYmcKBReVPGOCASn9wDFyzbUdf+QA7gI4gTMDexgQZU5+AegZjCn+b93GvqTGbIUviCPg=="},
	{"ldap_ssha", "{SSHA}UzCk2lH03CPi2bt9Ytd6uihrXArTuhfi"},
	{"phpass", "$P$66ainm0rLaKrCYOuXkWQj2i0s/FzsB."},
	{"pbkdf2_sha1", "pbkdf2_sha1$1000$seasalt$96395e538c01993b73fcca06e584f0c6933477b2d3f11351c3740181c168cb81"},
	{"pbkdf2_sha256", "pbkdf2_sha256$1000$c2Vhc2FsdA==$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A="},
	{"pbkdf2_sha256_django", "pbkdf2_sha256$1000$seasalt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A="},
	{"pbkdf2_sha512", "pbkdf2_sha512$1000$seasalt$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44"},
	{"pbkdf2_sha512_hex", "pbkdf2_sha512_hex$1000$73656173616c74$32fa58cd16fdb7c20750ed54edc09c18f7c8f892dc15104e51b92dcbebc7997ccca063b71069f9643c45c2490e1d54f9e44973dd0733b36f853690ca523bff44"},
	{"scrypt_werkzeug", "scrypt:32768:8:1$seasaltseasalt16$be8154824e72bf2a22b730d28ac88254d3b0be29d80b5682f3113b3403bf20fd6139a1c134e5281ac3544eb23ba97c5decc182cbe6c46636be062d43f5c2b25e"},
	{"scrypt_better_auth", "5aa21a1ce1f1e3183c7087c47885b184:5cfe415870d56b9e9e8d6684a2af1f9218895ae9e13423de8c7663652b84aa5dfd36263e1303253aff22f97eea1c6c2e317f0107a565b60d5414a134aa1894ba"},
	{"scrypt_lucia", "s2:30csrukpvzj3548l:14402b08f1afae0b707ec234f658fe7c39c8325247991535e7d3bb057124149841e21e86d7015593875ba274bb206b246a764a8114e0a3623f3805a4c203f8e2"},
	{"gotrue", "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"},
	{"keycloak", `{"secretData":"{\"value\":\"ybJHpGrJWhs4LImjx0GRtSdR5xilwB3BnBveZB7Hc+0a5LUJEHbU53wtKP1vGk3Cf3S9Qk64owinPovOEXjxSw==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha512\"}"}`},
}

// TestAttack_C18_ImportedHashes: who comes from another system signs in with
// the password of there, and the digest is gone with that.
func TestAttack_C18_ImportedHashes(t *testing.T) {
	st := memory.New()
	r := newRig(t, rigConfig{store: st})
	stored := func(id string) (hash string) {
		t.Helper()
		err := st.View(t.Context(), func(tx store.Tx) error {
			p, err := user.GetPassword(t.Context(), tx, id)
			if err == nil {
				hash = p.Hash
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	signIn := func(email, pw string) error {
		b := &engine.Browser{Request: engine.Request{Addr: netip.MustParseAddr("203.0.113.7")}}
		a, err := r.engine.CreateSignIn(t.Context(), b, engine.SignInParams{Identifier: email, Password: &pw})
		if err == nil && a.Status != signin.Complete {
			t.Errorf("%s: %s", email, a.Status)
		}
		return err
	}
	for _, d := range digests {
		email := d.hasher + "@example.com"
		id := r.newUser(email, fields{"password": nil, "password_digest": d.digest, "password_hasher": d.hasher})
		if got := stored(id); got != d.hasher+":"+d.digest {
			t.Errorf("%s is stored as %q", d.hasher, got)
		}
		r.refused("POST", "/v1/users/"+id+"/verify_password", fields{"password": "letmein"}, 422, "incorrect_password")
		if err := signIn(email, "letmein"); err == nil {
			t.Errorf("%s: a wrong password signs in", d.hasher)
		}
		if got := stored(id); got != d.hasher+":"+d.digest {
			t.Errorf("%s: a wrong password changes what is stored to %q", d.hasher, got)
		}
		r.must("POST", "/v1/users/"+id+"/verify_password", fields{"password": "lètmein"})
		for range 2 {
			if err := signIn(email, "lètmein"); err != nil {
				t.Errorf("%s: %v", d.hasher, err)
			}
			if got := stored(id); !strings.HasPrefix(got, "$argon2id$v=19$m=64,t=1,p=1$") {
				t.Errorf("%s stays %q", d.hasher, got)
			}
		}
	}
}

// What cannot be read is refused with the field that is to blame, at creation
// and at change.
func TestImportedHashesAreJudged(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	for _, c := range []struct{ hasher, digest, param, code string }{
		{"awscognito", "awscognito#a#b#c", "password_hasher", "form_password_digest_invalid_code"},
		{"MD5", "5f4dcc3b5aa765d61d8327deb882cf99", "password_hasher", "form_password_digest_invalid_code"},
		{"md5", "5f4dcc3b", "password_digest", "form_password_digest_invalid_code"},
		{"pbkdf2_sha256_django", "pbkdf2_sha256$999999999$salt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", "password_digest", "form_password_digest_invalid_code"},
		{"scrypt_werkzeug", "scrypt:1073741824:8:1$salt$" + strings.Repeat("ab", 64), "password_digest", "form_password_digest_invalid_code"},
		{"bcrypt", "$2b$31$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2", "password_digest", "form_password_digest_invalid_code"},
		{strings.Repeat("x", 65), "x", "password_hasher", "form_param_value_too_large"},
	} {
		body := fields{"password_digest": c.digest, "password_hasher": c.hasher}
		if a := r.refused("PATCH", "/v1/users/"+id, body, 422, c.code); a.param() != c.param {
			t.Errorf("%s: blames %q", c.hasher, a.param())
		}
		body["email_address"] = []string{"new@example.com"}
		r.refused("POST", "/v1/users", body, 422, c.code)
	}
	// A hasher alone is no password.
	r.must("PATCH", "/v1/users/"+id, fields{"password_hasher": "md5"})
	r.must("POST", "/v1/users/"+id+"/verify_password", fields{"password": goodPassword})
}
