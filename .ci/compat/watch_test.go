package compat

import (
	"strings"
	"testing"
)

// TestWatch: what the other tests rely on to be noticed is noticed.
func TestWatch(t *testing.T) {
	t.Parallel()
	b := open(t, newHost(t))
	b.goTo("/blank")
	if got := b.seen.complaints(); len(got) > 0 {
		t.Fatalf("complaints about nothing: %q", got)
	}
	b.text(`new Promise(done => {
		const i = new Image()
		i.onerror = () => done(0)
		i.src = "https://elsewhere.example/pixel.png"
	})`)
	b.text(`console.error("oh", "dear"), 0`)
	b.text(`fetch("/api/me").then(() => 0)`)
	b.text(`new Promise(done => setTimeout(() => { setTimeout(done); throw new Error("nobody catches this") })).then(() => 0)`)
	for _, want := range []string{"left the machine: GET https://elsewhere.example/", "console.error", "response 401", "nobody catches this"} {
		b.complains(want)
	}
	b.expect("")
	b.seen.mu.Lock()
	b.seen.requests = b.seen.requests[:1]
	b.seen.mu.Unlock()
}

// complains waits for a complaint: events arrive after what causes them.
func (b *browser) complains(want string) {
	b.t.Helper()
	for range 600 {
		if strings.Contains(strings.Join(b.seen.complaints(), "\n"), want) {
			return
		}
		b.pause()
	}
	b.fail("no complaint about %q in %q", want, b.seen.complaints())
}
