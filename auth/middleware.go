package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
)

// Middleware finds out who is asking and hands the request to next, whoever it
// is: see [From]. A live token is checked without the store. If it has run out
// and the browser's client cookie is good, a new one is minted in the same
// request: there is no redirect, and the body of a POST is kept.
//
// A request from another site that could change something and is known by a
// cookie only is refused with 403. What decides is the Origin header, else
// Sec-Fetch-Site, else Referer; http.CrossOriginProtection would not do, since
// Config.AllowedOrigins may go beyond the host's own.
//
// An answer to which cookies were added is private, whatever next says of
// caching.
//
// A request is asked once, however many of these it passes. What the host has
// said by [NewContext] before the first of them counts.
func (a *Auth) Middleware(next http.Handler) http.Handler {
	if next == nil {
		panic("auth: nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, known := r.Context().Value(identityKey{}).(*identified); known && (c.by == nil || c.by == a) {
			next.ServeHTTP(w, r)
			return
		}
		cookies := len(w.Header()["Set-Cookie"])
		id, err := a.identify(w, r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if len(w.Header()["Set-Cookie"]) > cookies {
			p := &private{ResponseWriter: w}
			defer p.seal() // for handlers that write nothing
			w = p
		}
		next.ServeHTTP(w, r.WithContext(&identified{r.Context(), a, id}))
	})
}

// identify finds out who is asking. An error refuses the request whoever it is.
func (a *Auth) identify(w http.ResponseWriter, r *http.Request) (Identity, error) {
	safe := httpx.Safe(r.Method)
	if h := r.Header["Authorization"]; len(h) > 0 {
		if tok, ok := bearer(h); ok {
			id := a.fromBearer(r, tok)
			if !safe && id.SignedIn() {
				if other := a.fromCookies(r); other.SignedIn() && other.UserID != id.UserID {
					return Identity{}, fault.New("origin_authorization_headers_conflict", "").
						Say("The request brings the tokens of two different users.")
				}
			}
			return id, nil
		}
	}
	if len(r.Header["Cookie"]) == 0 {
		return Identity{}, nil
	}
	id := a.fromCookies(r)
	if !id.SignedIn() {
		id = a.renew(w, r, id)
	}
	if id.SignedIn() && !safe {
		if err := a.site.Origins.Check(r); err != nil {
			return Identity{}, fault.Wrap("csrf_token_invalid", "", err)
		}
	}
	return id, nil
}

// bearer returns the token of an Authorization header that has the shape of
// ours. Anything else, such as the host's own API keys, is not our business.
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, tok, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	tok = strings.TrimSpace(tok)
	return tok, strings.HasPrefix(tok, "eyJ") && strings.Count(tok, ".") == 2
}

func (a *Auth) fromBearer(r *http.Request, tok string) Identity {
	claims, err := a.verifier.Verify(r.Context(), tok)
	if err != nil {
		return Identity{Err: err}
	}
	return identityOf(claims)
}

// minted reads a token that was made in this request. What has changed since is
// for the next one to see.
func (a *Auth) minted(ctx context.Context, tok string) (*token.Claims, error) {
	c, err := a.verifier.VerifyExpired(ctx, tok)
	if errors.Is(err, token.ErrStale) {
		err = nil
	}
	return c, err
}

// identityOf is who claims speak of. A session with open tasks is nobody yet.
func identityOf(c *token.Claims) Identity {
	if !c.Active() {
		return Identity{Err: token.ErrPending}
	}
	return Identity{UserID: c.Subject, SessionID: c.SessionID, Claims: c}
}

// fromCookies looks at every session cookie there is: browsers send those of
// parent domains and older instances along, and only one needs to hold. Of
// several that do, the newest counts.
func (a *Auth) fromCookies(r *http.Request) Identity {
	if c := a.soleCookie(r); c != nil {
		return identityOf(c)
	}
	var best *token.Claims
	var why error
	for _, name := range a.sessions {
		for _, tok := range httpx.All(r, name) {
			c, err := a.verifier.Verify(r.Context(), tok)
			if err != nil {
				why = worse(why, err)
			} else if best == nil || c.IssuedAt.After(best.IssuedAt) {
				best = c
			}
		}
		if best != nil {
			return identityOf(best) // the instance's own cookie goes before the shared name
		}
	}
	return Identity{Err: why}
}

// soleCookie is the usual case of fromCookies: the best name there is occurs
// once, and its token holds. Otherwise it is nil.
func (a *Auth) soleCookie(r *http.Request) *token.Claims {
	for _, name := range a.sessions {
		tok, n := httpx.Sole(r, name)
		if n == 0 {
			continue
		}
		if n > 1 {
			return nil
		}
		c, err := a.verifier.Verify(r.Context(), tok)
		if err != nil {
			return nil
		}
		return c
	}
	return nil
}

// worse keeps the error that says most: a token that has run out was ours.
func worse(a, b error) error {
	if a != nil && errors.Is(a, token.ErrExpired) {
		return a
	}
	return b
}

// renew mints a new token for a browser whose token has run out or is gone,
// if the client cookie is good.
func (a *Auth) renew(w http.ResponseWriter, r *http.Request, id Identity) Identity {
	if len(httpx.All(r, a.site.ClientCookie())) == 0 {
		return id
	}
	b, err := a.site.Browser(a.engine, r)
	if err != nil {
		return Identity{Err: err}
	}
	if b.Gone {
		a.site.WriteClient(w.Header(), b, false)
	}
	if b.Client == nil {
		return id
	}
	sid, p, err := a.expiredSession(r)
	if err == nil && sid == "" && b.Client.LastActiveSessionID == "" {
		return id
	}
	var tok string
	if err == nil {
		_, tok, err = a.engine.Renew(r.Context(), b, sid, p)
	}
	if err == nil {
		var claims *token.Claims
		if claims, err = a.minted(r.Context(), tok); err == nil {
			a.site.WriteSession(w.Header(), tok)
			httpx.AddVary(w.Header(), "Cookie")
			return identityOf(claims)
		}
	}
	if over(err) && id.Err != nil {
		a.site.WriteSession(w.Header(), "") // do not ask again with each request
	}
	return Identity{Err: err}
}

