package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// A Book is stored as a JSON document and found by its title and its readers.
type Book struct {
	store.Meta
	Title   string   `json:"title"`
	Readers []string `json:"readers"`
}

// StoreEntries makes Book a store.Object.
func (b *Book) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "title", Value: b.Title}}
	for _, r := range b.Readers {
		es = append(es, store.Entry{Index: "reader", Value: r})
	}
	return es
}

var books = store.Table[Book, *Book]{Kind: &store.Kind{Name: "book", Indexes: []store.Index{
	{Name: "title", Unique: true},
	{Name: "reader", Many: true},
}}}

func ExampleTable() {
	ctx, s := context.Background(), memory.New()
	defer s.Close()
	err := s.Update(ctx, func(tx store.Tx) error {
		// Made inside fn, which may run again.
		b := &Book{Title: "Notes", Readers: []string{"ada", "charles"}}
		b.ID = store.NewID("book", time.Now())
		return books.Put(ctx, tx, b)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.Update(ctx, func(tx store.Tx) error {
		b, err := books.By(ctx, tx, "title", "Notes")
		if err != nil {
			return err
		}
		b.Readers = append(b.Readers, "mary")
		return books.Put(ctx, tx, b)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.View(ctx, func(tx store.Tx) error {
		found, err := books.Find(ctx, tx, store.Query{
			Where: []store.Match{{Index: "reader", Values: []string{"mary"}}},
			Limit: 20,
		})
		for _, b := range found {
			fmt.Println(b.Title, b.Readers, "version", b.Version)
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// Notes [ada charles mary] version 2
	// <nil>
}

func ExampleTimeKey() {
	early := store.TimeKey(time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC))
	late := store.TimeKey(time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", -3600)))
	fmt.Println(early < late)
	fmt.Println(len(early), store.TimeKey(time.Time{}))
	// Output:
	// true
	// 16 0000000000000000
}

func ExampleSealed() {
	key := make([]byte, store.KeySize)
	rand.Read(key) // keep it where the database is not
	ring, err := store.NewKeyring(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	database := memory.New()
	s, err := store.Sealed(database, ring)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	ctx, kind := context.Background(), &store.Kind{Name: "totp", Sealed: true}
	err = s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, store.Record{Kind: kind, ID: "totp_1", Data: []byte(`"JBSWY3DP"`)})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, from := range []store.Store{s, database} {
		err = from.View(ctx, func(tx store.Tx) error {
			r, err := tx.Get(ctx, kind, "totp_1")
			fmt.Println(string(r.Data[:5]), len(r.Data) > 10)
			return err
		})
	}
	fmt.Println(err)
	// Output:
	// "JBSW false
	// {"k": true
	// <nil>
}
