package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

// An account is a stored type as the packages above have them.
type account struct {
	store.Meta
	Name   string    `json:"name"`
	Emails []string  `json:"emails,omitempty"`
	Born   time.Time `json:"born,omitzero"`
}

func (a *account) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "name", Value: a.Name}}
	for _, e := range a.Emails {
		es = append(es, store.Entry{Index: "email", Value: e})
	}
	return es
}

// A newAccount is the same in the next release.
type newAccount struct {
	store.Meta
	Name   string          `json:"name"`
	Emails []string        `json:"emails,omitempty"`
	Locale string          `json:"locale,omitempty"`
	Extra  json.RawMessage `json:"extra,omitempty"`
}

func (a *newAccount) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "name", Value: a.Name}, {Index: "locale", Value: a.Locale}}
}

var accountKind = &store.Kind{Name: "account", Indexes: []store.Index{
	{Name: "name"}, {Name: "email", Unique: true, Many: true}, {Name: "locale"},
}}

var (
	accounts    = store.Table[account, *account]{Kind: accountKind}
	newAccounts = store.Table[newAccount, *newAccount]{Kind: accountKind}
)

// do runs fn in an Update that must succeed.
func do(t *testing.T, s store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	ctx := t.Context()
	if err := s.Update(ctx, func(tx store.Tx) error { return fn(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
}

// document returns a record's Data.
func document(t *testing.T, s store.Store, k *store.Kind, id string) (data string) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		r, err := tx.Get(ctx, k, id)
		data = string(r.Data)
		return err
	})
	return data
}

func TestTable(t *testing.T) {
	s := memory.New()
	defer s.Close()
	ada := &account{Name: "Ada", Emails: []string{"ada@example.com", "a@example.com", "ada@example.com"}}
	ada.ID, ada.Expires = "acc_1", time.UnixMilli(1_900_000_000_123).UTC()
	bob := &account{Name: "Bob"}
	bob.ID = "acc_2"
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(accounts.Put(ctx, tx, ada), accounts.Put(ctx, tx, bob))
	})
	if ada.Version != 1 || bob.Version != 1 {
		t.Errorf("versions are %d and %d after Put, want 1", ada.Version, bob.Version)
	}
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		got, err := accounts.Get(ctx, tx, "acc_1")
		if err != nil {
			return err
		}
		if d := cmp.Diff(ada, got, cmp.AllowUnexported(store.Meta{})); d != "" {
			t.Errorf("Get: %s", d)
		}
		got, err = accounts.By(ctx, tx, "email", "a@example.com")
		if err != nil || got.ID != "acc_1" {
			t.Errorf("By = %v, %v", got, err)
		}
		for _, none := range []string{"none", "", "a\x00", "\xff", strings.Repeat("x", store.MaxValueLen+1)} {
			if _, err := accounts.By(ctx, tx, "email", none); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("By %.20q: %v", none, err)
			}
		}
		if _, err := accounts.Get(ctx, tx, ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get without ID: %v", err)
		}
		all, err := accounts.Find(ctx, tx, store.Query{Order: "name", Desc: true})
		if err != nil || len(all) != 2 || all[0].Name != "Bob" {
			t.Errorf("Find = %v, %v", all, err)
		}
		n, err := accounts.Count(ctx, tx, store.Query{Where: []store.Match{{Index: "email", Op: store.NotIn, Values: []string{"a@example.com"}}}})
		if err != nil || n != 1 {
			t.Errorf("Count = %d, %v", n, err)
		}
		page, n, err := accounts.Page(ctx, tx, store.Query{Order: "name", Offset: 1, Limit: 1})
		if err != nil || n != 2 || len(page) != 1 || page[0].Name != "Bob" {
			t.Errorf("Page = %v of %d, %v", page, n, err)
		}
		page, n, err = accounts.Page(ctx, tx, store.Query{Where: []store.Match{{Index: "name", Values: []string{"Eve"}}}})
		if err != nil || n != 0 || len(page) != 0 {
			t.Errorf("an empty Page = %v of %d, %v", page, n, err)
		}
		got.Name = "Augusta"
		if err := accounts.Put(ctx, tx, got); err != nil || got.Version != 2 {
			t.Errorf("Put: version %d, %v", got.Version, err)
		}
		return accounts.Delete(ctx, tx, got)
	})
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		_, err := accounts.Get(ctx, tx, "acc_1")
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get after Delete: %v", err)
		}
		return nil
	})
}

