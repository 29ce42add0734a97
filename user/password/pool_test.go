package password_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/usherauth/usher/user/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func timed(f func()) int64 {
	start := time.Now()
	f()
	return int64(time.Since(start))
}

func TestFault_R31_StormIsBoundedAndAnswered(t *testing.T) {
	pool := &password.Pool{Slots: 3, Queue: 200}
	h := &password.Hasher{Params: cheap, Pool: pool}
	hash := mustHash(t, h, "correct horse")
	var ok, busy, other atomic.Int64
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	for i := range 1000 {
		ctx := password.WithFairness(t.Context(), fmt.Sprint(i%17))
		wg.Go(func() {
			<-barrier
			r, err := h.Verify(ctx, hash, "correct horse")
			var b *password.BusyError
			switch {
			case err == nil && r.OK:
				ok.Add(1)
			case errors.Is(err, password.ErrBusy) && errors.As(err, &b) && b.RetryAfter >= time.Second && b.RetryAfter <= 30*time.Second:
				busy.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	close(barrier)
	wg.Wait()
	s := pool.Stats()
	if other.Load() != 0 || ok.Load()+busy.Load() != 1000 {
		t.Errorf("%d right, %d busy, %d neither", ok.Load(), busy.Load(), other.Load())
	}
	if s.Peak > 3 || s.Running != 0 || s.Waiting != 0 || s.Done != ok.Load()+1 || s.Refused != busy.Load() {
		t.Errorf("stats %+v with %d right, %d busy", s, ok.Load(), busy.Load())
	}
	if ok.Load() < 200 {
		t.Errorf("only %d answered with room for 203", ok.Load())
	}
}

// A worker is work in a pool that stays until it is let go.
type worker struct {
	err  chan error
	free chan struct{}
}

func start(ctx context.Context, p *password.Pool, memory int64, ran func()) worker {
	w := worker{make(chan error, 1), make(chan struct{})}
	go func() {
		w.err <- p.Do(ctx, memory, func() error {
			if ran != nil {
				ran()
			}
			<-w.free
			return nil
		})
	}()
	synctest.Wait()
	return w
}

func TestAttack_C09_LinesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &password.Pool{Slots: 1, Queue: 10}
		running := start(t.Context(), p, 0, nil)
		var order []string
		var workers []worker
		for _, key := range []string{"flood", "flood", "flood", "flood", "flood", "flood", "flood", "flood", "flood", "flood", "a", "b", "a"} {
			ctx := password.WithFairness(t.Context(), key)
			workers = append(workers, start(ctx, p, 0, func() { order = append(order, key) }))
		}
		if s := p.Stats(); s.Waiting != 10 || s.Refused != 3 {
			t.Errorf("full queue: %+v", s)
		}
		// The three that came late pushed the flood's newest three out.
		for _, w := range workers[7:10] {
			if err := <-w.err; !errors.Is(err, password.ErrBusy) {
				t.Errorf("newest of the flood: %v", err)
			}
		}
		if w := start(password.WithFairness(t.Context(), "flood"), p, 0, nil); !errors.Is(<-w.err, password.ErrBusy) {
			t.Error("the flood grows past the limit")
		}
		close(running.free)
		admitted := append(workers[:7:7], workers[10:]...)
		for _, w := range admitted {
			close(w.free)
		}
		for _, w := range admitted {
			if err := <-w.err; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		want := []string{"flood", "a", "b", "flood", "a", "flood"}
		for i := range want {
			if order[i] != want[i] {
				t.Fatalf("order %v, want %v first", order, want)
			}
		}
	})
}

func TestFault_R24_CancelledLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &password.Pool{Slots: 1}
		running := start(t.Context(), p, 0, nil)
		ctx, cancel := context.WithCancel(t.Context())
		gone := start(ctx, p, 0, func() { t.Error("started although cancelled") })
		next := start(t.Context(), p, 0, nil)
		cancel()
		if err := <-gone.err; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if s := p.Stats(); s.Waiting != 1 || s.Running != 1 {
			t.Errorf("after cancel: %+v", s)
		}
		close(running.free)
		close(next.free)
		if err := errors.Join(<-running.err, <-next.err); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := p.Stats(); s.Running != 0 || s.Done != 2 || s.Refused != 0 {
			t.Errorf("at the end: %+v", s)
		}
		if err := p.Do(ctx, 0, func() error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	})
}

// Cancelling at the very moment of the grant must not lose the slot.
func TestFault_R24_CancelRacesGrant(t *testing.T) {
	p := &password.Pool{Slots: 2, Queue: 1000}
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			if err := p.Do(ctx, 0, func() error { return nil }); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := p.Stats(); s.Running != 0 || s.Waiting != 0 || s.Peak > 2 {
		t.Errorf("%+v", s)
	}
}

func TestFault_R30_PanicFreesTheSlot(t *testing.T) {
	p := &password.Pool{Slots: 1}
	for range 3 {
		func() {
			defer func() {
				if recover() != "boom" {
					t.Error("panic was swallowed")
				}
			}()
			p.Do(t.Context(), 1, func() error { panic("boom") })
		}()
	}
	if err := p.Do(t.Context(), 1, func() error { return nil }); err != nil || p.Stats().Running != 0 {
		t.Errorf("after panics: %v, %+v", err, p.Stats())
	}
}

func TestPoolMemoryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &password.Pool{Slots: 8, Memory: 100}
		if err := p.Do(t.Context(), 51, func() error { return nil }); !errors.Is(err, password.ErrTooCostly) {
			t.Errorf("over budget: %v", err)
		}
		var all []worker
		for range 5 {
			all = append(all, start(t.Context(), p, 20, nil))
		}
		if s := p.Stats(); s.Running != 2 || s.Waiting != 3 {
			t.Errorf("budget for two: %+v", s)
		}
		for _, w := range all {
			close(w.free)
		}
		for _, w := range all {
			if err := <-w.err; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if s := p.Stats(); s.Peak != 2 || s.Running != 0 {
			t.Errorf("at the end: %+v", s)
		}
	})
}

func TestBusyErrorFollowsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now time.Time
		p := &password.Pool{Slots: 1, Queue: 4, Now: func() time.Time { return now }}
		now = now.Add(time.Hour)
		for range 3 { // teach it two seconds a piece
			p.Do(t.Context(), 0, func() error { now = now.Add(2 * time.Second); return nil })
		}
		var all []worker
		for range 5 {
			all = append(all, start(t.Context(), p, 0, nil))
		}
		var busy *password.BusyError
		err := p.Do(t.Context(), 0, func() error { return nil })
		if !errors.As(err, &busy) || busy.RetryAfter != 10*time.Second {
			t.Errorf("five times two seconds: %v", err)
		}
		for _, w := range all {
			close(w.free)
			<-w.err
		}
	})
}
