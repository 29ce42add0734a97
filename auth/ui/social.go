package ui

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/user"
)

// A Provider is a service that people can sign in with.
type Provider struct{ Key, Name string }

// Away is where the browser is sent, on the page that sends it there. Browsers
// hold what follows a form to form-action, which no list of providers could
// name, so that page leads on by itself.
type Away struct{ Name, URL string }

// A Transfer is somebody who comes from another service, or has shown that an
// address or number is their own, and has no account here, or has one where a
// new one was to be made.
type Transfer struct {
	// Provider is empty where Who is an address or number.
	Provider, Who string
	// SignUp: there is no account yet. CanSignUp: one can be made.
	SignUp, CanSignUp bool
}

// A Connected account is one at another service, on /user.
type Connected struct {
	ID, Provider, Who string
	Since             time.Time
	// Problem is why it is not connected; empty: it is.
	Problem string
}

// providers lists the services that are offered.
func (x *exchange) providers() []Provider {
	var out []Provider
	for _, p := range x.p.engine.Social(x.ctx()) {
		out = append(out, Provider{p.Key, p.Name})
	}
	return out
}

func (x *exchange) providerName(key string) string {
	for _, p := range x.providers() {
		if p.Key == key {
			return p.Name
		}
	}
	return key
}

// leaveFor reads which provider a form asks for, and says where the browser
// comes back to.
func (x *exchange) leaveFor(back, done string) (strategy string, err error) {
	f, err := x.form()
	if err != nil {
		return "", err
	}
	key, _ := f.String("provider")
	if err := f.Err(); err != nil {
		return "", err
	}
	x.b.ReturnTo, x.b.Away.CompleteTo = x.url(back), done
	return "oauth_" + key, nil
}

// away sends the browser to a provider.
func (x *exchange) away(strategy, url string) error {
	pg := x.page()
	pg.Away = &Away{Name: x.providerName(strategy[len("oauth_"):]), URL: url}
	return x.render(200, "away", pg)
}

func (x *exchange) onTo(otherwise string) string {
	if x.next != "" {
		return x.next
	}
	return otherwise
}

func postSignInSocial(x *exchange) error {
	strategy, err := x.leaveFor("/sign-in/social", x.onTo(x.p.opts.AfterSignIn))
	if err != nil {
		return err
	}
	a, err := x.p.engine.CreateSignIn(x.ctx(), x.b, engine.SignInParams{Strategy: strategy})
	if err != nil {
		return x.refuseSignIn(err)
	}
	return x.away(strategy, a.First.RedirectURL)
}

func postSignUpSocial(x *exchange) error {
	strategy, err := x.leaveFor("/sign-up/social", x.onTo(x.p.opts.AfterSignUp))
	if err != nil {
		return err
	}
	a, err := x.p.engine.CreateSignUp(x.ctx(), x.b, engine.SignUpParams{Strategy: strategy, OwnPage: true})
	if err != nil {
		return x.refuseSignUp(err)
	}
	return x.away(strategy, a.Verification(factor.ExternalAccount).RedirectURL)
}

// refuseSignIn shows the first page of the sign-in with what was wrong.
func (x *exchange) refuseSignIn(err error) error {
	if errors.Is(err, fault.New("session_exists", "")) {
		return x.redirect("/sign-in", "")
	}
	pg := x.page()
	if _, err := x.signedInAlready(pg); err != nil {
		return err
	}
	pg.Social = x.providers()
	x.signInPasskey(pg, "")
	return x.refuse("sign_in", pg, err)
}

// refuseSignUp shows the form of the sign-up with what was wrong.
func (x *exchange) refuseSignUp(err error) error {
	pg, closed, err2 := x.signUpPage()
	if err2 != nil {
		return err2
	}
	if closed {
		return x.redirect("/sign-up", "")
	}
	x.extras(pg)
	return x.refuse("sign_up", pg, err)
}

