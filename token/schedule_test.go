package token_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

// keyStore is what instances share: keys whose Seq is unique.
type keyStore struct{ keys []token.Key }

func (s *keyStore) add(k token.Key) bool {
	if slices.ContainsFunc(s.keys, func(o token.Key) bool { return o.Seq == k.Seq }) {
		return false
	}
	s.keys = append(s.keys, k)
	return true
}

func (s *keyStore) remove(dead []token.Key) {
	s.keys = slices.DeleteFunc(s.keys, func(k token.Key) bool {
		return slices.ContainsFunc(dead, func(d token.Key) bool { return d.ID == k.ID })
	})
}

// rotate does what an instance does on every round.
func rotate(tb testing.TB, st *keyStore, iss *token.Issuer, now time.Time) {
	tb.Helper()
	plan := iss.Schedule.Plan(st.keys, now)
	if plan.Make != nil {
		k, err := token.GenerateKey(*plan.Make)
		if err != nil {
			tb.Fatal(err)
		}
		st.add(k)
	}
	st.remove(plan.Dead)
	if err := iss.SetKeys(st.keys...); err != nil {
		tb.Fatal(err)
	}
}

// browserCache keeps a JWKS for as long as its headers allow, and never asks
// sooner, not even for an unknown kid.
type browserCache struct {
	set     *token.KeySet
	fetched time.Time
}

func (b *browserCache) Key(ctx context.Context, kid string) (*token.PublicKey, error) {
	return b.set.Key(ctx, kid)
}

func (b *browserCache) refresh(tb testing.TB, from *token.Issuer, now time.Time) {
	tb.Helper()
	if b.set != nil && now.Sub(b.fetched) < token.JWKSMaxAge {
		return
	}
	data, err := from.KeySet().MarshalJSON()
	if err != nil {
		tb.Fatal(err)
	}
	if b.set, err = token.ParseKeySet(data); err != nil {
		tb.Fatal(err)
	}
	b.fetched = now
}

// TestAttack_T12_Rotation runs four instances, which load the keys every five
// minutes and not at the same time, and four verifiers with caches of their
// own over more than three rotations. There is never a token that a cached
// JWKS does not explain, from its first second to its last.
func TestAttack_T12_Rotation(t *testing.T) {
	const instances, step = 4, 20 * time.Second
	c := &clock{}
	schedule := token.Schedule{Algorithm: token.ES256, Every: 40 * time.Minute, PublishAhead: time.Nanosecond, KeepAfter: 12 * time.Minute}
	st := &keyStore{}
	issuers := make([]*token.Issuer, instances)
	caches := make([]*browserCache, instances)
	verifiers := make([]*token.Verifier, len(caches))
	for i := range issuers {
		issuers[i] = &token.Issuer{URL: issuerURL, Schedule: schedule, Now: c.Now}
		rotate(t, st, issuers[i], c.Now())
	}
	for i := range caches {
		caches[i] = &browserCache{}
		verifiers[i] = &token.Verifier{Issuer: issuerURL, Keys: caches[i], Now: c.Now, CacheSize: -1}
	}
	signers, checked, old := map[string]bool{}, 0, []string{}
	for round := range 600 { // 200 minutes
		for i, iss := range issuers {
			if (round+4*i)%15 == 0 { // every five minutes
				rotate(t, st, iss, c.Now())
			}
		}
		var fresh []string
		for _, iss := range issuers {
			tok, err := iss.Mint(context.Background(), token.Claims{Subject: "u", SessionID: "s"})
			if err != nil {
				t.Fatal(err)
			}
			fresh = append(fresh, tok)
			k, err := iss.SigningKey()
			if err != nil {
				t.Fatal(err)
			}
			signers[k.ID()] = true
		}
		for i, v := range verifiers {
			caches[i].refresh(t, issuers[(i+round)%instances], c.Now())
			for _, tok := range slices.Concat(fresh, old[:min(len(old), instances)]) {
				if err := verify(v, tok); err != nil {
					t.Fatalf("after %v, cache %d: %v", c.Now().Sub(noon), i, err)
				}
				checked++
			}
		}
		if old = append(old, fresh...); len(old) > 3*instances { // tokens of the last minute
			old = old[len(old)-3*instances:]
		}
		if n := len(st.keys); n > 3 {
			t.Fatalf("%d keys are kept", n)
		}
		c.Advance(step)
	}
	if len(signers) < 4 {
		t.Errorf("only %d keys have signed", len(signers))
	}
	t.Logf("%d keys signed, %d verifications", len(signers), checked)
}

func fakeKey(seq int64, alg token.Algorithm, from time.Time) token.Key {
	return token.Key{ID: fmt.Sprintf("key%d", seq), Algorithm: alg, Seq: seq, Created: from, SignFrom: from}
}

