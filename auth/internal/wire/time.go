package wire

import "time"

// Millis is t in Unix milliseconds; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// MillisOrNull is t in Unix milliseconds; the zero time is null.
func MillisOrNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// TextOrNull is s; the empty string is null.
func TextOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
