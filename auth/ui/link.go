package ui

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

// errNotOpened is what somebody is told who goes on before the link was opened.
var errNotOpened = fault.New("verification_not_sent", "").Say("The link has not been opened yet. Open it, then continue here.")

// getLinkWait says that a link is on its way.
func getLinkWait(x *exchange) error {
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Code == nil || !pg.Code.Link {
		return x.redirect("/sign-in/password", "")
	}
	return x.render(200, "sign_in_link", pg)
}

// postLinkWait goes on once the link has been opened, here or elsewhere.
func postLinkWait(x *exchange) error {
	if _, err := x.form(); err != nil {
		return err
	}
	if went, err := x.signedInByLink(x.p.opts.AfterSignIn); went || err != nil {
		return err
	}
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Code == nil || !pg.Code.Link {
		return x.redirect("/sign-in/password", "")
	}
	return x.refuse("sign_in_link", pg, errNotOpened)
}

// signedInByLink leads on somebody who has no attempt under way any more
// because a link has completed it. Another device may have opened it: then this
// request is the one that gets the browser's new secret.
func (x *exchange) signedInByLink(to string) (went bool, err error) {
	v, err := x.p.engine.View(x.ctx(), x.b)
	if v == nil || err != nil || v.SignIn != nil || v.SignUp != nil || v.Current() == nil {
		return false, err
	}
	s, err := x.p.engine.TouchSession(x.ctx(), x.b, v.Current().ID, engine.TouchParams{Select: true})
	if err != nil {
		return false, err
	}
	x.session(s)
	return true, x.done(to)
}

// getLink asks whether a link is to do what it is for. It is opened where
// nobody asked for it, or by a program: that does nothing.
func getLink(x *exchange) error {
	return x.askLink(x.r.URL.Query().Get("token"))
}

func (x *exchange) askLink(token string) error {
	pg := x.page()
	pg.Link = &Link{Outcome: "failed"}
	v, err := x.p.engine.Link(x.ctx(), x.b, token)
	switch {
	case err != nil && fault.From(err).Status() >= 500:
		return err
	case err != nil:
		return x.render(200, "link_done", pg)
	}
	pg.Link.Purpose = string(v.Purpose)
	if v.Refused != nil {
		pg.Link.Outcome = engine.LinkStatus(v.Refused)
		return x.render(200, "link_done", pg)
	}
	pg.Link = &Link{Token: token, Purpose: string(v.Purpose), Device: v.From.Device, Place: v.From.Place, Address: v.From.Address, At: v.From.At.UTC()}
	return x.render(200, "link", pg)
}

// postLink does it.
func postLink(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	token, _ := f.String("token")
	if err := f.Err(); err != nil {
		return err
	}
	used, err := x.p.engine.UseLink(x.ctx(), x.b, token)
	if err != nil {
		if f := fault.From(err); f.Code == "verification_link_token_invalid" {
			return x.askLink(token)
		}
		return err
	}
	if used.ReturnTo == "" {
		pg := x.page()
		pg.Link = &Link{Purpose: string(used.Purpose), Outcome: engine.LinkStatus(used.Refused)}
		return x.render(200, "link_done", pg)
	}
	return x.leave(engine.AfterLink(used))
}

// getLinkDone is where a link of these pages ends: whoever is signed in by it
// goes on, and everybody else is told how it went.
func getLinkDone(x *exchange) error {
	q := x.r.URL.Query()
	pg := x.page()
	pg.Link = &Link{Outcome: q.Get("__clerk_status")}
	if pg.Link.Outcome == "transferable" {
		return x.redirect("/sign-in/new", "")
	}
	if pg.Link.Outcome != "verified" {
		return x.render(200, "link_done", pg)
	}
	v, err := x.p.engine.View(x.ctx(), x.b)
	if err != nil {
		return err
	}
	session := q.Get("__clerk_created_session")
	switch {
	case v == nil:
	case session != "" && v.Current() != nil && v.Current().ID == session:
		x.session(v.Current())
		return x.done(x.p.opts.AfterSignIn)
	case session == "" && v.SignUp != nil:
		return x.redirect("/sign-up", "")
	case session == "" && v.SignIn != nil && !v.SignIn.FirstAt.IsZero():
		return x.proceed(v.SignIn.Attempt)
	case session == "" && v.Current() != nil:
		return x.redirect("/user", "email")
	}
	return x.render(200, "link_done", pg)
}
