package captcha

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// TurnstileURL is where Cloudflare verifies tokens.
const TurnstileURL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"

// Turnstile asks Cloudflare Turnstile, or a service that takes the same request
// and gives the same answer, as hCaptcha and reCAPTCHA do.
type Turnstile struct {
	// SiteKey is public, Secret is not. InvisibleSiteKey is for the invisible
	// widget; empty: SiteKey.
	SiteKey, InvisibleSiteKey, Secret string
	// WidgetType is smart or invisible; empty: smart.
	WidgetType string
	// Hostnames are where tokens may have been made; empty: anywhere that the
	// provider lets the site key be used.
	Hostnames []string
	// URL is where to ask; empty: TurnstileURL.
	URL string
	// Client sends the requests; nil: one that follows no redirects.
	Client *http.Client
	// Timeout bounds a request; 0: five seconds.
	Timeout time.Duration
	// FailOpen lets everybody pass while the service does not answer. The zero
	// value keeps everybody out for as long: who wants many accounts would only
	// have to keep the service busy.
	FailOpen bool
}

const (
	turnstileTimeout = 5 * time.Second
	maxAnswer        = 64 << 10
)

var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Public names the site.
func (t *Turnstile) Public() Public {
	p := Public{Provider: "turnstile", SiteKey: t.SiteKey, InvisibleSiteKey: t.InvisibleSiteKey, WidgetType: t.WidgetType}
	if p.InvisibleSiteKey == "" {
		p.InvisibleSiteKey = p.SiteKey
	}
	if p.WidgetType == "" {
		p.WidgetType = "smart"
	}
	return p
}

// answer is the part of the service's answer that counts.
type answer struct {
	Success  bool     `json:"success"`
	Hostname string   `json:"hostname"`
	Errors   []string `json:"error-codes"`
}

// Verify asks the service once.
func (t *Turnstile) Verify(ctx context.Context, token string, addr netip.Addr) error {
	if token == "" || len(token) > maxToken {
		return ErrRefused
	}
	a, err := t.ask(ctx, token, addr)
	if err != nil {
		if t.FailOpen {
			return nil
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !a.Success || len(t.Hostnames) > 0 && !slices.ContainsFunc(t.Hostnames, func(h string) bool { return strings.EqualFold(h, a.Hostname) }) {
		return ErrRefused
	}
	return nil
}

// ask returns an error if there is no answer, or one that speaks of our own
// secret or the service's state and not of the token.
func (t *Turnstile) ask(ctx context.Context, token string, addr netip.Addr) (a answer, err error) {
	timeout := t.Timeout
	if timeout <= 0 {
		timeout = turnstileTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	form := url.Values{"secret": {t.Secret}, "response": {token}}
	if addr.IsValid() {
		form.Set("remoteip", addr.String())
	}
	at := t.URL
	if at == "" {
		at = TurnstileURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := t.Client
	if client == nil {
		client = direct
	}
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return a, fmt.Errorf("status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("answer: %w", err)
	}
	for _, code := range a.Errors {
		switch code {
		case "internal-error", "missing-input-secret", "invalid-input-secret", "bad-request":
			return a, fmt.Errorf("answer: %s", code)
		}
	}
	return a, nil
}
