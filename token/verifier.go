package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Verifier accepts tokens. Keys and Issuer are required. It is safe for
// concurrent use, its fields must not change after the first use, and it must
// not be copied.
//
// It remembers the tokens that it has accepted, so that the signature of each
// is checked once; whether a token has run out, was revoked or its key was
// withdrawn is asked every time.
type Verifier struct {
	// Keys finds public keys: a [Remote], a [KeySet], an [Issuer] in the same
	// process, or a single [PublicKey].
	Keys KeySource
	// Issuer is the only iss that is accepted, byte for byte.
	Issuer string
	// AuthorizedParties are the origins, such as "https://app.example.com",
	// for whose pages a token may have been minted. A token whose azp is none of
	// them is refused; one without azp is not, since it was not minted for a
	// browser. Empty accepts all. List them when tokens come in cookies.
	AuthorizedParties []string
	// Audience are the names of this service. A token must have one of them in
	// aud; if Audience is empty, a token must have no aud (RFC 7519 4.1.3).
	Audience []string
	// Kind is what the tokens are for; empty is a session.
	Kind Kind
	// Algorithms narrows what is accepted. Nil is RS256, ES256 and EdDSA; in
	// any case the key decides, and the token must agree.
	Algorithms []Algorithm
	// Leeway is the difference of clocks that is allowed for, both ways. 0 is
	// [DefaultSkew], below 0 is none.
	Leeway time.Duration
	// Revoked, if not nil, is asked at each call about a token that is good
	// otherwise. It must be fast and safe for concurrent use.
	Revoked func(*Claims) bool
	// Stale, if not nil, is asked like Revoked whether what a token says does
	// not hold any more, though its session does: it is refused as [ErrStale].
	Stale func(*Claims) bool
	// CacheSize is how many accepted tokens are remembered, at about 2 KiB
	// each. 0 is 16,384, below 0 is none.
	CacheSize int
	// Cookies are the names of cookies in which the middleware looks for a
	// token if there is no Authorization header. Empty looks at no cookie.
	Cookies []string
	// AllowPending lets sessions with open tasks pass the middleware, which
	// else treats them as signed out. Verify itself returns them either way:
	// look at [Claims.Active].
	AllowPending bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	once    sync.Once
	bad     error // what is wrong with the fields
	leeway  time.Duration
	cache   *cache
	headers headerCache
}

// setup reads the fields once.
func (v *Verifier) setup() {
	var errs []error
	if v.Keys == nil {
		errs = append(errs, errors.New("Verifier.Keys is nil"))
	}
	if v.Issuer == "" {
		errs = append(errs, errors.New("Verifier.Issuer is empty"))
	}
	for _, a := range v.Algorithms {
		if _, err := a.method(); err != nil || a == "" {
			errs = append(errs, fmt.Errorf("Verifier.Algorithms: %.16q is not supported", string(a)))
		}
	}
	if v.Leeway > 5*time.Minute {
		errs = append(errs, errors.New("Verifier.Leeway exceeds five minutes"))
	}
	if len(errs) > 0 {
		v.bad = fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
	}
	switch {
	case v.Leeway == 0:
		v.leeway = DefaultSkew
	case v.Leeway > 0:
		v.leeway = v.Leeway
	}
	if v.CacheSize >= 0 {
		v.cache = newCache(v.CacheSize)
	}
}

func (v *Verifier) ready() error {
	v.once.Do(v.setup)
	return v.bad
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// Check reports what is missing in the fields, as [ErrConfig]. Verify reports
// the same; a host that calls Check when it starts learns of it sooner.
func (v *Verifier) Check() error { return v.ready() }

// Verify returns the claims of a token, or an error that is one of this
// package's. The claims are shared with other callers: do not change them.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	c, err := v.VerifyExpired(ctx, token)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// VerifyExpired is [Verifier.Verify] for those who renew: for a token that has
// nothing wrong with it but exp, or what it says, it returns the claims together
// with [ErrExpired] or [ErrStale]. How long ago the token may have run out is the
// caller's to decide.
func (v *Verifier) VerifyExpired(ctx context.Context, token string) (*Claims, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	now := v.now()
	if e := v.cache.get(token); e != nil && e.live(now) {
		if k, err := v.Keys.Key(ctx, e.kid); err == nil && k.same(e.key) && !k.retired(now) {
			return v.allowed(e.claims, nil)
		}
	}
	c, h, k, err := v.open(ctx, token, now)
	if err != nil {
		return nil, err
	}
	late := v.accept(c, now)
	if late != nil && !errors.Is(late, ErrExpired) {
		return nil, late
	}
	if late == nil {
		v.cache.put(token, c, k, h.kid, now, v.leeway)
	}
	return v.allowed(c, late)
}

// Open checks the signature, the header and the kind of a token, and returns
// its payload. It looks at no claim, not even exp: use it for tokens that are
// no session's, such as [Issuer.Sign] makes.
func (v *Verifier) Open(ctx context.Context, token string) ([]byte, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	payload, _, _, err := v.verify(ctx, token, v.now())
	if err != nil {
		return nil, err
	}
	if err := checkJSON(string(payload), 0); err != nil {
		return nil, malformed("payload", err)
	}
	return payload, nil
}

// open checks the signature and reads the claims.
func (v *Verifier) open(ctx context.Context, token string, now time.Time) (*Claims, *header, *PublicKey, error) {
	payload, h, k, err := v.verify(ctx, token, now)
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return nil, nil, nil, err
	}
	c.Kind = v.Kind.name()
	return c, h, k, nil
}

