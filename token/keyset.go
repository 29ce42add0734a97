package token

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// JWKSMaxAge is how long others may keep a JWK set that a handler of this
// package serves. A new key is published at least twice as long before it
// signs.
const JWKSMaxAge = 5 * time.Minute

// A KeySet is a set of public keys: a JWKS (RFC 7517). It is immutable.
type KeySet struct {
	keys []*PublicKey
	byID map[string]*PublicKey
	body []byte
	etag string
}

// NewKeySet makes a set. Two keys of one name are [ErrKey].
func NewKeySet(keys ...*PublicKey) (*KeySet, error) {
	s := &KeySet{keys: slices.Clone(keys), byID: make(map[string]*PublicKey, len(keys))}
	for _, k := range keys {
		if k == nil {
			return nil, fmt.Errorf("%w: nil", ErrKey)
		}
		if s.byID[k.id] != nil {
			return nil, fmt.Errorf("%w: two keys are named %.64q", ErrKey, k.id)
		}
		s.byID[k.id] = k
	}
	if s.keys == nil {
		s.keys = []*PublicKey{} // an empty list, not null
	}
	var err error
	if s.body, err = json.Marshal(map[string]any{"keys": s.keys}); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(s.body)
	s.etag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return s, nil
}

// ParseKeySet reads a JWKS. Entries of a type, use or algorithm that this
// package does not verify are left out. The whole set is [ErrKey] if it holds
// a secret key, a broken or weak one, two of one name, a repeated JSON name, or
// nothing that is of use.
func ParseKeySet(jwks []byte) (*KeySet, error) {
	if err := checkJSON(string(jwks), 0); err != nil {
		return nil, fmt.Errorf("%w: JWKS: %w", ErrKey, err)
	}
	var doc map[string]json.RawMessage // case-exact, unlike a struct
	if err := json.Unmarshal(jwks, &doc); err != nil {
		return nil, fmt.Errorf("%w: the JWKS is not an object", ErrKey)
	}
	var list []jwk
	if err := json.Unmarshal(doc["keys"], &list); err != nil {
		return nil, fmt.Errorf("%w: the JWKS has no list of keys", ErrKey)
	}
	var keys []*PublicKey
	for _, j := range list {
		k, err := j.key()
		if err != nil {
			return nil, err
		}
		if k != nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key of the JWKS is of use", ErrKey)
	}
	return NewKeySet(keys...)
}

// Key returns the key called kid, or [ErrUnknownKey].
func (s *KeySet) Key(_ context.Context, kid string) (*PublicKey, error) {
	if k := s.byID[kid]; k != nil {
		return k, nil
	}
	return nil, ErrUnknownKey
}

// Keys returns the keys in order.
func (s *KeySet) Keys() []*PublicKey { return slices.Clone(s.keys) }

// MarshalJSON writes the JWKS.
func (s *KeySet) MarshalJSON() ([]byte, error) { return slices.Clone(s.body), nil }

// Handler serves the JWKS to anybody, for GET and HEAD, with an ETag and a
// Cache-Control of [JWKSMaxAge].
func (s *KeySet) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *KeySet) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Access-Control-Allow-Origin", "*") // public, and browsers verify, too
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(JWKSMaxAge/time.Second)))
	h.Set("ETag", s.etag)
	if matches(r.Header.Values("If-None-Match"), s.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(s.body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.body) // the client may be gone
	}
}

// matches compares entity tags weakly (RFC 9110 section 13.1.2).
func matches(lists []string, etag string) bool {
	for _, list := range lists {
		for tag := range strings.SplitSeq(list, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
