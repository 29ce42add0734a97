package compat

import (
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// digests are of foreignPassword, as other systems keep it: see user/password
// for where they are from.
var digests = map[string]string{
	"argon2i":              "$argon2i$v=19$m=256,t=3,p=2$kz+1ckx96GhQ2Wuduyxpsg$upYHD2C+NNoUMQfgMPF12g",
	"bcrypt":               "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2",
	"bcrypt_sha256_django": "bcrypt_sha256$$2b$04$y34l5Js5hpXQI6njHZqTAukLZo6LaIErvSi6o7KprXDQ4To6y54HK",
	"ldap_ssha":            "{SSHA}UzCk2lH03CPi2bt9Ytd6uihrXArTuhfi",
	"md5":                  "88a434c88cca4e900f7874cd98123f43",
	"md5_phpass":           "$P$662jMHkQ7Lob2UxAiW9H.UFM88ZYBI.",
	"pbkdf2_sha1":          "pbkdf2_sha1$1000$seasalt$96395e538c01993b73fcca06e584f0c6933477b2d3f11351c3740181c168cb81",
	"pbkdf2_sha256":        "pbkdf2_sha256$1000$c2Vhc2FsdA==$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=",
	"pbkdf2_sha256_django": "pbkdf2_sha256$1000$seasalt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=",
	"scrypt_werkzeug": "scrypt:32768:8:1$seasaltseasalt16$be8154824e72bf2a22b730d28ac88254d3b0be29d80b5682f3113b3403bf20fd" +
		"6139a1c134e5281ac3544eb23ba97c5decc182cbe6c46636be062d43f5c2b25e",
	"sha256": "1af7ea1e8c993e69aa1fe000aedd64a4586cc74b978bf3b951eda5009d2eba2d",
}

const foreignPassword = "lètmein"

// TestGoSDKImport: users come along with digests by clerk-sdk-go, at creation
// and later.
func TestGoSDKImport(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, ctx, ok := user.NewClient(h.sdk()), t.Context(), must[*clerk.User](t)
	known := func(id string) bool {
		t.Helper()
		yes, err := c.VerifyPassword(ctx, &user.VerifyPasswordParams{UserID: id, Password: foreignPassword})
		if err != nil {
			refused(t, err, 422, "incorrect_password")
		}
		return err == nil && yes.Verified
	}
	for hasher, digest := range digests {
		u := ok(c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{hasher + "@example.com"},
			PasswordDigest: clerk.String(digest), PasswordHasher: clerk.String(hasher)}))
		if !u.PasswordEnabled || !known(u.ID) {
			t.Errorf("%s: the password of there is not taken", hasher)
		}
	}
	u := ok(c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"later@example.com"}, Password: clerk.String(password)}))
	if known(u.ID) {
		t.Fatal("a password that was never set is taken")
	}
	ok(c.Update(ctx, u.ID, &user.UpdateParams{PasswordDigest: clerk.String(digests["sha256"]), PasswordHasher: clerk.String("sha256")}))
	if !known(u.ID) {
		t.Error("the digest that came later is not taken")
	}
	_, err := c.Update(ctx, u.ID, &user.UpdateParams{PasswordDigest: clerk.String(digests["md5"]), PasswordHasher: clerk.String("sha256")})
	refused(t, err, 422, "form_password_digest_invalid_code")
	_, err = c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"x@example.com"}, PasswordDigest: clerk.String("x"), PasswordHasher: clerk.String("awscognito")})
	refused(t, err, 422, "form_password_digest_invalid_code")
}
