package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/signin"
)

const byPasskey = "passkey"

// A PasskeyForm runs a ceremony by the script, which shows it: without scripts
// there are no passkeys.
type PasskeyForm struct {
	// Action takes the answer, Options tells the challenge.
	Action, Options string
	// Kind is create or get, Label what the button says.
	Kind, Label string
	// Autofill offers passkeys in the field of the identifier as well; Quiet
	// offers them only there.
	Autofill, Quiet bool
	// Attempt is the sign-in or sign-up that goes on; empty: one begins.
	Attempt string
}

// A PasskeyItem is a passkey of a profile.
type PasskeyItem struct {
	ID, Name string
	Added    time.Time
	Used     string // how long ago, in words; empty: never
}

// passkeyForm puts a ceremony on a page, and lets the page run our script and
// ask us for challenges.
func (x *exchange) passkeyForm(pg *Page, f PasskeyForm) {
	pg.Passkey = &f
	pg.Script, pg.Nonce = x.p.site.PagesPath+x.p.script.path, httpx.NewNonce()
	h := x.p.headers
	h.Nonce, h.SelfConnect = pg.Nonce, true
	x.w.Header().Set("Content-Security-Policy", h.Policy())
}

// signInPasskey offers passkeys on a page of a sign-in that is under way, or
// begins.
func (x *exchange) signInPasskey(pg *Page, attempt string) {
	k := x.settings.Passkeys
	if !k.Enabled || attempt == "" && !k.ShowSignInButton && !k.AllowAutofill {
		return
	}
	x.passkeyForm(pg, PasskeyForm{Kind: "get", Action: x.url("/sign-in/passkey"), Options: x.url("/sign-in/passkey/options"),
		Label: "Sign in with a passkey", Autofill: attempt == "" && k.AllowAutofill, Quiet: attempt == "" && !k.ShowSignInButton, Attempt: attempt})
}

// tell answers the script.
func (x *exchange) tell(id, options string, err error) error {
	status, answer := http.StatusOK, map[string]any{"id": id, "options": json.RawMessage(options)}
	if err != nil {
		f := fault.From(err)
		if f.Status() >= 500 {
			x.p.engine.Log().ErrorContext(x.ctx(), "pages: no challenge", "err", err)
		}
		x.retryAfter(f.RetryAfter)
		status, answer = f.Status(), map[string]any{"error": text(f)}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	x.cookies()
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	if _, err := x.w.Write(body); err != nil {
		x.p.engine.Log().DebugContext(x.ctx(), "pages: answer not sent", "err", err)
	}
	return nil
}

// postSignInPasskeyOptions draws the challenge for a sign-in: of the one under
// way, or of a new one by whoever has a passkey.
func postSignInPasskeyOptions(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("attempt")
	if err := f.Err(); err != nil {
		return err
	}
	var a *signin.Attempt
	if id == "" {
		a, err = x.p.engine.CreateSignIn(x.ctx(), x.b, engine.SignInParams{Strategy: byPasskey})
	} else {
		a, err = x.p.engine.PrepareSignIn(x.ctx(), x.b, id, factor.First, byPasskey, "")
	}
	if err != nil {
		return x.tell("", "", err)
	}
	return x.tell(a.ID, a.First.Nonce, nil)
}

// postSignInPasskey takes the answer of a device.
func postSignInPasskey(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("id")
	credential, _ := f.String("credential")
	if err := f.Err(); err != nil {
		return err
	}
	a, err := x.p.engine.AttemptSignIn(x.ctx(), x.b, id, factor.First, byPasskey, factor.Proof{Credential: credential})
	switch {
	case err == nil:
		return x.proceed(a)
	case errors.Is(err, fault.New("session_exists", "")):
		return x.redirect("/sign-in", "")
	case over(err):
		return x.redirect("/sign-in", "restart")
	}
	pg := x.page()
	if _, err := x.signedInAlready(pg); err != nil {
		return err
	}
	x.signInPasskey(pg, "")
	pg.Passkey.Autofill = false // who has just been refused is asked, not offered
	return x.refuse("sign_in", pg, err)
}

// postPasskeyOptions draws the challenge for a new passkey of the account.
func postPasskeyOptions(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return x.tell("", "", err)
	}
	id, v, err := x.p.engine.CreatePasskey(x.ctx(), a)
	if err != nil {
		return x.tell("", "", err)
	}
	return x.tell(id, v.Nonce, nil)
}

