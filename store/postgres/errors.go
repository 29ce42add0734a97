package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// SQLSTATEs that decide what an error means. See appendix A of PostgreSQL's
// manual.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// unavailable holds the SQLSTATEs, and classes of them, that have nothing to
// do with what was asked.
var unavailable = map[string]bool{
	"08": true, // connection
	"53": true, // disk full, out of memory, too many connections
	"57": true, // shutting down, starting up, statement timeout
	"58": true, // input or output
	// read-only transaction, lock not available, idle in transaction too long
	"25006": true, "55P03": true, "25P03": true,
}

// mapError turns an error of the driver into one of the contract.
func mapError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("store/postgres: %w", ctxErr)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return mapState(pg, err)
	}
	down := fmt.Errorf("store/postgres: %w: %w", store.ErrUnavailable, err)
	if pgconn.SafeToRetry(err) { // nothing has been sent: the connection was dead
		return &sqlkit.Rerun{As: store.ErrUnavailable, Err: err}
	}
	if isNetwork(err) {
		return down
	}
	return fmt.Errorf("store/postgres: %w", err)
}

func mapState(pg *pgconn.PgError, err error) error {
	switch {
	case pg.Code == uniqueViolation:
		return &sqlkit.Violation{Name: pg.ConstraintName, Detail: pg.Detail, Err: err}
	case pg.Code == serializationFailure, pg.Code == deadlockDetected:
		return &sqlkit.Rerun{As: store.ErrConflict, Err: err}
	case unavailable[pg.Code], len(pg.Code) == 5 && unavailable[pg.Code[:2]]:
		return fmt.Errorf("store/postgres: %w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("store/postgres: %w", err)
}

// isNetwork reports whether an error is about the connection.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || pgconn.Timeout(err)
}
