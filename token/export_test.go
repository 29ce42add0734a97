package token

import (
	"context"
	"crypto"
)

// SignRaw signs any text, so that tests can make tokens that no Issuer would.
func SignRaw(k Key, text string) ([]byte, error) { return k.sign(text) }

// Len is how many tokens the verifier remembers.
func (v *Verifier) Len() int {
	if v.cache == nil {
		return 0
	}
	n := 0
	for i := range v.cache.shards {
		s := &v.cache.shards[i]
		s.mu.RLock()
		n += len(s.ring)
		if len(s.byKey) != len(s.ring) {
			panic("token: cache lost an entry")
		}
		s.mu.RUnlock()
	}
	return n
}

// Unknown is how many kids the remote set remembers as unknown.
func (r *Remote) Unknown() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.unknown)
}

// Settle waits until no fetch is under way.
func (r *Remote) Settle() {
	r.mu.Lock()
	f := r.fetch
	r.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

// Signer is the private key.
func Signer(k Key) crypto.Signer { return *k.secret.signer }

// VerifySignature is Open for payloads that are not JSON.
func (v *Verifier) VerifySignature(tok string) error {
	if err := v.ready(); err != nil {
		return err
	}
	_, _, _, err := v.verify(context.Background(), tok, v.now())
	return err
}

// Len is how many keys the coalescer keeps.
func (c *Coalescer) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.flights)
}
