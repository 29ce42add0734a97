package auth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/totp"
)

// enrolled is a user with every factor there is, and what opens each.
type enrolled struct {
	*authtest.Instance
	t       *testing.T
	ada     *user.User
	own     *http.Client // where they were set up
	secret  []byte
	codes   []string
	device  *passkeytest.Device
	passkey string
}

func withPasskeys(c *auth.Config) {
	s := authtest.Settings()
	s.Passkeys.Enabled = true
	c.Settings = s
}

func enroll(t *testing.T, changes ...func(*auth.Config)) *enrolled {
	i := start(t, append([]func(*auth.Config){withPasskeys}, changes...)...)
	e := &enrolled{Instance: i, t: t, device: passkeytest.New(i.Server.URL)}
	var err error
	e.ada, err = i.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: adasPassword})
	if err != nil {
		t.Fatal(err)
	}
	e.own = i.SignedIn(t, e.ada)
	var made struct{ Secret string }
	e.me(e.own, "/v1/me/totp", "", &made)
	if e.secret, err = base32.StdEncoding.DecodeString(made.Secret); err != nil {
		t.Fatal(err)
	}
	var done struct {
		BackupCodes []string `json:"backup_codes"`
	}
	e.me(e.own, "/v1/me/totp/attempt_verification", "code="+e.code(), &done)
	e.codes = done.BackupCodes
	e.Clock.Advance(totp.Period)
	var key struct {
		ID           string
		Verification struct{ Nonce string }
	}
	e.me(e.own, "/v1/me/passkeys", "", &key)
	answer, err := e.device.Create([]byte(key.Verification.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	e.me(e.own, "/v1/me/passkeys/"+key.ID+"/attempt_verification", "public_key_credential="+url.QueryEscape(string(answer)), nil)
	e.passkey = key.ID
	return e
}

func (e *enrolled) code() string {
	c, err := totp.Code(e.secret, totp.Step(e.Clock.Now()))
	if err != nil {
		e.t.Fatal(err)
	}
	return c
}

// me posts a form and decodes what it is answered.
func (e *enrolled) me(c *http.Client, path, form string, into any) int {
	e.t.Helper()
	res, body := do(e.t, c, "POST", e.Server.URL+"/__clerk"+path, form, "Content-Type", "application/x-www-form-urlencoded", "Origin", e.Server.URL)
	if into != nil {
		if err := json.Unmarshal([]byte(body), &struct{ Response any }{into}); err != nil || res.StatusCode != 200 {
			e.t.Fatalf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	return res.StatusCode
}

// Whichever factor is taken away, and whoever does it: sign-ins under way and
// the other sessions end; the session in which it is done lives.
func TestAttack_S04_EveryFactorRemoved(t *testing.T) {
	for name, remove := range map[string]func(e *enrolled) (self bool){
		"authenticator app": func(e *enrolled) bool { e.me(e.own, "/v1/me/totp?_method=DELETE", "", nil); return true },
		"passkey": func(e *enrolled) bool {
			e.me(e.own, "/v1/me/passkeys/"+e.passkey+"?_method=DELETE", "", nil)
			return true
		},
		"reset by the host": func(e *enrolled) bool {
			must(e.t)(e.Users().ResetSecondFactors(e.t.Context(), e.ada.ID))
			return false
		},
		"passkey, by the host": func(e *enrolled) bool {
			must(e.t)(e.Users().DeletePasskey(e.t.Context(), e.ada.ID, e.passkey))
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enroll(t)
			thief, under := e.SignedIn(t, e.ada), authtest.NewClient(t)
			var a struct{ ID string }
			e.me(under, "/v1/client/sign_ins", "identifier=ada@example.com&password="+url.QueryEscape(adasPassword), &a)
			self := remove(e)
			if _, body := do(t, thief, "GET", e.Server.URL+"/open", ""); body == e.ada.ID+"|" {
				t.Error("the other session lives")
			}
			if _, body := do(t, e.own, "GET", e.Server.URL+"/open", ""); (body == e.ada.ID+"|") != self {
				t.Errorf("the own session: %q", body)
			}
			if got := e.me(under, "/v1/client/sign_ins/"+a.ID+"/attempt_second_factor", "strategy=backup_code&code="+e.codes[1], nil); got == 200 {
				t.Error("the sign-in under way goes on")
			}
		})
	}
}

func TestHostAndFactors(t *testing.T) {
	e := enroll(t)
	ctx, us := t.Context(), e.Users()
	for _, c := range []struct {
		code string
		want bool
	}{{e.code(), true}, {e.code(), false}, {e.codes[0], true}, {e.codes[0], false}, {"", false}, {"000000", false}} {
		if got, err := us.CheckCode(ctx, e.ada.ID, c.code); err != nil || got != c.want {
			t.Errorf("%q: %v %v", c.code, got, err)
		}
	}
	u, err := us.Get(ctx, e.ada.ID)
	if err != nil || len(u.Passkeys) != 1 || u.Passkeys[0].ID != e.passkey {
		t.Fatal(err, u.Passkeys)
	}
	if _, err := us.DeletePasskey(ctx, e.ada.ID, "idn_x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such passkey: %v", err)
	}
	u, err = us.ResetSecondFactors(ctx, e.ada.ID)
	if err != nil || u.TwoFactorEnabled() || u.BackupCodeEnabled || len(u.Passkeys) != 1 {
		t.Errorf("%v %+v", err, u)
	}
	_, err = us.CheckCode(ctx, e.ada.ID, e.code())
	if refused, ok := errors.AsType[*auth.Error](err); !ok || refused.Code != "totp_disabled" {
		t.Errorf("without an app: %v", err)
	}
}

// Whoever reads the database learns neither a secret nor a code, and with a
// keyring not even a hash.
func TestAttack_P09_NothingToRead(t *testing.T) {
	st := memory.New()
	key := make([]byte, 32)
	rand.Read(key)
	keys, err := store.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	e := enroll(t, func(c *auth.Config) { c.Store, c.Keyring = st, keys })
	err = st.View(t.Context(), func(tx store.Tx) error {
		r, err := tx.Get(t.Context(), user.SecondFactorKind, e.ada.ID)
		if err != nil {
			return err
		}
		for _, what := range append(e.codes, base64.StdEncoding.EncodeToString(e.secret), "argon2id") {
			if bytes.Contains(r.Data, []byte(what)) {
				t.Errorf("%q is in the store", what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := e.Users().CheckCode(t.Context(), e.ada.ID, e.codes[0]); err != nil || !ok {
		t.Errorf("a code: %v %v", ok, err)
	}
}

// Browsers know passkeys by the name of a host.
func TestPasskeysNeedAName(t *testing.T) {
	for at, good := range map[string]bool{"http://127.0.0.1:8080": false, "http://[::1]:8080": false, "http://localhost:8080": true, "": true} {
		s := authtest.Settings()
		s.Passkeys.Enabled = true
		_, err := auth.New(t.Context(), auth.Config{Store: memory.New(), URL: at, Settings: s, Passwords: authtest.CheapPasswords()})
		if (err == nil) != good {
			t.Errorf("%q: %v", at, err)
		}
	}
}

// Pages of other origins that the host allows may use its passkeys, and
// browsers are told so at the root of the site.
func TestRelatedOrigins(t *testing.T) {
	i := start(t, withPasskeys, func(c *auth.Config) {
		c.URL, c.AllowedOrigins = "https://example.com", []string{"https://example.org"}
	})
	res, body := do(t, authtest.NewClient(t), "GET", i.Server.URL+"/.well-known/webauthn", "", "Host", "example.com")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" || strings.TrimSpace(body) != `{"origins":["https://example.com","https://example.org"]}` {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	off := start(t)
	if res, _ := do(t, authtest.NewClient(t), "GET", off.Server.URL+"/.well-known/webauthn", ""); res.StatusCode != 404 {
		t.Errorf("off: %d", res.StatusCode)
	}
}

// Somebody has lost the phone: the host resets the second factors.
func ExampleUsers_ResetSecondFactors() {
	reset := func(a *auth.Auth, r *http.Request) error {
		u, err := a.Users().ResetSecondFactors(r.Context(), r.PathValue("user"))
		if err == nil {
			fmt.Println(u.TwoFactorEnabled())
		}
		return err
	}
	_ = reset
	// Output:
}
