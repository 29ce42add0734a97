package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

var (
	secretKind  = &store.Kind{Name: "secret", Sealed: true, Indexes: []store.Index{{Name: "owner"}}}
	otherSecret = &store.Kind{Name: "other_secret", Sealed: true}
	openKind    = &store.Kind{Name: "open"}
)

const plain = `{"private":"correct horse battery staple"}`

// testKey returns a sealing key that is the same every time.
func testKey(n byte) []byte {
	k := make([]byte, store.KeySize)
	for i := range k {
		k[i] = n + byte(i)
	}
	return k
}

func ring(t *testing.T, keys ...[]byte) store.Keyring {
	t.Helper()
	r, err := store.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t *testing.T, s store.Store, keys ...[]byte) store.Store {
	t.Helper()
	ss, err := store.Sealed(s, ring(t, keys...))
	if err != nil {
		t.Fatal(err)
	}
	return ss
}

func secret(id string) store.Record {
	return store.Record{Kind: secretKind, ID: id, Data: []byte(plain), Entries: []store.Entry{{Index: "owner", Value: "ada"}}}
}

func put(t *testing.T, s store.Store, recs ...store.Record) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, r := range recs {
			if _, err := tx.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// read returns a record and, on the same way, checks that Find agrees.
func read(t *testing.T, s store.Store, k *store.Kind, id string) (r store.Record, err error) {
	t.Helper()
	ctx := t.Context()
	err = s.View(ctx, func(tx store.Tx) (err error) {
		r, err = tx.Get(ctx, k, id)
		return err
	})
	findErr := s.View(ctx, func(tx store.Tx) error {
		rs, err := tx.Find(ctx, store.Query{Kind: k, Where: []store.Match{{Values: []string{id}}}})
		if err == nil && len(rs) == 1 && rs[0].Data == nil {
			return store.ErrCorrupt // left without data, for whoever decodes it
		}
		if err == nil && (len(rs) != 1 || !bytes.Equal(rs[0].Data, r.Data)) {
			t.Errorf("Find and Get of %s differ", id)
		}
		return err
	})
	if (err == nil) != (findErr == nil) {
		t.Errorf("Get: %v, Find: %v", err, findErr)
	}
	return r, err
}

func TestSealed(t *testing.T) {
	inner := memory.New()
	s := sealed(t, inner, testKey(1))
	defer s.Close()
	put(t, s, secret("a"), store.Record{Kind: openKind, ID: "a", Data: []byte(plain)})
	again := secret("a")
	again.Version = 1
	put(t, s, again)

	r, err := read(t, s, secretKind, "a")
	if err != nil || string(r.Data) != plain || r.Version != 2 || len(r.Entries) != 1 {
		t.Errorf("read %+v, %v", r, err)
	}
	stored := document(t, inner, secretKind, "a")
	if strings.Contains(stored, "private") || strings.Contains(stored, "horse") || !json.Valid([]byte(stored)) {
		t.Errorf("stored is %s", stored)
	}
	if got := document(t, inner, openKind, "a"); got != plain {
		t.Errorf("a kind that is not sealed is stored as %s", got)
	}
	put(t, s, secret("b"), secret("c"))
	if document(t, inner, secretKind, "b") == document(t, inner, secretKind, "c") {
		t.Error("two records with one Data look alike")
	}
}

// TestSealedKeepsTheContract runs the suite with all kinds of it sealed.
func TestSealedKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return &sealsAll{sealed(t, memory.New(), testKey(1))}
	})
}

// sealsAll makes every kind a sealed one.
type sealsAll struct{ store.Store }

func (s *sealsAll) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return fn(sealsAllTx{tx}) })
}

func (s *sealsAll) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(sealsAllTx{tx}) })
}

type sealsAllTx struct{ store.Tx }

func sealKind(k *store.Kind) *store.Kind {
	if k == nil {
		return nil
	}
	c := *k
	c.Sealed = true
	return &c
}

func (t sealsAllTx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	return t.Tx.Get(ctx, sealKind(k), id)
}

func (t sealsAllTx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	q.Kind = sealKind(q.Kind)
	return t.Tx.Find(ctx, q)
}

