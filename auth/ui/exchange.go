package ui

import (
	"context"
	"net/http"
	"net/url"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/settings"
)

// An exchange is one request and its answer.
type exchange struct {
	p        *pages
	w        http.ResponseWriter
	r        *http.Request
	b        *engine.Browser // nil before begin
	settings *settings.Settings
	path     string // below PagesPath
	home     string // the page to come back to
	next     string // redirect_url, checked; empty: none
	notice   string // code of what has just been done
}

// begin finds out who asks and where the person wants to go.
func (x *exchange) begin() (err error) {
	x.b, err = x.p.site.Browser(x.p.engine, x.r)
	if err != nil {
		return err
	}
	q := x.r.URL.Query()
	x.notice = q.Get("notice")
	if v := q["redirect_url"]; len(v) == 1 {
		// One that is refused is dropped: the person can sign in nevertheless.
		x.next, _ = x.p.site.Redirects.Check(x.r, "redirect_url", v[0])
	}
	return nil
}

func (x *exchange) ctx() context.Context { return x.r.Context() }

// form decodes the body.
func (x *exchange) form() (*httpx.Form, error) { return httpx.ParseForm(x.w, x.r) }

// url is the path of a page with what is carried along.
func (x *exchange) url(path string, more ...string) string {
	q := url.Values{}
	if x.next != "" {
		q.Set("redirect_url", x.next)
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	if len(q) == 0 {
		return x.p.site.PagesPath + path
	}
	return x.p.site.PagesPath + path + "?" + q.Encode()
}

// redirect sends the browser to another page of ours.
func (x *exchange) redirect(path, notice string, more ...string) error {
	return x.leave(x.url(path, append(more, "notice", notice)...))
}

// leave sends the browser to a URL that is ours or was checked, with the
// cookies that changed.
func (x *exchange) leave(to string) error {
	x.cookies()
	x.w.Header().Set("Location", to)
	x.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// done sends the person to where they wanted to go, or first to what there is
// to do yet.
func (x *exchange) done(otherwise string) error {
	if _, pending := x.pending(); pending {
		return x.redirect("/tasks", "")
	}
	if x.next != "" {
		otherwise = x.next
	}
	return x.leave(otherwise)
}

// cookies writes those that changed. When somebody has signed in or out, the
// session token comes along, so that the host knows at once.
func (x *exchange) cookies() {
	if x.b == nil {
		return
	}
	h := x.w.Header()
	if !x.b.Changed && !x.b.Gone {
		x.p.site.WriteClient(h, x.b, false)
		return
	}
	current, _, err := x.accounts()
	if err != nil {
		x.p.engine.Log().WarnContext(x.ctx(), "pages: sessions not read, cookies are written without", "err", err)
	}
	x.p.site.WriteClient(h, x.b, current != nil)
	x.session(current)
}

// session writes the token of s; nil deletes it. If none can be made, the
// middleware makes it at the next request.
func (x *exchange) session(s *engine.SessionView) {
	jwt := ""
	if s != nil {
		var err error
		if jwt, err = x.p.engine.LastToken(x.ctx(), s, x.p.site.Origin(x.r)); err != nil {
			x.p.engine.Log().WarnContext(x.ctx(), "pages: no session token", "session", s.ID, "err", err)
		}
	}
	x.p.site.WriteSession(x.w.Header(), jwt)
}

// accounts lists the live sessions of the browser; current is the one that
// pages speak for, nil when nobody is signed in.
func (x *exchange) accounts() (current *engine.SessionView, all []*engine.SessionView, err error) {
	v, err := x.p.engine.View(x.ctx(), x.b)
	if v == nil || err != nil {
		return nil, nil, err
	}
	return v.Current(), v.Live(), nil
}
