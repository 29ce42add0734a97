package limit_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/limit"
)

// A clock stands still until it is moved.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newLimiter(maxKeys int) (*limit.Limiter, *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	return &limit.Limiter{MaxKeys: maxKeys, Now: c.now}, c
}

var fivePerTen = limit.Rule{Burst: 5, Per: 10 * time.Second}

func TestAllow(t *testing.T) {
	l, c := newLimiter(0)
	for i := range 5 {
		if ok, _ := l.Allow("a", fivePerTen, 1); !ok {
			t.Fatalf("refused at %d of 5", i)
		}
	}
	for range 100 { // refusals cost nothing more
		if ok, after := l.Allow("a", fivePerTen, 1); ok || after != 2*time.Second {
			t.Fatalf("sixth: %v, %v", ok, after)
		}
	}
	if ok, _ := l.Allow("b", fivePerTen, 5); !ok {
		t.Error("another key was refused")
	}
	c.t = c.t.Add(2*time.Second - 1)
	if ok, after := l.Allow("a", fivePerTen, 1); ok || after != 1 {
		t.Errorf("a nanosecond early: %v, %v", ok, after)
	}
	c.t = c.t.Add(1)
	if ok, _ := l.Allow("a", fivePerTen, 1); !ok {
		t.Error("refused at the time that was promised")
	}
	if ok, after := l.Allow("a", fivePerTen, 3); ok || after != 6*time.Second {
		t.Errorf("three of none: %v, %v", ok, after)
	}
	if ok, _ := l.Allow("c", fivePerTen, 6); ok {
		t.Error("more than the burst was allowed")
	}
	l.Reset("a", fivePerTen)
	if ok, _ := l.Allow("a", fivePerTen, 5); !ok {
		t.Error("refused after Reset")
	}
}

func TestLongRunRate(t *testing.T) {
	l, c := newLimiter(0)
	allowed := 0
	for range 1000 * 10 { // 1,000 seconds in steps of 100 ms
		if ok, _ := l.Allow("a", fivePerTen, 1); ok {
			allowed++
		}
		c.t = c.t.Add(100 * time.Millisecond)
	}
	if allowed < 500 || allowed > 505 {
		t.Errorf("%d in 1,000 s at 5 in 10 s", allowed)
	}
}

func TestRulesAreApart(t *testing.T) {
	l, _ := newLimiter(0)
	in := limit.Rule{Name: "sign_in", Burst: 1, Per: time.Second}
	up := limit.Rule{Name: "sign_up", Burst: 1, Per: time.Second}
	l.Allow("a", in, 1)
	if ok, _ := l.Allow("a", up, 1); !ok {
		t.Error("two rules share a budget")
	}
	for _, none := range []limit.Rule{{}, {Burst: 1}, {Per: time.Second}, {Burst: -1, Per: time.Second}} {
		for range 3 {
			if ok, _ := l.Allow("a", none, 1); !ok {
				t.Errorf("%+v is a limit", none)
			}
		}
	}
}

func TestAllowIsExactInParallel(t *testing.T) {
	l, _ := newLimiter(0)
	rule := limit.Rule{Burst: 100, Per: time.Hour}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 50 {
				if ok, _ := l.Allow("a", rule, 1); ok {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 100 {
		t.Errorf("%d of 100 allowed", allowed.Load())
	}
}

func TestFault_R29_RandomKeysForgiveNobody(t *testing.T) {
	const maxKeys = 3200
	l, c := newLimiter(maxKeys)
	if ok, _ := l.Allow("attacker", fivePerTen, 5); !ok {
		t.Fatal("no budget to begin with")
	}
	before := heap()
	for i := range 200_000 {
		l.Allow(fmt.Sprint("random", i), fivePerTen, 1)
		if i%1000 == 0 {
			c.t = c.t.Add(time.Millisecond)
			if ok, _ := l.Allow("attacker", fivePerTen, 2); ok {
				t.Fatalf("forgiven after %d random keys", i)
			}
		}
	}
	if n := l.Len(); n > maxKeys {
		t.Errorf("%d keys of at most %d", n, maxKeys)
	}
	if grown := heap() - before; grown > maxKeys*220 {
		t.Errorf("%d bytes for %d keys", grown, maxKeys)
	}
	c.t = c.t.Add(10 * time.Second)
	if ok, _ := l.Allow("attacker", fivePerTen, 5); !ok {
		t.Error("held back for ever")
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The heap inside is exercised against a plain map.
func TestAgainstModel(t *testing.T) {
	l, c := newLimiter(1 << 20)
	fresh := map[string]time.Time{}
	rule := limit.Rule{Burst: 3, Per: 3 * time.Second}
	for i := range 20_000 {
		key := fmt.Sprint((i * i * 7919) % 211)
		n := i%3 + 1
		if i%97 == 0 {
			l.Reset(key, rule)
			delete(fresh, key)
		}
		at := fresh[key]
		if at.Before(c.t) {
			at = c.t
		}
		at = at.Add(time.Duration(n) * time.Second)
		want := at.Sub(c.t) <= rule.Per
		if want {
			fresh[key] = at
		}
		if ok, _ := l.Allow(key, rule, n); ok != want {
			t.Fatalf("step %d, key %s: %v, want %v", i, key, ok, want)
		}
		c.t = c.t.Add(7 * time.Millisecond)
	}
}

func BenchmarkAllow(b *testing.B) {
	var l limit.Limiter
	keys := make([]string, 4096)
	for i := range keys {
		keys[i] = fmt.Sprint("203.0.113.", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Allow(keys[i%len(keys)], fivePerTen, 1)
	}
}

// What is given back can be taken again, and no more than that.
func TestReturn(t *testing.T) {
	l, _ := newLimiter(0)
	rule := limit.Rule{Burst: 3, Per: time.Minute}
	for range 3 {
		if ok, _ := l.Allow("a", rule, 1); !ok {
			t.Fatal("refused too early")
		}
	}
	if !l.Empty("a", rule) || l.Empty("b", rule) {
		t.Error("empty is not told from full")
	}
	l.Return("a", rule, 1)
	l.Return("b", rule, 5) // had nothing taken
	if l.Empty("a", rule) {
		t.Error("still empty")
	}
	for key, want := range map[string]int{"a": 1, "b": 3} {
		got := 0
		for range 5 {
			if ok, _ := l.Allow(key, rule, 1); ok {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d more, want %d", key, got, want)
		}
	}
}
