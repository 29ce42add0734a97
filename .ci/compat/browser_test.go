package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for the browser to show what it should.
const patience = 30 * time.Second

// chromium is the one browser of all tests; each has a profile of its own in it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(code)
}

// start starts the browser. It can reach this machine and nothing else.
func start(path string) {
	dir, err := os.MkdirTemp("", "usher-chromium-")
	if err != nil {
		chromium.err = err
		return
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(dir), chromedp.WindowSize(1200, 900), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	chromium.ctx = ctx
	chromium.stop = func() {
		cancel()
		stopAlloc()
		_ = os.RemoveAll(dir)
	}
	chromium.err = chromedp.Do(ctx)
}

// A browser is a tab in a profile of its own, and what was seen in it.
type browser struct {
	t    *testing.T
	h    *host
	ctx  context.Context
	seen *sightings
}

// open returns a fresh browser for h. What goes wrong in it fails the test.
func open(t *testing.T, h *host) *browser {
	t.Helper()
	path := tool(t, "Chromium", os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
	chromium.once.Do(func() { start(path) })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	b := &browser{t: t, h: h, seen: &sightings{}}
	b.tab(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(b.check)
	return b
}

// second opens another tab of the same profile.
func (b *browser) second() *browser {
	b.t.Helper()
	other := &browser{t: b.t, h: b.h, seen: b.seen}
	other.tab(b.ctx)
	return other
}

func (b *browser) tab(parent context.Context, opts ...chromedp.ContextOption) {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(parent, append(opts, chromedp.WithListener(b.seen.listen))...)
	b.ctx = ctx
	b.t.Cleanup(cancel)
	_, err := chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) (struct{}, error) {
		_, err1 := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		_, err2 := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		_, err3 := cdp.Call(ctx, tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return struct{}{}, errors.Join(err1, err2, err3)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// expect allows failures that contain text: a refusal that the test is about.
func (b *browser) expect(text string) {
	b.seen.mu.Lock()
	defer b.seen.mu.Unlock()
	b.seen.expected = append(b.seen.expected, text)
}

// check runs when the test is over: no request left the machine, and nothing
// was complained of.
func (b *browser) check() {
	for _, c := range b.seen.complaints() {
		b.t.Error(c)
	}
}

// goTo loads a page of the host. If the page before it was about to go
// somewhere too, one of both is aborted: then it is loaded again.
func (b *browser) goTo(path string) {
	b.t.Helper()
	var err error
	for range 3 {
		if err = chromedp.Do(b.ctx, chromedp.Navigate(b.h.url+path)); err == nil || !strings.Contains(err.Error(), "ERR_ABORTED") {
			break
		}
	}
	if err != nil {
		b.fail("go to %s: %v", path, err)
	}
}

// visit loads a page with clerk-js on it and waits until that is ready.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.goTo(path)
	b.until("clerk-js is ready", `document.body.dataset.ready === "yes"`)
}

// eval evaluates an expression, waits for it if it is a promise, and returns
// it as JSON.
func (b *browser) eval(js string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	yes := true
	return chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) (json.RawMessage, error) {
		res, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: js, AwaitPromise: &yes, ReturnByValue: &yes, UserGesture: &yes})
		if err != nil {
			return nil, err
		}
		if d := res.ExceptionDetails; d != nil {
			if d.Exception != nil {
				return nil, fmt.Errorf("%s %s %s", d.Text, d.Exception.Description, d.Exception.Value)
			}
			return nil, errors.New(d.Text)
		}
		if res.Result == nil || res.Result.Value == nil {
			return json.RawMessage("null"), nil
		}
		return json.RawMessage(res.Result.Value), nil
	})
}

