package ui

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"sync"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/auth/internal/site"
)

// Options change how the pages look and where they lead. The zero value is
// good.
type Options struct {
	// Overlay has files that stand in for the built-in ones, by name:
	// sign_in.html, layout.html, theme.css and so on. They are read once, by
	// [New].
	Overlay fs.FS
	// Home is where the application's name at the top of each page leads;
	// empty: "/".
	Home string
	// AfterSignIn, AfterSignUp and AfterSignOut are where people go when no
	// redirect_url says otherwise; empty: Home. Like it they are paths, or URLs
	// on an allowed origin.
	AfterSignIn, AfterSignUp, AfterSignOut string
}

// pages answers every request below the site's PagesPath.
type pages struct {
	engine   *engine.Engine
	site     *site.Site
	opts     Options
	headers  httpx.Page
	routes   map[string]route
	views    func() (map[string]*template.Template, error)
	style    asset
	script   asset
	work     asset // the script of the proof of work
	pictures picture.Decoder
}

// New returns the handler of all pages below s.PagesPath. It sees whole paths:
// mount it without stripping a prefix. The error names every option and file of
// the overlay that is wrong.
func New(e *engine.Engine, s *site.Site, opts Options) (http.Handler, error) {
	p := &pages{engine: e, site: s, opts: opts, routes: routes()}
	maps.Copy(p.routes, organizationRoutes())
	errs := []error{p.checkTargets()}
	files := overlay{opts.Overlay}
	var err error
	p.style, err = newStyle(files)
	errs = append(errs, err)
	p.work = newWorkScript()
	p.script, err = newScript(files)
	errs = append(errs, err)
	p.views = sync.OnceValues(func() (map[string]*template.Template, error) { return parseTemplates(files) })
	if opts.Overlay != nil { // the built-in ones are read when the first page is asked for
		errs = append(errs, p.tryTemplates())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	// Browsers hold a form's redirect to form-action, too: the listed origins
	// may be where a sign-in ends.
	p.headers = httpx.Page{Forms: s.Origins.List(), TrustedTypes: true}
	guarded := s.Origins.Protect(http.HandlerFunc(p.serve), p.refuseOrigin)
	return httpx.Recover(p.secured(guarded), e.Log(), p.panicked), nil
}

// checkTargets validates the URLs of the options and fills in the empty ones.
func (p *pages) checkTargets() error {
	var errs []error
	home := "/"
	for _, t := range []struct {
		field string
		url   *string
	}{{"Home", &p.opts.Home}, {"AfterSignIn", &p.opts.AfterSignIn}, {"AfterSignUp", &p.opts.AfterSignUp},
		{"AfterSignOut", &p.opts.AfterSignOut}} {
		if *t.url == "" {
			*t.url = home
		}
		checked, err := p.site.Redirects.Check(nil, t.field, *t.url)
		if err != nil {
			errs = append(errs, fmt.Errorf("ui: %s: %q is neither a path nor a URL on an allowed origin", t.field, *t.url))
		}
		*t.url = checked
		if t.field == "Home" {
			home = checked
		}
	}
	return errors.Join(errs...)
}

// secured sets the security headers before anything can answer.
func (p *pages) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.headers.Set(w.Header())
		next.ServeHTTP(w, r)
	})
}

// refuseOrigin answers a request that another site has sent.
func (p *pages) refuseOrigin(w http.ResponseWriter, r *http.Request, err error) {
	x := &exchange{p: p, w: w, r: r, settings: p.engine.Settings(r.Context())}
	x.fail(err)
}

// panicked answers a request whose handler panicked; it is logged already.
func (p *pages) panicked(w http.ResponseWriter, r *http.Request, _ string) {
	p.headers.Set(w.Header())
	x := &exchange{p: p, w: w, r: r, settings: p.engine.Settings(r.Context())}
	x.fail(fault.New(fault.Internal, ""))
}
