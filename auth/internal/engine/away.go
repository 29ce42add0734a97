package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/store"
)

// ForConnection is the purpose of a flow that connects an account to who is
// signed in; [LinkForSignIn] and [LinkForSignUp] are the others.
const forConnection LinkPurpose = "connection"

// A flow is a browser that was sent to another service: what it will be known
// by when it is back, and what for. The ID is the hash of the state, so that
// whoever reads the store cannot play the browser.
type flow struct {
	store.Meta
	Purpose  LinkPurpose   `json:"purpose"`
	Provider string        `json:"provider"`
	Pending  oauth.Pending `json:"pending"`
	// Target is the attempt, or the external account, that it is about;
	// VerificationID is the challenge of an attempt.
	Target         string `json:"target"`
	VerificationID string `json:"verification_id,omitempty"`
	// ClientID is the browser; SessionID is who connects an account.
	ClientID  string `json:"client_id"`
	SessionID string `json:"session_id,omitempty"`
	// ReturnTo is where the browser goes on; CompleteTo is where it goes if
	// nothing is left to do.
	ReturnTo   string    `json:"return_to"`
	CompleteTo string    `json:"complete_to,omitempty"`
	GoodUntil  time.Time `json:"good_until"`
}

var (
	flowKind = &store.Kind{Name: "oauth_flow", Sealed: true}
	flowTab  = store.Table[flow, *flow]{Kind: flowKind}
)

func (f *flow) StoreEntries() []store.Entry { return nil }

func flowID(state string) string {
	h := sha256.Sum256([]byte("flow " + state))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// putFlow keeps f until the browser is back.
func (e *Engine) putFlow(ctx context.Context, t *txn, f flow, s factor.Send, by Request) error {
	f.ID, f.Expires, f.GoodUntil = flowID(s.Away.Pending.State), s.ExpireAt, s.ExpireAt
	f.Provider, f.Pending, f.VerificationID = s.Away.Provider, s.Away.Pending, s.VerificationID
	f.ReturnTo, f.CompleteTo = by.ReturnTo, by.Away.CompleteTo
	return flowTab.Put(ctx, t, &f)
}

// takeFlow returns the flow that a browser has come back from, once, if it was
// this browser that was sent away, and to this provider.
func (e *Engine) takeFlow(ctx context.Context, b *Browser, provider, state string) (*flow, error) {
	invalid := fault.New("oauth_callback_invalid", "")
	if b.Client == nil || b.stale || state == "" || len(state) > 128 {
		return nil, invalid
	}
	var f *flow
	err := e.update(ctx, func(t *txn) (err error) {
		if f, err = flowTab.Get(ctx, t, flowID(state)); err != nil {
			return missingAs(err, invalid)
		}
		if f.ClientID != b.Client.ID || f.Provider != provider && !(provider == "" && e.commonCallback(f.Provider)) {
			return invalid
		}
		return flowTab.Delete(ctx, t, f)
	})
	switch {
	case err != nil:
		return nil, err
	case !e.now().Before(f.GoodUntil):
		return nil, invalid
	}
	return f, nil
}

// Away is what a browser that is sent to another service asks for.
type Away struct {
	// CompleteTo is where it goes on if nothing is left to do then: checked, or
	// empty.
	CompleteTo string
	// Prompt and LoginHint are passed on, Scopes are asked for besides those of
	// the provider's value.
	Prompt, LoginHint string
	Scopes            []string
}

// awayRequest is what the provider's flow begins with.
func (e *Engine) awayRequest(by Request, p *oauth.Provider) oauth.Request {
	path := "/v1/oauth_callback"
	if !p.CommonCallback {
		path += "/" + p.Key
	}
	return oauth.Request{CallbackURL: e.siteURL(by, e.cfg.FrontendURL+path), Prompt: by.Away.Prompt, LoginHint: by.Away.LoginHint, Scopes: by.Away.Scopes}
}

// newSocial makes the strategies of the configured providers.
func newSocial(cfg Config) ([]factor.Social, error) {
	var out []factor.Social
	seen := map[string]bool{}
	for _, p := range cfg.Social {
		if seen[p.Key] {
			return nil, fmt.Errorf("social provider %q is configured twice", p.Key)
		}
		seen[p.Key] = true
		c, err := oauth.NewClient(p, oauth.Options{Loopback: cfg.Local, Transport: cfg.SocialTransport, Now: cfg.Now})
		if err != nil {
			return nil, err
		}
		out = append(out, factor.Social{Client: c})
	}
	return out, nil
}

// socialOf returns the strategy of a provider.
func (e *Engine) socialOf(key string) (factor.Social, bool) {
	for _, s := range e.social {
		if s.Provider().Key == key {
			return s, true
		}
	}
	return factor.Social{}, false
}

func (e *Engine) commonCallback(key string) bool {
	s, ok := e.socialOf(key)
	return ok && s.Provider().CommonCallback
}

// Social lists the providers that are offered.
func (e *Engine) Social(ctx context.Context) []*oauth.Provider {
	set := e.Settings(ctx)
	var out []*oauth.Provider
	for _, s := range e.social {
		if set.Social.Offers(s.Provider().Key) {
			out = append(out, s.Provider())
		}
	}
	return out
}

// elsewhere reports whether a strategy is a provider's. Whoever comes from one
// has shown there, if anywhere, that they are no program.
func (e *Engine) elsewhere(strategy string) bool {
	st, _ := e.strategies.Get(strategy)
	_, ok := st.(factor.Social)
	return ok
}
