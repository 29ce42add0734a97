package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestParseEntry(t *testing.T) {
	for text, want := range map[string]access.ParsedEntry{
		" Ada@Example.COM ": {Type: access.EmailAddress, Identifier: "ada@example.com", Key: "ada@example.com"},
		"a.da+x@gmail.com":  {Type: access.EmailAddress, Identifier: "a.da+x@gmail.com", Key: "ada+x@gmail.com"},
		"*@Example.com":     {Type: access.EmailAddress, Identifier: "*@example.com", Key: "*@example.com"},
		"*@*.example.com":   {Type: access.EmailAddress, Identifier: "*@*.example.com", Key: "*@*.example.com"},
		"*@bücher.example":  {Type: access.EmailAddress, Identifier: "*@xn--bcher-kva.example", Key: "*@xn--bcher-kva.example"},
		"+1 (415) 555-0100": {Type: access.PhoneNumber, Identifier: "+14155550100", Key: "+14155550100"},
	} {
		if got, err := access.ParseEntry(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ada", "example.com", "*", "*@", "*@com", "*@*", "*@*.", "*@*.*.example.com", "*@a@example.com", "a*@", "+12", "0x00"} {
		if e, err := access.ParseEntry(text); !errors.Is(err, access.ErrEntry) {
			t.Errorf("%q: %+v, %v", text, e, err)
		}
	}
}

// Which entries let an address in, or keep it out.
func TestAttack_C12_ListsKnowOneSpelling(t *testing.T) {
	for _, c := range []struct {
		entry, identifier string
		want              bool
	}{
		{"ada@example.com", "ada@example.com", true},
		{"ada@example.com", "ADA@EXAMPLE.com", true},
		{"ada@example.com", "ａｄａ@example.com", true}, // full width
		{"ada@example.com", "ada@example.com.", true},
		{"ada@example.com", "bob@example.com", false},
		{"ada@example.com", "ada@mail.example.com", false},
		{"ada@example.com", "ada+news@example.com", true},
		{"ada@example.com", "ada=news@example.com", true},
		{"ada@example.com", "ada#news@example.com", true},
		{"ada@example.com", "ada-news@example.com", false},
		{"ada@example.com", "a.da@example.com", false},
		{"ada+news@example.com", "ada@example.com", false},
		{"ada+news@example.com", "ada+news@example.com", true},
		{"ada@yahoo.com", "ada-news@yahoo.com", true},
		{"ada@yahoo.co.uk", "ada-news@yahoo.co.uk", true},
		{"ada@gmail.com", "a.d.a@gmail.com", true},
		{"a.da@gmail.com", "ad.a+x@googlemail.com", true},
		{"+ada@example.com", "+ada@example.com", false}, // reads as a number, and is none
		{"*@example.com", "ada@example.com", true},
		{"*@example.com", "ada+x@EXAMPLE.com", true},
		{"*@example.com", "ada@mail.example.com", false},
		{"*@example.com", "ada@badexample.com", false},
		{"*@example.com", "ada@example.com.evil.com", false},
		{"*@*.example.com", "ada@mail.example.com", true},
		{"*@*.example.com", "ada@a.b.example.com", true},
		{"*@*.example.com", "ada@example.com", false},
		{"*@*.example.com", "ada@evilexample.com", false},
		{"*@bücher.example", "ada@BÜCHER.example", true},
		{"*@bücher.example", "ada@xn--bcher-kva.example", true},
		{"+14155550100", "+1 415 555 0100", true},
		{"+14155550100", "+14155550101", false},
		{"ada@example.com", "ada", false},
		{"ada@example.com", "ada\x00@example.com", false},
		{"ada@example.com", "аda@example.com", false}, // a Cyrillic а is another letter
	} {
		e, err := access.ParseEntry(c.entry)
		typ := access.EmailAddress
		if strings.HasPrefix(c.identifier, "+1") {
			typ = access.PhoneNumber
		}
		if got := err == nil && slices.Contains(access.ListKeys(typ, c.identifier), e.Key); got != c.want {
			t.Errorf("%s has %q: %v, want %v", c.entry, c.identifier, got, c.want)
		}
	}
}

func TestBase(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.com": "ada@example.com", "Ada+x@example.com": "ada@example.com", "ada=x+y@example.com": "ada@example.com",
		"ada#x@example.com": "ada@example.com", "ada-x@example.com": "ada-x@example.com", "ada-x@yahoo.de": "ada@yahoo.de",
		"ada-x@ymail.com": "ada@ymail.com", "a.d.a+x.y@gmail.com": "ada@gmail.com", "ada@googlemail.com": "ada@gmail.com",
		"a.da@example.com": "a.da@example.com", "+x@example.com": "+x@example.com", "ada@notyahoo.com": "ada@notyahoo.com", "none": "",
	} {
		if got := access.Base(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestDisposable(t *testing.T) {
	for address, want := range map[string]bool{
		"ada@mailinator.com": true, "ada@MAILINATOR.com": true, "ada@x.y.mailinator.com": true, "ada@guerrillamail.com": true,
		"ada@example.com": false, "ada@gmail.com": false, "ada@mailinator.com.example.com": false, "mailinator.com": false, "": false,
	} {
		if got := access.Disposable(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

func TestAdmits(t *testing.T) {
	all := access.Rules{Blocklist: true, BlockSubaddresses: true, BlockDisposable: true}
	allow := access.Rules{Allowlist: true, Blocklist: true, BlockSubaddresses: true, BlockDisposable: true}
	for _, c := range []struct {
		name  string
		rules access.Rules
		found access.Found
		want  bool
	}{
		{"no rules", access.Rules{}, access.Found{Blocked: true, Disposable: true, SameMailbox: true}, true},
		{"nothing against it", all, access.Found{}, true},
		{"blocked", all, access.Found{Blocked: true}, false},
		{"disposable", all, access.Found{Disposable: true}, false},
		{"another address of a mailbox", all, access.Found{SameMailbox: true}, false},
		{"an allowlist that is off lets nobody in", all, access.Found{Allowed: true, Blocked: true}, false},
		{"an empty allowlist", access.Rules{Allowlist: true}, access.Found{}, false},
		{"allowed", allow, access.Found{Allowed: true}, true},
		{"the allowlist wins", allow, access.Found{Allowed: true, Blocked: true, Disposable: true, SameMailbox: true}, true},
	} {
		if got := c.rules.Admits(c.found); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func open(t *testing.T) store.Store {
	t.Helper()
	st := memory.New()
	if err := store.Prepare(t.Context(), st, access.Allowlist.Kind(), access.Blocklist.Kind(), access.MailboxKind, access.WaitlistKind); err != nil {
		t.Fatal(err)
	}
	return st
}

func update(t *testing.T, st store.Store, fn func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestList(t *testing.T) {
	st := open(t)
	e, err := access.ParseEntry("*@example.com")
	if err != nil {
		t.Fatal(err)
	}
	var id string
	update(t, st, func(ctx context.Context, tx store.Tx) error {
		added, err := access.Blocklist.Add(ctx, tx, e, "", now)
		id = added.ID
		return err
	})
	has := func(l access.List, address string) (found bool) {
		update(t, st, func(ctx context.Context, tx store.Tx) (err error) {
			found, err = l.Has(ctx, tx, access.EmailAddress, address)
			return err
		})
		return found
	}
	if !strings.HasPrefix(id, "blid_") || !has(access.Blocklist, "ada@example.com") || has(access.Allowlist, "ada@example.com") || has(access.Blocklist, "no address") {
		t.Error("the list has not what was put on it")
	}
	err = st.Update(t.Context(), func(tx store.Tx) error {
		_, err := access.Blocklist.Add(t.Context(), tx, e, "", now)
		return err
	})
	if _, ok := errors.AsType[*store.DuplicateError](err); !ok {
		t.Errorf("twice on the list: %v", err)
	}
	update(t, st, func(ctx context.Context, tx store.Tx) error {
		all, n, err := access.Blocklist.All(ctx, tx, 0, 10)
		if n != 1 || len(all) != 1 || all[0].Identifier != "*@example.com" {
			t.Errorf("%d entries: %v", n, all)
		}
		return err
	})
	update(t, st, func(ctx context.Context, tx store.Tx) error {
		_, err := access.Blocklist.Remove(ctx, tx, id)
		return err
	})
	if has(access.Blocklist, "ada@example.com") {
		t.Error("removed and still there")
	}
}

func TestMailbox(t *testing.T) {
	st := open(t)
	owner := func(address string) (id string) {
		update(t, st, func(ctx context.Context, tx store.Tx) (err error) {
			id, err = access.MailboxOwner(ctx, tx, address)
			return err
		})
		return id
	}
	if got := owner("ada@example.com"); got != "" {
		t.Errorf("nobody's is %q's", got)
	}
	for _, who := range []string{"user_1", "user_2"} {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			return access.TakeMailbox(ctx, tx, "ada+x@example.com", who)
		})
		if got := owner("ada+y@example.com"); got != who {
			t.Errorf("%s took it, it is %q's", who, got)
		}
	}
}

func TestWaitlist(t *testing.T) {
	reasons := map[access.WaitStatus]error{access.WaitInvited: access.ErrWaitInvited, access.WaitCompleted: access.ErrWaitCompleted, access.WaitRejected: access.ErrWaitRejected}
	all := []access.WaitStatus{access.WaitPending, access.WaitInvited, access.WaitCompleted, access.WaitRejected}
	for _, from := range all {
		for _, to := range all {
			w := access.WaitlistEntry{Status: from}
			err := w.Move(to, now)
			if ok := slices.Contains(access.WaitTransitions[from], to); ok != (err == nil) || ok != (w.Status == to && !w.UpdatedAt.IsZero()) ||
				!ok && reasons[from] != nil && !errors.Is(err, reasons[from]) {
				t.Errorf("%s to %s: %v, now %s", from, to, err, w.Status)
			}
		}
	}
	st := open(t)
	for i, address := range []string{"ada@example.com", "bob@example.com"} {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			w, err := access.NewWaitlistEntry(address, now.Add(time.Duration(i)*time.Second))
			if err != nil {
				return err
			}
			return access.PutWaitlistEntry(ctx, tx, w)
		})
	}
	list := func(f access.WaitlistFilter) (out []string) {
		update(t, st, func(ctx context.Context, tx store.Tx) error {
			ws, _, err := access.Waitlist(ctx, tx, f, 0, 10)
			out = nil
			for _, w := range ws {
				out = append(out, w.EmailAddress)
			}
			return err
		})
		return out
	}
	for name, c := range map[string]struct {
		f    access.WaitlistFilter
		want string
	}{
		"newest": {access.WaitlistFilter{}, "[bob@example.com ada@example.com]"}, "oldest": {access.WaitlistFilter{Oldest: true}, "[ada@example.com bob@example.com]"},
		"query": {access.WaitlistFilter{Query: "ADA"}, "[ada@example.com]"}, "status": {access.WaitlistFilter{Status: access.WaitInvited}, "[]"},
	} {
		if got := fmt.Sprint(list(c.f)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func ExampleListKeys() {
	fmt.Println(access.ListKeys(access.EmailAddress, "Ada+news@mail.example.com"))
	// Output: [ada+news@mail.example.com ada@mail.example.com *@mail.example.com *@*.example.com *@*.com]
}
