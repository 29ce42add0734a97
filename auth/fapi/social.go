package fapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/user"
)

// callbackPath is where browsers come back to from other services, itself or
// with the provider's key behind it.
const callbackPath = "/v1/oauth_callback"

// away reads what a browser that is sent to another service takes along.
func (c *call) away() error {
	if err := c.returnTo(); err != nil {
		return err
	}
	to := &c.b.Away
	to.Prompt, _ = c.form.StringMax("oidc_prompt", 64)
	to.LoginHint, _ = c.form.StringMax("oidc_login_hint", maxIdentifier)
	if scopes, ok := c.form.Strings("additional_scope"); ok {
		for _, s := range scopes {
			to.Scopes = append(to.Scopes, strings.Fields(s)...)
		}
	}
	raw, _ := c.form.String("action_complete_redirect_url")
	if err := c.form.Err(); err != nil || raw == "" {
		return err
	}
	var err error
	to.CompleteTo, err = c.site.Redirects.Check(c.r, "action_complete_redirect_url", raw)
	return err
}

// answerFields are the parameters of an answer of a provider.
var answerFields = []string{"state", "code", "iss", "error", "user"}

// oauthCallback is where the browser comes back to from another service. It is
// a read that writes: the state that only this browser has been given, and
// that is good once, is what makes that safe. What came of it is told in the
// attempt; here are refused only browsers that nobody has sent away.
func (c *call) oauthCallback() (any, error) {
	var a oauth.Answer
	for field, to := range map[string]*string{"state": &a.State, "code": &a.Code, "iss": &a.Iss, "error": &a.Error, "user": &a.User} {
		*to, _ = c.query.String(field)
	}
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	to, err := c.e.Comeback(c.ctx(), c.b, c.id("provider"), a)
	if err != nil {
		if f := fault.From(err); f.Status() < 500 && c.asksForPage() {
			return c.leave(c.site.PagesPath + "/sign-in?notice=restart")
		}
		return nil, err
	}
	return c.leave(to)
}

// oauthPosted takes an answer that a provider's own page has posted. Such a
// request comes from another site and carries no cookie of ours, so it is sent
// on as a read, which does.
func (c *call) oauthPosted() (any, error) {
	q := url.Values{}
	for _, field := range answerFields {
		if v, _ := c.form.String(field); v != "" {
			q.Set(field, v)
		}
	}
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	at := c.site.FrontendPath + callbackPath
	if key := c.id("provider"); key != "" {
		at += "/" + url.PathEscape(key)
	}
	return c.leave(at + "?" + q.Encode())
}

// comesBack reports whether r is a browser that is back from a provider, or
// the provider's page that posts the answer: the only write that may come from
// another site.
func comesBack(r *http.Request) bool {
	path, ok := strings.CutPrefix(r.URL.Path, callbackPath)
	return ok && (path == "" || path[0] == '/') && (httpx.Safe(r.Method) || r.Method == http.MethodPost && r.URL.RawQuery == "")
}

// anyOrigin lets browsers that come from a provider past the check of origins:
// what they bring is good for nothing without the state.
func (a *API) anyOrigin(checked, unchecked http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !comesBack(r) {
			checked.ServeHTTP(w, r)
			return
		}
		httpx.NoStore(w.Header())
		if a.site.Origins.Loopback() {
			if err := a.site.Origins.CheckHost(r); err != nil {
				a.refuse(w, r, err)
				return
			}
		}
		unchecked.ServeHTTP(w, r)
	})
}

// connectExternal begins to connect an account at another service.
func (c *call) connectExternal() (any, error) {
	strategy := c.form.Require("strategy")
	if err := c.away(); err != nil {
		return nil, err
	}
	return c.external(c.e.Connect(c.ctx(), c.actor, strategy))
}

// reauthorizeExternal asks for more of an account that is connected.
func (c *call) reauthorizeExternal() (any, error) {
	if err := c.away(); err != nil {
		return nil, err
	}
	return c.external(c.e.Reauthorize(c.ctx(), c.actor, c.id("external_account_id")))
}

func (c *call) external(a *user.ExternalAccount, v *factor.Verification, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return wire.NewExternalAccount(a, v, c.e.Now()), nil
}

func (c *call) deleteExternal() (any, error) {
	id := c.id("external_account_id")
	if err := c.e.Disconnect(c.ctx(), c.actor, id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("external_account", id), nil
}

func (c *call) revokeExternalTokens() (any, error) {
	return c.me(c.e.RevokeTokens(c.ctx(), c.actor, c.id("external_account_id")))
}
