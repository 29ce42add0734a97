package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usherauth/usher/store/memory"
)

// runFor runs r's background jobs for some of the bubble's time, which is also
// r's own.
func runFor(t *testing.T, r *rig, d time.Duration) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	synctest.Wait()
	for range d / time.Second {
		r.advance(time.Second)
		<-time.After(time.Second)
		synctest.Wait()
	}
	stop()
	<-done
}

// What others end between New and Run, and between two Runs, is learned.
func TestFault_R14_RevokedWhileNothingRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		other := newRig(t, st)
		var ids []string
		for _, email := range []string{ada, "bob@example.com"} {
			b, _ := other.signUp(email, good)
			v, _ := other.View(t.Context(), b)
			ids = append(ids, v.Sessions[0].ID)
		}
		r := newRig(t, st)
		for _, id := range ids {
			if _, err := other.Sessions().Revoke(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			other.advance(2 * time.Minute)
			r.advance(2 * time.Minute)
			runFor(t, r, 0)
			if !r.Revoked(id) {
				t.Errorf("%s is not known to have ended", id)
			}
		}
	})
}

// A transaction of the host's that took minutes ends a session at the time at
// which it began: the session is found nevertheless.
func TestFault_R14_RevokedByALongTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		slow := newRig(t, st) // its clock stands where the transaction began
		b, _ := slow.signUp(ada, good)
		v, _ := slow.View(t.Context(), b)
		r := newRig(t, st)
		r.advance(3 * time.Minute)
		runFor(t, r, time.Second)
		if _, err := slow.Users().In(st).Ban(t.Context(), v.Sessions[0].UserID); err != nil {
			t.Fatal(err)
		}
		runFor(t, r, 31*time.Second)
		if !r.Revoked(v.Sessions[0].ID) {
			t.Error("the session is not known to have ended")
		}
	})
}
