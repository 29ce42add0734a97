package linking_test

import (
	"fmt"
	"testing"

	"github.com/usherauth/usher/auth/linking"
)

// Every case has one row, and the principles hold in all of them.
func TestTable(t *testing.T) {
	seen := map[linking.Case]bool{}
	for _, r := range linking.Table {
		if seen[r.Case] {
			t.Errorf("%+v stands twice", r.Case)
		}
		seen[r.Case] = true
	}
	for _, here := range []linking.Here{linking.Unknown, linking.Claimed, linking.Verified, linking.Own} {
		for i := range 8 {
			c := linking.Case{Here: here, There: i&1 > 0, Password: i&2 > 0, Session: i&4 > 0}
			if c.Here == linking.Own && !c.Session || c.Here == linking.Unknown && c.Password {
				continue // cannot be
			}
			if !seen[c] {
				t.Errorf("%+v has no row", c)
			}
			r := linking.Decide(c)
			opens := r.Outcome == linking.Link || r.Outcome == linking.TakeOver
			if opens && !c.There {
				t.Errorf("%+v: an address that nobody has verified opens an account", c)
			}
			if r.Outcome == linking.Link && c.Here != linking.Verified {
				t.Errorf("%+v: linked with an account that may be a stranger's", c)
			}
			if r.Outcome == linking.Connect && !c.There {
				t.Errorf("%+v: an address comes along that nobody has verified", c)
			}
			needs := r.Outcome == linking.Refuse || r.Outcome == linking.Prove || r.Outcome == linking.ConnectBare || r.Outcome == linking.SignUp && !c.There
			if needs && r.WayOut == "" {
				t.Errorf("%+v: no way out is named", c)
			}
		}
	}
	if r := linking.Decide(linking.Case{Here: linking.Own}); r.Outcome != linking.Refuse {
		t.Errorf("a case that cannot be: %v", r.Outcome)
	}
}

// The truth table, as the code has it.
func ExampleMarkdown() {
	fmt.Print(linking.Markdown())
	// Output:
	// | address here | verified there | password here | signed in | outcome | way out |
	// |---|---|---|---|---|---|
	// | nobody's | yes | no | no | new account |  |
	// | nobody's | no | no | no | new account | verify the address by a code |
	// | claimed | yes | no | no | taken over | none is needed: the account is the owner's, who sets a new password if one is wanted |
	// | claimed | yes | yes | no | taken over | none is needed: the account is the owner's, who sets a new password if one is wanted |
	// | claimed | no | no | no | prove it here | sign in to the account here, by code or password, and the external account is linked |
	// | claimed | no | yes | no | prove it here | sign in to the account here, by code or password, and the external account is linked |
	// | verified | yes | no | no | linked |  |
	// | verified | yes | yes | no | linked |  |
	// | verified | no | no | no | prove it here | sign in to the account here, by code or password, and the external account is linked |
	// | verified | no | yes | no | prove it here | sign in to the account here, by code or password, and the external account is linked |
	// | own | yes | no | yes | connected |  |
	// | own | yes | yes | yes | connected |  |
	// | own | no | no | yes | connected without address | verify the address by a code |
	// | own | no | yes | yes | connected without address | verify the address by a code |
	// | nobody's | yes | no | yes | connected |  |
	// | nobody's | no | no | yes | connected without address | verify the address by a code |
	// | claimed | yes | no | yes | refused | sign in as the other user and remove the address there, or connect it there |
	// | claimed | yes | yes | yes | refused | sign in as the other user and remove the address there, or connect it there |
	// | claimed | no | no | yes | connected without address | sign in as the other user and remove the address there, or connect it there |
	// | claimed | no | yes | yes | connected without address | sign in as the other user and remove the address there, or connect it there |
	// | verified | yes | no | yes | refused | sign in as the other user and remove the address there, or connect it there |
	// | verified | yes | yes | yes | refused | sign in as the other user and remove the address there, or connect it there |
	// | verified | no | no | yes | connected without address | sign in as the other user and remove the address there, or connect it there |
	// | verified | no | yes | yes | connected without address | sign in as the other user and remove the address there, or connect it there |
}
