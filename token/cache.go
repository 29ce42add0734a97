package token

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	cacheShards      = 64
	defaultCacheSize = 16384
)

// A cache remembers accepted tokens. Its shards have a lock each, since a
// single one stops scaling at two cores. Tokens are found by a seeded hash of
// their last bytes, which are the signature's, and then compared whole: two
// tokens are never confused.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

type shard struct {
	mu    sync.RWMutex
	byKey map[uint64]*entry
	ring  []*entry // all entries; hand goes round for one to replace
	hand  int
	size  int
	_     [64]byte // shards share no cache line
}

// An entry is an accepted token. It is immutable but for used.
type entry struct {
	key    *PublicKey
	kid    string
	token  string
	claims *Claims
	// from and until are when the token is valid, leeway included.
	from, until time.Time
	hash        uint64
	used        atomic.Bool
}

func newCache(size int) *cache {
	if size == 0 {
		size = defaultCacheSize
	}
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].size = (size + i) / cacheShards // sums up to size
	}
	return c
}

// live checks the dates of a remembered token.
func (e *entry) live(now time.Time) bool { return !now.Before(e.from) && now.Before(e.until) }

func (c *cache) hash(token string) uint64 {
	return maphash.String(c.seed, token[max(0, len(token)-32):])
}

// get returns the entry of a token, or nil.
func (c *cache) get(token string) *entry {
	if c == nil {
		return nil
	}
	h := c.hash(token)
	s := &c.shards[h%cacheShards]
	s.mu.RLock()
	e := s.byKey[h]
	s.mu.RUnlock()
	if e == nil || e.token != token {
		return nil
	}
	if !e.used.Load() { // keep the line shared among cores
		e.used.Store(true)
	}
	return e
}

// put remembers a token. A full shard gives up the first entry, going round,
// that has run out or was not asked for since the last time round.
func (c *cache) put(token string, claims *Claims, key *PublicKey, kid string, now time.Time, leeway time.Duration) {
	if c == nil {
		return
	}
	from := claims.NotBefore
	if claims.IssuedAt.After(from) {
		from = claims.IssuedAt
	}
	e := &entry{
		token: strings.Clone(token), // the caller's may be part of a large header
		key:   key, kid: strings.Clone(kid), claims: claims,
		from: from.Add(-leeway), until: claims.Expires.Add(leeway), hash: c.hash(token),
	}
	s := &c.shards[e.hash%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(e, now)
}

func (s *shard) put(e *entry, now time.Time) {
	if s.size == 0 {
		return
	}
	if s.byKey == nil {
		s.byKey = make(map[uint64]*entry)
	}
	if old := s.byKey[e.hash]; old != nil {
		// The same token, by another goroutine or under a new key.
		for i := range s.ring {
			if s.ring[i] == old {
				s.ring[i] = e
			}
		}
		s.byKey[e.hash] = e
		return
	}
	if i, ok := s.place(now); ok {
		delete(s.byKey, s.ring[i].hash)
		s.ring[i] = e
	} else {
		s.ring = append(s.ring, e)
	}
	s.byKey[e.hash] = e
}

// place finds an entry to replace; false asks to grow.
func (s *shard) place(now time.Time) (int, bool) {
	full := len(s.ring) >= s.size
	// Two looks keep the ring about as long as there are live tokens; when it
	// is full, the second time round finds every flag cleared.
	looks := min(2, len(s.ring))
	if full {
		looks = 2*len(s.ring) + 1
	}
	for range looks {
		i := s.hand
		s.hand = (s.hand + 1) % len(s.ring)
		e := s.ring[i]
		if !now.Before(e.until) || full && !e.used.Swap(false) {
			return i, true
		}
	}
	return 0, full && len(s.ring) > 0
}