func postPasskey(x *exchange, a *engine.Actor, f *httpx.Form) error {
	id, _ := f.String("id")
	credential, _ := f.String("credential")
	if err := f.Err(); err != nil {
		return err
	}
	if _, err := x.p.engine.AttemptPasskey(x.ctx(), a, id, factor.Proof{Credential: credential}); err != nil {
		return x.refuseUser(a, "passkeys", nil, err)
	}
	return x.redirect("/user", "passkey-added")
}

func postPasskeyRename(x *exchange, a *engine.Actor, f *httpx.Form) error {
	id, _ := f.String("id")
	name, _ := f.String("passkey_name")
	err := f.Err()
	if err == nil {
		_, err = x.p.engine.RenamePasskey(x.ctx(), a, id, name)
	}
	if err != nil {
		return x.refuseUser(a, "passkeys", nil, err)
	}
	return x.redirect("/user", "passkey-renamed")
}

func postPasskeyRemove(x *exchange, a *engine.Actor, id string) error {
	if err := x.p.engine.DeletePasskey(x.ctx(), a, id); err != nil {
		return x.refuseUser(a, "passkeys", nil, err)
	}
	return x.redirect("/user", "passkey-removed")
}

// withPasskey reports whether a sign-up is to go on with a passkey.
func (x *exchange) withPasskey(f *httpx.Form) bool {
	with, _ := f.String("with")
	return with == byPasskey && x.settings.Passkeys.SignUp
}

// signingUp reads the sign-up that waits for its passkey. If there is none, the
// person is led back to the form, and v is nil.
func (x *exchange) signingUp() (*engine.SignUpView, error) {
	all, err := x.p.engine.View(x.ctx(), x.b)
	if err != nil {
		return nil, err
	}
	if all == nil || all.SignUp == nil || !x.settings.Passkeys.SignUp {
		return nil, x.redirect("/sign-up", "restart")
	}
	return all.SignUp, nil
}

func (x *exchange) signUpPasskeyPage(v *engine.SignUpView) *Page {
	pg := x.page()
	pg.Attempt = v.ID
	x.passkeyForm(pg, PasskeyForm{Kind: "create", Action: x.url("/sign-up/passkey"), Options: x.url("/sign-up/passkey/options"),
		Label: "Create a passkey", Attempt: v.ID})
	return pg
}

// getSignUpPasskey asks for the passkey that stands in for a password.
func getSignUpPasskey(x *exchange) error {
	v, err := x.signingUp()
	if v == nil || err != nil {
		return err
	}
	if v.Passkey != nil {
		return x.proceedSignUp(v.Attempt)
	}
	return x.render(200, "sign_up_passkey", x.signUpPasskeyPage(v))
}

func postSignUpPasskeyOptions(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("attempt")
	if err := f.Err(); err != nil {
		return err
	}
	a, err := x.p.engine.PrepareSignUpPasskey(x.ctx(), x.b, id)
	if err != nil {
		return x.tell("", "", err)
	}
	return x.tell(a.ID, a.Verification(byPasskey).Nonce, nil)
}

func postSignUpPasskey(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.signingUp()
	if v == nil || err != nil {
		return err
	}
	id, _ := f.String("id")
	credential, _ := f.String("credential")
	if err := f.Err(); err != nil {
		return err
	}
	a, err := x.p.engine.AttemptSignUpPasskey(x.ctx(), x.b, id, factor.Proof{Credential: credential})
	switch {
	case err == nil:
		return x.proceedSignUp(a)
	case over(err):
		return x.redirect("/sign-up", "restart")
	}
	return x.refuse("sign_up_passkey", x.signUpPasskeyPage(v), err)
}
