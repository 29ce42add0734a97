package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// A Request begins a flow.
type Request struct {
	// CallbackURL is where the provider sends the browser back to.
	CallbackURL string
	// Prompt and LoginHint are passed on to providers of OpenID Connect.
	Prompt, LoginHint string
	// Scopes are asked for besides the provider's own.
	Scopes []string
}

// A Pending flow is what must be kept until the browser is back, where neither
// the browser nor anybody else can read it.
type Pending struct {
	State       string   `json:"state"`
	Nonce       string   `json:"nonce,omitempty"`
	Verifier    string   `json:"verifier,omitempty"`
	CallbackURL string   `json:"callback_url"`
	Scopes      []string `json:"scopes,omitempty"`
}

// An Answer is what the browser came back with.
type Answer struct {
	Code, State string
	// Iss is who answers, as RFC 9207 says.
	Iss string
	// Error is why there is no code.
	Error string
	// User is what Apple posts at the first sign-in: the name.
	User string
}

// prompts are the values of Prompt that OpenID Connect knows, and Google's
// select_account, which others took over.
var prompts = []string{"none", "login", "consent", "select_account", "create"}

// ErrPrompt says that a prompt is none that is known.
var ErrPrompt = errors.New("oauth: the prompt must be one or more of none, login, consent, select_account and create")

// CheckPrompt refuses prompts that nobody knows.
func CheckPrompt(prompt string) error {
	for word := range strings.FieldsSeq(prompt) {
		if !slices.Contains(prompts, word) {
			return ErrPrompt
		}
	}
	return nil
}

// Begin draws the secrets of a flow and returns where to send the browser.
func (c *Client) Begin(ctx context.Context, r Request) (Pending, string, error) {
	if err := CheckPrompt(r.Prompt); err != nil {
		return Pending{}, "", err
	}
	m, err := c.metadata(ctx)
	if err != nil {
		return Pending{}, "", err
	}
	f := Pending{State: draw(), CallbackURL: r.CallbackURL, Scopes: slices.Clone(c.p.Scopes)}
	for _, s := range r.Scopes {
		if !slices.Contains(f.Scopes, s) {
			f.Scopes = append(f.Scopes, s)
		}
	}
	cfg, err := c.config(m, r.CallbackURL, nil)
	if err != nil {
		return Pending{}, "", err
	}
	var opts []oauth2.AuthCodeOption
	set := func(k, v string) { opts = append(opts, oauth2.SetAuthURLParam(k, v)) }
	if len(f.Scopes) > 0 {
		sep := c.p.ScopeSeparator
		if sep == "" {
			sep = " "
		}
		set("scope", strings.Join(f.Scopes, sep))
	}
	for k, v := range c.p.AuthParams {
		set(k, v)
	}
	if c.p.WithoutPKCE == "" {
		f.Verifier = oauth2.GenerateVerifier()
		opts = append(opts, oauth2.S256ChallengeOption(f.Verifier))
	}
	if c.p.FormPost {
		set("response_mode", "form_post")
	}
	if c.p.isOIDC() {
		f.Nonce = draw()
		set("nonce", f.Nonce)
		if r.Prompt != "" {
			set("prompt", r.Prompt)
		}
		if r.LoginHint != "" {
			set("login_hint", r.LoginHint)
		}
	}
	target := cfg.AuthCodeURL(f.State, opts...)
	if name := c.p.ClientIDParam; name != "" {
		u, err := url.Parse(target)
		if err != nil {
			return Pending{}, "", err
		}
		q := u.Query()
		q.Set(name, c.p.ClientID)
		q.Del("client_id")
		u.RawQuery = q.Encode()
		target = u.String()
	}
	return f, target, nil
}

// draw returns 256 random bits.
func draw() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// maxCode is longer than any code, in bytes: Microsoft's have over 1,000.
const maxCode = 8 << 10

// Exchange turns what the browser came back with into an identity. f must be
// kept nowhere any more when it is called: a flow is good once.
func (c *Client) Exchange(ctx context.Context, f Pending, a Answer) (*Identity, error) {
	if f.State == "" || subtle.ConstantTimeCompare([]byte(f.State), []byte(a.State)) != 1 {
		return nil, fail(StageAnswer, "state", errors.New("the state is that of another flow"))
	}
	m, err := c.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkIss(m, a.Iss); err != nil {
		return nil, err
	}
	switch {
	case a.Error != "":
		return nil, fail(StageAnswer, shortCode(a.Error), errors.New("the provider says no"))
	case a.Code == "" || len(a.Code) > maxCode:
		return nil, fail(StageAnswer, "code", errors.New("the code is missing or too long"))
	}
	cfg, err := c.config(m, f.CallbackURL, nil)
	if err != nil {
		return nil, err
	}
	var opts []oauth2.AuthCodeOption
	if f.Verifier != "" {
		opts = append(opts, oauth2.VerifierOption(f.Verifier))
	}
	t, err := cfg.Exchange(c.tokenHTTP(ctx), a.Code, opts...)
	if err != nil {
		return nil, exchangeError(StageExchange, err)
	}
	return c.identify(ctx, m, f, a, t)
}

