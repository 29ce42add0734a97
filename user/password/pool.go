package password

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// A Pool bounds slow work: how many hashes run at once, how much memory they
// take together and how many wait. The zero value is ready. A process should
// have one, shared by all its hashers. Fields are not changed after first use.
//
// It starts no goroutine: work runs on the caller's.
type Pool struct {
	// Slots is how many run at once. 0: as many as cores, runtime.GOMAXPROCS.
	Slots int
	// Memory is the budget in bytes, counting every hash twice. 0: 256 MiB.
	Memory int64
	// Queue is how many wait at most, over all addresses. 0: 128 per slot,
	// which is about three seconds of work with the default parameters.
	Queue int
	// Now is the clock that measures the pace. nil: time.Now.
	Now func() time.Time

	mu      sync.Mutex
	running int
	used    int64
	peak    int
	done    int64
	refused int64
	mean    time.Duration
	lines   fairQueue
}

// PoolStats are the numbers of a [Pool] for metrics and tests.
type PoolStats struct {
	Slots   int   // how many may run at once
	Running int   // how many run now
	Peak    int   // the most that ever ran at once
	Waiting int   // how many wait now
	Done    int64 // how many have run, failed and panicked ones included
	Refused int64 // how many got a BusyError
}

type fairnessKey struct{}

// WithFairness returns a context whose hashes wait in the line of key, by
// which the pool takes turns: the client's address prefix, as a rule. Without
// it all share one line.
func WithFairness(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, fairnessKey{}, key)
}

// Do runs fn in a slot, or not at all: the error is fn's own, a [*BusyError]
// when the queue is full, the context's when it ends before fn has started,
// or [ErrTooCostly]. memory is what fn allocates, in bytes. The slot is given
// back when fn returns or panics.
func (p *Pool) Do(ctx context.Context, memory int64, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cost := 2 * memory
	if cost > p.memory() {
		return ErrTooCostly
	}
	if err := p.acquire(ctx, cost); err != nil {
		return err
	}
	// A start of zero marks work that never began, so that the pace is of real work.
	var start time.Time
	defer func() { p.release(cost, start) }()
	if err := ctx.Err(); err != nil {
		return err
	}
	start = p.now()
	return fn()
}

// Stats returns the pool's numbers.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{
		Slots: p.slots(), Running: p.running, Peak: p.peak,
		Waiting: p.lines.size, Done: p.done, Refused: p.refused,
	}
}

func (p *Pool) acquire(ctx context.Context, cost int64) error {
	key, _ := ctx.Value(fairnessKey{}).(string)
	p.mu.Lock()
	if p.lines.size == 0 && p.fits(cost) {
		p.start(cost)
		p.mu.Unlock()
		return nil
	}
	if p.lines.size >= p.queue() && !p.makeRoom(key) {
		p.refused++
		err := p.busy()
		p.mu.Unlock()
		return err
	}
	w := &waiter{key: key, cost: cost, ready: make(chan error, 1)}
	p.lines.push(w)
	p.mu.Unlock()

	select {
	case err := <-w.ready:
		return err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lines.remove(w) { // the grant or refusal came at the same moment
		if <-w.ready == nil {
			p.stop(cost)
		}
	}
	p.dispatch() // it may have been the one that did not fit
	return ctx.Err()
}

// makeRoom drops the newest of the longest line if that is longer than key's
// line will be, so that one address cannot keep all others out.
func (p *Pool) makeRoom(key string) bool {
	w := p.lines.shed(key)
	if w == nil {
		return false
	}
	p.refused++
	w.ready <- p.busy()
	return true
}

func (p *Pool) release(cost int64, start time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !start.IsZero() {
		took := p.now().Sub(start)
		if p.done++; p.done == 1 {
			p.mean = took
		}
		p.mean += (took - p.mean) / 8
	}
	p.stop(cost)
	p.dispatch()
}

func (p *Pool) dispatch() {
	for p.lines.size > 0 && p.fits(p.lines.first().cost) {
		w := p.lines.pop()
		p.start(w.cost)
		w.ready <- nil
	}
}

func (p *Pool) fits(cost int64) bool {
	return p.running < p.slots() && p.used+cost <= p.memory()
}

func (p *Pool) start(cost int64) {
	p.running++
	p.used += cost
	p.peak = max(p.peak, p.running)
}

func (p *Pool) stop(cost int64) {
	p.running--
	p.used -= cost
}

func (p *Pool) busy() error {
	turns := time.Duration(p.lines.size/p.slots() + 1)
	pace := p.mean
	if p.done == 0 {
		pace = 25 * time.Millisecond // a guess, until one is done
	}
	wait := (turns*pace + time.Second - 1).Truncate(time.Second)
	return &BusyError{RetryAfter: min(max(wait, time.Second), 30*time.Second)}
}

func (p *Pool) slots() int {
	if p.Slots > 0 {
		return p.Slots
	}
	return runtime.GOMAXPROCS(0)
}

func (p *Pool) memory() int64 {
	if p.Memory > 0 {
		return p.Memory
	}
	return 256 << 20
}

func (p *Pool) queue() int {
	if p.Queue > 0 {
		return p.Queue
	}
	return 128 * p.slots()
}

func (p *Pool) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}
