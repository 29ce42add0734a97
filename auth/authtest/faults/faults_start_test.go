package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
)

// TestFault_R13_StartTogether: eight processes on an empty database agree on
// everything that is made at the first start.
func TestFault_R13_StartTogether(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	t.Run("sqlite", func(t *testing.T) {
		for round := range rounds {
			db := filepath.Join(t.TempDir(), fmt.Sprintf("usher%d.db", round))
			together(t, db, func() (store.Store, error) { return sqlite.Open(db) })
		}
	})
	t.Run("postgres", func(t *testing.T) {
		srv := postgrestest.Start(t)
		for range rounds {
			db := srv.Database(t)
			together(t, db, func() (store.Store, error) { return postgres.Open(t.Context(), db) })
		}
	})
}

func together(t *testing.T, db string, open func() (store.Store, error)) {
	t.Helper()
	const n = 8
	var starts []io.WriteCloser
	var outs []*bufio.Reader
	for range n {
		cmd := child(t, "start", db)
		log := &buffer{}
		cmd.Stderr = log
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("a process did not start: %v\n%s", err, log)
			}
		}()
		starts, outs = append(starts, in), append(outs, bufio.NewReader(out))
	}
	for _, out := range outs {
		if line, err := out.ReadString('\n'); line != "waiting\n" {
			t.Fatal(line, err)
		}
	}
	for _, in := range starts {
		in.Close()
	}
	agreed := map[string]int{}
	for _, out := range outs {
		line, _ := out.ReadString('\n')
		agreed[line]++
	}
	if len(agreed) != 1 || !strings.HasPrefix(fmt.Sprint(agreed), "map[agreed sk_live_") {
		t.Errorf("%d processes do not agree: %v", n, agreed)
	}
	st, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := store.Prepare(t.Context(), st, engine.Kinds()...); err != nil {
		t.Fatal(err)
	}
	all := dump(t, st)
	if len(all["signing_key"]) != 1 || len(all["secret"]) != 2 || len(all["settings"]) > 1 {
		t.Errorf("%d signing keys, %d secrets, %d settings", len(all["signing_key"]), len(all["secret"]), len(all["settings"]))
	}
}

// TestFault_R14_RotateTogether: instances that rotate at once, one of which
// fails at every write for a while, never sign a token that no key set
// explains.
func TestFault_R14_RotateTogether(t *testing.T) {
	f := &switchable{}
	st := memory.New()
	schedule := func(c *auth.Config) {
		c.KeySchedule = token.Schedule{Algorithm: token.ES256, Every: 48 * time.Hour}
	}
	one := newRig(t, withStore(st), schedule)
	clock := one.Clock
	shared := func(c *auth.Config) { c.Now = clock.Now }
	two := newRig(t, withStore(st), schedule, shared)
	dying := newRig(t, withStore(faultyBy(st, f)), schedule, shared)
	f.set(func(_ context.Context, call string) error {
		if call == "Put" || call == "Delete" {
			return fmt.Errorf("%w: dies while rotating", store.ErrUnavailable)
		}
		return nil
	})
	two.Clock, dying.Clock = clock, clock
	rigs := []*rig{one, two, dying}
	kids := map[string]bool{}
	explained := func() {
		t.Helper()
		for i, r := range rigs {
			tok := r.Token(t, tokenParams())
			for j, v := range rigs {
				if _, err := v.Verifier().Verify(t.Context(), tok); err != nil {
					t.Fatalf("instance %d signs what %d cannot explain: %v", i, j, err)
				}
			}
			kids[kidOf(t, tok)] = true
		}
	}
	for range 3 {
		before := maxSeq(t, st)
		explained()
		clock.Advance(26 * time.Hour) // the next key is due to be published
		explained()
		eventually(t, "the next key", func() bool { return maxSeq(t, st) > before })
		eventually(t, "all to publish it", func() bool {
			for _, r := range rigs {
				if !publishes(r, newest(t, st)) {
					return false
				}
			}
			return true
		})
		explained()
		clock.Advance(24 * time.Hour) // and due to sign
		explained()
		eventually(t, "it to sign everywhere", func() bool {
			for _, r := range rigs {
				if kidOf(t, r.Token(t, tokenParams())) != newest(t, st) {
					return false
				}
			}
			return true
		})
		explained()
	}
	if len(kids) < 3 {
		t.Errorf("signed with %d keys only", len(kids))
	}
}