// checkIss refuses answers of somebody else. A provider that announces to name
// itself must do so.
func (c *Client) checkIss(m *metadata, iss string) error {
	switch {
	case !c.p.isOIDC() || c.p.TokenIssuer != "": // the latter is compared with the token
		return nil
	case iss == "" && m.IssInAnswer, iss != "" && iss != c.p.Issuer:
		return fail(StageAnswer, "iss", errors.New("the answer is not the provider's"))
	}
	return nil
}

// identify finds out whose tokens these are.
func (c *Client) identify(ctx context.Context, m *metadata, f Pending, a Answer, t *oauth2.Token) (*Identity, error) {
	tokens := c.tokens(t)
	profile, issuer := map[string]any{}, c.p.issuerName()
	if c.p.isOIDC() {
		var err error
		if profile, issuer, err = c.idToken(ctx, m, f, tokens); err != nil {
			return nil, err
		}
		if c.p.TokenIssuer != "" && a.Iss != "" && a.Iss != issuer {
			return nil, fail(StageAnswer, "iss", errors.New("the answer is not the provider's"))
		}
	}
	if err := c.addProfile(ctx, m, t, tokens, profile); err != nil {
		return nil, err
	}
	if c.p.FormPost && a.User != "" && len(a.User) <= 4<<10 {
		if v, err := decode([]byte(a.User)); err == nil {
			profile["user"] = v // not signed: good for a name, and nothing else
		}
	}
	id, err := c.read(profile)
	if err != nil {
		return nil, err
	}
	if c.p.Emails != nil {
		if err := c.listedEmail(ctx, tokens, id); err != nil {
			return nil, err
		}
	}
	id.Issuer, id.Tokens, id.Scopes = issuer, tokens, granted(t, f.Scopes)
	return id, nil
}

// addProfile reads the profile, if the ID token does not say enough.
func (c *Client) addProfile(ctx context.Context, m *metadata, t *oauth2.Token, tokens Tokens, profile map[string]any) error {
	var found any
	switch {
	case c.p.ProfileInToken != "":
		found = t.Extra(c.p.ProfileInToken)
	case m.UserInfoURL == "" || c.p.isOIDC() && enough(profile, c.p.fields()):
		return nil
	default:
		target, bearer, method := m.UserInfoURL, tokens.Access, http.MethodGet
		if strings.Contains(target, "{token}") {
			target, bearer = strings.ReplaceAll(target, "{token}", url.PathEscape(tokens.Access)), ""
		}
		if c.p.UserInfoBody != "" {
			method = http.MethodPost
		}
		body, err := c.call(ctx, method, target, c.p.UserInfoBody, bearer)
		if err != nil {
			return fail(StageProfile, "unavailable", err)
		}
		if found, err = decode(body); err != nil {
			return fail(StageProfile, "invalid", err)
		}
	}
	read, ok := found.(map[string]any)
	if !ok {
		return fail(StageProfile, "invalid", errors.New("the profile is no object"))
	}
	return merge(profile, read, &c.p)
}

// enough reports whether an ID token says all that people care for.
func enough(profile map[string]any, f Fields) bool {
	return text(profile, f.EmailAddress) != "" && text(profile, f.Name)+text(profile, f.FirstName) != ""
}

// merge adds to the claims of an ID token what the profile says besides. It
// must be of the same person, and an address goes with what the same source says
// of it.
func merge(claims, profile map[string]any, p *Provider) error {
	f := p.fields()
	if p.isOIDC() {
		if text(profile, f.Subject) != text(claims, f.Subject) {
			return fail(StageProfile, "subject", errors.New("the profile is of somebody else"))
		}
		switch e := text(claims, f.EmailAddress); e {
		case "":
			delete(claims, p.Verified.Field)
		case text(profile, f.EmailAddress):
		default:
			delete(profile, p.Verified.Field)
		}
	}
	for k, v := range profile {
		if _, has := claims[k]; !has {
			claims[k] = v
		}
	}
	return nil
}

// listedEmail takes the primary address of a list.
func (c *Client) listedEmail(ctx context.Context, tokens Tokens, id *Identity) error {
	l := c.p.Emails
	body, err := c.call(ctx, http.MethodGet, l.URL, "", tokens.Access)
	if err != nil {
		return fail(StageProfile, "emails_unavailable", err)
	}
	v, err := decode(body)
	if err != nil {
		return fail(StageProfile, "invalid", err)
	}
	entries, _ := at(v, l.In).([]any)
	id.EmailAddress, id.EmailVerified = "", false
	for _, e := range entries {
		if primary, _ := at(e, l.Primary).(bool); primary {
			id.EmailAddress = text(e, l.Address)
			id.EmailVerified, _ = at(e, l.Verified).(bool)
			break
		}
	}
	return id.check(c.loopback)
}
