package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usherauth/usher/auth/oauth"
)

// hanging is a network that answers nothing for a while.
type hanging struct {
	asked atomic.Int32
	next  http.RoundTripper // nil: it gives up then
}

const hangs = 9 * time.Second

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked.Add(1)
	time.Sleep(hangs) // of the test's own clock
	if h.next == nil {
		return nil, errors.New("nobody there")
	}
	return h.next.RoundTrip(r)
}

// TestFault_R22_DiscoveryHangs: however many want to go to a provider that does
// not answer, it is asked once, and each waits once and not for the others; who
// has gone away holds nobody up; and one that was there before is asked again
// only now and then.
func TestFault_R22_DiscoveryHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := &hanging{}
		c, err := oauth.NewClient(okta(), oauth.Options{Transport: h})
		if err != nil {
			t.Fatal(err)
		}
		try := func(ctx context.Context) error {
			_, _, err := c.Begin(ctx, oauth.Request{CallbackURL: callback})
			return err
		}
		all := func() (failed int32) {
			var n atomic.Int32
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if try(t.Context()) != nil {
						n.Add(1)
					}
				})
			}
			wg.Wait()
			return n.Load()
		}
		if failed := all(); failed != 20 || time.Since(start) > hangs || h.asked.Load() != 1 {
			t.Errorf("%d of 20 failed after %v, %d calls", failed, time.Since(start), h.asked.Load())
		}

		h.next = oktaNet(t)
		gone, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- try(gone) }()
		synctest.Wait()
		cancel()
		if failed := all(); failed != 0 || h.asked.Load() != 2 {
			t.Errorf("%d of 20 failed because one has gone, %d calls", failed, h.asked.Load())
		}
		<-left

		time.Sleep(2 * time.Hour)
		h.next = nil
		for range 2 {
			if failed := all(); failed != 0 || h.asked.Load() != 3 {
				t.Errorf("what was found before: %d of 20 failed, %d calls", failed, h.asked.Load())
			}
		}
		time.Sleep(2 * time.Minute)
		if failed := all(); failed != 0 || h.asked.Load() != 4 {
			t.Errorf("later: %d of 20 failed, %d calls", failed, h.asked.Load())
		}
	})
}
