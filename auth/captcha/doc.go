// Package captcha tells people from programs: by Cloudflare Turnstile or a
// service that answers like it, or, without asking anybody, by a proof of work.
//
//	auth.Config{Captcha: &captcha.Turnstile{SiteKey: "0x…", Secret: "0x…"}}
//
// No check of this kind keeps out who is ready to pay for each sign-up. It
// makes many cost more than they are worth.
package captcha

import (
	"context"
	"errors"
	"net/netip"
)

// A Verifier judges the tokens that browsers bring. It is safe for use by many
// goroutines, and bounded in time.
type Verifier interface {
	// Verify judges a token that came from an address, which may be invalid.
	// nil is a person; ErrRefused is not, or not for certain; ErrUnavailable
	// means that nobody could tell, and what then happens is the caller's
	// policy: usher refuses with a 503.
	Verify(ctx context.Context, token string, addr netip.Addr) error
	// Public is what browsers are told.
	Public() Public
}

// Public is what browsers need to know to get a token.
type Public struct {
	// Provider is turnstile or proof_of_work.
	Provider string
	// SiteKey and InvisibleSiteKey name the site to the provider. WidgetType is
	// smart or invisible.
	SiteKey, InvisibleSiteKey, WidgetType string
}

var (
	// ErrRefused: the token is wrong, was used, has expired, or is for another
	// site.
	ErrRefused = errors.New("captcha: refused")
	// ErrUnavailable: the service that knows did not answer.
	ErrUnavailable = errors.New("captcha: service not available")
)

// maxToken bounds a token, in bytes.
const maxToken = 4 << 10
