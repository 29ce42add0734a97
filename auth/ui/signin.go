package ui

import (
	"errors"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/user"
)

const (
	byPassword = "password"
	byCode     = "email_code"
	byLink     = "email_link"
	byReset    = "reset_password_email_code"
	bySMS      = "phone_code"
	byResetSMS = "reset_password_phone_code"
)

// getSignIn asks who wants to sign in. Where an attempt stands is known from
// the client, so a fresh look at this page just begins anew.
func getSignIn(x *exchange) error {
	if wire := x.ticket(); wire != "" {
		return getTicket(x, wire)
	}
	pg := x.page()
	closed, err := x.signedInAlready(pg)
	if err != nil {
		return err
	}
	if closed {
		if _, pending := x.pending(); pending {
			return x.redirect("/tasks", "")
		}
		return x.render(200, "signed_in", pg)
	}
	pg.Social = x.providers()
	x.signInPasskey(pg, "")
	if x.p.engine.NeedsCaptcha(x.b, x.settings) {
		x.work(pg)
	}
	return x.render(200, "sign_in", pg)
}

// signedInAlready fills in who is signed in, and reports whether nobody else
// can be in this browser.
func (x *exchange) signedInAlready(pg *Page) (closed bool, err error) {
	current, all, err := x.accounts()
	if err != nil || current == nil {
		return false, err
	}
	for _, s := range all {
		pg.Accounts = append(pg.Accounts, account(s, s == current))
	}
	a := account(current, true)
	pg.Account = &a
	if pg.Continue = x.next; pg.Continue == "" {
		pg.Continue = x.p.opts.AfterSignIn
	}
	return !x.settings.Sessions.Multi, nil
}

func account(s *engine.SessionView, current bool) Account {
	a := accountOf(s.User)
	a.SessionID, a.Current = s.ID, current
	return a
}

// accountOf is u as others know them.
func accountOf(u *user.User) Account {
	a := Account{Name: u.Name(), Identifier: u.Identifier()}
	if a.Name == "" {
		a.Name = a.Identifier
	}
	return a
}

func postSignIn(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	identifier, _ := f.StringMax("identifier", 320)
	identifier = strings.TrimSpace(identifier)
	pg := x.page()
	pg.values["identifier"] = identifier
	if _, err := x.signedInAlready(pg); err != nil {
		return err
	}
	pg.Social = x.providers()
	x.signInPasskey(pg, "")
	token, _ := f.StringMax("captcha_token", maxCaptcha)
	if err = f.Err(); err == nil && identifier == "" {
		err = empty("identifier")
	}
	if x.p.engine.NeedsCaptcha(x.b, x.settings) {
		if err == nil {
			err = x.p.engine.ProveHuman(x.ctx(), x.b, token, true)
		}
		if err != nil {
			x.work(pg)
		}
	}
	if err != nil {
		return x.refuse("sign_in", pg, x.sayIdentifier(err), "identifier")
	}
	withPassword, _ := f.Bool("with_password")
	orSignUp := x.settings.SignIn.OrSignUp && !withPassword && x.p.engine.CanOrSignUp(x.settings, identifier)
	a, err := x.p.engine.CreateSignIn(x.ctx(), x.b, engine.SignInParams{Identifier: identifier, OrSignUp: orSignUp})
	if errors.Is(err, fault.New("session_exists", "")) {
		return x.redirect("/sign-in", "")
	}
	if err != nil {
		return x.refuse("sign_in", pg, x.sayIdentifier(err), "identifier")
	}
	v, err := x.p.engine.ViewSignIn(x.ctx(), a)
	if err != nil {
		return err
	}
	m := methods(v)
	switch {
	case m.Password && (withPassword || !m.Code && !m.Link && !m.SMS || x.settings.SignIn.PreferredStrategy == byPassword):
		return x.redirect("/sign-in/password", "")
	case m.SMS && (!m.Code && !m.Link || target(v, bySMS) != ""):
		return x.send(v, bySMS, a.ID)
	case m.Code:
		return x.send(v, byCode, a.ID)
	case m.Link:
		return x.send(v, byLink, a.ID)
	}
	return x.refuse("sign_in", pg, fault.New("strategy_for_user_invalid", ""), "identifier")
}

func methods(v *engine.SignInView) Methods {
	var m Methods
	for _, o := range v.First {
		m.Password = m.Password || o.Strategy == byPassword
		m.Code = m.Code || o.Strategy == byCode
		m.Link = m.Link || o.Strategy == byLink
		m.SMS = m.SMS || o.Strategy == bySMS
		if o.Strategy == byReset || o.Strategy == byResetSMS && (!m.Reset || same(o.Target, v.Identifier)) {
			m.Reset, m.ResetBy = true, o.Strategy
		}
		m.Passkey = m.Passkey || o.Strategy == byPasskey
	}
	return m
}

