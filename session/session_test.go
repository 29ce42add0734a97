package session_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestStatusByTime(t *testing.T) {
	s := session.New("user_1", "client_1", time.Hour, 10*time.Minute, now)
	for _, c := range []struct {
		after time.Duration
		want  session.Status
	}{{0, session.Active}, {10*time.Minute - 1, session.Active}, {10 * time.Minute, session.Abandoned}, {time.Hour, session.Expired}} {
		if got := s.StatusAt(now.Add(c.after)); got != c.want {
			t.Errorf("after %s: %s, want %s", c.after, got, c.want)
		}
	}
	s.LastActiveAt = now.Add(59 * time.Minute)
	if got := s.StatusAt(now.Add(time.Hour)); got != session.Expired {
		t.Errorf("S12: use extends the maximum life: %s", got)
	}
	if got := session.New("u", "c", 0, 0, now).StatusAt(now.AddDate(10, 0, 0)); got != session.Active {
		t.Errorf("without limits: %s", got)
	}
}

func TestNeedsTouch(t *testing.T) {
	for _, c := range []struct {
		idle, after time.Duration
		want        bool
	}{{0, session.TouchEvery - 1, false}, {0, session.TouchEvery, true}, {20 * time.Minute, time.Minute - 1, false}, {20 * time.Minute, time.Minute, true},
		{24 * time.Hour, session.TouchEvery - 1, false}} {
		s := session.New("u", "c", 0, c.idle, now)
		if got := s.NeedsTouch(now.Add(c.after)); got != c.want {
			t.Errorf("idle %s, after %s: %v", c.idle, c.after, got)
		}
	}
}

// Every status ends only along the table.
func TestEnd(t *testing.T) {
	all := []session.Status{session.Active, session.Pending, session.Ended, session.Removed, session.Replaced, session.Revoked, session.Expired, session.Abandoned}
	for _, from := range all {
		for _, to := range all {
			s := session.New("user_1", "client_1", 0, 0, now)
			s.Status = from
			err := s.End(to, now)
			if allowed := slices.Contains(session.Transitions[from], to); (err == nil) != allowed {
				t.Errorf("%s to %s: %v", from, to, err)
			} else if !allowed && !errors.Is(err, session.ErrOver) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func TestFactorAge(t *testing.T) {
	s := session.New("u", "c", 0, 0, now)
	if got := s.FactorAge(now.Add(90 * time.Second)); got != [2]int{1, -1} {
		t.Errorf("got %v", got)
	}
	s.SecondFactorAt = now.Add(time.Hour) // another instance's clock is ahead
	if got := s.FactorAge(now); got != [2]int{0, 0} {
		t.Errorf("got %v", got)
	}
}

func TestAttack_S01_ClientSecret(t *testing.T) {
	c := session.NewClient(now)
	one := c.Rotate(session.NewSecret(), now)
	id, secret, ok := session.ParseCookie(one)
	if !ok || id != c.ID {
		t.Fatalf("%q: %s %v", one, id, ok)
	}
	if current, err := c.Check(secret, now); !current || err != nil {
		t.Errorf("own secret: %v %v", current, err)
	}
	if strings.Contains(string(c.SecretHash), string(secret)) {
		t.Error("the secret itself is kept")
	}
	c.Rotate(session.NewSecret(), now)
	if current, err := c.Check(secret, now.Add(session.Grace)); current || err != nil {
		t.Errorf("in its grace: %v %v", current, err)
	}
	if _, err := c.Check(secret, now.Add(session.Grace+1)); !errors.Is(err, session.ErrClientReused) {
		t.Errorf("S02: after its grace: %v", err)
	}
	c.Rotate(session.NewSecret(), now)
	if _, err := c.Check(secret, now); !errors.Is(err, session.ErrClientSecret) {
		t.Errorf("two rotations on: %v", err)
	}
}

func FuzzParseCookie(f *testing.F) {
	c := session.NewClient(now)
	f.Add(c.Rotate(session.NewSecret(), now))
	f.Add("client_x.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := session.ParseCookie(s)
		if !ok {
			return
		}
		if len(secret) != 32 || !strings.HasPrefix(id, "client_") || len(s) > 128 {
			t.Fatalf("%q: %q %d", s, id, len(secret))
		}
	})
}

func TestLists(t *testing.T) {
	st := memory.New()
	ctx := t.Context()
	err := st.Update(ctx, func(tx store.Tx) error {
		for i, status := range []session.Status{session.Active, session.Pending, session.Ended, session.Removed, session.Revoked, session.Active} {
			s := session.New("user_1", "client_1", time.Hour, 0, now.Add(time.Duration(i)*time.Second))
			if status != session.Active && status != session.Pending {
				if err := s.End(status, now.Add(time.Minute)); err != nil {
					return err
				}
			}
			s.Status = status
			if i == 5 {
				s.ClientID, s.ExpireAt = "client_2", now.Add(time.Minute)
			}
			if err := session.Put(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.View(ctx, func(tx store.Tx) error {
		on, err := session.OfClient(ctx, tx, "client_1")
		if err != nil || len(on) != 3 {
			t.Errorf("on the client: %d %v", len(on), err)
		}
		live, err := session.Live(ctx, tx, "user_1", now.Add(2*time.Minute))
		if err != nil || len(live) != 2 {
			t.Errorf("live: %d %v", len(live), err)
		}
		if ended, err := session.EndedSince(ctx, tx, now.Add(time.Minute)); err != nil || len(ended) != 3 {
			t.Errorf("ended since: %d %v", len(ended), err)
		}
		if ended, err := session.EndedSince(ctx, tx, now.Add(time.Minute+1e6)); err != nil || len(ended) != 0 {
			t.Errorf("ended later: %d %v", len(ended), err)
		}
		list, n, err := session.List(ctx, tx, session.Filter{UserID: "user_1", Status: session.Active}, 1, 1)
		if err != nil || n != 2 || len(list) != 1 {
			t.Errorf("list: %d of %d %v", len(list), n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A record that cannot be read does not hide the ends of others, nor its own.
func TestFault_R26_EndsBesideACorruptRecord(t *testing.T) {
	st := memory.New()
	ctx := t.Context()
	good := session.New("user_1", "client_1", 0, 0, now)
	good.TokensUntil = now.Add(time.Hour)
	err := st.Update(ctx, func(tx store.Tx) error {
		if err := good.End(session.Revoked, now); err != nil {
			return err
		}
		bad := store.Record{Kind: session.Kind, ID: "sess_bad", Data: []byte(`null`), Entries: good.StoreEntries()}
		_, err := tx.Put(ctx, bad)
		return errors.Join(err, session.Put(ctx, tx, good))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.View(ctx, func(tx store.Tx) error {
		since, err := session.EndedSince(ctx, tx, now)
		long, lerr := session.EndedBeforeTokens(ctx, tx, now)
		if len(since) != 2 || len(long) != 2 {
			t.Errorf("%d and %d are known to have ended, want 2", len(since), len(long))
		}
		return errors.Join(err, lerr)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ExampleSession_StatusAt() {
	s := session.New("user_1", "client_1", 7*24*time.Hour, 0, now)
	fmt.Println(s.StatusAt(now), s.StatusAt(now.Add(8*24*time.Hour))) // nobody has to write that down
	// Output: active expired
}