// TestTableStale: a value that was read before another's Put cannot be put.
func TestTableStale(t *testing.T) {
	s := memory.New()
	defer s.Close()
	a := &account{Name: "Ada"}
	a.ID = "acc_1"
	do(t, s, func(ctx context.Context, tx store.Tx) error { return accounts.Put(ctx, tx, a) })
	stale := *a
	do(t, s, func(ctx context.Context, tx store.Tx) error { return accounts.Put(ctx, tx, a) })
	err := s.Update(t.Context(), func(tx store.Tx) error { return accounts.Put(t.Context(), tx, &stale) })
	if !errors.Is(err, store.ErrConflict) || stale.Version != 1 {
		t.Errorf("Put of a stale value: %v, version %d", err, stale.Version)
	}
}

// TestTableGolden pins the documents: what is written here is in databases.
func TestTableGolden(t *testing.T) {
	s := memory.New()
	defer s.Close()
	a := &account{Name: "Ada <&>", Emails: []string{"ada@example.com"}, Born: time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC)}
	a.ID = "acc_1"
	do(t, s, func(ctx context.Context, tx store.Tx) error { return accounts.Put(ctx, tx, a) })
	want, err := os.ReadFile("testdata/account.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := document(t, s, accountKind, "acc_1") + "\n"; got != string(want) {
		t.Errorf("document is %swant %s", got, want)
	}
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		got, err := accounts.Get(ctx, tx, "acc_1")
		if d := cmp.Diff(a, got, cmp.AllowUnexported(store.Meta{})); d != "" {
			t.Error(d)
		}
		return err
	})
}