func publishes(r *rig, kid string) bool {
	for _, k := range r.Verifier().Keys.(*token.Issuer).KeySet().Keys() {
		if k.ID() == kid {
			return true
		}
	}
	return false
}

// A goldenRecord is a record as a release wrote it.
type goldenRecord struct {
	Kind    string          `json:"kind"`
	ID      string          `json:"id"`
	Version int64           `json:"version"`
	Expires time.Time       `json:"expires,omitzero"`
	Entries []store.Entry   `json:"entries,omitempty"`
	Data    json.RawMessage `json:"data"`
}

// golden is a store as a release left it, with what its users held.
type golden struct {
	Records []goldenRecord `json:"records"`
	Session string         `json:"session"` // ID of ada's
	Cookie  string         `json:"cookie"`  // her __client
	SignUp  string         `json:"sign_up"` // ID of bob's, which waits for its code
	BobsOwn string         `json:"bobs_cookie"`
	Code    string         `json:"code"` // bob's
}

const goldenFile = "testdata/records-v1.json"

// TestFault_R16_GoldenRecords: this version works on what every release has
// written, and keeps what a newer one has added. USHER_GOLDEN=write writes the
// file anew.
func TestFault_R16_GoldenRecords(t *testing.T) {
	if os.Getenv("USHER_GOLDEN") == "write" {
		writeGolden(t)
	}
	raw, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]*store.Kind{}
	for _, k := range engine.Kinds() {
		kinds[k.Name] = k
	}
	seen := map[string]bool{}
	st := memory.New()
	const future = `"from_the_future":{"deep":[1,"x",1.50]}`
	err = st.Update(t.Context(), func(tx store.Tx) error {
		for _, r := range g.Records {
			seen[r.Kind] = true
			if kinds[r.Kind] == nil {
				return fmt.Errorf("kind %s is gone", r.Kind)
			}
			data := append([]byte(`{`+future+`,`), compact(t, r.Data)[1:]...)
			if _, err := tx.Put(t.Context(), store.Record{Kind: kinds[r.Kind], ID: r.ID, Expires: r.Expires, Entries: r.Entries, Data: data}); err != nil {
				return fmt.Errorf("%s %s: %w", r.Kind, r.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range kinds {
		if !seen[name] {
			t.Errorf("no record of kind %s in %s", name, goldenFile)
		}
	}
	r := newRig(t, withStore(st))
	r.Clock.Advance(session.TouchEvery)
	v := r.visitor()
	v.setCookie("__client", g.Cookie)
	v.post("/client/sessions/" + g.Session + "/tokens").ok()                             // touches the session
	v.api("PATCH", "/me", "first_name", "Augusta").ok()                                  // writes the user
	v.post("/me/change_password", "current_password", good, "new_password", better).ok() // and the password
	w := r.visitor()
	w.setCookie("__client", g.BobsOwn)
	w.post("/client/sign_ups/"+g.SignUp+"/attempt_verification", "strategy", "email_code", "code", g.Code).ok()
	r.visitor().signIn(ada, better)
	if err := r.UpdateSettings(t.Context(), renamed); err != nil {
		t.Error(err)
	}
	all := checkInvariants(t, st)
	for _, written := range []string{"user", "password", "session", "client", "sign_up", "settings"} {
		kept := 0
		for _, d := range all[written] {
			if d.Version > 1 && strings.Contains(string(d.Data), future) {
				kept++
			} else if _, has := d.fields["from_the_future"]; d.Version > 1 && !has && d.inGolden(g) {
				t.Errorf("%s %s lost what a newer version has added: %s", written, d.ID, d.Data)
			}
		}
		if kept == 0 {
			t.Errorf("no %s was written and kept its unknown field", written)
		}
	}
}

// inGolden reports whether the record comes from the golden file.
func (d document) inGolden(g golden) bool {
	for _, r := range g.Records {
		if r.Kind == d.Kind.Name && r.ID == d.ID {
			return true
		}
	}
	return false
}

func compact(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(string(raw)) {
		b.WriteString(strings.TrimSpace(line))
	}
	return []byte(b.String())
}
