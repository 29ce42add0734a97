package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "usher")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	s, err := sqlite.Open(filepath.Join(dir, "usher.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	notes := &store.Kind{Name: "note", Indexes: []store.Index{{Name: "author"}}}
	err = s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, store.Record{
			Kind: notes, ID: "note_1", Data: []byte(`{"text":"hello"}`),
			Entries: []store.Entry{{Index: "author", Value: "ada"}},
		})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	err = s.View(ctx, func(tx store.Tx) error {
		found, err := tx.Find(ctx, store.Query{Kind: notes, Where: []store.Match{{Index: "author", Values: []string{"ada"}}}})
		for _, r := range found {
			fmt.Println(r.ID, r.Version, string(r.Data))
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: note_1 1 {"text":"hello"}
}
