package token

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultLifetime is how long a session token lives.
	DefaultLifetime = time.Minute
	// DefaultSkew is how far nbf is dated back, since some verifiers allow for
	// no difference of clocks, and how much a Verifier allows for.
	DefaultSkew = 5 * time.Second
)

// An Issuer mints tokens. Give it keys with SetKeys before the first one. It
// is safe for concurrent use, its fields must not change after the first use,
// and it must not be copied.
type Issuer struct {
	// URL is the issuer: the claim iss. Required.
	URL string
	// Lifetime of a token whose Expires is zero. 0 is [DefaultLifetime].
	Lifetime time.Duration
	// Schedule is the one that the keys are planned by.
	Schedule Schedule
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	ring atomic.Pointer[keyring]
}

// A keyring is a set of keys in use, replaced as a whole.
type keyring struct {
	line    []turn
	headers []string // the header segment of a session token, by key
	set     *KeySet
}

func (i *Issuer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

// SetKeys replaces the keys: all that are stored, also those that do not sign
// yet or any more. Which one signs is decided anew for each token, so a key
// takes over on time although nobody calls SetKeys. Call it at least once per
// [JWKSMaxAge] and after each change. On an error the keys stay as they were.
func (i *Issuer) SetKeys(keys ...Key) error {
	if len(keys) == 0 {
		return ErrNoKey
	}
	now := i.now()
	ring := &keyring{}
	var public []*PublicKey
	for _, t := range i.Schedule.timeline(keys) {
		if t.secret == nil {
			return fmt.Errorf("%w: %s is empty", ErrKey, t.Key)
		}
		if t.dead(now) {
			continue
		}
		p := *t.public
		p.until = t.until
		public = append(public, &p)
		ring.line = append(ring.line, t)
		ring.headers = append(ring.headers, headerSegment(&t.Key, KindSession))
	}
	set, err := NewKeySet(public...)
	if err != nil {
		return err
	}
	ring.set = set
	i.ring.Store(ring)
	return nil
}

// Fill returns c with what Mint would add to it, so that a caller who needs to
// know the claims of the token can fill, mint and keep them: iss; iat now; nbf
// [DefaultSkew] before; exp after Lifetime; a random jti; for session tokens v
// and, if empty, the status active.
func (i *Issuer) Fill(c Claims) Claims {
	c.Kind = c.Kind.name()
	c.Issuer = i.URL
	if c.IssuedAt.IsZero() {
		c.IssuedAt = i.now()
	}
	c.IssuedAt = c.IssuedAt.UTC().Truncate(time.Second)
	if c.NotBefore.IsZero() {
		c.NotBefore = c.IssuedAt.Add(-DefaultSkew)
	}
	if c.Expires.IsZero() {
		life := i.Lifetime
		if life <= 0 {
			life = DefaultLifetime
		}
		c.Expires = c.IssuedAt.Add(life)
	}
	c.NotBefore = c.NotBefore.UTC().Truncate(time.Second)
	c.Expires = c.Expires.UTC().Truncate(time.Second)
	if c.ID == "" {
		c.ID = rand.Text()
	}
	if c.Kind == KindSession {
		c.Version = 2
		if c.Status == "" {
			c.Status = StatusActive
		}
	}
	return c
}

// Mint signs the claims, filled in as by [Issuer.Fill]. It costs one signature:
// about 1 ms of a core for RS256, so never call it inside of a transaction.
// Errors are [ErrConfig], [ErrNoKey], [ErrReserved], [ErrClaims] for claims
// that a verifier would refuse, and ctx's.
func (i *Issuer) Mint(ctx context.Context, c Claims) (string, error) {
	if i.URL == "" {
		return "", fmt.Errorf("%w: Issuer.URL is empty", ErrConfig)
	}
	c = i.Fill(c)
	if err := mintable(&c); err != nil {
		return "", err
	}
	payload, err := c.MarshalJSON()
	if err != nil {
		return "", err
	}
	return i.sign(ctx, c.Kind, payload)
}

// mintable refuses claims that no verifier would take.
func mintable(c *Claims) error {
	if err := c.consistent(); err != nil {
		return err
	}
	switch {
	case c.Kind == KindSession && c.SessionID == "":
		return fmt.Errorf("%w: a session token needs a session", ErrClaims)
	case c.Kind != KindSession && (c.SessionID != "" || c.Version != 0 || c.FactorAge != nil || c.Status != "" ||
		c.Plan != "" || c.Features != "" || c.Organization != nil):
		return fmt.Errorf("%w: session claims in a token of another kind", ErrClaims)
	case c.Organization != nil && c.Organization.ID == "":
		return fmt.Errorf("%w: organization without ID", ErrClaims)
	case c.FactorAge != nil && (c.FactorAge.First < -1 || c.FactorAge.Second < -1):
		return fmt.Errorf("%w: age of a factor is below -1", ErrClaims)
	case c.Actor != nil && !strings.HasPrefix(strings.TrimLeft(string(c.Actor), " \t\r\n"), "{"):
		return fmt.Errorf("%w: actor is not an object", ErrClaims)
	}
	_, err := c.Audience()
	return err
}

// Sign signs any JSON object as a token that is not a session: a cookie of the
// issuer's own, a handshake. An empty kind writes no cat header. KindSession,
// and a payload with a sid under an empty kind, are [ErrKind].
func (i *Issuer) Sign(ctx context.Context, kind Kind, payload json.RawMessage) (string, error) {
	if err := checkJSON(string(payload), 0); err != nil {
		return "", fmt.Errorf("%w: %w", ErrClaims, err)
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(payload, &names); err != nil || names == nil {
		return "", fmt.Errorf("%w: the payload is not an object", ErrClaims)
	}
	if _, sid := names["sid"]; kind == KindSession || kind == "" && sid {
		return "", fmt.Errorf("%w: session tokens are made by Mint", ErrKind)
	}
	return i.sign(ctx, kind, payload)
}

func (i *Issuer) sign(ctx context.Context, kind Kind, payload []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ring := i.ring.Load()
	if ring == nil {
		return "", ErrNoKey
	}
	n := signer(ring.line, i.now())
	k := &ring.line[n].Key
	head := ring.headers[n]
	if kind != KindSession {
		head = headerSegment(k, kind)
	}
	enc := base64.RawURLEncoding
	size := len(head) + 1 + enc.EncodedLen(len(payload))
	buf := make([]byte, 0, size)
	buf = append(append(buf, head...), '.')
	text := string(enc.AppendEncode(buf, payload))
	sig, err := k.sign(text)
	if err != nil {
		return "", fmt.Errorf("token: sign: %w", err)
	}
	if size+1+enc.EncodedLen(len(sig)) > maxToken {
		return "", fmt.Errorf("%w: the token would exceed %d bytes", ErrClaims, maxToken)
	}
	return text + "." + enc.EncodeToString(sig), nil
}

// headerSegment writes the JOSE header.
func headerSegment(k *Key, kind Kind) string {
	e := encoder{buf: make([]byte, 0, 128)}
	e.open()
	e.string("alg", string(k.Algorithm))
	e.string("cat", string(kind))
	e.string("kid", k.ID)
	e.string("typ", "JWT")
	e.close()
	return base64.RawURLEncoding.EncodeToString(e.buf)
}

// KeySet returns the public keys as they are now, to be published, or nil
// before SetKeys.
func (i *Issuer) KeySet() *KeySet {
	if ring := i.ring.Load(); ring != nil {
		return ring.set
	}
	return nil
}

// SigningKey returns the public part of the key that signs now, or
// [ErrNoKey].
func (i *Issuer) SigningKey() (*PublicKey, error) {
	ring := i.ring.Load()
	if ring == nil {
		return nil, ErrNoKey
	}
	return ring.line[signer(ring.line, i.now())].public, nil
}

// Key makes the issuer a [KeySource] for verifiers in the same process.
func (i *Issuer) Key(ctx context.Context, kid string) (*PublicKey, error) {
	set := i.KeySet()
	if set == nil {
		return nil, errors.Join(ErrUnavailable, ErrNoKey)
	}
	return set.Key(ctx, kid)
}

// Handler serves the JWKS as it is at each request; see [KeySet.Handler].
// Before SetKeys it answers 503.
func (i *Issuer) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := i.KeySet()
		if set == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "no keys yet", http.StatusServiceUnavailable)
			return
		}
		set.serve(w, r)
	})
}
