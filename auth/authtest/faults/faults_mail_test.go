package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

// post is a mailer whose mood a test sets. It keeps what it accepted.
type post struct {
	mu   sync.Mutex
	mood func(ctx context.Context, m notify.Message) error // nil accepts
	sent []notify.Message
	asks int
}

func (p *post) Send(ctx context.Context, m notify.Message) error {
	p.mu.Lock()
	mood := p.mood
	p.asks++
	p.mu.Unlock()
	if mood != nil {
		if err := mood(ctx, m); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *post) set(mood func(ctx context.Context, m notify.Message) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = mood
}

// state returns what was accepted and how often the mailer was asked.
func (p *post) state() ([]notify.Message, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]notify.Message(nil), p.sent...), p.asks
}

func (p *post) to(address string) (out []notify.Message) {
	sent, _ := p.state()
	for _, m := range sent {
		if m.To == address {
			out = append(out, m)
		}
	}
	return out
}

func withMailer(m notify.Mailer) func(*auth.Config) { return func(c *auth.Config) { c.Mailer = m } }

// TestFault_R19_DiesBetweenSendAndMark: the mail is sent again when the lease
// is over, and a receiver can tell by its ID.
func TestFault_R19_DiesBetweenSendAndMark(t *testing.T) {
	f := &switchable{}
	st := memory.New()
	p := &post{}
	r := newRig(t, withStore(storetest.Faulty(st, storetest.Plan{Before: f.before})), withMailer(p))
	f.set(func(ctx context.Context, call string) error { // the mark never arrives
		if ctx.Value(requestKey{}) == nil && call == "Delete" {
			return fmt.Errorf("%w: killed", store.ErrUnavailable)
		}
		return nil
	})
	signUpPrepared(r, r.visitor(), ada)
	eventually(t, "the mail", func() bool { return len(p.to(ada)) == 1 })
	eventually(t, "the mark that failed", func() bool { return strings.Contains(r.log.String(), "outcome not stored") })
	if n := len(dump(t, st)["outbox"]); n != 1 {
		t.Fatalf("%d mails wait", n)
	}
	f.set(nil)
	// Another mail wakes the worker: within the lease nobody sends the first one.
	signUpPrepared(r, r.visitor(), bob)
	eventually(t, "the other mail", func() bool { return len(p.to(bob)) == 1 })
	if n := len(p.to(ada)); n != 1 {
		t.Errorf("sent %d times within the lease", n)
	}
	r.Clock.Advance(3 * time.Minute)
	signUpPrepared(r, r.visitor(), "carl@example.com")
	eventually(t, "the mail once more", func() bool { return len(p.to(ada)) == 2 })
	if m := p.to(ada); m[0].ID == "" || m[0].ID != m[1].ID || m[0].Data.OTPCode != m[1].Data.OTPCode {
		t.Errorf("sent again as another mail: %v %v", m[0], m[1])
	}
	eventually(t, "an empty outbox", func() bool { return len(dump(t, st)["outbox"]) == 0 })
}

// TestFault_R19_TwoWorkers: two processes share an outbox, and each mail is
// sent once.
func TestFault_R19_TwoWorkers(t *testing.T) {
	st, p := memory.New(), &post{}
	one := newRig(t, withStore(st), withMailer(p))
	two := newRig(t, withStore(st), withMailer(p))
	var wg sync.WaitGroup
	const n = 120
	for i := range n {
		wg.Go(func() {
			r := []*rig{one, two}[i%2]
			signUpPrepared(r, r.visitor(), fmt.Sprintf("n%d@example.com", i))
		})
		if i%16 == 15 {
			wg.Wait()
		}
	}
	wg.Wait()
	eventually(t, "all mails", func() bool { sent, _ := p.state(); return len(sent) >= n && len(dump(t, st)["outbox"]) == 0 })
	seen := map[string]int{}
	sent, _ := p.state()
	for _, m := range sent {
		seen[m.ID]++
	}
	if len(sent) != n || len(seen) != n {
		t.Errorf("%d mails sent, %d different ones, of %d", len(sent), len(seen), n)
	}
}

func TestFault_R20_MailerDown(t *testing.T) {
	p := &post{}
	p.set(func(context.Context, notify.Message) error { return errors.New("connection refused") })
	r := newRig(t, withMailer(p))
	v := r.visitor()
	began := time.Now()
	signUpPrepared(r, v, ada)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the request waited %v for the mailer", took)
	}
	eventually(t, "a try", func() bool { _, asks := p.state(); return asks >= 1 })
	r.account(bob, good)
	r.visitor().signIn(bob, good) // needs no mail
	p.set(nil)
	r.Clock.Advance(30 * time.Second)                  // past the first pause
	signUpPrepared(r, r.visitor(), "carl@example.com") // wakes the worker
	eventually(t, "the mail after all", func() bool { return len(p.to(ada)) == 1 })
}

func TestFault_R20_MailerHangs(t *testing.T) {
	p := &post{}
	stuck := make(chan struct{})
	p.set(func(ctx context.Context, m notify.Message) error {
		if m.To != ada {
			return nil
		}
		close(stuck)
		<-ctx.Done()
		return ctx.Err()
	})
	r := newRig(t, withMailer(p))
	signUpPrepared(r, r.visitor(), ada)
	<-stuck
	// One that hangs does not hold up the others of its batch, and no request.
	for i := range 5 {
		r.visitor().post("/client/sign_ups", "email_address", fmt.Sprintf("n%d@example.com", i), "password", good).ok()
	}
	r.account(bob, good)
	r.visitor().signIn(bob, good)
	// The instance stops although the mailer hangs: its context ends with Run.
}

func TestFault_R20_NoCodeAfterItsTime(t *testing.T) {
	p := &post{}
	p.set(func(context.Context, notify.Message) error { return errors.New("down") })
	r := newRig(t, withMailer(p))
	signUpPrepared(r, r.visitor(), ada)
	eventually(t, "a try", func() bool { _, asks := p.state(); return asks == 1 })
	p.set(nil)
	r.Clock.Advance(11 * time.Minute)
	signUpPrepared(r, r.visitor(), bob)
	eventually(t, "an empty outbox", func() bool { return len(p.to(bob)) == 1 && len(dump(t, r.Store)["outbox"]) == 0 })
	if n := len(p.to(ada)); n != 0 {
		t.Errorf("a dead code was sent %d times", n)
	}
}

// TestFault_R20_StoreTakesNoWrites: a worker whose store is full waits instead
// of asking in a circle.
func TestFault_R20_StoreTakesNoWrites(t *testing.T) {
	f := &switchable{}
	var mu sync.Mutex
	calls := 0
	r := newRig(t, withStore(storetest.Faulty(memory.New(), storetest.Plan{Before: f.before})))
	f.set(func(ctx context.Context, call string) error {
		if ctx.Value(requestKey{}) != nil || call != "Put" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		calls++
		return fmt.Errorf("%w: full", store.ErrUnavailable)
	})
	signUpPrepared(r, r.visitor(), ada)
	count := func() int { mu.Lock(); defer mu.Unlock(); return calls }
	eventually(t, "a try", func() bool { return count() >= 1 })
	for range 50 { // time passes
		r.visitor().post("/client").ok()
	}
	if n := count(); n > 10 {
		t.Errorf("the outbox tried %d times in a moment", n)
	}
	f.set(nil)
	r.Clock.Advance(time.Minute)
	r.Mail.Code(t, ada, 1)
}
