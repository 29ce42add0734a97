package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestReact mounts <ClerkProvider> with nothing but a key and a proxy URL: it
// loads the bundles from usher by itself.
func TestReact(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	h.react(t)
	b := open(t, h)
	b.goTo("/react")
	b.see("#nobody")
	b.identify("ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	if got := b.see("#me"); got != u.ID {
		b.fail("useAuth says %q", got)
	}
	if got := b.see("#email"); got != "ada@example.com" {
		b.fail("useUser says %q", got)
	}
	b.see(".cl-userButtonTrigger")
	b.goTo("/private")
	if got := b.see("#private"); got != u.ID {
		b.fail("the private page sees %q", got)
	}
	b.goTo("/react")
	b.click("#out")
	b.see("#nobody")
	b.isSignedOut()
	for _, script := range []string{"/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js", "/__clerk/npm/@clerk/ui@1/dist/ui.browser.js"} {
		if b.requested(script) == 0 {
			t.Errorf("%s was not asked for", script)
		}
	}
}

// react bundles the page of React.
func (h *host) react(t *testing.T) {
	t.Helper()
	need(t, "@clerk/react (run .ci/compat/install)", filepath.Join(modules, "@clerk", "react"))
	out := filepath.Join(t.TempDir(), "react.js")
	cmd := exec.CommandContext(t.Context(), tool(t, "esbuild (run .ci/compat/install)", filepath.Join(modules, ".bin", "esbuild")), "testdata/react.jsx", "--bundle",
		"--format=esm", "--jsx=automatic", "--define:process.env.NODE_ENV=\"production\"", "--log-level=error", "--outfile="+out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, msg)
	}
	bundle, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	h.bundle = bundle
}
