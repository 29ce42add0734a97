package ui

import (
	"errors"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
)

// signUpFields are the fields that the form knows, in the order of the page.
var signUpFields = []string{"first_name", "last_name", "username", "email_address", "phone_number", signup.EitherOr, "password"}

// signUpPage is the form, filled in from the sign-up under way if there is one.
func (x *exchange) signUpPage() (pg *Page, closed bool, err error) {
	pg = x.page()
	pg.PasskeySignUp = x.settings.Passkeys.SignUp
	pg.SignUpClosed = x.settings.SignUp.Mode != settings.Public
	pg.Social = x.providers()
	if closed, err = x.signedInAlready(pg); err != nil || closed {
		return pg, closed, err
	}
	required, optional := signup.Required(x.settings), signup.Optional(x.settings)
	either := slices.Contains(required, signup.EitherOr)
	for _, name := range signUpFields {
		must := slices.Contains(required, name)
		if either && (name == "email_address" || name == "phone_number") {
			continue // one field stands for both
		}
		if must || slices.Contains(optional, name) {
			pg.Fields = append(pg.Fields, FieldSpec{Name: name, Required: must})
		}
	}
	v, err := x.p.engine.View(x.ctx(), x.b)
	if err == nil && v != nil && v.SignUp != nil {
		a := v.SignUp
		pg.values["first_name"], pg.values["last_name"], pg.values["email_address"] = a.FirstName, a.LastName, a.EmailAddress
		pg.values["username"], pg.values["phone_number"], pg.values[signup.EitherOr] = a.Username, a.PhoneNumber, a.EmailAddress+a.PhoneNumber
	}
	return pg, false, err
}

func getSignUp(x *exchange) error {
	pg, closed, err := x.signUpPage()
	if err != nil {
		return err
	}
	if closed {
		return x.render(200, "signed_in", pg)
	}
	if wire := x.ticket(); wire != "" {
		return x.invited(pg, wire)
	}
	if x.settings.SignUp.Mode == settings.Waitlist {
		return x.redirect("/waitlist", "")
	}
	x.extras(pg)
	return x.render(200, "sign_up", pg)
}

// invited shows the form to who follows an invitation. Who has an account
// signs in with it; one that is of no use leads to the ordinary form, if there
// is one, and says why.
func (x *exchange) invited(pg *Page, wire string) error {
	v, err := x.p.engine.Ticket(x.ctx(), wire)
	if err == nil {
		err = v.Problem
	}
	if err == nil && v.User != nil {
		return x.redirect("/sign-in", "", ticketParam, wire)
	}
	if err != nil {
		x.extras(pg)
		return x.refuse("sign_up", pg, err)
	}
	x.invite(pg, wire, v.EmailAddress)
	x.extras(pg)
	return x.render(200, "sign_up", pg)
}

// invite makes the form that of an invitation.
func (x *exchange) invite(pg *Page, wire, address string) {
	pg.SignUpClosed, pg.Invitation, pg.values["email_address"] = false, wire, address
	// An address is there: nobody need give it or a number.
	pg.Fields = slices.DeleteFunc(pg.Fields, func(f FieldSpec) bool { return f.Name == signup.EitherOr })
	if !slices.ContainsFunc(pg.Fields, func(f FieldSpec) bool { return f.Name == "email_address" }) {
		pg.Fields = append([]FieldSpec{{Name: "email_address"}}, pg.Fields...)
	}
}

// extras puts on the form what is asked beside the fields.
func (x *exchange) extras(pg *Page) {
	if l := x.settings.Legal; l.Consent {
		pg.Legal = &Legal{TermsURL: l.TermsURL, PrivacyURL: l.PrivacyURL}
	}
	if x.settings.Captcha.SignUp && pg.Invitation == "" && !pg.SignUpClosed {
		x.work(pg)
	}
}

