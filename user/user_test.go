package user_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestAttack_C12_OneSpellingOfAnAddress(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ada@example.com", "ada@example.com"}, {"ADA@EXAMPLE.COM", "ada@example.com"}, {" ada@example.com ", "ada@example.com"},
		{"ada@example.com.", "ada@example.com"}, {"ａｄａ@example.com", "ada@example.com"}, {"ada@ＥＸＡＭＰＬＥ.com", "ada@example.com"},
		{"a.d.a@example.com", "a.d.a@example.com"}, {"ada+tag@example.com", "ada+tag@example.com"},
		{"ada@bücher.example", "ada@xn--bcher-kva.example"}, {"ada@BÜCHER.example", "ada@xn--bcher-kva.example"}, {"ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"STRASSE@example.com", "strasse@example.com"}, {"straße@example.com", "strasse@example.com"},
		{"ﬁ@example.com", "fi@example.com"}, {"ada@example。com", "ada@example.com"},
		// None of these is an address.
		{"", ""}, {"ada", ""}, {"@example.com", ""}, {"ada@", ""}, {"ada@localhost", ""}, {"ada@example..com", ""}, {".ada@example.com", ""},
		{"ada.@example.com", ""}, {"a..da@example.com", ""}, {"a da@example.com", ""}, {"ada@exa mple.com", ""}, {"ada\x00@example.com", ""},
		{"ada\u200b@example.com", ""}, {"ada\u202e@example.com", ""}, {"ada@example.com\u200b", "ada@example.com"}, {"ada\r\n@example.com", ""},
		{"ada@example..", ""}, {"ada@example.com..", ""}, {"ada@.example.com", ""}, {"ada@[127.0.0.1]", ""}, {"\"ada\"@example.com", ""}, {"a@b@example.com", ""}, {"ada@-example.com", ""}, {"ada@exa_mple.com", ""},
		{"ada\xff@example.com", ""}, {strings.Repeat("a", 65) + "@example.com", ""}, {"ada@" + strings.Repeat("a", 64) + ".com", ""},
	} {
		got, err := user.CanonicalEmail(c.in)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q: %q %v, want %q", c.in, got, err, c.want)
		}
		if err != nil && !errors.Is(err, user.ErrInvalidEmailAddress) {
			t.Errorf("%q: %v", c.in, err)
		}
		if again, _ := user.CanonicalEmail(got); got != "" && again != got {
			t.Errorf("%q is not canonical: %q", got, again)
		}
	}
}

func FuzzCanonicalEmail(f *testing.F) {
	for _, s := range []string{"ada@example.com", "ａ@bücher.example", "a@b@c", "", "\xff@x.y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := user.CanonicalEmail(s)
		if err != nil {
			return
		}
		if again, err := user.CanonicalEmail(c); err != nil || again != c {
			t.Fatalf("%q gives %q, which gives %q (%v)", s, c, again, err)
		}
		if strings.ContainsAny(c, " \t\r\n\x00") || strings.Count(c, "@") != 1 {
			t.Fatalf("%q gives %q", s, c)
		}
	})
}

