package ui

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
)

// getSignOut asks, and does nothing: a link from elsewhere signs nobody out.
func getSignOut(x *exchange) error {
	pg := x.page()
	if _, err := x.signedInAlready(pg); err != nil {
		return err
	}
	return x.render(200, "sign_out", pg)
}

// postSignOut ends the session that the page named, or all of this browser.
func postSignOut(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("session")
	all, _ := f.Bool("all")
	if err := f.Err(); err != nil {
		return err
	}
	switch {
	case x.b.Client == nil:
	case all:
		_, err = x.p.engine.EndAllSessions(x.ctx(), x.b)
	default:
		_, err = x.p.engine.EndSession(x.ctx(), x.b, id, session.Removed)
	}
	if errors.Is(err, fault.New("resource_not_found", "")) || errors.Is(err, fault.New("invalid_action_for_session", "")) {
		return x.redirect("/sign-out", "") // it is over, or the page was an old one
	}
	if err != nil {
		return err
	}
	if x.b.Client == nil {
		x.p.site.WriteSession(x.w.Header(), "")
	}
	// What the browser kept of private pages goes, too (OWASP ASVS 5.0, 14.3).
	x.w.Header().Set("Clear-Site-Data", `"cache"`)
	return x.done(x.p.opts.AfterSignOut)
}

// postSwitch makes another account of this browser the active one.
func postSwitch(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("session")
	if err := f.Err(); err != nil {
		return err
	}
	s, err := x.p.engine.TouchSession(x.ctx(), x.b, id, engine.TouchParams{Select: true})
	if err != nil {
		if over(err) || errors.Is(err, fault.New("invalid_action_for_session", "")) {
			return x.redirect("/sign-in", "")
		}
		return err
	}
	x.session(s)
	return x.done(x.p.opts.AfterSignIn)
}