func postSignUp(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	pg, closed, err := x.signUpPage()
	if err != nil {
		return err
	}
	if closed {
		return x.redirect("/sign-up", "")
	}
	withPasskey := x.withPasskey(f)
	wire, _ := f.StringMax("ticket", maxTicket)
	if wire != "" {
		v, err := x.p.engine.Ticket(x.ctx(), wire)
		if err == nil && v.Problem == nil && v.EmailAddress != "" {
			x.invite(pg, wire, v.EmailAddress)
		}
	}
	x.extras(pg)
	fields := append(slices.Clone(signUpFields), "legal_accepted")
	token, _ := f.StringMax("captcha_token", maxCaptcha)
	accepted, _ := f.Bool("legal_accepted")
	asked := pg.Fields
	if withPasskey {
		pg.Fields = slices.DeleteFunc(slices.Clone(asked), func(f FieldSpec) bool { return f.Name == "password" })
	}
	p, err := signUpParams(f, pg)
	pg.Fields = asked
	p.Ticket, p.CaptchaToken, p.OwnPage, p.Passkey = wire, token, true, withPasskey
	if accepted {
		p.LegalAccepted = &accepted
	} else if pg.Legal != nil {
		err = errors.Join(err, fault.New("legal_not_accepted", "legal_accepted"))
	}
	if err != nil {
		return x.refuse("sign_up", pg, err, fields...)
	}
	if pg.Invitation != "" { // the address is the one that was invited
		p.EmailAddress = nil
	}
	switch {
	case x.settings.EmailAddress.VerifyAtSignUp && p.EmailAddress != nil:
		p.Strategy = x.verification("email_address")
	case x.settings.PhoneNumber.VerifyAtSignUp && p.PhoneNumber != nil:
		p.Strategy = x.verification("phone_number")
	}
	x.b.ReturnTo = x.url("/link/done")
	a, err := x.p.engine.CreateSignUp(x.ctx(), x.b, p)
	if err != nil {
		return x.refuse("sign_up", pg, eitherField(pg, err), fields...)
	}
	if withPasskey && a.Status != signup.Complete {
		return x.redirect("/sign-up/passkey", "")
	}
	return x.proceedSignUp(a)
}

// eitherField blames the one field for an address or a number for what is wrong
// with either, if the form has it.
func eitherField(pg *Page, err error) error {
	if !slices.ContainsFunc(pg.Fields, func(f FieldSpec) bool { return f.Name == signup.EitherOr }) {
		return err
	}
	var out []error
	for _, f := range fault.List(err) {
		c := *f
		if c.Param == "email_address" || c.Param == "phone_number" {
			c.Param = signup.EitherOr
		}
		out = append(out, &c)
	}
	return errors.Join(out...)
}

// verification is the strategy that verifies addresses or numbers; empty: none.
func (x *exchange) verification(attribute string) string {
	with := x.settings.EmailAddress.Verifications
	if attribute == "phone_number" {
		with = x.settings.PhoneNumber.Verifications
	}
	on := x.p.engine.Strategies().Verifying(attribute, with)
	if len(on) == 0 {
		return ""
	}
	return on[0]
}

// signUpParams reads the form. Fields that are left empty are not given;
// problems of all fields are told together.
func signUpParams(f *httpx.Form, pg *Page) (engine.SignUpParams, error) {
	var p engine.SignUpParams
	var errs []error
	var either *string
	to := map[string]**string{"first_name": &p.FirstName, "last_name": &p.LastName, "username": &p.Username,
		"email_address": &p.EmailAddress, "phone_number": &p.PhoneNumber, signup.EitherOr: &either, "password": &p.Password}
	for _, field := range pg.Fields {
		value, _ := f.String(field.Name)
		if field.Name != "password" {
			value = strings.TrimSpace(value)
			pg.values[field.Name] = value
		}
		if value != "" {
			*to[field.Name] = &value
		} else if field.Required {
			errs = append(errs, empty(field.Name))
		}
	}
	if either != nil {
		p.SetEither(*either)
	}
	if err := f.Err(); err != nil {
		errs = []error{err}
	}
	return p, errors.Join(errs...)
}

