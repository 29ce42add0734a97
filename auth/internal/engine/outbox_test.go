package engine_test

import (
	"fmt"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// More mails that nobody can read than one look takes do not hold up the rest.
func TestFault_R26_UnreadableMailsAtTheHead(t *testing.T) {
	st := memory.New()
	r := newRig(t, st)
	ctx := t.Context()
	var kind *store.Kind
	for _, k := range engine.Kinds() {
		if k.Name == "outbox" {
			kind = k
		}
	}
	for _, n := range []int{64, 200} {
		err := st.Update(ctx, func(tx store.Tx) error {
			for i := range n {
				_, err := tx.Put(ctx, store.Record{Kind: kind, ID: fmt.Sprintf("ema_%d_%d", n, i), Data: []byte(`null`),
					Entries: []store.Entry{{Index: "due", Value: store.TimeKey(r.Now().Add(-1))}}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		r.signUp(fmt.Sprintf("%d@example.com", n), good) // needs the code from its mail
	}
}
