package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/store"
)

// A document is a record as JSON, with its ID and kind.
type document struct {
	store.Record
	fields map[string]any
}

func (d document) str(name string) string {
	s, _ := d.fields[name].(string)
	return s
}

// dump reads every record of every kind, in one state of the store.
func dump(t testing.TB, s store.Store) map[string]map[string]document {
	t.Helper()
	all, err := readAll(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readAll(ctx context.Context, s store.Store) (map[string]map[string]document, error) {
	all := map[string]map[string]document{}
	return all, s.View(ctx, func(tx store.Tx) error {
		for _, k := range engine.Kinds() {
			rs, err := tx.Find(ctx, store.Query{Kind: k})
			if err != nil {
				return err
			}
			all[k.Name] = map[string]document{}
			for _, r := range rs {
				d := document{Record: r}
				if err := json.Unmarshal(r.Data, &d.fields); err != nil {
					return fmt.Errorf("%s %s: %w", k.Name, r.ID, err)
				}
				all[k.Name][r.ID] = d
			}
		}
		return nil
	})
}

// checkInvariants walks over all kinds and names what is half.
func checkInvariants(t testing.TB, s store.Store) map[string]map[string]document {
	t.Helper()
	all := dump(t, s)
	for _, p := range broken(all) {
		t.Error(p)
	}
	return all
}

func broken(all map[string]map[string]document) (problems []string) {
	half := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	live := map[string]bool{"active": true, "pending": true}
	for id, s := range all["session"] {
		if !live[s.str("status")] {
			continue
		}
		if _, ok := all["user"][s.str("user_id")]; !ok {
			half("session %s has no user", id)
		}
		if _, ok := all["client"][s.str("client_id")]; !ok && s.str("client_id") != "" {
			half("session %s has no client", id)
		}
	}
	for id, u := range all["user"] {
		claims := 0
		list, _ := u.fields["email_addresses"].([]any)
		for _, x := range list {
			a, _ := x.(map[string]any)
			if a["verified"] == true || a["reserved"] == true {
				claims++
			}
		}
		entries := 0
		for _, e := range u.Entries {
			if e.Index == "email" {
				entries++
			}
		}
		if claims != entries {
			half("user %s claims %d addresses and is found by %d", id, claims, entries)
		}
		if claims == 0 && u.str("username") == "" {
			half("user %s has no identifier", id)
		}
		_, has := all["password"][id]
		if enabled := u.fields["password_enabled"] == true; enabled != has {
			half("user %s: password enabled %t, stored %t", id, enabled, has)
		}
	}
	for id := range all["password"] {
		if _, ok := all["user"][id]; !ok {
			half("password %s has no user", id)
		}
	}
	for id, v := range all["verification"] {
		owner := "user"
		if strings.HasPrefix(id, "orgdmn_") { // of a domain
			owner = "organization"
		}
		if _, ok := all[owner][v.str("user_id")]; !ok {
			half("verification %s has no %s", id, owner)
		}
	}
	for id, c := range all["client"] {
		for _, ref := range [][2]string{{"sign_in_id", "sign_in"}, {"sign_up_id", "sign_up"}, {"last_active_session_id", "session"}} {
			if to := c.str(ref[0]); to != "" {
				if x, ok := all[ref[1]][to]; !ok || x.str("client_id") != id {
					half("client %s: %s dangles", id, ref[0])
				}
			}
		}
	}
	for kind, ids := range map[string][]string{"sign_up": {"created_user_id", "created_session_id"}, "sign_in": {"created_session_id"}} {
		for id, a := range all[kind] {
			if a.str("status") != "complete" {
				continue
			}
			for i, name := range ids {
				to := map[bool]string{true: "user", false: "session"}[name == "created_user_id"]
				if _, ok := all[to][a.str(name)]; !ok {
					half("%s %s is complete without its %s (%d)", kind, id, to, i)
				}
			}
		}
	}
	return problems
}

// The walker finds what is half: otherwise the tests that use it say nothing.
func TestWalkerFindsWhatIsHalf(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	v := r.visitor()
	v.signIn(ada, good)
	v.post("/client/sign_ups", "email_address", bob).ok()
	if all := checkInvariants(t, r.Store); len(all["session"]) != 1 || len(all["sign_up"]) != 1 || len(all["password"]) != 1 {
		t.Fatalf("the walker does not see what is there: %d sessions", len(all["session"]))
	}
	for _, spoil := range []struct{ kind, id string }{{"user", u.ID}, {"password", u.ID}, {"client", ""}, {"sign_up", ""}, {"session", ""}} {
		all := dump(t, r.Store)
		for id := range all[spoil.kind] {
			if spoil.id == "" || id == spoil.id {
				delete(all[spoil.kind], id)
			}
		}
		if len(broken(all)) == 0 {
			t.Errorf("a missing %s is not noticed", spoil.kind)
		}
	}
}

// everything is all that a store holds, as text: what somebody sees who reads
// the database.
func everything(t testing.TB, s store.Store) string {
	t.Helper()
	var b strings.Builder
	ctx := context.Background()
	if err := s.View(ctx, func(tx store.Tx) error {
		b.Reset()
		for _, k := range engine.Kinds() {
			rs, err := tx.Find(ctx, store.Query{Kind: k})
			if err != nil {
				return err
			}
			for _, r := range rs {
				fmt.Fprintf(&b, "%q %s %q %s\n", k.Name, r.ID, r.Entries, r.Data)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