// expiredSession names the session to renew: that of an expired token of this
// instance, the newest of several as in fromCookies, with the organization that
// it spoke of, or none, which is the client's current one. The token of a
// session that was ended is an error: whoever sent it becomes nobody else by
// that.
func (a *Auth) expiredSession(r *http.Request) (sid string, p engine.TokenParams, err error) {
	p.Origin = a.site.Origin(r)
	var best *token.Claims
	for _, name := range a.site.SessionCookies() {
		for _, tok := range httpx.All(r, name) {
			c, why := a.verifier.VerifyExpired(r.Context(), tok)
			if c != nil && (why == nil || errors.Is(why, token.ErrExpired)) && (best == nil || c.IssuedAt.After(best.IssuedAt)) {
				best = c
			}
			if errors.Is(why, token.ErrRevoked) {
				err = fault.Wrap("signed_out", "", why)
			}
		}
		if best == nil {
			continue
		}
		org := ""
		if best.Organization != nil {
			org = best.Organization.ID
		}
		p.Organization = &org
		return best.SessionID, p, nil
	}
	return "", p, err
}

// over reports whether err says that the session has ended for good, and not
// that nobody could tell.
func over(err error) bool {
	e := fault.From(err)
	return e.Code == "signed_out" || e.Code == "resource_not_found" || e.Code == "authentication_invalid"
}

// Require lets only those pass who are signed in and keep every rule. Somebody
// who is not signed in is sent to the sign-in page and back if a browser is
// asking for a page, and answered 401 with a JSON body otherwise. It works
// behind [Auth.Middleware] and without it; whom another instance knows is asked
// again. It panics at a nil handler or rule, and at a rule that names a permission
// or role which nobody can have, see [Permission].
func (a *Auth) Require(next http.Handler, rules ...Rule) http.Handler {
	if next == nil {
		panic("auth: nil handler")
	}
	a.checkRules(rules)
	return a.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := From(r.Context())
		err := id.check(rules)
		if err == nil {
			if h := w.Header(); len(h["Cache-Control"]) == 0 {
				httpx.NoStore(h)
			} else {
				httpx.AddVary(h, "Cookie", "Authorization")
			}
			next.ServeHTTP(w, r)
			return
		}
		if stale, ok := errors.AsType[*StaleError](err); ok {
			a.refuseStale(w, r, stale)
			return
		}
		if !id.SignedIn() && id.Err != nil && unavailable(id.Err) {
			err = fault.Wrap("service_unavailable", "", id.Err) // nobody could tell
		}
		if _, ok := errors.AsType[*Error](err); !ok {
			err = fault.Wrap("authorization_invalid", "", err)
		}
		a.refuse(w, r, err)
	}))
}

func unavailable(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || fault.From(err).Code == fault.Internal && !errors.Is(err, token.ErrMalformed) && !isTokenError(err)
}

// isTokenError reports whether err is the token's own fault.
func isTokenError(err error) bool {
	for _, e := range []error{token.ErrExpired, token.ErrNotYetValid, token.ErrSignature, token.ErrUnknownKey, token.ErrIssuer,
		token.ErrParty, token.ErrKind, token.ErrClaims, token.ErrAlgorithm, token.ErrRevoked, token.ErrPending, token.ErrAudience, token.ErrMalformed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refuse answers a request that may not pass.
func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, err error) {
	httpx.NoStore(w.Header())
	httpx.AddVary(w.Header(), "Cookie", "Authorization", "Accept")
	if e := fault.From(err); e.Status() == http.StatusUnauthorized && wantsPage(r) {
		http.Redirect(w, r, a.SignInURL()+"?redirect_url="+url.QueryEscape(a.asked(r)), http.StatusSeeOther)
		return
	}
	wire.WriteError(w, r, err, a.engine.Log(), nil)
}

// asked is the path and query that the browser asked for, also behind a
// http.StripPrefix, which changes r.URL only.
func (a *Auth) asked(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		if uri, err := a.site.Redirects.Check(r, "redirect_url", r.RequestURI); err == nil {
			return uri
		}
	}
	return r.URL.RequestURI()
}

// wantsPage reports whether a person's browser asks for a page to show.
func wantsPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "":
		return strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	return false
}

// SignIn signs a user in on the browser that sent r, because the host says so:
// it has made sure by other means who that is. It sets the cookies; the answer
// is the host's, and must not be cached. A banned or locked user is refused.
func (a *Auth) SignIn(w http.ResponseWriter, r *http.Request, userID string) error {
	b, err := a.site.Browser(a.engine, r)
	if err != nil {
		return refusal(err)
	}
	s, err := a.engine.SignInUser(r.Context(), b, userID)
	if err != nil {
		return refusal(err)
	}
	_, tok, err := a.engine.Renew(r.Context(), b, s.ID, engine.TokenParams{Origin: a.site.Origin(r)})
	if err != nil {
		return refusal(err)
	}
	a.site.WriteClient(w.Header(), b, true)
	a.site.WriteSession(w.Header(), tok)
	httpx.NoStore(w.Header())
	return nil
}
