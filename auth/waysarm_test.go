package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/passkey"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/totp"
)

func linksOn(s *settings.Settings) { s.EmailAddress.Strategies = []string{"email_code", "email_link"} }

func passkeysOn(s *settings.Settings) { s.Passkeys.Enabled = true }

func secondsOn(s *settings.Settings) { s.SecondFactors.TOTP, s.SecondFactors.BackupCodes = true, true }

func usernamesOn(s *settings.Settings) { s.Username.Enabled = true }

func phonesOn(s *settings.Settings) {
	s.PhoneNumber, s.Phones.SecondFactor, s.EmailAddress.Required = settings.PhoneCodes(), true, false
}

// armSecondPhone adds a number that only proves the second step.
func (w *walk) armSecondPhone() {
	w.t.Helper()
	n, err := w.a.Users().AddPhoneNumber(w.t.Context(), w.userID, adasPhone, true, false)
	if err == nil {
		_, err = w.a.Users().SetSecondFactor(w.t.Context(), w.userID, n.ID, true)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func restricted(s *settings.Settings) { s.SignUp.Mode = settings.Restricted }

// armed keeps the ticket that the host made.
func (w *walk) armed(i auth.Issued, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.ticket = i.Token
}

func (w *walk) armActorToken() {
	_, i, err := w.a.ActorTokens().Create(w.t.Context(), w.userID, json.RawMessage(`{"sub":"user_support"}`), 0, 0)
	w.armed(i, err)
}

func (w *walk) armInvitation() {
	_, i, err := w.a.Invitations().Create(w.t.Context(), auth.InvitationParams{EmailAddress: wayUser, Quiet: true})
	w.armed(i, err)
}

// change stores what fn makes of the user.
func (w *walk) change(fn func(tx store.Tx, u *user.User, now time.Time) error) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx store.Tx) error {
		u, err := user.Get(w.t.Context(), tx, w.userID)
		if err != nil {
			return err
		}
		now := time.Now()
		if err := fn(tx, u, now); err != nil {
			return err
		}
		return user.Put(w.t.Context(), tx, u, now)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// armSeconds gives the user an authenticator app and backup codes.
func (w *walk) armSeconds() {
	w.t.Helper()
	codes := backupcode.Draw()
	hashed, err := backupcode.Hash(w.t.Context(), &password.Hasher{Params: backupcode.Params()}, codes)
	if err != nil {
		w.t.Fatal(err)
	}
	w.secret, w.backup = totp.NewSecret(), codes[0]
	w.change(func(tx store.Tx, u *user.User, now time.Time) error {
		f, err := user.SecondFactorsOf(w.t.Context(), tx, u.ID)
		if err != nil {
			return err
		}
		f.TOTP = &user.TOTP{ID: store.NewID("totp", now), Secret: w.secret, CreatedAt: now, VerifiedAt: now}
		f.BackupCodes, f.BackupID = hashed, store.NewID("bkc", now)
		return user.PutSecondFactors(w.t.Context(), tx, u, f, now)
	})
}

// passkeyAlone lets people sign up with a passkey and nothing else.
func passkeyAlone(s *settings.Settings) {
	passkeysOn(s)
	s.Passkeys.SignUp, s.Password.Required, s.EmailAddress.VerifyAtSignUp = true, false, false
}

func noPasswords(s *settings.Settings) { s.Password.Required = false }

// armDevice gives the browser a device that has no passkey yet.
func (w *walk) armDevice() { w.device = passkeytest.New(wayOrigin) }

// created is what the device makes.
func created(w *walk) url.Values {
	w.t.Helper()
	answer, err := w.device.Create([]byte(w.nonce))
	if err != nil {
		w.t.Fatal(err)
	}
	return form("public_key_credential", string(answer))(w)
}

const wayOrigin = "http://localhost"

// armPasskey gives the user a passkey.
func (w *walk) armPasskey() {
	w.t.Helper()
	w.device = passkeytest.New(wayOrigin)
	site := passkey.RelyingParty{ID: "localhost", Name: "x", Origins: []string{wayOrigin}}
	ceremony, options, err := site.Register(passkey.Person{Handle: w.userID, Name: wayUser}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := w.device.Create(options)
	if err != nil {
		w.t.Fatal(err)
	}
	made, err := site.Registered(ceremony, answer, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	made.ID = user.NewPasskeyID(time.Now())
	w.change(func(_ store.Tx, u *user.User, _ time.Time) error {
		u.Passkeys = append(u.Passkeys, made)
		return nil
	})
}

const waySocial = "oauth_custom_fake"

// newProvider is a service at which people have accounts. It has made its key,
// which is no part of what a sign-in costs.
func newProvider(t testing.TB) *oauthtest.Server {
	t.Helper()
	var s *oauthtest.Server
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	s, err := oauthtest.New(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(srv.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return s
}

// lead is where a mail or a provider sends the browser.
func (w *walk) lead() string {
	w.t.Helper()
	if w.away == "" {
		at, err := url.Parse(strings.ReplaceAll(w.mailed(linkInMail), `\u0026`, "&"))
		if err != nil {
			w.t.Fatal(err)
		}
		return at.RequestURI()
	}
	to, err := w.social.Answer(w.away, &oauthtest.Person{EmailAddress: wayUser, EmailVerified: true, Name: "Ada"})
	if err != nil {
		w.t.Fatal(err)
	}
	at, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return at.RequestURI()
}

// signed is the answer of the device.
func signed(w *walk) url.Values {
	w.t.Helper()
	answer, err := w.device.Get([]byte(w.nonce))
	if err != nil {
		w.t.Fatal(err)
	}
	return form("strategy", "passkey", "public_key_credential", string(answer))(w)
}

// ticketed is a sign-in by a token of the host.
func ticketed(w *walk) url.Values {
	w.t.Helper()
	_, issued, err := w.a.SignInTokens().Create(w.t.Context(), w.userID, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return form("strategy", "ticket", "ticket", issued.Token)(w)
}