func TestClassify(t *testing.T) {
	for in, want := range map[string][2]string{
		"Ada@Example.com": {"email", "ada@example.com"}, "+1 (555) 010-0100": {"phone", "+15550100100"}, "+12": {"phone", ""},
		"AdaL": {"username", "adal"}, "nobody@": {"email", ""}, "\xff": {"username", ""}, strings.Repeat("a", 2000): {"username", ""},
	} {
		if index, value := user.Classify(in); index != want[0] || value != want[1] {
			t.Errorf("%.20q: %s %q, want %v", in, index, value, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	for _, c := range []struct{ base, patch, want string }{
		{``, `{"a":1}`, `{"a":1}`}, {`{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`}, {`{"a":1}`, `{"a":null}`, ``},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":null}}`, `{"a":{"c":2}}`}, {`{"a":[1]}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{`{"n":12345678901234567890}`, `{}`, `{"n":12345678901234567890}`}, {`{"a":1}`, ``, `{"a":1}`}, {`{"a":1}`, `null`, `{"a":1}`},
	} {
		got, err := user.MergeMetadata(json.RawMessage(c.base), json.RawMessage(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s + %s: %s %v, want %s", c.base, c.patch, got, err, c.want)
		}
	}
	for _, bad := range []string{`[1]`, `1`, `"x"`, `{`, `{}{}`, strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40),
		`{"a":"` + strings.Repeat("x", user.MaxMetadata) + `"}`, "{\"a\":\"\xff\"}"} {
		if _, err := user.CheckMetadata(json.RawMessage(bad)); !errors.Is(err, user.ErrMetadata) {
			t.Errorf("%.30s: %v", bad, err)
		}
	}
}

func address(t *testing.T, s string, verified bool) user.Identification {
	t.Helper()
	id, err := user.NewEmailAddress(s, now)
	if err != nil {
		t.Fatal(err)
	}
	id.Verified = verified
	return id
}

func TestEmailAddresses(t *testing.T) {
	u := user.New(now)
	one, two, three := address(t, "one@example.com", true), address(t, "two@example.com", true), address(t, "three@example.com", false)
	for _, id := range []user.Identification{three, one, two} {
		if err := u.AddEmailAddress(id); err != nil {
			t.Fatal(err)
		}
	}
	if u.PrimaryEmailAddressID != one.ID {
		t.Error("the first verified address is not primary")
	}
	if err := u.AddEmailAddress(address(t, "ONE@example.com", false)); !errors.Is(err, user.ErrAlreadyAdded) {
		t.Errorf("twice: %v", err)
	}
	if err := u.SetPrimaryEmailAddress(three.ID); !errors.Is(err, user.ErrNotVerified) {
		t.Errorf("an unverified primary: %v", err)
	}
	if err := u.DeleteEmailAddress(one.ID); err != nil || u.PrimaryEmailAddressID != two.ID {
		t.Errorf("delete the primary: %v, now %s", err, u.PrimaryEmailAddressID)
	}
	if err := u.DeleteEmailAddress(two.ID); !errors.Is(err, user.ErrLastIdentification) {
		t.Errorf("delete the last: %v", err)
	}
	if err := u.DeleteEmailAddress("idn_none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete none: %v", err)
	}
	var err error
	for i := 0; err == nil && i < 20; i++ {
		err = u.AddEmailAddress(address(t, fmt.Sprintf("more%d@example.com", i), false))
	}
	if !errors.Is(err, user.ErrTooManyUnverified) {
		t.Errorf("many unverified: %v", err)
	}
}

// An unverified address claims nothing; a verified or reserved one is one
// user's alone, whatever its spelling.
func TestClaims(t *testing.T) {
	st := memory.New()
	put := func(u *user.User) error {
		return st.Update(t.Context(), func(tx store.Tx) error {
			c := *u
			return user.Put(t.Context(), tx, &c, now)
		})
	}
	squatter, owner, late := user.New(now), user.New(now), user.New(now)
	squatter.EmailAddresses = []user.Identification{address(t, "ada@example.com", false)}
	owner.EmailAddresses = []user.Identification{address(t, "Ada@Example.com", true)}
	late.EmailAddresses = []user.Identification{address(t, "ADA@EXAMPLE.COM", false)}
	late.EmailAddresses[0].Reserved = true
	if err := errors.Join(put(squatter), put(owner)); err != nil {
		t.Fatal(err)
	}
	if d, ok := errors.AsType[*store.DuplicateError](put(late)); !ok || d.Index != "email" {
		t.Errorf("a second claim: %v", d)
	}
	var got *user.User
	if err := st.View(t.Context(), func(tx store.Tx) (err error) {
		got, err = user.ByIdentifier(t.Context(), tx, "ada@example.com")
		return err
	}); err != nil || got.ID != owner.ID {
		t.Errorf("belongs to %v, %v", got, err)
	}
}

func TestList(t *testing.T) {
	st := memory.New()
	ctx := context.Background()
	err := st.Update(ctx, func(tx store.Tx) error {
		for i, name := range []string{"Ada", "Bob", "Cyd", "Dot"} {
			u := user.New(now.Add(time.Duration(i) * time.Minute))
			u.FirstName, u.ExternalID, u.Banned = name, "ext"+name, name == "Dot"
			u.EmailAddresses = []user.Identification{address(t, name+"@example.com", true)}
			u.PrimaryEmailAddressID = u.EmailAddresses[0].ID
			if err := user.Put(ctx, tx, u, u.CreatedAt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	for name, c := range map[string]struct {
		f     user.Filter
		p     user.Page
		want  string
		total int
	}{
		"newest first": {want: "Dot Cyd Bob Ada", total: 4}, "oldest first": {p: user.Page{OrderBy: "+created_at"}, want: "Ada Bob Cyd Dot", total: 4},
		"by name": {p: user.Page{OrderBy: "first_name", Limit: 2}, want: "Ada Bob", total: 4}, "second page": {p: user.Page{OrderBy: "first_name", Limit: 2, Offset: 2}, want: "Cyd Dot", total: 4},
		"by address":      {f: user.Filter{EmailAddresses: []string{"ADA@example.com", "cyd@example.com"}}, want: "Cyd Ada", total: 2},
		"by bad address":  {f: user.Filter{EmailAddresses: []string{"nonsense"}}, want: "", total: 0},
		"query":           {f: user.Filter{Query: "B@EXAMPLE"}, want: "Bob", total: 1},
		"W06 wildcard":    {f: user.Filter{Query: "%"}, want: "", total: 0},
		"banned":          {f: user.Filter{Banned: &yes}, want: "Dot", total: 1},
		"external ID":     {f: user.Filter{ExternalIDs: []string{"extBob"}}, want: "Bob", total: 1},
		"created between": {f: user.Filter{CreatedAfter: now, CreatedBefore: now.Add(2 * time.Minute)}, want: "Bob", total: 1},
	} {
		var names []string
		err := st.View(ctx, func(tx store.Tx) error {
			us, n, err := user.List(ctx, tx, c.f, c.p)
			for _, u := range us {
				names = append(names, u.FirstName)
			}
			if n != c.total {
				t.Errorf("%s: %d in all, want %d", name, n, c.total)
			}
			return err
		})
		if err != nil || !slices.Equal(names, strings.Fields(c.want)) {
			t.Errorf("%s: %v %v, want %s", name, names, err, c.want)
		}
	}
	if err := st.View(ctx, func(tx store.Tx) error {
		_, _, err := user.List(ctx, tx, user.Filter{}, user.Page{OrderBy: "password; drop"})
		return err
	}); !errors.Is(err, user.ErrOrder) {
		t.Errorf("W06 order: %v", err)
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"ＡＤＡ": "ada", "Straße": "strasse", "a\x00b\xffc": "abc"} {
		if got := user.Fold(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := user.Fold(strings.Repeat("\uFDFA", 300)); len([]rune(got)) != 256 { // one of them is eighteen letters
		t.Errorf("%d code points", len([]rune(got)))
	}
}

func TestRefused(t *testing.T) {
	u := user.New(now)
	u.Locked, u.LockedUntil = true, now.Add(time.Hour)
	if err := u.Refused(now); !errors.Is(err, user.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	if err := u.Refused(now.Add(time.Hour)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	u.LockedUntil = time.Time{}
	if err := u.Refused(now.Add(1000 * time.Hour)); !errors.Is(err, user.ErrLocked) {
		t.Errorf("locked for ever: %v", err)
	}
	u.Banned = true
	if err := u.Refused(now); !errors.Is(err, user.ErrBanned) {
		t.Errorf("banned: %v", err)
	}
}
