package compat

import (
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/user"
)

// payloads would run where a text becomes markup, an attribute, a link or a
// script.
func payloads() []string {
	var out []string
	const run = "window.owned=1"
	for _, p := range []string{
		`<script>RUN</script>`, `"><script>RUN</script>`, `'><script>RUN</script>`, `</title><script>RUN</script>`, `</textarea><script>RUN</script>`,
		`</style><script>RUN</script>`, `</script><script>RUN</script>`, `--><script>RUN</script>`, `<!--><script>RUN</script>-->`, `<scr<script>ipt>RUN</script>`,
		`<SCRIPT SRC=data:text/javascript,RUN></SCRIPT>`, `<script/x>RUN</script>`, `<script
>RUN</script>`, `<img src=x onerror=RUN>`, `"><img src=x onerror=RUN>`, `' onerror='RUN' x='`, `" autofocus onfocus="RUN" x="`, `x onfocus=RUN autofocus `,
		`<svg onload=RUN>`, `<svg><script>RUN</script></svg>`, `<svg><animate onbegin=RUN attributeName=x dur=1s>`, `<math><mtext><img src=x onerror=RUN></mtext></math>`,
		`<body onload=RUN>`, `<iframe srcdoc="<script>parent.owned=1</script>">`, `<iframe src="javascript:parent.owned=1">`, `<object data="javascript:RUN">`,
		`<embed src="javascript:RUN">`, `<link rel=import href="data:text/html,<script>RUN</script>">`, `<meta http-equiv=refresh content="0;url=javascript:RUN">`,
		`<base href="https://evil.example/">`, `<form action="javascript:RUN"><button>`, `<input autofocus onfocus=RUN>`, `<details open ontoggle=RUN>`,
		`<video><source onerror=RUN></video>`, `<a href="javascript:RUN">x</a>`, `<style>@import "javascript:RUN"</style>`, `<template><script>RUN</script></template>`,
		`javascript:RUN`, `java	script:RUN`, ` javascript:RUN`, `JaVaScRiPt:RUN//`, `data:text/html,<script>parent.owned=1</script>`, `vbscript:RUN`,
		`{{RUN}}`, `${RUN}`, `{{constructor.constructor('RUN')()}}`, `\u003cscript\u003eRUN\u003c/script\u003e`, `&lt;script&gt;RUN&lt;/script&gt;`,
		`+ADw-script+AD4-RUN+ADw-/script+AD4-`, "\u2028RUN//", `';RUN;//`, `";RUN;//`, `\";RUN;//`, "`;RUN;//", `</p><script>RUN</script><p>`,
	} {
		out = append(out, strings.ReplaceAll(p, "RUN", run))
	}
	return out
}

// TestAttack_W16_NothingRuns: no text that came from a person runs on usher's
// pages, wherever it came in, and none even tries: the policy of the pages has
// nothing to report.
func TestAttack_W16_NothingRuns(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 4") // what is no address, or leads elsewhere, is refused
	b.goTo("/auth/sign-in")
	b.fill("input[name=identifier]", "ada@example.com")
	b.click("button.main")
	b.fill("input[name=password]", password)
	b.click("button.main")
	b.until("somebody is signed in", `!location.pathname.startsWith("/auth/sign-in")`)
	stranger := open(t, h)
	stranger.expect("response 4")

	ps, stored := payloads(), 0
	if len(ps) < 50 {
		t.Fatalf("only %d payloads", len(ps))
	}
	for _, p := range ps {
		q := url.QueryEscape(p)
		for _, path := range []string{"/auth/sign-in?redirect_url=" + q + "&error=" + q + "&identifier=" + q + "&" + q + "=" + q,
			"/auth/sign-up?redirect_url=" + q + "&email_address=" + q} {
			stranger.goTo(path)
			stranger.untouched(p, path)
		}
		if p := strings.TrimSpace(p); !strings.ContainsAny(p, "\n\t\u2028") { // a field holds one line
			stranger.goTo("/auth/sign-in")
			stranger.fill("input[name=identifier]", p)
			stranger.text("window.former = 1")
			stranger.click("button.main")
			stranger.until("the form is answered", "!window.former && document.readyState === 'complete'")
			stranger.untouched(p, "a form")
		}

		p := p
		if _, err := h.Users().Update(t.Context(), u.ID, user.UpdateParams{FirstName: &p, LastName: &p}); err == nil {
			stored++
		}
		b.goTo("/auth/user")
		b.see("main|ada@example.com")
		b.untouched(p, "a name")
	}
	if stored < 20 {
		t.Errorf("only %d names were stored", stored)
	}
}

// untouched fails if a payload has run: it would have left a mark, opened a
// dialog, which ends the test by holding the page up, or led elsewhere.
func (b *browser) untouched(payload, road string) {
	b.t.Helper()
	if got := b.text("String(window.owned) + ' ' + location.origin"); got != "undefined "+b.h.url {
		b.fail("%q came by %s and left %s", payload, road, got)
	}
}
