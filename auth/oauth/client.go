package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/usherauth/usher/auth/internal/outbound"
)

// A Client runs the flow of one provider: [Client.Begin] and, when the browser
// is back, [Client.Exchange]. It is safe for concurrent use.
type Client struct {
	p        Provider
	loopback bool
	http     *http.Client
	pictures *http.Client // what the provider says of a person leads anywhere
	now      func() time.Time

	mu      sync.Mutex
	meta    *metadata // nil: not yet found
	until   time.Time // when it is looked for again; zero: never
	finding *finding  // under way; nil: nobody looks
}

// A finding is one look for the endpoints, which all who need them share: a
// provider that hangs holds each of them up once, and not one after another.
type finding struct {
	done chan struct{}
	m    *metadata
	err  error
}

// Options are what a client needs besides its provider.
type Options struct {
	// Loopback lets loopback addresses be called: for instances that are
	// themselves on one.
	Loopback bool
	// Transport answers calls, for tests; nil: the network, and of that only
	// public addresses and those that the provider's value names.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
}

// NewClient returns a client for p.
func NewClient(p Provider, o Options) (*Client, error) {
	if err := p.Validate(o.Loopback); err != nil {
		return nil, err
	}
	c := &Client{p: p, loopback: o.Loopback, now: o.Now}
	if c.now == nil {
		c.now = time.Now
	}
	if o.Transport != nil {
		c.http = outbound.Bounded(p.policy(o.Loopback), o.Transport)
		c.pictures = outbound.Bounded(outbound.Policy{Loopback: o.Loopback}, o.Transport)
	} else {
		c.http = outbound.Client(p.policy(o.Loopback))
		c.pictures = outbound.Client(outbound.Policy{Loopback: o.Loopback})
	}
	return c, nil
}

// Provider is what the client was made for.
func (c *Client) Provider() *Provider { return &c.p }

