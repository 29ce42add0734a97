package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
)

// A handshake is a list of cookies that a backend fetches once, by a nonce
// that the browser carries to it. The ID is the nonce's hash.
type handshake struct {
	store.Meta
	Directives []string  `json:"directives"`
	GoodUntil  time.Time `json:"good_until"`
}

var (
	handshakeKind = &store.Kind{Name: "handshake", Sealed: true}
	handshakeTab  = store.Table[handshake, *handshake]{Kind: handshakeKind}
)

func (h *handshake) StoreEntries() []store.Entry { return nil }

const handshakeLifetime = time.Minute

func handshakeID(nonce string) string {
	h := sha256.Sum256([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// PutHandshake keeps cookies for a backend to fetch and returns the nonce: so
// many for browsers at one address.
func (e *Engine) PutHandshake(ctx context.Context, addr netip.Addr, directives []string) (nonce string, err error) {
	if err := e.allow("handshake", addr, e.Settings(ctx).Limits.CreateClient); err != nil {
		return "", err
	}
	nonce = base64.RawURLEncoding.EncodeToString(random(32))
	until := e.now().Add(handshakeLifetime)
	err = e.store.Update(ctx, func(tx store.Tx) error {
		return handshakeTab.Put(ctx, tx, &handshake{Meta: store.Meta{ID: handshakeID(nonce), Expires: until},
			Directives: directives, GoodUntil: until})
	})
	return nonce, err
}

// TakeHandshake returns the cookies behind a nonce, once.
func (e *Engine) TakeHandshake(ctx context.Context, nonce string) ([]string, error) {
	gone := fault.New("resource_not_found", "nonce")
	if len(nonce) > 128 {
		return nil, gone
	}
	var h *handshake
	err := e.store.Update(ctx, func(tx store.Tx) (err error) {
		if h, err = handshakeTab.Get(ctx, tx, handshakeID(nonce)); err != nil {
			return missingAs(err, gone)
		}
		return handshakeTab.Delete(ctx, tx, h)
	})
	if err != nil {
		return nil, missingAs(err, gone)
	}
	if !e.now().Before(h.GoodUntil) {
		return nil, gone
	}
	return h.Directives, nil
}
