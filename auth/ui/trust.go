package ui

import (
	"net/http"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

// trustPage is the page that asks for a code because the account does not know
// this browser.
func (x *exchange) trustPage(v *engine.SignInView) *Page {
	pg := x.stepPage(v)
	if c := v.Attempt.Second; c != nil && !c.SentAt.IsZero() {
		pg.Code = &Code{To: x.target(v, c.Target), Wait: max(0, seconds(c.SentAt.Add(x.settings.Codes.ResendAfter).Sub(v.Now)))}
	}
	return pg
}

// sendTrust sends the code: to where the person is known by, if that is one of
// the addresses, else to the primary one.
func (x *exchange) sendTrust(v *engine.SignInView, id string) error {
	if len(v.Second) == 0 {
		return fault.New("strategy_for_user_invalid", "")
	}
	to := v.Second[0]
	for _, o := range v.Second {
		if o.Strategy == byCode && (o.Primary || to.Strategy != byCode) {
			to = o
		}
	}
	_, err := x.p.engine.PrepareSignIn(x.ctx(), x.b, id, factor.Second, to.Strategy, to.TargetID)
	return err
}

func getTrust(x *exchange) error {
	v, err := x.step(signin.NeedsClientTrust)
	if v == nil || err != nil {
		return err
	}
	pg := x.trustPage(v)
	if c := v.Attempt.Second; c != nil {
		pg.Problems = dead(c.StatusAt(v.Now))
	}
	return x.render(http.StatusOK, "sign_in_trust", pg)
}

func postTrust(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.step(signin.NeedsClientTrust)
	if v == nil || err != nil {
		return err
	}
	wrong := error(fault.New("verification_missing", "code"))
	if v.Attempt.Second != nil {
		wrong, err = x.prove(f, factor.Second, v.Attempt.Second.Strategy, "code")
	}
	if wrong == nil {
		return err
	}
	return x.refuse("sign_in_trust", x.trustPage(v), wrong, "code")
}

// postTrustSend sends the code, at first or again.
func postTrustSend(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("attempt")
	if err := f.Err(); err != nil {
		return err
	}
	v, err := x.step(signin.NeedsClientTrust)
	if v == nil || err != nil {
		return err
	}
	switch err := x.sendTrust(v, id); {
	case over(err):
		return x.redirect("/sign-in", "restart")
	case err != nil:
		return x.refuse("sign_in_trust", x.trustPage(v), err, "code")
	}
	return x.redirect("/sign-in/trust", "sent")
}

// toTrust leads on to the code for a browser that the account does not know,
// which is sent at once.
func (x *exchange) toTrust(a *signin.Attempt) error {
	v, err := x.p.engine.ViewSignIn(x.ctx(), a)
	if err != nil {
		return err
	}
	if err := x.sendTrust(v, a.ID); err != nil {
		return x.refuse("sign_in_trust", x.trustPage(v), err, "code")
	}
	return x.redirect("/sign-in/trust", "")
}
