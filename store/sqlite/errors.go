package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
	driverpkg "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// unavailable are the result codes that have nothing to do with what was
// asked.
var unavailable = map[int]bool{
	lib.SQLITE_BUSY: true, lib.SQLITE_LOCKED: true, lib.SQLITE_NOMEM: true, lib.SQLITE_READONLY: true, lib.SQLITE_IOERR: true,
	lib.SQLITE_FULL: true, lib.SQLITE_CANTOPEN: true, lib.SQLITE_PROTOCOL: true, lib.SQLITE_PERM: true,
}

// mapError turns an error of the driver into one of the contract.
func mapError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("store/sqlite: %w", ctxErr)
	}
	if errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) {
		return fmt.Errorf("store/sqlite: %w: %w", store.ErrUnavailable, err)
	}
	e, ok := errors.AsType[*driverpkg.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("store/sqlite: %w", err)
	case e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return &sqlkit.Violation{Name: violated(e.Error()), Err: err}
	case e.Code() == lib.SQLITE_BUSY_SNAPSHOT: // a host's transaction that began with a read
		return fmt.Errorf("store/sqlite: %w: %w", store.ErrConflict, err)
	case unavailable[e.Code()&0xff]:
		return fmt.Errorf("store/sqlite: %w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("store/sqlite: %w", err)
}

func isBusy(err error) bool {
	e, ok := errors.AsType[*driverpkg.Error](err)
	return ok && e.Code()&0xff == lib.SQLITE_BUSY
}

// violated returns the first column that a message names, as table.column.
func violated(message string) string {
	_, rest, _ := strings.Cut(message, "UNIQUE constraint failed: ")
	if i := strings.IndexAny(rest, ", "); i >= 0 {
		rest = rest[:i]
	}
	return rest
}
