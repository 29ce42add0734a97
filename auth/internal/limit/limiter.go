// Package limit counts how often something may happen: a keyed rate limiter in
// bounded memory, and the keys that addresses have in it.
//
//	var l limit.Limiter
//	perAddress := limit.Rule{Name: "sign_in", Burst: 5, Per: 10 * time.Second}
//	if ok, after := l.Allow(limit.AddrKey(addr), perAddress, 1); !ok {
//		// 429 with Retry-After
//	}
//
// The algorithm is GCRA (ITU-T I.371): one number a key, the time at which it
// is fresh again. There are no windows, so nothing resets at a full minute.
//
// # What it refuses
//
// It does not store keys, only 128 keyed bits of each, and knows of this
// process alone: with n instances behind a balancer a client has n budgets.
package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	shards         = 32
	defaultMaxKeys = 1 << 16
)

// A Rule is a budget: Burst at once, and over time Burst in Per. A key that is
// used without pause gets at most 2*Burst-1 in any one Per and Burst/Per in the
// long run. The zero Rule allows everything.
type Rule struct {
	// Name keeps the budgets of rules with equal keys and numbers apart.
	Name string
	// Burst is how much may happen at once. 0 or less: no limit.
	Burst int
	// Per is how long an empty budget takes to fill. 0 or less: no limit.
	Per time.Duration
}

// A Limiter keeps the budgets of keys. The zero value is ready; it is safe for
// concurrent use, and its fields are not changed after first use.
//
// A shard that is full first drops keys whose budget is full again, which
// loses nothing, and then the key that would be soonest. Whoever has used up
// most stays longest, so filling the table with random keys forgives nobody
// who is being held back; a key loses its count only if each other one in its
// shard has longer to wait.
type Limiter struct {
	// MaxKeys is how many keys are remembered at most, about 170 bytes each.
	// 0: 65,536 (11 MiB).
	MaxKeys int
	// Now is the clock. nil: time.Now.
	Now func() time.Time

	once  sync.Once
	seeds [2]maphash.Seed
	shard [shards]shard
}

// Allow takes n from the budget that key has under rule. When there is not
// enough it takes nothing and returns how long until there is; n above
// rule.Burst never is allowed.
func (l *Limiter) Allow(key string, rule Rule, n int) (ok bool, retryAfter time.Duration) {
	if rule.Burst <= 0 || rule.Per <= 0 || n <= 0 {
		return true, 0
	}
	if n > rule.Burst {
		return false, rule.Per
	}
	step := max(rule.Per/time.Duration(rule.Burst), 1)
	now := l.now().UnixNano()
	id, s := l.locate(key, rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	// No budget is emptier than empty: what lies further ahead is left from
	// before the clock was turned back.
	empty := now + int64(step)*int64(rule.Burst)
	have := max(s.get(id), now)
	if have > empty {
		have = empty
		s.set(id, have, l.perShard())
	}
	fresh := have + int64(n)*int64(step)
	if over := fresh - empty; over > 0 {
		return false, time.Duration(over)
	}
	s.set(id, fresh, l.perShard())
	return true, 0
}

// Return gives n back that [Limiter.Allow] took, because it did not count in
// the end.
func (l *Limiter) Return(key string, rule Rule, n int) {
	if rule.Burst <= 0 || rule.Per <= 0 || n <= 0 {
		return
	}
	step := max(rule.Per/time.Duration(rule.Burst), 1)
	now := l.now().UnixNano()
	id, s := l.locate(key, rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.get(id) - int64(n)*int64(step); have > now {
		s.set(id, have, l.perShard())
	} else {
		s.remove(id)
	}
}

// Empty reports whether nothing is left of key's budget under rule. It takes
// nothing.
func (l *Limiter) Empty(key string, rule Rule) bool {
	if rule.Burst <= 0 || rule.Per <= 0 {
		return false
	}
	step := int64(max(rule.Per/time.Duration(rule.Burst), 1))
	now := l.now().UnixNano()
	id, s := l.locate(key, rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.get(id), now)+step > now+step*int64(rule.Burst)
}

// Reset gives key its whole budget back, after a success for instance.
func (l *Limiter) Reset(key string, rule Rule) {
	id, s := l.locate(key, rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
}

// Len is how many keys are remembered.
func (l *Limiter) Len() int {
	n := 0
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		n += len(s.heap)
		s.mu.Unlock()
	}
	return n
}

// locate hashes with random seeds: nobody outside can make two keys collide
// or aim at one shard.
func (l *Limiter) locate(key string, rule Rule) (keyID, *shard) {
	l.once.Do(func() { l.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()} })
	full := struct {
		rule Rule
		key  string
	}{rule, key}
	id := keyID{maphash.Comparable(l.seeds[0], full), maphash.Comparable(l.seeds[1], full)}
	return id, &l.shard[id[0]%shards]
}

func (l *Limiter) perShard() int {
	n := l.MaxKeys
	if n <= 0 {
		n = defaultMaxKeys
	}
	return max(n/shards, 1)
}

func (l *Limiter) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}
