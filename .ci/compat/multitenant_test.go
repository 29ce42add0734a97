package compat

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMultitenant runs examples/multitenant: two people sign up on usher's
// pages, one makes an organization, notes something and invites the other, who
// reads and answers there and sees nothing elsewhere.
func TestMultitenant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin := filepath.Join(dir, "multitenant")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./examples/multitenant")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(bin, "-addr", addr, "-db", filepath.Join(dir, "notes.db"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			break
		}
		if time.Since(begin) > patience {
			t.Fatal(err)
		}
	}
	h := &host{url: "http://" + addr}
	newest := func(email string) string {
		for begin := time.Now(); time.Since(begin) < patience; time.Sleep(50 * time.Millisecond) {
			res, err := http.Get(h.url + "/dev/mail/code?email=" + email)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return strings.TrimSpace(string(text))
			}
		}
		t.Fatal("no code was mailed")
		return ""
	}
	signUp := func(email string) *browser {
		b := open(t, h)
		b.expect("/favicon.ico")
		b.goTo("/")
		b.click("a|create an account")
		b.fill("input[name=email_address]", email)
		b.fill("input[name=password]", password)
		b.click("button.main")
		b.at("/auth/sign-up/verify")
		b.fill("input[name=code]", newest(email))
		b.click("button.main")
		b.at("/")
		return b
	}

	ada := signUp("ada@example.com")
	ada.click("a|create one")
	ada.fill("input[name=organization_name]", "Acme")
	ada.click("button.main")
	ada.see("h1|Notes of acme")
	ada.fill("input[name=text]", "the engine weaves")
	ada.click("button|Add")
	ada.see("li|the engine weaves")
	notes := ada.text("location.pathname")

	grace := signUp("grace@example.com")
	grace.expect("404")
	grace.goTo(notes)
	grace.until("a stranger sees nothing", `!document.body.innerText.includes("weaves") && !document.body.innerText.includes("acme")`)

	if !strings.HasPrefix(notes, "/orgs/org_") {
		t.Errorf("the notes are at %s", notes)
	}
	ada.goTo("/auth/organization")
	ada.fill("input[name=email_address]", "grace@example.com")
	ada.click("button|Send invitations")
	ada.until("the invitation is there", `document.body.innerText.includes("grace@example.com")`)
	grace.goTo("/auth/organizations")
	grace.click("button|Join")
	grace.at("/auth/organization")
	grace.goTo(notes)
	grace.see("li|the engine weaves")
	grace.fill("input[name=text]", "and computes")
	grace.click("button|Add")
	grace.see("li|and computes")
	ada.goTo(notes)
	ada.see("li|and computes")
	ada.click("button|Remove")
	ada.until("an admin removes anybody's", `!document.body.innerText.includes("and computes")`)
}
