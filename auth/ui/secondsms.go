package ui

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

// secondSMSPage is the page of the second factor by text message: it asks for
// the code that was sent, or to which number one is to be sent.
func (x *exchange) secondSMSPage(v *engine.SignInView) *Page {
	pg := x.stepPage(v)
	pg.Second = secondMethods(v)
	for _, o := range v.Second {
		if o.Strategy == bySMS { // who has come this far may see it whole
			pg.Numbers = append(pg.Numbers, Address{ID: o.TargetID, Value: o.Target, Primary: o.Default})
		}
	}
	if c := v.Attempt.Second; c != nil && c.Strategy == bySMS && !c.SentAt.IsZero() {
		pg.Code = &Code{To: c.Target, ID: c.TargetID, SMS: true, Strategy: bySMS,
			Wait: max(0, seconds(c.SentAt.Add(x.settings.Codes.ResendAfter).Sub(v.Now)))}
	}
	return pg
}

// secondSMS reads the sign-in that waits for a code by text message; nil if it
// does not, and the person is led on.
func (x *exchange) secondSMS() (*engine.SignInView, *Page, error) {
	v, err := x.step(signin.NeedsSecondFactor)
	if v == nil || err != nil {
		return nil, nil, err
	}
	pg := x.secondSMSPage(v)
	if !pg.Second.SMS {
		return nil, nil, x.redirect(secondPage(pg.Second), "")
	}
	return v, pg, nil
}

func getSecondSMS(x *exchange) error {
	v, pg, err := x.secondSMS()
	if v == nil || err != nil {
		return err
	}
	if pg.Code != nil {
		pg.Problems = dead(v.Attempt.Second.StatusAt(v.Now))
	}
	return x.render(200, "sign_in_sms", pg)
}

func postSecondSMS(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, pg, err := x.secondSMS()
	if v == nil || err != nil {
		return err
	}
	wrong, err := x.prove(f, factor.Second, bySMS, "code")
	if wrong == nil {
		return err
	}
	return x.refuse("sign_in_sms", pg, wrong, "code")
}

// postSecondSend sends a code to a number that is a second factor.
func postSecondSend(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, pg, err := x.secondSMS()
	if v == nil || err != nil {
		return err
	}
	id, _ := f.String("attempt")
	number, _ := f.String("number")
	if err := f.Err(); err != nil {
		return err
	}
	notice := ""
	if pg.Code != nil && pg.Code.ID == number {
		notice = "sent"
	}
	_, err = x.p.engine.PrepareSignIn(x.ctx(), x.b, id, factor.Second, bySMS, number)
	switch {
	case err == nil:
		return x.redirect("/sign-in/sms", notice)
	case over(err):
		return x.redirect("/sign-in", "restart")
	}
	return x.refuse("sign_in_sms", pg, err)
}

// askSecond leads to the second factor. If all that a person has is a
// telephone, a code is on its way at once.
func (x *exchange) askSecond(a *signin.Attempt) error {
	v, err := x.p.engine.ViewSignIn(x.ctx(), a)
	if err != nil {
		return err
	}
	m := secondMethods(v)
	if m.SMS && !m.App {
		if _, err := x.p.engine.PrepareSignIn(x.ctx(), x.b, a.ID, factor.Second, bySMS, ""); err != nil && fault.From(err).Status() >= 500 {
			return err
		} // refused: the page lets the person ask
	}
	return x.redirect(secondPage(m), "")
}
