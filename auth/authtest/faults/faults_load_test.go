package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
	"go.uber.org/goleak"
)

// from returns a client that calls from an address of its own on the loopback
// net, with connections of its own.
func from(v *visitor, addr string) *http.Transport {
	tr := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}, Timeout: time.Minute}).DialContext}
	v.http.Transport = tr
	return tr
}

// TestFault_R31_Storm: 1,000 sign-ins at once, from fifty addresses, against
// the real hash on two cores.
func TestFault_R31_Storm(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 200
	}
	s := serve(t, filepath.Join(t.TempDir(), "usher.db"), envReal+"=1", "GOMAXPROCS=2")
	live := newVisitor(t, s.url)
	live.signIn(ada, good)
	token := live.post("/client/sessions/" + live.get("/client").str("response.last_active_session_id") + "/tokens").ok().str("jwt")
	if token == "" {
		t.Fatal("no token")
	}
	atRest := s.memory(t, "VmRSS")

	var wg sync.WaitGroup
	var in, busy, other atomic.Int64
	for i := range n {
		wg.Go(func() {
			v := newVisitor(t, s.url)
			v.http.Timeout = 2 * time.Minute
			defer from(v, fmt.Sprintf("127.0.1.%d", 1+i%50)).CloseIdleConnections()
			a := v.post("/client/sign_ins", "identifier", ada, "password", good)
			switch after, _ := strconv.Atoi(a.headerOf("Retry-After")); {
			case a.status == 200 && a.str("response.status") == "complete":
				in.Add(1)
			case a.status == 503 && after >= 1:
				busy.Add(1)
			default:
				if other.Add(1) < 4 {
					t.Errorf("%d %s %v", a.status, a.raw, a.err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var took []time.Duration
	h := http.Header{"Authorization": {"Bearer " + token}}
	reader := newVisitor(t, s.url)
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		default:
		}
		began := time.Now()
		if a := reader.do("GET", "/api/me", h, ""); a.status != 200 {
			t.Fatalf("a live token in the storm: %d %s %v", a.status, a.raw, a.err)
		}
		if took = append(took, time.Since(began)); len(took) > 40 { // the token lives for a minute
			<-done
			waiting = false
		}
	}
	slices.Sort(took)
	peak := s.memory(t, "VmHWM")
	t.Logf("%d signed in, %d told to come again, %d other; memory %d MiB at rest, %d MiB at most; verified %d times, median %v",
		in.Load(), busy.Load(), other.Load(), atRest>>10, peak>>10, len(took), took[len(took)/2])
	if in.Load() == 0 || in.Load()+busy.Load() != int64(n) {
		t.Errorf("not everybody was answered")
	}
	if !underRace && peak > (256+64)<<10 {
		t.Errorf("resident memory reached %d MiB", peak>>10)
	}
	if v := newVisitor(t, s.url); v.signIn(ada, good) == "" {
		t.Error("after the storm nobody gets in")
	}
}

// TestFault_R25_GracefulStop: a thousand in flight are answered, the workers
// end, nothing is left behind.
func TestFault_R25_GracefulStop(t *testing.T) {
	before := goleak.IgnoreCurrent()
	gate, entered := make(chan struct{}), make(chan struct{}, 2000)
	var holding atomic.Bool
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(ctx context.Context, call string) error {
		if ctx.Value(requestKey{}) != nil && call == "View" && holding.Load() {
			entered <- struct{}{}
			<-gate
		}
		return nil
	}})
	mail := &post{}
	a, err := auth.New(t.Context(), auth.Config{Store: st, Settings: authtest.Settings(), Mailer: mail, Passwords: authtest.CheapPasswords(),
		KeySchedule: token.Schedule{Algorithm: token.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- a.Run(ctx) }()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Handler().ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, true)))
	}))
	srv.Start()
	v := newVisitor(t, srv.URL)
	v.post("/client").ok()
	eventually(t, "a second Run to be refused", func() bool {
		busy, cancel := context.WithCancel(context.Background())
		cancel()
		return errors.Is(a.Run(busy), auth.ErrRunning)
	})

	n := 1000
	if testing.Short() {
		n = 200
	}
	holding.Store(true)
	var wg sync.WaitGroup
	var answered atomic.Int64
	tr := &http.Transport{MaxIdleConnsPerHost: 4}
	for range n {
		wg.Go(func() {
			c := v.fork()
			c.http.Transport = tr
			if x := c.get("/client"); x.status == 200 && x.err == nil {
				answered.Add(1)
			} else if answered.Load()%100 == 0 {
				t.Errorf("in flight: %d %v", x.status, x.err)
			}
		})
	}
	for range n {
		<-entered
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Config.Shutdown(context.Background()) }()
	stop()
	eventually(t, "new connections to be refused", func() bool {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	holding.Store(false)
	close(gate)
	wg.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-running; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if answered.Load() != int64(n) {
		t.Errorf("%d of %d in flight were answered", answered.Load(), n)
	}
	// Stopping twice and running again after a stop are safe.
	srv.Close()
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Run(over); !errors.Is(err, context.Canceled) {
		t.Errorf("Run after a stop: %v", err)
	}
	tr.CloseIdleConnections()
	v.http.CloseIdleConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	goleak.VerifyNone(t, before)
}

// TestFault_R11_ClockJumps: what a clock does to people who are signed in, to
// tokens and to codes, there and back.
func TestFault_R11_ClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour, time.Second, -time.Second, 0} {
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			v := r.visitor()
			u := r.account(ada, good)
			v.http = r.SignedIn(t, u)
			w := r.visitor()
			id := signUpPrepared(r, w, bob)
			code := r.Mail.Code(t, bob, 1)
			r.Clock.Advance(jump)
			// Nobody is signed out by a jump that the session outlives.
			if a := v.private(); a.status != 200 {
				t.Errorf("signed out by %v: %d %s", jump, a.status, a.raw)
			}
			// A code lives ten minutes by the clock and not longer.
			a := w.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code)
			if late := jump > 10*time.Minute; late {
				a.refused(400, "verification_expired", "client_state_invalid")
			} else {
				a.ok()
			}
			// A token made now is good for a minute from now, whatever was before.
			fresh := r.visitor()
			fresh.signIn(ada, good)
			if a := fresh.private(); a.status != 200 {
				t.Errorf("a new sign-in after %v: %d", jump, a.status)
			}
			tok := fresh.cookie("__session")
			r.Clock.Advance(-jump)
			r.Clock.Advance(2 * time.Minute)
			if a := r.visitor().do("GET", "/private", http.Header{"Authorization": {"Bearer " + tok}}, ""); jump <= 0 && a.status == 200 {
				t.Errorf("a token of before the jump back is eternal: %d", a.status)
			}
			// No session is eternal: a week after all of this everybody is out.
			r.Clock.Advance(8*24*time.Hour + max(jump, -jump))
			if a := v.private(); a.status == 200 {
				t.Error("an eternal session")
			}
		})
	}
}

// A limit is a wait, and a clock that is set right does not make it one of a
// day.
func TestFault_R11_LimitsAfterAJumpBack(t *testing.T) {
	r := newRig(t, withSettings(func(s *settings.Settings) {
		s.Limits.CreateSignIn = settings.Rate{Count: 5, Per: 10 * time.Second}
	}))
	r.account(ada, good)
	ask := func() *answer { return r.visitor().post("/client/sign_ins", "identifier", ada) }
	for range 5 {
		ask().ok()
	}
	ask().refused(429, "too_many_requests")
	r.Clock.Advance(-24 * time.Hour)
	if a := ask().refused(429, "too_many_requests"); a.headerOf("Retry-After") != "2" {
		t.Errorf("Retry-After %s", a.headerOf("Retry-After"))
	}
	r.Clock.Advance(10 * time.Second)
	ask().ok()
}
