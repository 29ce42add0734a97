package frontend_test

import (
	"testing"

	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

func TestMask(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.com": "a*****@example.com", "a@example.com": "a*****@example.com", "øre@example.com": "ø*****@example.com",
		"@example.com": "*****@example.com", "ada": "*****", "": "*****", "a@b@c": "a*****@c",
	} {
		if got := frontend.Mask(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
