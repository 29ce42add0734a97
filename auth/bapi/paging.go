package bapi

import (
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
)

const (
	defaultLimit = 10
	maxLimit     = 500
	// maxOffset bounds what a store has to walk past; cursors go further.
	maxOffset = 1 << 31
)

// page reads limit and offset.
func page(q *httpx.Form) (offset, limit int) {
	limit = defaultLimit
	if n, ok := q.Int("limit"); ok && !q.Null("limit") {
		if n < 1 || n > maxLimit {
			q.Fail(httpx.CodeQueryValue, "limit", "must be between 1 and 500")
		}
		limit = int(min(max(n, 1), maxLimit))
	}
	if n, ok := q.Int("offset"); ok {
		if n < 0 || n > maxOffset {
			q.Fail(httpx.CodeQueryValue, "offset", "must be 0 or more")
		}
		offset = int(min(max(n, 0), maxOffset))
	}
	return offset, limit
}

// listed answers a list: bare, or as a page where the client asks for it.
func listed[T any](q *httpx.Form, list []T, total int) any {
	if paginated, _ := q.Bool("paginated"); paginated {
		return wire.NewList(list, total)
	}
	return list
}
