package auth_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/totp"
)

// A way is how somebody gets in, one request of the Frontend API after the
// other: what benchmarks and counts of statements go by.
type way struct {
	name  string
	set   func(*settings.Settings) // nil: as authtest has it
	given user.CreateParams        // the account; without addresses and numbers there is none
	arm   func(w *walk)            // gives the account more; nil: nothing
	steps []wayStep
}

// A wayStep is a request. {id} in its path is the attempt's.
type wayStep struct {
	name, path string
	// form is what is posted. nil: the browser follows where it is led instead,
	// by a mail or a provider, and is led on.
	form func(w *walk) url.Values
	// updates are its transactions that write: one, and one before it where a
	// try is counted before it is judged (C06), the state of a provider's flow is
	// used up before the provider is asked, or a challenge follows at once.
	updates int64
	leaves  string // the attempt's status
}

// form is a form that is known beforehand.
func form(pairs ...string) func(*walk) url.Values {
	return func(*walk) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
}

// coded adds the code that was sent last to a form.
func coded(pairs ...string) func(*walk) url.Values {
	return func(w *walk) url.Values {
		v := form(pairs...)(w)
		v.Set("code", w.code())
		return v
	}
}

const wayUser, wayName, wayPassword, wayNewPassword = "ada@example.com", "ada_lovelace", "violet-teapot-overture", "overture-teapot-violet"

var (
	plainUser    = user.CreateParams{EmailAddresses: []string{wayUser}, Password: wayPassword}
	bareUser     = user.CreateParams{EmailAddresses: []string{wayUser}, SkipPasswordRequirement: true}
	phoneUser    = user.CreateParams{PhoneNumbers: []string{adasPhone}, Password: wayPassword}
	namedUser    = user.CreateParams{EmailAddresses: []string{wayUser}, Username: wayName, Password: wayPassword}
	importedUser = user.CreateParams{EmailAddresses: []string{wayUser}, PasswordHasher: "md5", PasswordDigest: "473349de14aee00d7a356cd0c10c3366"}
)

const signIns, signUps = "/v1/client/sign_ins", "/v1/client/sign_ups"

// brought adds the ticket of the walk to a form.
func brought(pairs ...string) func(*walk) url.Values {
	return func(w *walk) url.Values {
		v := form(pairs...)(w)
		v.Set("strategy", "ticket")
		v.Set("ticket", w.ticket)
		return v
	}
}

