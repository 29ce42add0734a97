package ui

import (
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/reverify"
)

// open are the forms of /user that need no step-up; every other one does. They
// change nothing that the account hangs on, or go on with what was let in.
var open = []string{"/user/profile", "/user/picture", "/user/picture/remove", "/user/emails/send", "/user/emails/verify",
	"/user/phones/send", "/user/phones/verify",
	"/user/app/verify", "/user/passkeys", "/user/passkeys/rename"}

// A StepUp is what a person can show once more.
type StepUp struct {
	// Level is what is asked for, until it has begun; Second: the second factor
	// is due.
	Level  string
	Second bool
	// Password: there is one to type in. Passkey: there is one to use. Typed are the strategies of codes that
	// need not be sent, Sent are those that must be.
	Password, Passkey bool
	Typed, Sent       []string
	// Waiting is the strategy of the code that was sent last; empty: none.
	Waiting string
}

// stepUp makes sure that the person has shown lately who they are, before a
// form of /user does anything. If not, they are led to do so, and ok is false.
func (x *exchange) stepUp() (ok bool, err error) {
	a, err := x.actor()
	if err != nil {
		return false, err
	}
	err = x.p.engine.RequireFresh(x.ctx(), a)
	if err == nil || !errors.Is(err, fault.New("session_reverification_required", "")) {
		return err == nil, err
	}
	return false, x.askStepUp(a)
}

// askStepUp begins a step-up and leads to it.
func (x *exchange) askStepUp(a *engine.Actor) error {
	if _, err := x.p.engine.StartReverification(x.ctx(), x.b, a.Session.ID, reverify.MultiFactor); err != nil {
		return err
	}
	if x.next == "" {
		x.next = x.p.site.PagesPath + x.home
	}
	return x.redirect("/verify", "step-up")
}

// reverification reads the step-up of the current session that is under way;
// nil if there is none.
func (x *exchange) reverification() (v *engine.ReverificationView, err error) {
	id, err := x.stepUpSession()
	if err != nil {
		return nil, err
	}
	v, err = x.p.engine.Reverification(x.ctx(), x.b, id)
	if errors.Is(err, fault.New("session_reverification_missing", "")) || err == nil && v.Status == reverify.Complete {
		return nil, nil
	}
	return v, err
}

// stepUpSession is the session last active in this browser, which may have
// tasks to do yet.
func (x *exchange) stepUpSession() (string, error) {
	current, _, err := x.accounts()
	if err == nil && current == nil {
		err = fault.New("authentication_invalid", "")
	}
	if err != nil {
		return "", err
	}
	return current.ID, nil
}

// stepUpPage shows what there is to show now. Without v it is not begun.
func (x *exchange) stepUpPage(v *engine.ReverificationView) *Page {
	pg := x.page()
	pg.StepUp = &StepUp{Level: x.r.URL.Query().Get("level")}
	if v == nil {
		return pg
	}
	pg.values["identifier"] = v.Session.User.Identifier()
	pg.Identifier = v.Session.User.Identifier()
	options, c := v.First, v.Attempt.First
	if pg.StepUp.Second = v.Status == reverify.NeedsSecondFactor; pg.StepUp.Second {
		options, c = v.Second, v.Attempt.Second
	}
	if c != nil && !c.SentAt.IsZero() {
		pg.StepUp.Waiting = c.Strategy
		pg.Code = &Code{To: c.Target, Wait: max(0, seconds(c.SentAt.Add(x.settings.Codes.ResendAfter).Sub(v.Now)))}
	}
	for _, o := range options {
		st, _ := x.p.engine.Strategies().Get(o.Strategy)
		switch t := st.Traits(); {
		case t.Proof == "password":
			pg.StepUp.Password = true
		case o.Strategy == byPasskey:
			pg.StepUp.Passkey = true
			x.passkeyForm(pg, PasskeyForm{Kind: "get", Action: x.url("/verify/passkey"), Options: x.url("/verify/passkey/options"), Label: "Confirm with a passkey"})
		case t.Proof != "code":
		case t.Prepare && !slices.Contains(pg.StepUp.Sent, o.Strategy):
			pg.StepUp.Sent = append(pg.StepUp.Sent, o.Strategy)
		case !t.Prepare:
			pg.StepUp.Typed = append(pg.StepUp.Typed, o.Strategy)
		}
	}
	return pg
}