// attempt reads the sign-in under way; nil if there is none.
func (x *exchange) attempt() (*engine.SignInView, error) {
	v, err := x.p.engine.View(x.ctx(), x.b)
	if v == nil || err != nil {
		return nil, err
	}
	return v.SignIn, nil
}

// stepPage is a page of the sign-in v.
func (x *exchange) stepPage(v *engine.SignInView) *Page {
	pg := x.page()
	pg.Attempt, pg.Identifier, pg.Methods = v.ID, v.Identifier, methods(v)
	pg.Methods.OrPassword = v.OrSignUp && x.settings.Password.Enabled
	pg.values["identifier"] = v.Identifier
	if c := v.Attempt.First; c != nil && v.Status == signin.NeedsFirstFactor && !c.SentAt.IsZero() {
		pg.Code = &Code{To: x.target(v, c.Target), Reset: c.Strategy == byReset || c.Strategy == byResetSMS, Link: c.Strategy == byLink,
			SMS: c.Strategy == bySMS || c.Strategy == byResetSMS, Strategy: c.Strategy,
			Wait: max(0, seconds(c.SentAt.Add(x.settings.Codes.ResendAfter).Sub(v.Now)))}
	}
	return pg
}

// over reports the refusals of an attempt that cannot go on: it has ended, or
// another window has begun a new one.
func over(err error) bool {
	for _, code := range []string{"resource_forbidden", "resource_not_found", "client_state_invalid", "client_not_found",
		"sign_in_identification_or_user_deleted", "session_exists"} {
		if errors.Is(err, fault.New(code, "")) {
			return true
		}
	}
	return false
}

// step reads the sign-in that a page is for. If it is not at the status
// wanted, the person is led to where it is, and v is nil.
func (x *exchange) step(want signin.Status) (v *engine.SignInView, err error) {
	v, err = x.attempt()
	if err == nil && v != nil && v.TransferAddress() != nil {
		return nil, x.redirect("/sign-in/new", "")
	}
	if err != nil || v != nil && v.Status == want {
		return v, err
	}
	if v != nil && v.Status == signin.NeedsNewPassword {
		return nil, x.redirect("/sign-in/new-password", "")
	}
	if v != nil && v.Status == signin.NeedsClientTrust {
		return nil, x.redirect("/sign-in/trust", "")
	}
	if v != nil && v.Status == signin.NeedsFirstFactor {
		return nil, x.redirect("/sign-in/password", "")
	}
	if v != nil && v.Status == signin.NeedsSecondFactor {
		return nil, x.redirect(secondPage(secondMethods(v)), "")
	}
	if x.r.Method == "POST" {
		return nil, x.redirect("/sign-in", "restart")
	}
	return nil, x.redirect("/sign-in", "")
}

// proceed leads on after a step that went well.
func (x *exchange) proceed(a *signin.Attempt) error {
	switch a.Status {
	case signin.Complete:
		return x.done(x.p.opts.AfterSignIn)
	case signin.NeedsNewPassword:
		return x.redirect("/sign-in/new-password", "")
	case signin.NeedsClientTrust:
		return x.toTrust(a)
	case signin.NeedsFirstFactor:
		return x.redirect("/sign-in/password", "")
	case signin.NeedsSecondFactor:
		return x.askSecond(a)
	}
	return fault.New("strategy_not_allowed", "")
}

// send sends a code or a link and leads to where the code is typed in, or to
// where the person waits.
func (x *exchange) send(v *engine.SignInView, strategy, id string) error {
	again := v.Attempt.First != nil && v.Attempt.First.Strategy == strategy
	x.b.ReturnTo = x.url("/link/done")
	page := "/sign-in/code"
	if strategy == byLink {
		page = "/sign-in/link"
	}
	_, err := x.p.engine.PrepareSignIn(x.ctx(), x.b, id, factor.First, strategy, target(v, strategy))
	switch {
	case err == nil && again:
		return x.redirect(page, "sent")
	case err == nil:
		return x.redirect(page, "")
	case over(err):
		return x.redirect("/sign-in", "restart")
	}
	pg := x.stepPage(v)
	switch {
	case pg.Code != nil && pg.Code.Link:
		return x.refuse("sign_in_link", pg, err)
	case pg.Code != nil:
		return x.refuse("sign_in_code", pg, err)
	}
	return x.refuse("sign_in_password", pg, err)
}
