package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// writeSettings stores a document of settings as an older program has left it.
func writeSettings(t *testing.T, st store.Store, doc string) {
	t.Helper()
	var kind *store.Kind
	for _, k := range engine.Kinds() {
		if k.Name == "settings" {
			kind = k
		}
	}
	err := st.Update(t.Context(), func(tx store.Tx) error {
		r, err := tx.Get(t.Context(), kind, "settings")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		_, err = tx.Put(t.Context(), store.Record{Kind: kind, ID: "settings", Version: r.Version, Data: []byte(`{"settings":` + doc + `}`)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a stored document does not say, the host says, at every depth.
func TestFault_R16_SettingsOfAnOlderProgram(t *testing.T) {
	st := memory.New()
	newRig(t, st) // makes the tables
	writeSettings(t, st, `{"app_name":"Old","sessions":{"multi":true},"email_address":{"strategies":[]}}`)
	rate := settings.Rate{Count: 7, Per: time.Minute}
	var host settings.Settings
	r := newRig(t, st, func(c *engine.Config) {
		c.Settings.Limits.Mail = rate
		host = c.Settings
	})
	ctx := t.Context()
	s := r.Settings(ctx)
	if s.AppName != "Old" || !s.Sessions.Multi || s.Sessions.MaxLifetime != host.Sessions.MaxLifetime || s.Codes != host.Codes ||
		s.Limits.Mail != rate || !s.DeleteSelf || len(s.EmailAddress.Strategies) != 0 || len(s.EmailAddress.Verifications) != 1 {
		t.Errorf("in force: %+v", s)
	}
	// An update goes through, a list that it empties stays empty, and neither
	// the host's settings nor those in force are the copy that it works on.
	err := r.UpdateSettings(ctx, func(s *settings.Settings) error {
		s.EmailAddress.Verifications[0] = "email_code"
		s.EmailAddress.Verifications, s.EmailAddress.VerifyAtSignUp = nil, false
		return nil
	})
	if err != nil || len(r.Settings(ctx).EmailAddress.Verifications) != 0 {
		t.Errorf("update: %v, %+v", err, r.Settings(ctx))
	}
	writeSettings(t, st, `{}`)
	fail := errors.New("not today")
	if err := r.UpdateSettings(ctx, func(s *settings.Settings) error { s.EmailAddress.Strategies[0] = "spoilt"; return fail }); !errors.Is(err, fail) {
		t.Error(err)
	}
	if !slices.Equal(host.EmailAddress.Strategies, []string{"email_code"}) {
		t.Errorf("the host's own settings were changed: %v", host.EmailAddress.Strategies)
	}
}

// Settings that make no sense are not taken, also if they are stored.
func TestFault_R26_StoredSettingsNotValid(t *testing.T) {
	for _, doc := range []string{`{"codes":{"tries":0}}`, `{"sign_up":{"mode":"x"}}`, `7`, `{"codes":7}`} {
		t.Run(doc, func(t *testing.T) {
			st := memory.New()
			r := newRig(t, st)
			ctx := t.Context()
			writeSettings(t, st, doc)
			r.advance(time.Second)
			if s := r.Settings(ctx); s.Codes.Tries != 5 || s.SignUp.Mode != settings.Public {
				t.Errorf("in force: %+v", s)
			}
		})
	}
	st := memory.New()
	r := newRig(t, st)
	writeSettings(t, st, `{"codes":{"tries":0}}`)
	if err := r.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.Codes.Tries = 3; return nil }); err != nil || r.Settings(t.Context()).Codes.Tries != 3 {
		t.Errorf("they cannot be repaired: %v", err)
	}
}

// A refresh that has read before an update and ends after it does not undo it.
func TestFault_R14_SlowRefresh(t *testing.T) {
	var slow atomic.Bool
	reached, release := make(chan struct{}), make(chan struct{})
	st := afterView{memory.New(), func() {
		if slow.CompareAndSwap(true, false) {
			close(reached)
			<-release
		}
	}}
	r := newRig(t, st)
	ctx := t.Context()
	r.advance(time.Second)
	slow.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Settings(ctx)
	}()
	<-reached
	if err := r.UpdateSettings(ctx, func(s *settings.Settings) error { s.AppName = "Changed"; return nil }); err != nil {
		t.Fatal(err)
	}
	close(release)
	<-done
	if got := r.Settings(ctx).AppName; got != "Changed" {
		t.Errorf("app name %q", got)
	}
}

// afterView calls fn when a View has read all and has not returned.
type afterView struct {
	store.Store
	fn func()
}

func (s afterView) View(ctx context.Context, fn func(store.Tx) error) error {
	err := s.Store.View(ctx, fn)
	s.fn()
	return err
}
