package sqlite

import (
	"context"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// Exec runs a statement of the host's in a transaction of a Store or of [Join],
// and returns how many rows it wrote: in auth.Config.OnUser, say, so that a row
// of the host's is kept together with the user, however the user came, or
// neither is. What was Put before it is there for it to refer to. If it fails,
// so does the transaction. It may run again, as all that an Update does; a
// transaction of another kind of store is store.ErrInvalid. Tables of usher's
// are not for it to write.
func Exec(ctx context.Context, tx store.Tx, query string, args ...any) (int64, error) {
	return sqlkit.Exec(ctx, tx, query, args)
}
