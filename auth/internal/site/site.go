// Package site is where an instance of usher lives on the web: its URL and
// paths, its publishable key, the names of its cookies, and who may call it.
// The HTTP layers share one [Site], so that each of these is decided once.
package site

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/session"
)

// Config says where an instance lives. The zero value is some port of this
// machine.
type Config struct {
	// URL is the origin of the application, such as https://app.example.com.
	// Empty: whatever loopback address it is called by.
	URL string
	// AllowedOrigins are more origins whose pages may call the instance and be
	// redirected to.
	AllowedOrigins []string
	// FrontendPath, BackendPath and PagesPath are where the APIs and pages are;
	// empty: /__clerk, /bapi and /auth.
	FrontendPath, BackendPath, PagesPath string
	// Issuer is the iss of tokens; empty: https://clerk. and the host of URL.
	Issuer string
	// TrustedProxies may say whom they forward for.
	TrustedProxies []netip.Prefix
	// HTTPOnlySession hides the session token from scripts. Clerk's clients
	// need to read it; hosts with only their own pages do not.
	HTTPOnlySession bool
}

// A Site is a validated Config with all that follows from it.
type Site struct {
	Config
	Origins   *httpx.Origins
	Redirects httpx.Redirects
	// Secure: the site is on https, and so are its cookies.
	Secure bool
	// Local: the site is on a loopback address only.
	Local bool
	// PublishableKey names the instance to Clerk's clients.
	PublishableKey string
	// Suffix ends the names of cookies that belong to this instance alone.
	Suffix string
}

// New validates c and returns every problem joined.
func New(c Config) (*Site, error) {
	s := &Site{Config: c}
	var errs []error
	host := "localhost"
	if c.URL == "" {
		s.Local = true
	} else {
		u, err := url.Parse(c.URL)
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
			errs = append(errs, fmt.Errorf("URL: %q is not the origin of a site, such as https://app.example.com", c.URL))
		default:
			host, s.Secure, s.Local = strings.ToLower(u.Host), u.Scheme == "https", httpx.IsLoopback(u.Hostname())
			s.URL = u.Scheme + "://" + host
			if !s.Secure && !s.Local {
				errs = append(errs, fmt.Errorf("URL: %q must be https: only loopback addresses may use http", c.URL))
			}
			if s.Origins, err = httpx.NewOrigins(append([]string{s.URL}, c.AllowedOrigins...)...); err != nil {
				errs = append(errs, fmt.Errorf("AllowedOrigins: %w", err))
			}
		}
	}
	if c.URL == "" && len(c.AllowedOrigins) > 0 {
		errs = append(errs, errors.New("AllowedOrigins: need a URL beside them"))
	}
	s.Redirects = httpx.Redirects{Origins: s.Origins}
	for _, p := range []struct {
		field    string
		path     *string
		fallback string
	}{{"FrontendPath", &s.FrontendPath, "/__clerk"}, {"BackendPath", &s.BackendPath, "/bapi"}, {"PagesPath", &s.PagesPath, "/auth"}} {
		if *p.path == "" {
			*p.path = p.fallback
		}
		if v := *p.path; !plainPath(v) {
			errs = append(errs, fmt.Errorf("%s: %q must begin with a slash, not end with one, and have neither dot segments nor special characters", p.field, v))
		}
	}
	// Clerk's Go client takes only issuers that begin so.
	frontend := "clerk." + host
	if s.Issuer == "" {
		s.Issuer = "https://" + frontend
	}
	s.PublishableKey = "pk_live_" + base64.StdEncoding.EncodeToString([]byte(frontend+"$"))
	sum := sha1.Sum([]byte(s.PublishableKey)) // a name, not a secret
	s.Suffix = base64.URLEncoding.EncodeToString(sum[:])[:8]
	return s, errors.Join(errs...)
}

// plainPath reports whether p can be a place on the site: nothing that
// http.ServeMux, browsers or proxies would read or write differently.
func plainPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && !strings.ContainsAny(p, "{}?#%\\") &&
		!strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7F })
}

// AppURL is the site's URL, or where a local one probably is.
func (s *Site) AppURL() string {
	if s.URL == "" {
		return "http://localhost"
	}
	return s.URL
}

// PasskeyHost is the domain that passkeys are for, and PasskeyOrigins are whose
// pages may use them. A site without a URL has neither: each request says.
func (s *Site) PasskeyHost() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// PasskeyOrigins: see [Site.PasskeyHost].
func (s *Site) PasskeyOrigins() []string {
	if s.URL == "" {
		return nil
	}
	return s.Origins.List()
}

// PagesURL is where the site's own pages are: a path alone on a local site,
// which serves whatever address it is called by.
func (s *Site) PagesURL() string { return s.URL + s.PagesPath }

