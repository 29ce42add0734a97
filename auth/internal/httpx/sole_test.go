package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/httpx"
)

// soleAgrees: what Sole says it is sure of, All says too.
func soleAgrees(t *testing.T, r *http.Request) (value string, n int) {
	t.Helper()
	value, n = httpx.Sole(r, "__session")
	all := httpx.All(r, "__session")
	switch {
	case n == 0 && len(all) > 0:
		t.Errorf("%q: Sole finds none, All %q", r.Header["Cookie"], all)
	case n == 1 && len(all) > 0 && !slices.Equal(all, []string{value}):
		t.Errorf("%q: Sole finds %q, All %q", r.Header["Cookie"], value, all)
	}
	return value, n
}

func TestAttack_S03_SoleIsOne(t *testing.T) {
	tests := []struct {
		lines []string
		value string
		n     int
	}{
		{nil, "", 0},
		{[]string{"a=b"}, "", 0},
		{[]string{"__session=x"}, "x", 1},
		{[]string{"a=b; __session=x; c=d"}, "x", 1},
		{[]string{"a=b;__session=x ;c=d"}, "x", 1},
		{[]string{"a=b", "__session=x"}, "x", 1},
		{[]string{"__session=x; __session=y"}, "", 2},
		{[]string{"__session=x", "__session=x"}, "", 2},
		{[]string{"__session_abc=y; __session=x"}, "x", 1},
		{[]string{"my__session=y; __session=x"}, "x", 1},
		{[]string{"a=__session=y; __session=x"}, "x", 1},
		{[]string{"a=b, __session=y; __session=x"}, "x", 1},
		{[]string{"__session =y"}, "", 0},
		{[]string{"__session"}, "", 0},
		{[]string{"__session="}, "", 1},
		{[]string{"__session=__session=x"}, "__session=x", 1},
		{[]string{"__session=x" + strings.Repeat("; a=b", 600)}, "", 2},
		{[]string{"__session=" + strings.Repeat("x", 5000)}, "", 2},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = tt.lines
		if value, n := soleAgrees(t, r); value != tt.value || n != tt.n {
			t.Errorf("%.80q: %q, %d; want %q, %d", tt.lines, value, n, tt.value, tt.n)
		}
	}
}

func FuzzSole(f *testing.F) {
	for _, line := range []string{"__session=x; a=b", "a=__session=b; __session=x", "\t__session=x \t;", "__session=;__session=x"} {
		f.Add(line, "a=b")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{one, other}
		soleAgrees(t, r)
	})
}