// TestFault_R16_UnknownFieldsSurvive: an older program in a rolling deploy
// changes a record that a newer one has written.
func TestFault_R16_UnknownFieldsSurvive(t *testing.T) {
	for _, tt := range []struct{ name, old, want string }{
		{"some", `{"name":"Ada","locale":"fr","extra":{"x":[1,{"name":2}]}}`, `{"name":"Grace","extra":{"x":[1,{"name":2}]},"locale":"fr"}`},
		{"case", `{"NAME":"Ada","Locale":"fr"}`, `{"name":"Grace","Locale":"fr"}`},
		{"escaped", `{"\u006eame":"Ada","l\u006fcale":"fr"}`, `{"name":"Grace","locale":"fr"}`},
		{"none", `{"name":"Ada"}`, `{"name":"Grace"}`},
		{"null", `{"name":"Ada","locale":null}`, `{"name":"Grace","locale":null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := memory.New()
			defer s.Close()
			do(t, s, func(ctx context.Context, tx store.Tx) error {
				_, err := tx.Put(ctx, store.Record{Kind: accountKind, ID: "acc_1", Data: []byte(tt.old)})
				return err
			})
			do(t, s, func(ctx context.Context, tx store.Tx) error {
				a, err := accounts.Get(ctx, tx, "acc_1")
				if err != nil {
					return err
				}
				a.Name = "Grace"
				return accounts.Put(ctx, tx, a)
			})
			if got := document(t, s, accountKind, "acc_1"); got != tt.want {
				t.Errorf("document is %s, want %s", got, tt.want)
			}
			do(t, s, func(ctx context.Context, tx store.Tx) error {
				a, err := newAccounts.Get(ctx, tx, "acc_1")
				if err == nil && a.Name != "Grace" {
					t.Errorf("the newer program reads %+v", a)
				}
				return err
			})
		})
	}
}

// TestFault_R26_CorruptedDocument: a document that is not one of the type is
// an error that names the record, and the rest goes on working.
func TestFault_R26_CorruptedDocument(t *testing.T) {
	for _, doc := range []string{`null`, `[]`, `"x"`, `7`, `{"name":7}`, `{"emails":{}}`} {
		t.Run(doc, func(t *testing.T) {
			s := memory.New()
			defer s.Close()
			do(t, s, func(ctx context.Context, tx store.Tx) error {
				for id, data := range map[string]string{"acc_bad": doc, "acc_good": `{"name":"Ada"}`} {
					if _, err := tx.Put(ctx, store.Record{Kind: accountKind, ID: id, Data: []byte(data)}); err != nil {
						return err
					}
				}
				return nil
			})
			do(t, s, func(ctx context.Context, tx store.Tx) error {
				_, err := accounts.Get(ctx, tx, "acc_bad")
				wantCorrupt(t, err, "account", "acc_bad")
				_, err = accounts.Find(ctx, tx, store.Query{})
				wantCorrupt(t, err, "account", "acc_bad")
				_, err = accounts.Get(ctx, tx, "acc_good")
				return err
			})
		})
	}
}

func wantCorrupt(t *testing.T, err error, kind, id string) {
	t.Helper()
	c, ok := errors.AsType[*store.CorruptError](err)
	if !ok || c.Kind != kind || c.ID != id || !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("error is %v, want a CorruptError of %s %s", err, kind, id)
	}
}

func TestTableRefusesWhatIsNotJSON(t *testing.T) {
	s := memory.New()
	defer s.Close()
	a := &newAccount{Extra: json.RawMessage(`{`)}
	a.ID = "acc_1"
	err := s.Update(t.Context(), func(tx store.Tx) error { return newAccounts.Put(t.Context(), tx, a) })
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Put: %v, want ErrInvalid", err)
	}
}

func TestReindex(t *testing.T) {
	inner := memory.New()
	s := storetest.Counting(inner)
	defer s.Close()
	const n = 250
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		for i := range n {
			r := store.Record{Kind: accountKind, ID: store.IntKey(int64(i)), Data: []byte(`{ "name":"x", "locale":"fr" }`)}
			if _, err := tx.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	s.Reset()
	got, err := newAccounts.Reindex(t.Context(), s)
	if err != nil || got != n {
		t.Fatalf("Reindex = %d, %v", got, err)
	}
	if c := s.Calls(); c.Update != 4 || c.Put != n {
		t.Errorf("Reindex took %+v, want 4 Updates of at most a hundred", c)
	}
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		found, err := tx.Find(ctx, store.Query{Kind: accountKind, Where: []store.Match{{Index: "locale", Values: []string{"fr"}}}})
		if len(found) != n || string(found[0].Data) != `{ "name":"x", "locale":"fr" }` || found[0].Version != 2 {
			t.Errorf("after Reindex %d are found", len(found))
		}
		return err
	})
}

// TestReindexBesideWriters: conflicts are tried again and records that go
// meanwhile are no obstacle.
func TestReindexBesideWriters(t *testing.T) {
	s := storetest.Faulty(memory.New(), storetest.Plan{Conflict: 2, Rerun: true})
	defer s.Close()
	put := func(id string) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			_, err := tx.Put(t.Context(), store.Record{Kind: accountKind, ID: id, Data: []byte(`{}`)})
			return err
		})
	}
	kept := 0
	for i := range 240 {
		if put(store.IntKey(int64(i))) == nil { // every other one
			kept++
		}
	}
	n, err := store.Reindex(t.Context(), s, accountKind, func(r store.Record) ([]store.Entry, error) { return r.Entries, nil })
	if err != nil || n != kept {
		t.Errorf("Reindex = %d, %v, want %d", n, err, kept)
	}
	mine := errors.New("mine")
	_, err = store.Reindex(t.Context(), s, accountKind, func(store.Record) ([]store.Entry, error) { return nil, mine })
	if !errors.Is(err, mine) {
		t.Errorf("Reindex: %v, want the error of entries", err)
	}
	always := storetest.Faulty(s, storetest.Plan{Conflict: 1})
	_, err = store.Reindex(t.Context(), always, accountKind, func(r store.Record) ([]store.Entry, error) { return r.Entries, nil })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("Reindex with nothing but conflicts: %v", err)
	}
}
