package store

import (
	"fmt"
	"time"
)

// TimeKey writes t as an index value whose byte order is time order: UTC, to
// the millisecond, in a fixed width. The zero time is the smallest key, and so
// is all that is before the year 1.
func TimeKey(t time.Time) string {
	ms := t.UnixMilli() + timeKeyOffset
	if t.IsZero() || ms < 0 {
		ms = 0
	}
	return fmt.Sprintf("%016x", ms)
}

// timeKeyOffset moves the year 1 to zero, in milliseconds.
var timeKeyOffset = -time.Time{}.UnixMilli()

// IntKey writes n as an index value whose byte order is the order of numbers.
func IntKey(n int64) string {
	return fmt.Sprintf("%016x", uint64(n)^1<<63)
}
