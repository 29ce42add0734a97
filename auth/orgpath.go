package auth

import (
	"fmt"
	"net/http"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// RequireOrganization is [Auth.Require] for handlers with an organization in
// the path: what the mux found for a wildcard is its ID or slug.
//
//	mux.Handle("GET /orgs/{org}/reports", a.RequireOrganization("org", reports, auth.Permission("org:reports:read")))
//
// The organization becomes the active one of the request, and, for a browser,
// of its session: links work in every tab. Who is no member is answered as if
// the page did not exist. The path itself is not looked at: only what the mux
// has matched counts, whatever the spelling. A pattern without the wildcard is a
// mistake of the host's, answered 500 and logged.
func (a *Auth) RequireOrganization(wildcard string, next http.Handler, rules ...Rule) http.Handler {
	inner := a.Require(next, rules...)
	return a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want, id := r.PathValue(wildcard), From(r.Context())
		if want == "" {
			a.refuse(w, r, fmt.Errorf("auth: RequireOrganization: the pattern %q has nothing for the wildcard %q", r.Pattern, wildcard))
			return
		}
		if c := id.Claims; c != nil && c.Organization != nil && (c.Organization.ID == want || c.Organization.Slug == want) {
			inner.ServeHTTP(w, r)
			return
		}
		now, err := a.activate(w, r, id, want)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		inner.ServeHTTP(w, r.WithContext(&identified{r.Context(), a, now}))
	}))
}

// activate makes an organization the active one of the browser's session, and
// returns who is asking with it.
func (a *Auth) activate(w http.ResponseWriter, r *http.Request, id *Identity, want string) (Identity, error) {
	unknown := fault.New("resource_not_found", "")
	if len(httpx.All(r, a.site.ClientCookie())) == 0 {
		return Identity{}, unknown // a bearer's token says all that it can do
	}
	b, err := a.site.Browser(a.engine, r)
	if err != nil {
		return Identity{}, err
	}
	if b.Client == nil {
		return Identity{}, unknown
	}
	if _, err := a.engine.TouchSession(r.Context(), b, id.SessionID, engine.TouchParams{Organization: &want}); err != nil {
		return Identity{}, err
	}
	tok, err := a.engine.Token(r.Context(), b, id.SessionID, engine.TokenParams{Organization: &want, Origin: a.site.Origin(r)})
	if err != nil {
		return Identity{}, err
	}
	claims, err := a.minted(r.Context(), tok)
	if err != nil {
		return Identity{}, err
	}
	now := identityOf(claims)
	if now.UserID != id.UserID {
		return Identity{}, unknown
	}
	a.site.WriteSession(w.Header(), tok)
	httpx.NoStore(w.Header())
	return now, nil
}
