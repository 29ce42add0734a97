package engine

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// decoyID is the ID of the decoy: nobody's.
const decoyID = "user_000000000000000000000000000"

// decoys hold a made-up account outside of the instance's store. Where nothing
// may tell whether there is an account, it is read where none was found, as
// reading a record costs more than finding none.
type decoys struct{ st store.Store }

func newDecoys(ctx context.Context, now time.Time) (decoys, error) {
	d := decoys{memory.New()}
	u := &user.User{Meta: store.Meta{ID: decoyID}, FirstName: "Grace", LastName: "Hopper", CreatedAt: now}
	id, err := user.NewEmailAddress("grace@example.com", now)
	if err != nil {
		return d, err
	}
	id.Verified, id.Strategy, id.VerifiedAt = true, "email_code", now
	if err := u.AddEmailAddress(id); err != nil {
		return d, err
	}
	return d, d.st.Update(ctx, func(tx store.Tx) error {
		const hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		c := *u
		if err := user.SetPassword(ctx, tx, &c, hash, now); err != nil {
			return err
		}
		return user.Put(ctx, tx, &c, now)
	})
}

// read reads the account with the given ID and its password, if it is there.
func (d decoys) read(ctx context.Context, id string) error {
	return d.st.View(ctx, func(tx store.Tx) error {
		if _, err := user.Get(ctx, tx, id); err != nil {
			return missingAs(err, nil)
		}
		_, err := user.GetPassword(ctx, tx, id)
		return err
	})
}