func (t sealsAllTx) Put(ctx context.Context, r store.Record) (int64, error) {
	r.Kind = sealKind(r.Kind)
	return t.Tx.Put(ctx, r)
}

// raw changes the stored form of a record behind the seal, version included:
// the record is deleted and put again as often as its version says.
func raw(t *testing.T, s store.Store, k *store.Kind, id, data string, version int64) {
	t.Helper()
	do(t, s, func(ctx context.Context, tx store.Tx) error {
		old, err := tx.Get(ctx, k, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil {
			if err := tx.Delete(ctx, k, id, old.Version); err != nil {
				return err
			}
		}
		for v := range version {
			if _, err := tx.Put(ctx, store.Record{Kind: k, ID: id, Version: v, Data: []byte(data)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestAttack_T13_SwappedRecord: whoever can write to the database moves sealed
// data to where it does not belong.
func TestAttack_T13_SwappedRecord(t *testing.T) {
	inner := memory.New()
	s := sealed(t, inner, testKey(1))
	defer s.Close()
	put(t, s, secret("a"), secret("b"))
	doc := document(t, inner, secretKind, "a")
	for _, tt := range []struct {
		name    string
		kind    *store.Kind
		id      string
		data    string
		version int64
	}{
		{"over another record", secretKind, "b", doc, 1},
		{"under a new ID", secretKind, "c", doc, 1},
		{"into another kind", otherSecret, "a", doc, 1},
		{"at a later version", secretKind, "a", doc, 2},
		{"replaced by plain text", secretKind, "a", plain, 1},
		{"replaced by nothing", secretKind, "a", `{}`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw(t, inner, tt.kind, tt.id, tt.data, tt.version)
			_, err := read(t, s, tt.kind, tt.id)
			wantCorrupt(t, err, tt.kind.Name, tt.id)
		})
	}
	raw(t, inner, secretKind, "a", doc, 1)
	if _, err := read(t, s, secretKind, "a"); err != nil {
		t.Errorf("where it belongs it does not open: %v", err)
	}
}

// TestFault_R26_CorruptedSeal flips every byte of a sealed document in turn.
func TestFault_R26_CorruptedSeal(t *testing.T) {
	inner := memory.New()
	s := sealed(t, inner, testKey(1))
	defer s.Close()
	put(t, s, secret("a"), secret("good"))
	doc := document(t, inner, secretKind, "a")
	changed := 0
	for i := range doc {
		for _, c := range []byte{doc[i] ^ 1, doc[i] ^ 0x20} {
			bad := []byte(doc)
			bad[i] = c
			if !json.Valid(bad) {
				continue // the store would not keep it
			}
			raw(t, inner, secretKind, "a", string(bad), 1)
			r, err := read(t, s, secretKind, "a")
			if err == nil && string(r.Data) == plain {
				continue // the name of a member in capitals, or padding bits
			}
			changed++
			if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "secret a") {
				t.Fatalf("byte %d changed to %q: %v", i, c, err)
			}
		}
	}
	if changed < len(doc) {
		t.Errorf("only %d changes of %d bytes were found out", changed, len(doc))
	}
	for cut := range len(doc) / 8 {
		var d struct {
			K, N, C string
		}
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			t.Fatal(err)
		}
		raw(t, inner, secretKind, "a", fmt.Sprintf(`{"k":%q,"n":%q,"c":%q}`, d.K, d.N, d.C[:min(cut*4, len(d.C)-4)]), 1)
		_, err := read(t, s, secretKind, "a")
		wantCorrupt(t, err, "secret", "a")
	}
	if _, err := read(t, s, secretKind, "good"); err != nil {
		t.Errorf("the other record: %v", err)
	}
}

// TestFault_R27_WrongKey: after a restore with another key nothing opens, and
// the error says what is missing; the old key beside the new one opens all.
func TestFault_R27_WrongKey(t *testing.T) {
	inner := memory.New()
	defer inner.Close()
	put(t, sealed(t, inner, testKey(1)), secret("a"))

	_, err := read(t, sealed(t, inner, testKey(2)), secretKind, "a")
	if !errors.Is(err, store.ErrSchema) || errors.Is(err, store.ErrCorrupt) {
		t.Errorf("read with the wrong key: %v, want ErrSchema", err)
	}
	for _, part := range []string{"secret a", ring(t, testKey(1)).IDs()[0], ring(t, testKey(2)).IDs()[0]} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not name %s", err, part)
		}
	}
	r, err := read(t, sealed(t, inner, testKey(2), testKey(1)), secretKind, "a")
	if err != nil || string(r.Data) != plain {
		t.Errorf("read with both keys: %s, %v", r.Data, err)
	}
	if _, err := store.Sealed(inner, store.Keyring{}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Sealed without a key: %v, want ErrSchema", err)
	}
}

func TestKeyRotation(t *testing.T) {
	inner := memory.New()
	defer inner.Close()
	put(t, sealed(t, inner, testKey(1)), secret("a"), secret("b"))
	both := sealed(t, inner, testKey(2), testKey(1))
	put(t, both, secret("c"))
	if !strings.Contains(document(t, inner, secretKind, "c"), ring(t, testKey(2)).IDs()[0]) {
		t.Error("the first key does not seal")
	}
	n, err := store.Reindex(t.Context(), both, secretKind, func(r store.Record) ([]store.Entry, error) { return r.Entries, nil })
	if n != 3 || err != nil {
		t.Fatalf("Reindex = %d, %v", n, err)
	}
	only := sealed(t, inner, testKey(2))
	for _, id := range []string{"a", "b", "c"} {
		r, err := read(t, only, secretKind, id)
		if err != nil || string(r.Data) != plain || r.Version != 2 || len(r.Entries) != 1 {
			t.Errorf("after rotation %s is %+v, %v", id, r, err)
		}
	}
	if _, err := read(t, sealed(t, inner, testKey(1)), secretKind, "a"); !errors.Is(err, store.ErrSchema) {
		t.Errorf("the old key alone: %v", err)
	}
}

// TestSealedGolden opens a document of the first release.
func TestSealedGolden(t *testing.T) {
	doc, err := os.ReadFile("testdata/sealed.json")
	if err != nil {
		t.Fatal(err)
	}
	inner := memory.New()
	s := sealed(t, inner, testKey(1))
	defer s.Close()
	raw(t, inner, secretKind, "golden", string(doc), 3)
	r, err := read(t, s, secretKind, "golden")
	if err != nil || string(r.Data) != plain {
		t.Errorf("it is %s, %v", r.Data, err)
	}
}

func TestKeyring(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys [][]byte
	}{
		{"none", nil},
		{"nil", [][]byte{nil}},
		{"short", [][]byte{testKey(1)[:31]}},
		{"long", [][]byte{append(testKey(1), 0)}},
		{"zeros", [][]byte{make([]byte, 32)}},
		{"twice", [][]byte{testKey(1), testKey(2), testKey(1)}},
	} {
		if _, err := store.NewKeyring(tt.keys...); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", tt.name, err)
		}
	}
	key := testKey(1)
	r := ring(t, key, testKey(2))
	key[0] = 99 // a copy was taken
	if ids := r.IDs(); len(ids) != 2 || ids[0] != ring(t, testKey(1)).IDs()[0] || ids[0] == ids[1] {
		t.Errorf("IDs = %v", ids)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{r, &r, struct{ R store.Keyring }{r}, struct{ r store.Keyring }{r}, sealed(t, memory.New(), testKey(1))} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, "01020304") || strings.Contains(out, "1, 2, 3") || strings.Contains(out, "1 2 3") || strings.Contains(out, "0x1, 0x2") || strings.Contains(out, "\x01\x02") {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
	//lint:ignore SA9005 that nothing shows is the point
	if b, err := json.Marshal(r); err != nil || string(b) != "{}" {
		t.Errorf("as JSON it is %s, %v", b, err)
	}
}

func FuzzOpen(f *testing.F) {
	doc, err := os.ReadFile("testdata/sealed.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Add([]byte(`{"k":"","n":"","c":""}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		inner := memory.New()
		s := sealed(t, inner, testKey(1))
		r := store.Record{Kind: secretKind, ID: "golden", Data: data}
		if r.Validate() != nil {
			return
		}
		put(t, inner, r) // at version 1, which no known document is sealed for
		if _, err := read(t, s, secretKind, "golden"); !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrSchema) {
			t.Errorf("%s opened: %v", data, err)
		}
	})
}
