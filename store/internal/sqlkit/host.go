package sqlkit

import (
	"context"
	"errors"
	"fmt"

	"github.com/usherauth/usher/store"
)

// Exec runs a statement of the host's in the transaction that s is, behind
// whatever wraps it, and returns how many rows it wrote. Like any other error
// its own fails the transaction.
func Exec(ctx context.Context, s store.Tx, query string, args []any) (int64, error) {
	for {
		switch t := s.(type) {
		case *tx:
			return t.exec(ctx, query, args)
		case interface{ Unwrap() store.Tx }:
			s = t.Unwrap()
		default:
			return 0, fmt.Errorf("%w: the transaction is not one of an SQL store", store.ErrInvalid)
		}
	}
}

func (t *tx) exec(ctx context.Context, query string, args []any) (int64, error) {
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	if t.err != nil {
		return 0, t.err
	}
	if err := t.open(ctx); err != nil {
		return 0, t.fail(err)
	}
	n, err := t.conn.Exec(ctx, query, args...)
	if v, ok := errors.AsType[*Violation](err); ok {
		err = fmt.Errorf("%s: %w", t.e.Dialect.Prefix, v.Err)
	}
	return n, t.fail(err)
}