// getSignInSocial is where the browser comes back to with a sign-in that is not
// complete. It writes nothing: what came of it is in the attempt.
func getSignInSocial(x *exchange) error {
	v, err := x.attempt()
	if err != nil {
		return err
	}
	switch {
	case v == nil:
		return x.redirect("/sign-in", "")
	case v.Status != signin.NeedsIdentifier:
		if v.Status == signin.NeedsFirstFactor {
			return x.redirect("/sign-in/password", "prove")
		}
		return x.proceed(v.Attempt)
	case v.Transfer() != nil:
		return x.transfer(v.Transfer().Provider, v.Transfer().EmailAddress, true)
	case v.Attempt.First != nil && v.Attempt.First.Error != "":
		return x.refuseSignIn(fault.New(v.Attempt.First.Error, ""))
	}
	return x.redirect("/sign-in", "restart")
}

// getNew offers an account to who has shown that an address or number is their
// own, and has none.
func getNew(x *exchange) error {
	v, err := x.attempt()
	if err != nil {
		return err
	}
	if v == nil || v.TransferAddress() == nil {
		return x.redirect("/sign-in", "")
	}
	return x.transfer("", v.TransferAddress().Target, true)
}

// transfer offers what can be done with who somebody has shown to be. The
// provider is empty for an address or number.
func (x *exchange) transfer(provider, who string, signUp bool) error {
	return x.render(200, "transfer", x.transferPage(provider, who, signUp))
}

func (x *exchange) transferPage(provider, who string, signUp bool) *Page {
	pg := x.page()
	pg.Transfer = &Transfer{Who: who, SignUp: signUp, CanSignUp: x.settings.SignUp.Mode == "public"}
	if provider != "" {
		pg.Transfer.Provider = x.providerName(provider)
	}
	if l := x.settings.Legal; l.Consent && signUp {
		pg.Legal = &Legal{TermsURL: l.TermsURL, PrivacyURL: l.PrivacyURL}
	}
	if x.settings.Captcha.SignUp && provider == "" && pg.Transfer.CanSignUp {
		x.work(pg)
	}
	return pg
}

// getSignUpSocial is where the browser comes back to with a sign-up that is not
// complete.
func getSignUpSocial(x *exchange) error {
	all, err := x.p.engine.View(x.ctx(), x.b)
	if err != nil {
		return err
	}
	if all == nil || all.SignUp == nil {
		return x.redirect("/sign-up", "")
	}
	v := all.SignUp
	if t := v.Transfer(); t != nil {
		return x.transfer(t.Provider, t.EmailAddress, false)
	}
	if c := v.Verification(factor.ExternalAccount); c != nil && c.Error != "" {
		return x.refuseSignUp(fault.New(c.Error, ""))
	}
	if v.Proven() == nil {
		return x.redirect("/sign-up", "restart")
	}
	return x.proceedSignUp(v.Attempt)
}

// postTransferToSignUp makes an account of what the sign-in found out.
func postTransferToSignUp(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	p := engine.SignUpParams{OwnPage: true}
	if accepted, _ := f.Bool("legal_accepted"); accepted {
		p.LegalAccepted = &accepted
	}
	p.CaptchaToken, _ = f.StringMax("captcha_token", maxCaptcha)
	if err := f.Err(); err != nil {
		return err
	}
	a, err := x.p.engine.TransferToSignUp(x.ctx(), x.b, p)
	if err == nil {
		return x.proceedSignUp(a)
	}
	if v, err2 := x.attempt(); err2 == nil && v != nil && v.TransferAddress() != nil { // it can be done again
		return x.refuse("transfer", x.transferPage("", v.TransferAddress().Target, true), err, "legal_accepted")
	}
	return x.refuseSignUp(err)
}

