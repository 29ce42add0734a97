// Package linking decides whose account somebody gets who comes from another
// service and has no account here by that name yet. The decision is a table,
// [Table], which [Decide] looks up and the documentation prints: there is no
// other rule.
//
// Two principles are behind it. Whoever has an address verified, here or at the
// service, owns it. And what is not verified on both sides never opens an
// account: the person proves the address here first.
package linking

import (
	"fmt"
	"strings"
)

// Here says what is known here of the address that the service gave.
type Here string

// What is known here.
const (
	// Unknown: nobody has it. An address that was added and never verified is
	// nobody's.
	Unknown Here = "nobody's"
	// Claimed: a sign-up took it without proof, so the account may be a
	// stranger's who waits for the owner.
	Claimed Here = "claimed"
	// Verified: its owner has an account, or the host has made one for them.
	Verified Here = "verified"
	// Own: it is the address, verified or not, of who is signed in.
	Own Here = "own"
)

// A Case is what decides.
type Case struct {
	// Here is about the account that has the address.
	Here Here
	// There: the service has verified the address.
	There bool
	// Password: that account has a password.
	Password bool
	// Session: somebody is signed in and connects an account.
	Session bool
}

// An Outcome is what happens.
type Outcome string

// The outcomes.
const (
	// SignUp: a new account, whose address counts as verified if it is there.
	SignUp Outcome = "new account"
	// Link: the external account is added and the person is signed in.
	Link Outcome = "linked"
	// TakeOver: the person owns the address. All that was set in the account
	// before goes: password, sessions, other addresses, external accounts,
	// passkeys, second factors. Then as Link.
	TakeOver Outcome = "taken over"
	// Prove: the person shows a factor of the account here. Then as Link.
	Prove Outcome = "prove it here"
	// Connect: the external account is added to who is signed in, with its
	// address if that is verified there.
	Connect Outcome = "connected"
	// ConnectBare: it is added without its address, which proves nothing.
	ConnectBare Outcome = "connected without address"
	// Refuse: the address is somebody else's.
	Refuse Outcome = "refused"
)

// A Rule is one row of [Table].
type Rule struct {
	Case    Case
	Outcome Outcome
	// WayOut is what a person does who wanted something else.
	WayOut string
}

const (
	signInFirst = "sign in to the account here, by code or password, and the external account is linked"
	byCode      = "verify the address by a code"
	forget      = "none is needed: the account is the owner's, who sets a new password if one is wanted"
	other       = "sign in as the other user and remove the address there, or connect it there"
)

// Table has one row for every case.
var Table = []Rule{
	{Case{Unknown, true, false, false}, SignUp, ""},
	{Case{Unknown, false, false, false}, SignUp, byCode},
	{Case{Claimed, true, false, false}, TakeOver, forget},
	{Case{Claimed, true, true, false}, TakeOver, forget},
	{Case{Claimed, false, false, false}, Prove, signInFirst},
	{Case{Claimed, false, true, false}, Prove, signInFirst},
	{Case{Verified, true, false, false}, Link, ""},
	{Case{Verified, true, true, false}, Link, ""},
	{Case{Verified, false, false, false}, Prove, signInFirst},
	{Case{Verified, false, true, false}, Prove, signInFirst},

	{Case{Own, true, false, true}, Connect, ""},
	{Case{Own, true, true, true}, Connect, ""},
	{Case{Own, false, false, true}, ConnectBare, byCode},
	{Case{Own, false, true, true}, ConnectBare, byCode},
	{Case{Unknown, true, false, true}, Connect, ""},
	{Case{Unknown, false, false, true}, ConnectBare, byCode},
	{Case{Claimed, true, false, true}, Refuse, other},
	{Case{Claimed, true, true, true}, Refuse, other},
	{Case{Claimed, false, false, true}, ConnectBare, other},
	{Case{Claimed, false, true, true}, ConnectBare, other},
	{Case{Verified, true, false, true}, Refuse, other},
	{Case{Verified, true, true, true}, Refuse, other},
	{Case{Verified, false, false, true}, ConnectBare, other},
	{Case{Verified, false, true, true}, ConnectBare, other},
}

// Decide looks a case up. A case that cannot be is refused.
func Decide(c Case) Rule {
	if c.Here == Unknown {
		c.Password = false // nobody has none
	}
	for _, r := range Table {
		if r.Case == c {
			return r
		}
	}
	return Rule{Case: c, Outcome: Refuse, WayOut: other}
}

// Markdown is the table for documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| address here | verified there | password here | signed in | outcome | way out |\n|---|---|---|---|---|---|\n")
	yes := map[bool]string{true: "yes", false: "no"}
	for _, r := range Table {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.Case.Here, yes[r.Case.There], yes[r.Case.Password], yes[r.Case.Session], r.Outcome, r.WayOut)
	}
	return b.String()
}