// metadata is what is known of a provider's endpoints.
type metadata struct {
	Issuer      string   `json:"issuer"`
	AuthURL     string   `json:"authorization_endpoint"`
	TokenURL    string   `json:"token_endpoint"`
	UserInfoURL string   `json:"userinfo_endpoint"`
	KeysURL     string   `json:"jwks_uri"`
	RevokeURL   string   `json:"revocation_endpoint"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	// IssInAnswer: what the browser comes back with names the issuer (RFC 9207).
	IssInAnswer bool `json:"authorization_response_iss_parameter_supported"`

	keys  oidc.KeySet
	found time.Time
}

const (
	// freshFor is how long a discovery document is believed; staleFor is how
	// long it still is if the provider does not answer, which is asked again
	// after retryFor.
	freshFor = time.Hour
	staleFor = 24 * time.Hour
	retryFor = time.Minute
)

// metadata returns the endpoints, from the provider's value or its document.
func (c *Client) metadata(ctx context.Context) (*metadata, error) {
	c.mu.Lock()
	if c.meta != nil && (c.until.IsZero() || c.now().Before(c.until)) {
		defer c.mu.Unlock()
		return c.meta, nil
	}
	f, mine := c.finding, c.finding == nil
	if mine {
		f = &finding{done: make(chan struct{})}
		c.finding = f
	}
	old := c.meta
	c.mu.Unlock()
	if mine {
		c.look(context.WithoutCancel(ctx), f, old) // for the others, too; the HTTP client bounds it
		return f.m, f.err
	}
	select {
	case <-f.done:
		return f.m, f.err
	case <-ctx.Done():
		return nil, fail(StageDiscovery, "unavailable", ctx.Err())
	}
}

// look does what f is about. old is what was found before; nil: nothing.
func (c *Client) look(ctx context.Context, f *finding, old *metadata) {
	now := c.now()
	until := now.Add(freshFor)
	f.err = fail(StageDiscovery, "unavailable", errors.New("given up")) // unless it comes to an end
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.finding = nil; f.err == nil {
			c.meta, c.until = f.m, until
		}
		close(f.done)
	}()
	f.m, f.err = c.resolve(ctx, now, old)
	switch {
	case f.err != nil && old != nil && now.Before(old.found.Add(staleFor)):
		f.m, f.err, until = old, nil, now.Add(retryFor)
	case f.err == nil && f.m.found.IsZero():
		until = time.Time{}
	}
}

// resolve finds the endpoints and checks them.
func (c *Client) resolve(ctx context.Context, now time.Time, old *metadata) (*metadata, error) {
	m, err := c.find(ctx, now)
	if err != nil {
		return nil, fail(StageDiscovery, "unavailable", err)
	}
	for _, over := range []struct{ to, own *string }{{&m.AuthURL, &c.p.AuthURL}, {&m.TokenURL, &c.p.TokenURL},
		{&m.UserInfoURL, &c.p.UserInfoURL}, {&m.KeysURL, &c.p.KeysURL}, {&m.RevokeURL, &c.p.RevokeURL}} {
		if *over.own != "" {
			*over.to = *over.own
		}
	}
	if err := c.checkEndpoints(m); err != nil {
		return nil, fail(StageDiscovery, "invalid", err)
	}
	switch {
	case c.p.SharedKey:
		m.keys, m.Algorithms = sharedKey(c.p.ClientSecret), []string{"HS256"}
	case m.KeysURL != "" && old != nil && old.KeysURL == m.KeysURL:
		m.keys = old.keys // with what it has cached
	case m.KeysURL != "":
		m.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), c.http), m.KeysURL)
	}
	return m, nil
}

// find reads the discovery document, if it is needed.
func (c *Client) find(ctx context.Context, now time.Time) (*metadata, error) {
	p := &c.p
	if !p.isOIDC() || p.AuthURL != "" && p.TokenURL != "" && (p.KeysURL != "" || p.SharedKey) {
		return &metadata{Issuer: p.Issuer}, nil
	}
	body, err := c.call(ctx, http.MethodGet, strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", "", "")
	if err != nil {
		return nil, err
	}
	m := &metadata{found: now}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("the discovery document is no JSON: %w", err)
	}
	want := p.Issuer
	if p.TokenIssuer != "" {
		want = strings.ReplaceAll(p.TokenIssuer, "{tid}", "{tenantid}")
	}
	if m.Issuer != want {
		return nil, errors.New("the discovery document is of another issuer")
	}
	m.Algorithms = slices.DeleteFunc(m.Algorithms, func(a string) bool { return !slices.Contains(algorithms, a) })
	return m, nil
}

// algorithms are those of ID tokens; what a document lists besides is not used.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

func (c *Client) checkEndpoints(m *metadata) error {
	pol := c.p.policy(c.loopback)
	for _, raw := range []string{m.AuthURL, m.TokenURL} {
		u, err := url.Parse(raw)
		if err != nil {
			return err
		}
		if err := pol.CheckURL(u); err != nil {
			return err
		}
	}
	return nil
}

// call asks the provider and returns the body of a good answer.
func (c *Client) call(ctx context.Context, method, target, body, bearer string) ([]byte, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, errors.New("the URL is none")
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
		for k, v := range c.p.Header {
			req.Header.Set(k, v)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, fmt.Errorf("the provider answered %d", res.StatusCode)
	}
	return out, nil
}

// withoutURL takes the URL out of an error: it may hold a token.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// decode reads JSON and keeps numbers as they were written.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("the answer is no JSON")
	}
	return v, nil
}

// config is what package oauth2 wants to know.
func (c *Client) config(m *metadata, callback string, scopes []string) (*oauth2.Config, error) {
	secret := c.p.ClientSecret
	if c.p.Secret != nil {
		var err error
		if secret, err = c.p.Secret(c.now()); err != nil {
			return nil, fail(StageExchange, "client_secret", err)
		}
	}
	style := oauth2.AuthStyleInParams
	switch auth := c.p.Auth; {
	case auth == InHeader || auth == InHeaderJSON, auth == "" && secret != "" && m.prefersHeader():
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{ClientID: c.p.ClientID, ClientSecret: secret, RedirectURL: callback, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: style}}, nil
}

// prefersHeader follows the discovery document, whose default is the header.
func (m *metadata) prefersHeader() bool {
	return !m.found.IsZero() && (len(m.AuthMethods) == 0 || slices.Contains(m.AuthMethods, string(InHeader)))
}