// verify checks the signature and returns the payload. Nothing of the payload
// is looked at before.
func (v *Verifier) verify(ctx context.Context, token string, now time.Time) ([]byte, *header, *PublicKey, error) {
	head, body, sig, err := split(token)
	if err != nil {
		return nil, nil, nil, err
	}
	h := v.headers.get(head)
	known := h != nil
	if !known {
		if h, err = parseHeader(head); err != nil {
			return nil, nil, nil, err
		}
		if kind := v.Kind.name(); h.kind != kind && (h.kind != "" || kind != KindSession) {
			return nil, nil, nil, fmt.Errorf("%w: cat is not %s", ErrKind, kind)
		}
	}
	k, err := v.Keys.Key(ctx, h.kid)
	if err != nil {
		return nil, nil, nil, err
	}
	if k.retired(now) {
		return nil, nil, nil, fmt.Errorf("%w: retired", ErrUnknownKey)
	}
	if h.alg != string(k.alg) || v.Algorithms != nil && !slices.Contains(v.Algorithms, k.alg) {
		return nil, nil, nil, ErrAlgorithm
	}
	signature, err := encoding.DecodeString(sig)
	if err != nil {
		return nil, nil, nil, malformed("signature", errEncoding)
	}
	if err := k.method.Verify(token[:len(head)+1+len(body)], signature, k.key); err != nil {
		return nil, nil, nil, ErrSignature
	}
	payload, err := encoding.DecodeString(body)
	if err != nil {
		return nil, nil, nil, malformed("payload", errEncoding)
	}
	if !known {
		v.headers.put(h)
	}
	return payload, h, k, nil
}

// accept checks the claims that a signature alone does not vouch for. exp
// comes last, so that ErrExpired means that all else is in order.
func (v *Verifier) accept(c *Claims, now time.Time) error {
	if err := c.consistent(); err != nil {
		return err
	}
	if c.Issuer != v.Issuer {
		return fmt.Errorf("%w: it is of %q, not of %q", ErrIssuer, c.Issuer, v.Issuer)
	}
	if v.Kind.name() == KindSession {
		if err := c.isSession(); err != nil {
			return err
		}
	}
	if c.AuthorizedParty != "" && len(v.AuthorizedParties) > 0 && !slices.Contains(v.AuthorizedParties, c.AuthorizedParty) {
		return fmt.Errorf("%w: %q", ErrParty, c.AuthorizedParty)
	}
	if err := v.acceptAudience(c); err != nil {
		return err
	}
	if soon := now.Add(v.leeway); c.NotBefore.After(soon) || c.IssuedAt.After(soon) {
		return ErrNotYetValid
	}
	if !now.Add(-v.leeway).Before(c.Expires) {
		return ErrExpired
	}
	return nil
}

func (v *Verifier) acceptAudience(c *Claims) error {
	if _, ok := c.Custom["aud"]; !ok && len(v.Audience) == 0 {
		return nil
	}
	aud, err := c.Audience()
	if err != nil {
		return err
	}
	for _, a := range aud {
		if slices.Contains(v.Audience, a) {
			return nil
		}
	}
	return ErrAudience
}

// allowed asks what the token itself cannot know. late is what is wrong with it
// otherwise.
func (v *Verifier) allowed(c *Claims, late error) (*Claims, error) {
	if v.Revoked != nil && v.Revoked(c) {
		return nil, ErrRevoked
	}
	if late == nil && v.Stale != nil && v.Stale(c) {
		late = ErrStale
	}
	return c, late
}

// consistent checks what holds for tokens of every kind.
func (c *Claims) consistent() error {
	switch {
	case c.Subject == "" || c.Issuer == "" || c.IssuedAt.IsZero() || c.NotBefore.IsZero() || c.Expires.IsZero():
		return fmt.Errorf("%w: sub, iss, iat, nbf and exp are required", ErrClaims)
	case !c.Expires.After(c.IssuedAt) || !c.Expires.After(c.NotBefore):
		return fmt.Errorf("%w: exp is not after iat and nbf", ErrClaims)
	}
	return nil
}

// isSession checks what holds for session tokens.
func (c *Claims) isSession() error {
	if _, ok := c.Custom["handshake"]; ok {
		return fmt.Errorf("%w: a handshake is no session", ErrKind)
	}
	if c.SessionID == "" {
		return fmt.Errorf("%w: sid is required", ErrClaims)
	}
	if c.Version > 2 {
		return fmt.Errorf("%w: version is newer than 2", ErrKind)
	}
	return nil
}

// headerCache remembers headers of accepted tokens by their text: a key's
// tokens share theirs. Only headers under a good signature get in, so nobody
// else can push them out.
type headerCache struct {
	slots [8]atomic.Pointer[header]
	next  atomic.Uint32
}

func (c *headerCache) get(segment string) *header {
	for i := range c.slots {
		if h := c.slots[i].Load(); h != nil && h.segment == segment {
			return h
		}
	}
	return nil
}

func (c *headerCache) put(h *header) {
	own := *h
	own.segment = string([]byte(h.segment)) // not a part of the whole token
	own.kid = string([]byte(h.kid))
	c.slots[c.next.Add(1)%uint32(len(c.slots))].Store(&own)
}
