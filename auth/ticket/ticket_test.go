package ticket_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Code
	}
	return err.Error()
}

func invite(t *testing.T) (*ticket.Invitation, string) {
	t.Helper()
	i, wire, err := ticket.NewInvitation("Ada@Example.com", json.RawMessage(`{"plan":"pro"}`), 0, now)
	if err != nil {
		t.Fatal(err)
	}
	return i, wire
}

// A ticket travels as ID and 256 bits, of which only the hash is kept, and
// nothing else parses.
func TestAttack_L13_WireForm(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		i, wire := invite(t)
		id, secret, ok := ticket.Parse(wire)
		if !ok || id != i.ID || len(secret) != 32 || !i.Is(secret) || seen[string(secret)] {
			t.Fatalf("%s: %v %s %d", wire, ok, id, len(secret))
		}
		seen[string(secret)] = true
		stored, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(wire, ".")
		if strings.Contains(string(stored), text) || strings.Contains(string(stored), base64.StdEncoding.EncodeToString(secret)) {
			t.Fatal("the secret is stored")
		}
	}
	i, wire := invite(t)
	_, other := invite(t)
	_, secret, _ := ticket.Parse(other)
	if i.Is(secret) || i.Is(nil) {
		t.Error("another's secret opens it")
	}
	_, text, _ := strings.Cut(wire, ".")
	for _, bad := range []string{"", ".", i.ID, i.ID + ".", text, "." + text, wire + "A", wire[:len(wire)-1], wire + "=", wire + "." + text,
		"sess_1." + text, "inv" + text, strings.Repeat("inv_a", 100) + "." + text, strings.ToUpper(i.ID) + "." + text, wire + "\n", wire + "\x00"} {
		if id, _, ok := ticket.Parse(bad); ok {
			t.Errorf("%q is taken for a ticket of %q", bad, id)
		}
	}
}

// Each change of each kind from each status: the table holds, and the refusal
// is the one of the kind.
func TestAttack_L13_Statuses(t *testing.T) {
	statuses := []ticket.Status{ticket.Pending, ticket.Accepted, ticket.Revoked, ticket.Expired}
	want := map[ticket.Kind]map[ticket.Status][2]string{ // accept, revoke
		ticket.SignInKind: {ticket.Pending: {"", ""}, ticket.Accepted: {"sign_in_token_already_used_code", "sign_in_token_cannot_be_revoked_code"},
			ticket.Revoked: {"sign_in_token_revoked_code", "sign_in_token_cannot_be_revoked_code"}, ticket.Expired: {"ticket_expired_code", ""}},
		ticket.ActorKind: {ticket.Pending: {"", ""}, ticket.Accepted: {"actor_token_already_used_code", "actor_token_cannot_be_revoked_code"},
			ticket.Revoked: {"actor_token_revoked_code", "actor_token_cannot_be_revoked_code"}, ticket.Expired: {"ticket_expired_code", ""}},
		ticket.InvitationKind: {ticket.Pending: {"", ""}, ticket.Accepted: {"invitation_already_accepted", "invitation_already_accepted"},
			ticket.Revoked: {"revoked_invitation", "invitation_already_revoked"}, ticket.Expired: {"ticket_expired_code", ""}},
	}
	for kind, rows := range want {
		for _, from := range statuses {
			for i, do := range []func(*ticket.Ticket) error{
				func(t *ticket.Ticket) error { return t.Accept(kind, now) },
				func(t *ticket.Ticket) error { return t.Revoke(kind, now) },
			} {
				tk := ticket.Ticket{Status: from, ExpireAt: now.Add(time.Hour)}
				if from == ticket.Expired {
					tk.Status, tk.ExpireAt = ticket.Pending, now // good until, not at
				}
				before := tk.StatusAt(now)
				if before != from {
					t.Fatalf("%s is %s", from, before)
				}
				err := do(&tk)
				if code(err) != rows[from][i] {
					t.Errorf("%s, %s: %q, want %q", kind, from, code(err), rows[from][i])
				}
				if e, ok := errors.AsType[*fault.Error](err); ok && e.Status() >= 500 {
					t.Errorf("%s, %s: %v is no code of the table", kind, from, err)
				}
				if changed := !tk.SettledAt.IsZero(); changed != (err == nil) {
					t.Errorf("%s, %s: changed %v, %v", kind, from, changed, err)
				}
			}
		}
	}
}

