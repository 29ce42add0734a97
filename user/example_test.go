package user_test

import (
	"context"
	"fmt"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// Functions of this package take a transaction, so that they compose with each
// other and with the host's own writes.
func ExampleByIdentifier() {
	ctx, st := context.Background(), memory.New()
	err := st.Update(ctx, func(tx store.Tx) error {
		u := user.New(time.Now())
		id, err := user.NewEmailAddress("Ada@Example.com", time.Now())
		if err != nil {
			return err
		}
		id.Verified = true
		if err := u.AddEmailAddress(id); err != nil {
			return err
		}
		return user.Put(ctx, tx, u, time.Now())
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	st.View(ctx, func(tx store.Tx) error {
		u, err := user.ByIdentifier(ctx, tx, "ada@example.com")
		if err == nil {
			fmt.Println(u.PrimaryEmailAddress().Value)
		}
		return err
	})
	// Output: ada@example.com
}