func TestSchedulePlan(t *testing.T) {
	s := token.Schedule{Every: 30 * 24 * time.Hour, PublishAhead: time.Hour, KeepAfter: 2 * time.Hour}
	day := 24 * time.Hour
	first := fakeKey(1, token.RS256, noon)
	second := fakeKey(2, token.RS256, noon.Add(30*day))
	for _, c := range []struct {
		name     string
		schedule token.Schedule
		keys     []token.Key
		at       time.Duration
		sign     string
		publish  int
		dead     int
		makeAt   time.Duration // SignFrom of the new key; -1 is none
		next     time.Duration // -1 is never
	}{
		{"none", s, nil, 0, "", 0, 0, 0, -1},
		{"new", s, []token.Key{first}, 0, "key1", 1, 0, -1, 30*day - time.Hour},
		{"before the next", s, []token.Key{first}, 30*day - time.Hour - 1, "key1", 1, 0, -1, 30*day - time.Hour},
		{"time for the next", s, []token.Key{first}, 30*day - time.Hour, "key1", 1, 0, 30 * day, -1},
		{"late for the next", s, []token.Key{first}, 90 * day, "key1", 1, 0, 90*day + time.Hour, -1},
		{"published", s, []token.Key{second, first}, 30*day - time.Hour, "key1", 2, 0, -1, 30 * day},
		{"handed over", s, []token.Key{second, first}, 30 * day, "key2", 2, 0, -1, 30*day + 2*time.Hour},
		{"kept to the last", s, []token.Key{second, first}, 30*day + 2*time.Hour - 1, "key2", 2, 0, -1, 30*day + 2*time.Hour},
		{"dead", s, []token.Key{second, first}, 30*day + 2*time.Hour, "key2", 1, 1, -1, 60*day - time.Hour},
		{"first one lost", s, []token.Key{second}, day, "key2", 1, 0, -1, 30 * day},
		{"for ever", token.Schedule{Every: -1}, []token.Key{first}, 9999 * day, "key1", 1, 0, -1, -1},
		{"default", token.Schedule{}, []token.Key{first}, 89*day - 1, "key1", 1, 0, -1, 89 * day},
		{"default, due", token.Schedule{}, []token.Key{first}, 89 * day, "key1", 1, 0, 90 * day, -1},
		{"two cache lives at least", token.Schedule{PublishAhead: 1}, []token.Key{first}, 90 * day, "key1", 1, 0, 90*day + 10*time.Minute, -1},
		{"other algorithm", token.Schedule{Algorithm: token.EdDSA, PublishAhead: time.Hour}, []token.Key{first}, day, "key1", 1, 0, day + time.Hour, -1},
		{"other algorithm, published", token.Schedule{Algorithm: token.EdDSA, Every: -1, PublishAhead: time.Hour},
			[]token.Key{first, fakeKey(2, token.EdDSA, noon.Add(day))}, 0, "key1", 2, 0, -1, day},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.schedule.Plan(c.keys, noon.Add(c.at))
			if p.Sign != c.sign || len(p.Publish) != c.publish || len(p.Dead) != c.dead {
				t.Errorf("signs %q, publishes %d, %d dead", p.Sign, len(p.Publish), len(p.Dead))
			}
			if want := c.makeAt >= 0; want != (p.Make != nil) || want && !p.Make.SignFrom.Equal(noon.Add(c.makeAt)) {
				t.Errorf("make %+v", p.Make)
			}
			if c.next < 0 != p.Next.IsZero() || c.next >= 0 && !p.Next.Equal(noon.Add(c.next)) {
				t.Errorf("next %v, want %v", p.Next, noon.Add(c.next))
			}
			if p.Make != nil && p.Make.Seq != int64(len(c.keys))+1 {
				t.Errorf("seq %d", p.Make.Seq)
			}
		})
	}
}

// TestSchedulePlanProperties: for any set of keys, the plan depends on nothing
// but the set; what signs is published; once the key that it asks for is there,
// it does not ask again; and that key signs no sooner than two cache lives on.
func TestSchedulePlanProperties(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		s := token.Schedule{
			Every:        time.Duration(rnd.IntN(48)) * time.Hour,
			PublishAhead: time.Duration(rnd.IntN(120)) * time.Minute,
			KeepAfter:    time.Duration(rnd.IntN(240)) * time.Minute,
		}
		var keys []token.Key
		for seq := range int64(rnd.IntN(5)) {
			k := fakeKey(seq+1, token.RS256, noon.Add(time.Duration(rnd.IntN(96))*time.Hour))
			k.ID = fmt.Sprintf("%d-%d", rnd.IntN(9), seq)
			keys = append(keys, k)
		}
		now := noon.Add(time.Duration(rnd.IntN(120*60)) * time.Minute)
		p := s.Plan(keys, now)
		rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		if q := s.Plan(keys, now); !reflect.DeepEqual(p, q) {
			t.Fatalf("two plans: %+v and %+v", p, q)
		}
		if len(p.Publish)+len(p.Dead) != len(keys) {
			t.Fatalf("%d keys: %+v", len(keys), p)
		}
		signs := slices.ContainsFunc(p.Publish, func(k token.Key) bool { return k.ID == p.Sign })
		if signs != (len(keys) > 0) {
			t.Fatalf("the signer is not published: %+v", p)
		}
		if p.Make == nil {
			continue
		}
		if len(keys) > 0 && p.Make.SignFrom.Before(now.Add(2*token.JWKSMaxAge)) {
			t.Fatalf("the new key signs too soon: %+v at %v", p.Make, now)
		}
		q := s.Plan(append(keys, fakeKey(p.Make.Seq, p.Make.Algorithm, p.Make.SignFrom)), now)
		if q.Make != nil || len(keys) > 0 && q.Sign != p.Sign {
			t.Fatalf("a key was made and still: %+v", q)
		}
	}
}

// TestRotationWhileInUse swaps keys under verifiers and minters.
func TestRotationWhileInUse(t *testing.T) {
	w := newWorldOf(t, token.ES256)
	keys := testKeys()[token.ES256]
	var stop atomic.Bool
	done := make(chan error, 4)
	for range 4 {
		go func() {
			for !stop.Load() {
				tok, err := w.iss.Mint(context.Background(), token.Claims{Subject: "u", SessionID: "s"})
				if err == nil {
					err = verify(w.v, tok)
				}
				// The key may have gone between the two.
				if err != nil && !errors.Is(err, token.ErrUnknownKey) {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for i := range 200 {
		if err := w.iss.SetKeys(keys[i%2]); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