func getStepUp(x *exchange) error {
	v, err := x.reverification()
	if err != nil {
		return err
	}
	return x.render(200, "verify", x.stepUpPage(v))
}

// postStepUpStart begins a step-up.
func postStepUpStart(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	level, _ := f.String("level")
	if err := f.Err(); err != nil {
		return err
	}
	if !slices.Contains(reverify.Levels, reverify.Level(level)) {
		level = string(reverify.MultiFactor)
	}
	id, err := x.stepUpSession()
	if err != nil {
		return err
	}
	if _, err := x.p.engine.StartReverification(x.ctx(), x.b, id, reverify.Level(level)); err != nil {
		return err
	}
	return x.redirect("/verify", "")
}

func (x *exchange) stepUpUse(v *engine.ReverificationView) factor.Use {
	if v.Status == reverify.NeedsSecondFactor {
		return factor.Second
	}
	return factor.First
}

// postStepUp judges what was typed in.
func postStepUp(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.reverification()
	if err != nil || v == nil {
		return x.restart(err)
	}
	strategy, _ := f.String("strategy")
	plain, _ := f.String("password")
	code, _ := f.String("code")
	if strategy != "backup_code" {
		code = digits(code)
	}
	field, given := "code", code
	if strategy == byPassword {
		field, given = "password", plain
	}
	if err = f.Err(); err == nil && given == "" {
		err = empty(field)
	}
	if err == nil {
		return x.proveStepUp(v, strategy, factor.Proof{Password: plain, Code: code}, field)
	}
	return x.refuse("verify", x.stepUpPage(v), err, field)
}

// proveStepUp goes on with a proof, or shows the page with what was wrong.
func (x *exchange) proveStepUp(v *engine.ReverificationView, strategy string, proof factor.Proof, fields ...string) error {
	now, err := x.p.engine.AttemptReverification(x.ctx(), x.b, v.ID, x.stepUpUse(v), strategy, proof)
	switch {
	case err != nil:
		return x.refuse("verify", x.stepUpPage(v), err, fields...)
	case now.Status == reverify.Complete:
		x.b.Changed = true // what the session token says has changed
		return x.done(x.p.site.PagesPath + "/user")
	}
	return x.redirect("/verify", "")
}

// postStepUpPasskeyOptions draws the challenge for a passkey.
func postStepUpPasskeyOptions(x *exchange) error {
	if _, err := x.form(); err != nil {
		return err
	}
	id, err := x.stepUpSession()
	if err != nil {
		return err
	}
	v, err := x.p.engine.PrepareReverification(x.ctx(), x.b, id, factor.First, byPasskey, "")
	if err != nil {
		return x.tell("", "", err)
	}
	return x.tell(id, v.Attempt.First.Nonce, nil)
}

// postStepUpPasskey takes the answer of a device.
func postStepUpPasskey(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.reverification()
	if err != nil || v == nil {
		return x.restart(err)
	}
	credential, _ := f.String("credential")
	if err := f.Err(); err != nil {
		return err
	}
	return x.proveStepUp(v, byPasskey, factor.Proof{Credential: credential})
}

// postStepUpSend sends a code.
func postStepUpSend(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	strategy, _ := f.String("strategy")
	if err := f.Err(); err != nil {
		return err
	}
	v, err := x.reverification()
	if err != nil || v == nil {
		return x.restart(err)
	}
	if _, err := x.p.engine.PrepareReverification(x.ctx(), x.b, v.ID, x.stepUpUse(v), strategy, ""); err != nil {
		return x.refuse("verify", x.stepUpPage(v), err)
	}
	return x.redirect("/verify", "sent-code")
}

// restart leads to the beginning of a step-up that is under way no more.
func (x *exchange) restart(err error) error {
	if err != nil {
		return err
	}
	return x.redirect("/verify", "restart")
}