// ways are all ways in.
var ways = []way{
	{name: "actor token", given: plainUser, arm: (*walk).armActorToken, steps: []wayStep{
		{"create", signIns, brought(), 1, "complete"},
	}},
	{name: "invitation", set: restricted, arm: (*walk).armInvitation, steps: []wayStep{
		{"create", signUps, brought("password", wayPassword), 1, "complete"},
	}},
	{name: "password, one call", given: plainUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser, "password", wayPassword), 2, "complete"},
	}},
	{name: "password", given: plainUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", form("strategy", "password", "password", wayPassword), 2, "complete"},
	}},
	{name: "password of elsewhere", given: importedUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser, "password", wayPassword), 2, "complete"},
	}},
	{name: "email_code", given: bareUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", "email_code"), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", coded("strategy", "email_code"), 2, "complete"},
	}},
	{name: "reset_password_email_code", given: plainUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", "reset_password_email_code"), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", coded("strategy", "reset_password_email_code"), 2, "needs_new_password"},
		{"reset", signIns + "/{id}/reset_password", form("password", wayNewPassword), 1, "complete"},
	}},
	{name: "email_link", set: linksOn, given: bareUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", "email_link", "redirect_url", "/"), 1, "needs_first_factor"},
		{"follow", "", nil, 1, "complete"},
	}},
	{name: "oauth", given: bareUser, steps: []wayStep{
		{"create", signIns, form("strategy", waySocial, "redirect_url", "/", "action_complete_redirect_url", "/"), 1, "needs_identifier"},
		{"follow", "", nil, 2, "complete"},
	}},
	{name: "ticket", given: bareUser, steps: []wayStep{
		{"create", signIns, ticketed, 1, "complete"},
	}},
	{name: "passkey", set: passkeysOn, given: bareUser, arm: (*walk).armPasskey, steps: []wayStep{
		{"create", signIns, form("strategy", "passkey"), 1, "needs_identifier"},
		{"attempt", signIns + "/{id}/attempt_first_factor", signed, 1, "complete"},
	}},
	{name: "password, then totp", set: secondsOn, given: plainUser, arm: (*walk).armSeconds, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser, "password", wayPassword), 2, "needs_second_factor"},
		{"attempt", signIns + "/{id}/attempt_second_factor", func(w *walk) url.Values {
			code, err := totp.Code(w.secret, totp.Step(time.Now()))
			if err != nil {
				w.t.Fatal(err)
			}
			return form("strategy", "totp", "code", code)(w)
		}, 2, "complete"},
	}},
	{name: "password, then backup_code", set: secondsOn, given: plainUser, arm: (*walk).armSeconds, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser, "password", wayPassword), 2, "needs_second_factor"},
		{"attempt", signIns + "/{id}/attempt_second_factor", func(w *walk) url.Values {
			return form("strategy", "backup_code", "code", w.backup)(w)
		}, 2, "complete"},
	}},
	{name: "username and password", set: usernamesOn, given: namedUser, steps: []wayStep{
		{"create", signIns, form("identifier", wayName, "password", wayPassword), 2, "complete"},
	}},
	{name: "phone_code", set: phonesOn, given: phoneUser, steps: []wayStep{
		{"create", signIns, form("identifier", adasPhone), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", "phone_code"), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", coded("strategy", "phone_code"), 2, "complete"},
	}},
	{name: "reset_password_phone_code", set: phonesOn, given: phoneUser, steps: []wayStep{
		{"create", signIns, form("identifier", adasPhone), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", "reset_password_phone_code"), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", coded("strategy", "reset_password_phone_code"), 2, "needs_new_password"},
		{"reset", signIns + "/{id}/reset_password", form("password", wayNewPassword), 1, "complete"},
	}},
	{name: "password, then phone_code", set: phonesOn, given: plainUser, arm: (*walk).armSecondPhone, steps: []wayStep{
		{"create", signIns, form("identifier", wayUser, "password", wayPassword), 2, "needs_second_factor"},
		{"prepare", signIns + "/{id}/prepare_second_factor", form("strategy", "phone_code"), 1, "needs_second_factor"},
		{"attempt", signIns + "/{id}/attempt_second_factor", coded("strategy", "phone_code"), 2, "complete"},
	}},
	{name: "sign-up by phone", set: phonesOn, steps: []wayStep{
		{"create", signUps, form("phone_number", adasPhone, "password", wayPassword), 1, "missing_requirements"},
		{"prepare", signUps + "/{id}/prepare_verification", form("strategy", "phone_code"), 1, "missing_requirements"},
		{"attempt", signUps + "/{id}/attempt_verification", coded("strategy", "phone_code"), 1, "complete"},
	}},
	{name: "sign-up by passkey", set: passkeyAlone, arm: (*walk).armDevice, steps: []wayStep{
		{"create", signUps, form("email_address", wayUser, "strategy", "passkey"), 2, "missing_requirements"},
		{"attempt", signUps + "/{id}/attempt_passkey", created, 1, "complete"},
	}},
	{name: "sign-in that becomes a sign-up, email_code", set: noPasswords, steps: becomes("identifier", wayUser, "email_code")},
	{name: "sign-in that becomes a sign-up, phone_code", set: func(s *settings.Settings) { phonesOn(s); noPasswords(s) }, steps: becomes("identifier", adasPhone, "phone_code")},
	{name: "sign-up", steps: []wayStep{
		{"create", signUps, form("email_address", wayUser, "password", wayPassword), 1, "missing_requirements"},
		{"prepare", signUps + "/{id}/prepare_verification", form("strategy", "email_code"), 1, "missing_requirements"},
		{"attempt", signUps + "/{id}/attempt_verification", coded("strategy", "email_code"), 1, "complete"},
	}},
}

// becomes is a sign-in of somebody whom nobody knows.
func becomes(field, value, strategy string) []wayStep {
	return []wayStep{
		{"create", signIns, form(field, value, "sign_up_if_missing", "true"), 1, "needs_first_factor"},
		{"prepare", signIns + "/{id}/prepare_first_factor", form("strategy", strategy), 1, "needs_first_factor"},
		{"attempt", signIns + "/{id}/attempt_first_factor", coded("strategy", strategy), 2, "sign_up_if_missing_transfer"},
		{"transfer", signUps, form("transfer", "true"), 1, "complete"},
	}
}

// A walk is one browser on one way. Nothing runs in the background: what is
// counted or measured is of its requests.
type walk struct {
	t       testing.TB
	a       *auth.Auth
	h       http.Handler
	store   store.Store
	cookies map[string]string
	attempt string
	userID  string

	secret []byte              // of the authenticator app
	backup string              // a backup code
	device *passkeytest.Device // with a passkey
	nonce  string              // what the device is asked to sign
	social *oauthtest.Server   // a provider at which the user has an account
	away   string              // where that wants the browser
	ticket string              // of a link that the host made
}