// text evaluates an expression that must work, as a string.
func (b *browser) text(js string) string {
	b.t.Helper()
	raw, err := b.eval(js)
	if err != nil {
		b.fail("%s: %v", js, err)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// signOut signs out as the page would, and waits until left sessions are left.
// The page goes elsewhere by itself as soon as it has signed out: there may be
// nobody left to tell the outcome to, so nobody waits for that.
func (b *browser) signOut(options string, left int) {
	b.t.Helper()
	b.text("void Clerk.signOut(" + options + "), 0")
	b.until("the session is gone", fmt.Sprintf("Clerk.client && Clerk.client.signedInSessions.length === %d", left))
}

// until waits for an expression to be true. While a page changes there may be
// nothing to ask: errors count as not yet.
func (b *browser) until(what, js string) {
	b.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	var last any
	for {
		raw, err := b.eval("(async () => !!(await (" + js + ")))()") // of a promise, what it comes to
		if err == nil && string(raw) == "true" {
			return
		}
		last = err
		select {
		case <-tick.C:
		case <-deadline.C:
			b.fail("waited in vain until %s (%s): %v", what, js, last)
		case <-b.ctx.Done():
			b.t.Fatalf("the browser is gone: %v", b.ctx.Err())
		}
	}
}

// find is JavaScript for the first visible, usable element of a selector. With
// "selector|text" it must contain the text.
func find(sel string) string {
	sel, text, _ := strings.Cut(sel, "|")
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].find(e => e.getClientRects().length > 0 && !e.disabled && e.textContent.includes(%q))`, sel, text)
}

// see waits for an element, and returns its text.
func (b *browser) see(sel string) string {
	b.t.Helper()
	b.until("there is "+sel, find(sel))
	return b.text("(" + find(sel) + ")?.textContent ?? ''")
}

// gone waits for an element to go, usable or not.
func (b *browser) gone(sel string) {
	b.t.Helper()
	b.until(sel+" is gone", fmt.Sprintf(`![...document.querySelectorAll(%q)].some(e => e.getClientRects().length > 0)`, sel))
}

// click waits for an element and clicks on it.
func (b *browser) click(sel string) {
	b.t.Helper()
	b.clickIn("body", sel)
}

// clickIn waits for an element inside another and clicks on it. One that is on
// its way out, for a moment, takes no clicks.
func (b *browser) clickIn(outer, sel string) {
	b.t.Helper()
	css, text, _ := strings.Cut(sel, "|")
	b.until("there is "+sel+" in "+outer+" to click", fmt.Sprintf(`(o => {
		const e = [...(o?.querySelectorAll(%q) ?? [])].find(e => e.getClientRects().length > 0 && !e.disabled && e.textContent.includes(%q) && getComputedStyle(e).pointerEvents !== "none")
		return e && (e.click(), true)
	})(%s)`, css, text, find(outer)))
}

// fill waits for a field and types into it as the keyboard would, again if
// the page has put something else there meanwhile.
func (b *browser) fill(sel, text string) {
	b.t.Helper()
	for range 5 {
		b.typeInto(sel, text)
		if got := b.text(fmt.Sprintf(`(%s)?.value ?? null`, find(sel))); got == text {
			return
		}
	}
	b.fail("%s does not take %q", sel, text)
}

// typeInto waits for a field, selects what is in it and types.
func (b *browser) typeInto(sel, text string) {
	b.t.Helper()
	b.until("there is "+sel+" to fill", fmt.Sprintf(`(e => e && (e.focus(), e.select?.(), document.activeElement === e))(%s)`, find(sel)))
	_, err := chromedp.Run(b.ctx, func(ctx context.Context, tab *chromedp.Target) (cdp.Empty, error) {
		return cdp.Call(ctx, tab, input.InsertText, input.InsertTextParams{Text: text})
	})
	if err != nil {
		b.fail("type into %s: %v", sel, err)
	}
}

// enterCode types a code into the field for codes, which sends it by itself
// and may empty itself while one types.
func (b *browser) enterCode(code string) {
	b.t.Helper()
	before := b.requested("/attempt_")
	for range 5 {
		b.typeInto("input[data-input-otp]", code)
		for range 60 {
			if b.requested("/attempt_") > before {
				return
			}
			b.pause()
		}
	}
	b.fail("no code was sent")
}

// pause lets the page do something: a moment of its own time.
func (b *browser) pause() {
	_, _ = b.eval("new Promise(done => setTimeout(done, 50)).then(() => 0)") // it may go away meanwhile
}

// at waits for a path.
func (b *browser) at(path string) {
	b.t.Helper()
	b.until("the page is "+path, fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, path))
}

// cookie returns a cookie of the host, empty if there is none.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	res, err := chromedp.Run(b.ctx, func(ctx context.Context, tab *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: []string{b.h.url + "/__clerk/v1/client"}})
	})
	if err != nil {
		b.fail("cookies: %v", err)
	}
	for _, c := range res.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// plant sets a cookie of the host.
func (b *browser) plant(name, value string, httpOnly bool) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, func(ctx context.Context, tab *chromedp.Target) (struct{}, error) {
		_, err := cdp.Call(ctx, tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.h.url, Path: "/",
			HTTPOnly: &httpOnly, SameSite: network.CookieSameSiteLax})
		return struct{}{}, err
	})
	if err != nil {
		b.fail("set cookie %s: %v", name, err)
	}
}

// requested counts the requests whose line contains text.
func (b *browser) requested(text string) int {
	b.seen.mu.Lock()
	defer b.seen.mu.Unlock()
	n := 0
	for _, r := range b.seen.requests {
		if strings.Contains(r, text) {
			n++
		}
	}
	return n
}

// fail keeps what there is to see and ends the test.
func (b *browser) fail(format string, args ...any) {
	b.t.Helper()
	dir := b.t.ArtifactDir()
	if png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); err == nil {
		name := filepath.Join(dir, "screen.png")
		if err := os.WriteFile(name, png, 0o600); err == nil {
			b.t.Logf("screenshot: %s", name)
		}
	}
	if body, err := b.eval("location.href + '\\n' + document.body.innerText"); err == nil {
		b.t.Logf("page: %s", body)
	}
	b.seen.mu.Lock()
	b.t.Logf("requests:\n%s\nfailures:\n%s", strings.Join(b.seen.requests, "\n"), strings.Join(b.seen.failures, "\n"))
	b.seen.mu.Unlock()
	b.t.Fatalf(format, args...)
}