// proceedSignUp leads on after a step that went well.
func (x *exchange) proceedSignUp(a *signup.Attempt) error {
	switch {
	case a.Status == signup.Complete:
		return x.done(x.p.opts.AfterSignUp)
	case slices.Contains(a.Missing(x.settings), byPasskey):
		return x.redirect("/sign-up/passkey", "")
	case len(a.Missing(x.settings)) > 0 && a.Shown():
		return x.redirect("/sign-up/continue", "")
	case len(a.Missing(x.settings)) > 0: // the settings have changed meanwhile
		return x.redirect("/sign-up", "restart")
	}
	attribute := unverified(a, x.settings)
	if v := a.Verification(attribute); x.r.Method == "POST" && (v == nil || v.Target != a.Value(attribute)) { // the second one to be verified
		x.b.ReturnTo = x.url("/link/done")
		if _, err := x.p.engine.PrepareSignUp(x.ctx(), x.b, a.ID, x.verification(attribute)); err != nil && !over(err) {
			return x.refuseSignUp(err)
		}
	}
	return x.redirect("/sign-up/verify", "")
}

// unverified is what a sign-up has to verify next.
func unverified(a *signup.Attempt, s *settings.Settings) string {
	for _, name := range a.Unverified(s) {
		return name
	}
	return "email_address"
}

// signUpStep reads the sign-up whose address or number is to be verified. If there is
// none, the person is led back to the form, and v is nil.
func (x *exchange) signUpStep() (v *engine.SignUpView, pg *Page, err error) {
	all, err := x.p.engine.View(x.ctx(), x.b)
	if err != nil {
		return nil, nil, err
	}
	if all == nil || all.SignUp == nil || all.SignUp.Value(unverified(all.SignUp.Attempt, x.settings)) == "" {
		notice := ""
		if x.r.Method == "POST" {
			notice = "restart"
		}
		return nil, nil, x.redirect("/sign-up", notice)
	}
	v, pg = all.SignUp, x.page()
	pg.Attempt = v.ID
	attribute := unverified(v.Attempt, x.settings)
	pg.Code = &Code{To: v.Value(attribute), SMS: attribute == "phone_number", Strategy: x.verification(attribute), Unsent: v.Verification(attribute) == nil}
	if c := v.Verification(attribute); c != nil && !c.SentAt.IsZero() {
		pg.Code.Link = c.Strategy == byLink
		pg.Code.Wait = max(0, seconds(c.SentAt.Add(x.settings.Codes.ResendAfter).Sub(v.Now)))
	}
	return v, pg, nil
}

func getSignUpVerify(x *exchange) error {
	v, pg, err := x.signUpStep()
	if v == nil || err != nil {
		return err
	}
	if c := v.Verification(unverified(v.Attempt, x.settings)); c != nil {
		pg.Problems = dead(c.StatusAt(v.Now))
	}
	return x.render(200, "sign_up_verify", pg)
}

func postSignUpVerify(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	if went, err := x.signedInByLink(x.p.opts.AfterSignUp); went || err != nil {
		return err
	}
	v, pg, err := x.signUpStep()
	if v == nil || err != nil {
		return err
	}
	if pg.Code.Link {
		return x.refuse("sign_up_verify", pg, errNotOpened)
	}
	id, _ := f.String("attempt")
	code, _ := f.String("code")
	code = digits(code)
	if err = f.Err(); err == nil && code == "" {
		err = empty("code")
	}
	if err == nil {
		var a *signup.Attempt
		a, err = x.p.engine.AttemptSignUp(x.ctx(), x.b, id, pg.Code.Strategy, factor.Proof{Code: code})
		if err == nil {
			return x.proceedSignUp(a)
		}
	}
	if over(err) {
		return x.redirect("/sign-up", "restart")
	}
	return x.refuse("sign_up_verify", pg, err, "code")
}

func postSignUpSend(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("attempt")
	if err := f.Err(); err != nil {
		return err
	}
	v, pg, err := x.signUpStep()
	if v == nil || err != nil {
		return err
	}
	x.b.ReturnTo = x.url("/link/done")
	_, err = x.p.engine.PrepareSignUp(x.ctx(), x.b, id, pg.Code.Strategy)
	switch {
	case err == nil:
		return x.redirect("/sign-up/verify", "sent")
	case over(err) || errors.Is(err, fault.New("verification_already_verified", "")):
		return x.redirect("/sign-up", "restart")
	}
	return x.refuse("sign_up_verify", pg, err)
}
