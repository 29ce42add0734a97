package ui

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var variable = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)

// TestContrast holds the colours of both schemes to WCAG 2.2: 4.5 for text,
// 3 for the edges of fields and the focus ring.
func TestContrast(t *testing.T) {
	css, err := overlay{}.read("assets", "base.css")
	if err != nil {
		t.Fatal(err)
	}
	css, _, _ = strings.Cut(css, "*, *::before")
	light, dark, ok := strings.Cut(css, "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			colour[m[1]] = m[2]
		}
		for _, p := range []struct {
			over, under string
			least       float64
		}{
			{"text", "card", 4.5}, {"text", "page", 4.5}, {"text", "glow", 4.5}, {"text", "field", 4.5}, {"muted", "card", 4.5},
			{"muted", "page", 4.5}, {"muted", "glow", 4.5}, {"accent", "card", 4.5}, {"accent", "page", 4.5},
			{"accent-strong", "card", 4.5}, {"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5},
			{"bad", "card", 4.5}, {"bad", "bad-fill", 4.5}, {"card", "bad", 4.5}, {"good", "good-fill", 4.5},
			{"on-badge", "badge", 4.5}, {"on-warn", "warn", 4.5}, {"field-line", "card", 3}, {"field-line", "field", 3},
			{"bad", "field", 3}, {"accent", "glow", 3},
		} {
			if got := contrast(t, colour[p.over], colour[p.under]); got < p.least {
				t.Errorf("%s: %s on %s has %.2f, needs %.1f", scheme, p.over, p.under, got, p.least)
			}
		}
	}
}

// contrast is the ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		t.Fatalf("%q is no colour", hex)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