// postTransferToSignIn signs in who wanted to sign up and has an account.
func postTransferToSignIn(x *exchange) error {
	a, err := x.p.engine.TransferToSignIn(x.ctx(), x.b)
	if err != nil {
		return x.refuseSignIn(err)
	}
	if a.Status == signin.NeedsFirstFactor {
		return x.redirect("/sign-in/password", "prove")
	}
	if a.Status == signin.NeedsIdentifier && a.First != nil && a.First.Error != "" {
		return x.refuseSignIn(fault.New(a.First.Error, ""))
	}
	return x.proceed(a)
}

// continuing reads a sign-up that begins with something shown, such as an account
// at another service, and that lacks fields, with the form for them. If there is
// none, the person is led on, and v is nil.
func (x *exchange) continuing() (v *engine.SignUpView, pg *Page, err error) {
	all, err := x.p.engine.View(x.ctx(), x.b)
	if err != nil {
		return nil, nil, err
	}
	if all == nil || all.SignUp == nil || !all.SignUp.Shown() || len(all.SignUp.Missing(x.settings)) == 0 {
		return nil, nil, x.redirect("/sign-up", "")
	}
	v, pg = all.SignUp, x.page()
	pg.Attempt = v.ID
	pg.Transfer = &Transfer{}
	if id := v.Proven(); id != nil {
		pg.Transfer = &Transfer{Provider: x.providerName(id.Provider), Who: id.EmailAddress}
	}
	missing := v.Missing(x.settings)
	for _, name := range signUpFields {
		if slices.Contains(missing, name) {
			pg.Fields = append(pg.Fields, FieldSpec{Name: name, Required: true})
		}
	}
	if l := x.settings.Legal; slices.Contains(missing, "legal_accepted") {
		pg.Legal = &Legal{TermsURL: l.TermsURL, PrivacyURL: l.PrivacyURL}
	}
	return v, pg, nil
}

func getContinue(x *exchange) error {
	v, pg, err := x.continuing()
	if v == nil || err != nil {
		return err
	}
	return x.render(200, "sign_up_continue", pg)
}

func postContinue(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, pg, err := x.continuing()
	if v == nil || err != nil {
		return err
	}
	fields := append(slices.Clone(signUpFields), "legal_accepted")
	accepted, _ := f.Bool("legal_accepted")
	p, err := signUpParams(f, pg)
	if accepted {
		p.LegalAccepted = &accepted
	} else if pg.Legal != nil {
		err = errors.Join(err, fault.New("legal_not_accepted", "legal_accepted"))
	}
	var a *signup.Attempt
	if err == nil {
		a, err = x.p.engine.UpdateSignUp(x.ctx(), x.b, v.ID, p)
	}
	switch {
	case over(err):
		return x.redirect("/sign-up", "restart")
	case err != nil:
		return x.refuse("sign_up_continue", pg, err, fields...)
	}
	return x.proceedSignUp(a)
}

// connected lists the accounts at other services.
func (x *exchange) connected(u *user.User) []Connected {
	var out []Connected
	for _, a := range u.ExternalAccounts {
		c := Connected{ID: a.ID, Provider: x.providerName(a.Provider), Who: cmp.Or(a.EmailAddress, a.Label()), Since: a.VerifiedAt}
		if !a.Verified {
			if a.Error == "" {
				continue // on its way
			}
			c.Problem = fault.New(a.Error, "").LongMessage
		}
		out = append(out, c)
	}
	return out
}

func postConnect(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	strategy, err := x.leaveFor("/user", x.url("/user", "notice", "connected"))
	if err != nil {
		return err
	}
	_, v, err := x.p.engine.Connect(x.ctx(), a, strategy)
	if err != nil {
		return x.refuseUser(a, "connected", nil, err)
	}
	return x.away(strategy, v.RedirectURL)
}

var postDisconnect = withID(func(x *exchange, a *engine.Actor, id string) error {
	if err := x.p.engine.Disconnect(x.ctx(), a, id); err != nil {
		return x.refuseUser(a, "connected", nil, err)
	}
	return x.redirect("/user", "disconnected")
})