func TestNewTokens(t *testing.T) {
	long := json.RawMessage(`{"sub":"` + strings.Repeat("x", 1100) + `"}`)
	for _, c := range []struct {
		name              string
		actor             string
		lifetime, session time.Duration
		want              string
	}{
		{"defaults", `{"sub":"user_1"}`, 0, 0, ""}, {"more than sub", `{ "sub":"user_1", "iss":"x" }`, time.Minute, time.Minute, ""},
		{"no sub", `{"iss":"x"}`, 0, 0, "form_param_missing"}, {"empty sub", `{"sub":""}`, 0, 0, "form_param_missing"},
		{"sub is no text", `{"sub":1}`, 0, 0, "form_param_type_invalid"}, {"null", `null`, 0, 0, "form_param_type_invalid"},
		{"list", `[]`, 0, 0, "form_param_type_invalid"}, {"nothing", ``, 0, 0, "form_param_type_invalid"},
		{"large", string(long), 0, 0, "form_param_exceeds_allowed_size"},
		{"negative", `{"sub":"user_1"}`, -1, 0, "form_param_value_invalid"}, {"too long", `{"sub":"user_1"}`, 366 * 24 * time.Hour, 0, "form_param_value_invalid"},
		{"long session", `{"sub":"user_1"}`, 0, 31 * time.Minute, "form_param_value_invalid"},
	} {
		a, wire, err := ticket.NewActorToken("user_2", json.RawMessage(c.actor), c.lifetime, c.session, now)
		if code(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err == nil && (ticket.KindOf(a.ID) != ticket.ActorKind || !strings.HasPrefix(wire, a.ID+".") || a.SessionLifetime > 30*time.Minute || a.SessionLifetime <= 0) {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	s, _, err := ticket.NewSignInToken("user_2", 0, now)
	if err != nil || !s.ExpireAt.Equal(now.Add(30*24*time.Hour)) || !s.Expires.After(s.ExpireAt) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := ticket.NewSignInToken("user_2", -time.Second, now); code(err) != "form_param_value_invalid" {
		t.Error(err)
	}
	for _, bad := range []string{"", "ada", "ada@", "@example.com"} {
		if _, _, err := ticket.NewInvitation(bad, nil, 0, now); err == nil {
			t.Errorf("%q is invited", bad)
		}
	}
	if _, _, err := ticket.NewInvitation("ada@example.com", json.RawMessage(`[]`), 0, now); code(err) != "form_param_exceeds_allowed_size" {
		t.Error(err)
	}
}

func open(t *testing.T) store.Store {
	t.Helper()
	st := memory.New()
	if err := store.Prepare(t.Context(), st, ticket.SignInTokens, ticket.ActorTokens, ticket.Invitations); err != nil {
		t.Fatal(err)
	}
	return st
}

func update(t *testing.T, st store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	st := open(t)
	for n, i := range []struct {
		address  string
		lifetime time.Duration
		settle   func(*ticket.Invitation) error
	}{
		{"pending@example.com", time.Hour, nil}, {"expired@example.com", time.Minute, nil},
		{"accepted@example.com", time.Hour, func(i *ticket.Invitation) error { return i.Accept(ticket.InvitationKind, now) }},
		{"revoked@example.com", time.Hour, func(i *ticket.Invitation) error { return i.Revoke(ticket.InvitationKind, now) }},
	} {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			inv, _, err := ticket.NewInvitation(i.address, nil, i.lifetime, now.Add(time.Duration(n)*time.Second))
			if err != nil {
				return err
			}
			if i.settle != nil {
				if err := i.settle(inv); err != nil {
					return err
				}
			}
			return ticket.PutInvitation(ctx, tx, inv, now)
		})
	}
	for _, c := range []struct {
		f    ticket.Filter
		want []string
	}{
		{ticket.Filter{}, []string{"revoked", "accepted", "expired", "pending"}},
		{ticket.Filter{Oldest: true}, []string{"pending", "expired", "accepted", "revoked"}},
		{ticket.Filter{Status: ticket.Pending}, []string{"pending"}},
		{ticket.Filter{Status: ticket.Expired}, []string{"expired"}},
		{ticket.Filter{Status: ticket.Accepted}, []string{"accepted"}},
		{ticket.Filter{Status: ticket.Revoked}, []string{"revoked"}},
		{ticket.Filter{Query: "RED@ex"}, []string{"expired"}},
		{ticket.Filter{EmailAddress: "Pending@EXAMPLE.com"}, []string{"pending"}},
		{ticket.Filter{EmailAddress: "pending"}, nil},
	} {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			list, n, err := ticket.List(ctx, tx, c.f, 0, 10, now.Add(2*time.Minute))
			var got []string
			for _, i := range list {
				got = append(got, strings.TrimSuffix(i.EmailAddress, "@example.com"))
			}
			if !slices.Equal(got, c.want) || n != len(got) {
				t.Errorf("%+v: %v (%d), want %v", c.f, got, n, c.want)
			}
			return err
		})
	}
}

// RevokeOf takes back what is pending and leaves what was used.
func TestRevokeOf(t *testing.T) {
	st := open(t)
	var ids []string
	for i, who := range []string{"user_1", "user_1", "user_2"} {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			s, _, err := ticket.NewSignInToken(who, 0, now)
			if err != nil {
				return err
			}
			if i == 1 {
				err = s.Accept(ticket.SignInKind, now)
			}
			a, _, err2 := ticket.NewActorToken(who, json.RawMessage(`{"sub":"user_9"}`), 0, 0, now)
			if err2 != nil {
				return err2
			}
			ids = append(ids, s.ID, a.ID)
			return errors.Join(err, ticket.PutSignInToken(ctx, tx, s, now), ticket.PutActorToken(ctx, tx, a, now))
		})
	}
	var got []ticket.Status
	update(t, st, func(ctx context.Context, tx store.Tx) error {
		if err := ticket.RevokeOf(ctx, tx, "user_1", now); err != nil {
			return err
		}
		got = nil
		for n := 0; n < len(ids); n += 2 {
			s, err := ticket.GetSignInToken(ctx, tx, ids[n])
			if err != nil {
				return err
			}
			a, err := ticket.GetActorToken(ctx, tx, ids[n+1])
			if err != nil {
				return err
			}
			got = append(got, s.Status, a.Status)
		}
		return nil
	})
	want := []ticket.Status{ticket.Revoked, ticket.Revoked, ticket.Accepted, ticket.Revoked, ticket.Pending, ticket.Pending}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func ExampleNewInvitation() {
	inv, wire, err := ticket.NewInvitation("ada@example.com", nil, time.Hour, now)
	if err != nil {
		panic(err)
	}
	id, secret, _ := ticket.Parse(wire) // what comes back from the mail
	fmt.Println(id == inv.ID, inv.Is(secret), inv.StatusAt(now), inv.StatusAt(now.Add(time.Hour)))
	// Output: true true pending expired
}