// FrontendURL is where the Frontend API is, like PagesURL.
func (s *Site) FrontendURL() string { return s.URL + s.FrontendPath }

// Request says where r comes from.
func (s *Site) Request(r *http.Request) engine.Request {
	return engine.Request{Addr: httpx.ClientAddr(r, s.TrustedProxies), UserAgent: httpx.Clean(r.UserAgent(), 512), Origin: s.Origin(r), Site: s.base(r)}
}

// base is the origin of the site: the configured one, or, on a loopback site
// that has none, the loopback address that r was sent to.
func (s *Site) base(r *http.Request) string {
	if s.URL != "" {
		return s.URL
	}
	if o := "http://" + r.Host; s.Origins.AllowedFor(r, o) {
		return o
	}
	return ""
}

// Origin is the origin that tokens minted for r speak of: the one it names, if
// it is allowed, else the site's own.
func (s *Site) Origin(r *http.Request) string {
	if o := r.Header.Get("Origin"); o != "" && s.Origins.AllowedFor(r, o) {
		return o
	}
	return s.base(r)
}

// Browser finds out which client r comes from.
func (s *Site) Browser(e *engine.Engine, r *http.Request) (*engine.Browser, error) {
	return e.Browser(r.Context(), httpx.All(r, s.ClientCookie()), s.Request(r))
}

// ClientCookie is the name of the cookie that proves a client. On https it has
// the prefix that keeps other hosts of the domain from setting it.
func (s *Site) ClientCookie() string {
	if s.Secure {
		return "__Host-__client"
	}
	return "__client"
}

// SessionCookies are the names of the cookies that carry a session token, best
// first.
func (s *Site) SessionCookies() []string { return []string{"__session_" + s.Suffix, "__session"} }

const year = 365 * 24 * time.Hour

// WriteClient sets the cookies that changed in the course of a request:
// the client's own, and what tells backends that somebody has signed in or
// out. signedIn says whether any session of the client is live.
func (s *Site) WriteClient(h http.Header, b *engine.Browser, signedIn bool) {
	switch {
	case b.Gone:
		s.set(h, httpx.Cookie{Name: s.ClientCookie(), MaxAge: -1})
	case b.Cookie != "":
		s.set(h, httpx.Cookie{Name: s.ClientCookie(), Value: b.Cookie, MaxAge: session.ClientLifetime})
	}
	if b.Changed || b.Gone {
		for _, c := range s.stateCookies(b, signedIn) {
			s.set(h, c)
		}
	}
}

// stateCookies say when somebody last signed in or out: 0 is signed out.
func (s *Site) stateCookies(b *engine.Browser, signedIn bool) []httpx.Cookie {
	uat := "0"
	if signedIn && b.Client != nil {
		uat = fmt.Sprint(b.Client.ChangedAt.Unix())
	}
	return []httpx.Cookie{
		{Name: "__client_uat", Value: uat, MaxAge: year, Readable: true},
		{Name: "__client_uat_" + s.Suffix, Value: uat, MaxAge: year, Readable: true},
	}
}

// sessionCookies carry a session token; an empty one deletes them.
func (s *Site) sessionCookies(jwt string) []httpx.Cookie {
	age := time.Duration(year)
	if jwt == "" {
		age = -1
	}
	var cs []httpx.Cookie
	for _, name := range s.SessionCookies() {
		cs = append(cs, httpx.Cookie{Name: name, Value: jwt, MaxAge: age, Readable: !s.HTTPOnlySession})
	}
	return cs
}

// WriteSession sets the session token; empty deletes it.
func (s *Site) WriteSession(h http.Header, jwt string) {
	for _, c := range s.sessionCookies(jwt) {
		s.set(h, c)
	}
}

// Directives are the Set-Cookie lines that bring a backend up to date: the
// state, the session token and the end of the handshake itself.
func (s *Site) Directives(b *engine.Browser, signedIn bool, jwt string) []string {
	cs := append(s.stateCookies(b, signedIn), s.sessionCookies(jwt)...)
	cs = append(cs, httpx.Cookie{Name: "__clerk_handshake_nonce", MaxAge: -1}, httpx.Cookie{Name: "__clerk_handshake", MaxAge: -1})
	var out []string
	for _, c := range cs {
		c.Secure = s.Secure
		if line, err := c.Header(); err == nil {
			out = append(out, line)
		}
	}
	return out
}

// SetHandshakeNonce hands the browser the nonce to carry to the backend.
func (s *Site) SetHandshakeNonce(h http.Header, nonce string) {
	s.set(h, httpx.Cookie{Name: "__clerk_handshake_nonce", Value: nonce, MaxAge: time.Minute})
}

func (s *Site) set(h http.Header, c httpx.Cookie) {
	c.Secure = s.Secure
	if err := c.Set(h); err != nil { // names and values are our own
		panic(err)
	}
}