// newWalk is an instance on st for the given way.
func newWalk(t testing.TB, way way, st store.Store, change func(*auth.Config)) *walk {
	t.Helper()
	set := authtest.Settings()
	if way.set != nil {
		way.set(set)
	}
	c := auth.Config{Store: st, Settings: set, LockSettings: true, Passwords: authtest.CheapPasswords(),
		KeySchedule: token.Schedule{Algorithm: token.ES256}}
	if change != nil {
		change(&c)
	}
	provider := newProvider(t)
	c.Social = []oauth.Provider{provider.Provider()}
	a, err := auth.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(way.steps[0].path, signUps) { // the first new password unpacks the lists of common ones
		first := user.CreateParams{EmailAddresses: []string{"first@example.com"}, Password: wayPassword}
		if _, err := a.Users().Create(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	w := &walk{t: t, a: a, h: a.Handler(), store: st, cookies: map[string]string{}, social: provider}
	if len(way.given.EmailAddresses)+len(way.given.PhoneNumbers) > 0 {
		u, err := a.Users().Create(t.Context(), way.given)
		if err != nil {
			t.Fatal(err)
		}
		w.userID = u.ID
	}
	if way.arm != nil {
		way.arm(w)
	}
	return w
}

// request is what the browser sends for a step.
func (w *walk) request(s wayStep) *http.Request {
	if s.form == nil {
		r := httptest.NewRequest("GET", w.lead(), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		return w.known(r)
	}
	r := httptest.NewRequest("POST", "/__clerk"+strings.Replace(s.path, "{id}", w.attempt, 1)+"?__clerk_api_version=2025-11-10",
		strings.NewReader(s.form(w).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://localhost")
	return w.known(r)
}

// known adds what the browser sends with every request.
func (w *walk) known(r *http.Request) *http.Request {
	r.Host = "localhost"
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// take reads an answer and checks where the attempt is then.
func (w *walk) take(s wayStep, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	var answer struct {
		Response struct {
			ID, Status string
			First      struct {
				Nonce string
				URL   string `json:"external_verification_redirect_url"`
			} `json:"first_factor_verification"`
			Passkey struct{ Nonce string }
		}
		Errors []struct{ Code string }
	}
	for _, c := range rec.Result().Cookies() {
		w.cookies[c.Name] = c.Value
	}
	if s.form == nil { // led on to the host's page
		if rec.Code != http.StatusSeeOther || !w.signedIn() {
			w.t.Fatalf("%s: %d to %q", s.name, rec.Code, rec.Header().Get("Location"))
		}
		return
	}
	err := json.Unmarshal(rec.Body.Bytes(), &answer)
	if err == nil && rec.Code == http.StatusNotFound && answer.Errors[0].Code == s.leaves { // the code is right, and nobody's
		return
	}
	if err != nil || rec.Code != http.StatusOK || answer.Response.Status != s.leaves {
		w.t.Fatalf("%s: %d %s, want %s", s.name, rec.Code, rec.Body, s.leaves)
	}
	w.attempt, w.nonce, w.away = answer.Response.ID, cmp.Or(answer.Response.First.Nonce, answer.Response.Passkey.Nonce), answer.Response.First.URL
}

// signedIn reports whether the user has a session.
func (w *walk) signedIn() bool {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	list, _, err := w.a.Sessions().List(ctx, session.Filter{UserID: w.userID}, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list) == 1
}

var codeInMail, linkInMail = regexp.MustCompile(`"otp_code":"(\d{6})"`), regexp.MustCompile(`"action_url":"([^"]+)"`)

// code is the newest one in the outbox.
func (w *walk) code() string { return w.mailed(codeInMail) }

// mailed is what the newest mail has that has it.
func (w *walk) mailed(what *regexp.Regexp) string {
	w.t.Helper()
	code := ""
	ctx := context.WithoutCancel(w.t.Context())
	err := w.store.View(ctx, func(tx store.Tx) error {
		list, err := tx.Find(ctx, store.Query{Kind: &store.Kind{Name: "outbox"}})
		for _, r := range list {
			if m := what.FindSubmatch(r.Data); m != nil {
				code = string(m[1])
			}
		}
		return err
	})
	if err != nil || code == "" {
		w.t.Fatalf("nothing was sent: %v", err)
	}
	return code
}
