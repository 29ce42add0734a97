// Package factor holds the ways in which a person shows who they are. Each is
// a [Strategy] in a file of its own, and the state machines of packages signin
// and signup know them only by that interface: a new way in is a new file and
// an entry in the [Set].
//
//	set := factor.NewSet(factor.Password{Hasher: h}, factor.EmailCode{Key: key})
//	options := set.Options(factor.First, subject) // what this person can use
//
// A strategy sees no store and no HTTP. Its slow work (hashing, calls) is done
// before the transaction and enters it as a [Fact], which says what it was
// judged against, so that the transaction can tell whether that still holds.
package factor

import (
	"context"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey"
)

// A Use is what a strategy can be used for; a set of bits.
type Use uint8

const (
	// First is the first factor of a sign-in.
	First Use = 1 << iota
	// Second is the second factor of a sign-in.
	Second
	// Reset is a first factor that leads to a new password.
	Reset
	// Verify shows that an address is one's own, at sign-up or in a profile.
	Verify
)

// Traits say what a strategy is like.
type Traits struct {
	// Name is the strategy's name on the wire, such as email_code.
	Name string
	Uses Use
	// Prepare: the strategy must be prepared before it is attempted.
	Prepare bool
	// Field is the form field that says which of the user's identifiers to
	// use, such as email_address_id; empty if there is no choice.
	Field string
	// Attribute is what [Verify] verifies, such as email_address.
	Attribute string
	// Proof is the form field that a proof comes in, such as code or password.
	Proof string
	// Identifies: the proof itself says whose it is, as a passkey does, so that
	// nobody need be named before. Options then offers it to a Subject without
	// a User too.
	Identifies bool
	// Elsewhere: the proof is not given in a form but by a mailed link that is
	// opened. Whoever prepares it says where the browser goes on.
	Elsewhere bool
}

// A Strategy is a way to show who one is.
type Strategy interface {
	Traits() Traits
	// Options lists what the strategy could challenge s with; none if it does
	// not suit.
	Options(s Subject) []Option
	// Prepare draws what a challenge needs, such as a code. It changes nothing.
	Prepare(ctx context.Context, c Challenge) (Prepared, error)
	// Verify judges a proof. A wrong proof is a Fact that is not OK; an error
	// means that nothing was judged. It may be slow.
	Verify(ctx context.Context, c Challenge, p Proof) (Fact, error)
	// Confirm is asked inside the transaction that acts on f, with s as stored
	// there: nil if f is a right proof and still holds for s, or what the
	// person is told. It is fast. Prepared challenges are settled as well, see
	// [Settle].
	Confirm(f Fact, s Subject) error
}

// A Spender is a strategy whose proofs are used up: a backup code, the step of
// a one-time password, the counter of a passkey. Once a fact is confirmed,
// Spend writes that down in the records of s, and they are stored in the same
// transaction.
type Spender interface {
	Strategy
	Spend(f Fact, s Subject, now time.Time)
}

// A Namer is a strategy that identifies and whose proofs tell, before they are
// judged, whose they claim to be: the claim is nothing yet.
type Namer interface {
	Strategy
	// Claims returns the ID of the user that a proof names, or nothing.
	Claims(p Proof) string
}

// A Subject is who is challenged.
type Subject struct {
	// User is nil if there is none: an address of a sign-up is challenged, or an
	// identifier that nobody has.
	User     *user.User
	Password *user.Password // nil: none
	// Second are the secrets of the user's second factors; nil: none.
	Second *user.SecondFactors
	// Ticket is the one that is brought, as stored; nil: none.
	Ticket   *ticket.Pass
	Settings *settings.Settings
	// Arriving is the key of the provider of which User is about to be given an
	// account; empty: none.
	Arriving string
}

// An Option is one thing that a person could be challenged with.
type Option struct {
	Strategy string
	// TargetID and Target are the identification used, if there is one.
	TargetID, Target string
	Primary          bool
	// Default: of several second factors it is the one to offer first.
	Default bool
	// Uses narrows what the strategy's option is good for; 0 is all that the
	// strategy is.
	Uses Use
}

// A Status says how far a verification is.
type Status string

// The statuses of a verification. All but Unverified are final.
const (
	Unverified Status = "unverified"
	Verified   Status = "verified"
	Failed     Status = "failed"
	Expired    Status = "expired"
	// Transferable: the proof is right, and speaks for nobody who has an account
	// here, or for somebody who has one already. A sign-up, or a sign-in, can
	// take it over.
	Transferable Status = "transferable"
)

// A Verification is one challenge, as it is stored inside an attempt or beside
// an address.
type Verification struct {
	ID       string `json:"id"`
	Strategy string `json:"strategy"`
	Status   Status `json:"status"`
	Attempts int    `json:"attempts"`
	// TargetID and Target are what is verified.
	TargetID string `json:"target_id,omitempty"`
	Target   string `json:"target,omitempty"`
	// Secret is what a proof is compared with: a keyed hash, never the code.
	Secret     []byte    `json:"secret,omitempty"`
	SentAt     time.Time `json:"sent_at,omitzero"`
	ExpireAt   time.Time `json:"expire_at,omitzero"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	// Nonce is what the person's device is given to answer, such as the options
	// of a passkey; RedirectURL is where the browser is sent for the proof.
	Nonce       string `json:"nonce,omitempty"`
	RedirectURL string `json:"redirect_url,omitempty"`
	// Error is the code of why it failed somewhere else than in an answer.
	Error string `json:"error,omitempty"`
	// ErrorSessionID is the session that an Error of somebody who is signed in
	// already speaks of.
	ErrorSessionID string `json:"error_session_id,omitempty"`
	// ClientID is the client on which it was verified, if that is told.
	ClientID string `json:"client_id,omitempty"`
}

// StatusAt is the status at the time now: time alone ends a verification.
func (v *Verification) StatusAt(now time.Time) Status {
	if v.Status == Unverified && !v.ExpireAt.IsZero() && !now.Before(v.ExpireAt) {
		return Expired
	}
	return v.Status
}

// A Challenge is what a strategy prepares or judges.
type Challenge struct {
	Option  Option
	Subject Subject
	// Verification is what was prepared; nil in Prepare and for strategies
	// that need none.
	Verification *Verification
	// Away is what a browser that is sent to another service takes along.
	Away oauth.Request
	Now  time.Time
}

// Prepared is the outcome of [Strategy.Prepare].
type Prepared struct {
	Verification Verification
	Send         *Send // nil: nothing to send
}

// Send is a message that carries a code to a person.
type Send struct {
	Slug     string // which template
	To       string
	Code     string
	ExpireAt time.Time
	// SMS: it is a text message, and To a phone number.
	SMS bool
	// Token is what a link carries in place of a code; VerificationID is the
	// challenge that it is for.
	Token, VerificationID string
	// Away: nothing is sent but the browser, to another service.
	Away *Away
}

// A Proof is what a person gives.
type Proof struct {
	Code     string
	Password string
	// Credential is the JSON text of a WebAuthn PublicKeyCredential.
	Credential string
	// Ticket is the text of a ticket, Token that of a mailed link.
	Ticket string
	Token  string
	// Account is the identifier that was asked for, whoever has it.
	Account string
}

// Get returns what came in a form field, as [Traits.Proof] names it.
func (p Proof) Get(field string) string {
	switch field {
	case "code":
		return p.Code
	case "password":
		return p.Password
	case "public_key_credential":
		return p.Credential
	case "ticket":
		return p.Ticket
	}
	return ""
}

// A Fact is what [Strategy.Verify] found.
type Fact struct {
	Strategy string
	OK       bool
	// VerificationID is the challenge that was judged, if it was prepared.
	VerificationID string
	// UserID is whose proof was judged, where the strategy knows.
	UserID string
	// TicketID is the ticket that was judged.
	TicketID string
	// PasswordHash is the hash of the password that was judged. A version would
	// not do: it begins anew with every record.
	PasswordHash string
	// Rehash is a better hash of the right password, to be stored.
	Rehash string
	// AppID and Step are the authenticator app whose code was judged, and the
	// code's time step.
	AppID string
	Step  int64
	// Slot and CodeHash are those of the backup code that was judged.
	Slot, CodeHash string
	// Passkey is the passkey that was judged, as it was then, and Seen what its
	// device told.
	Passkey user.Passkey
	Seen    passkey.Seen
	// Breached: the password is right, and known to others.
	Breached bool
	// Second says that the proof stands for a second factor as well.
	Second bool
	// ClientID is the client on which the proof was given, if it may be another
	// one than the challenge's.
	ClientID string
}

// A Set holds the strategies of an instance, in the order they are offered.
type Set struct{ list []Strategy }

// NewSet returns a set of strategies.
func NewSet(list ...Strategy) Set { return Set{list} }

// Get returns the strategy with the given name.
func (s Set) Get(name string) (Strategy, bool) {
	for _, st := range s.list {
		if st.Traits().Name == name {
			return st, true
		}
	}
	return nil, false
}

// Fields lists the form fields that name what a strategy is to use.
func (s Set) Fields() []string {
	var out []string
	for _, st := range s.list {
		if f := st.Traits().Field; f != "" && !contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// Options lists what the strategies for any of the uses could challenge the
// subject with.
func (s Set) Options(uses Use, subject Subject) []Option {
	var out []Option
	for _, st := range s.list {
		out = append(out, Offered(st, uses, subject)...)
	}
	return out
}

// Offered lists what one strategy could challenge the subject with for any of
// the uses.
func Offered(st Strategy, uses Use, subject Subject) []Option {
	if st.Traits().Uses&uses == 0 {
		return nil
	}
	return slices.DeleteFunc(st.Options(subject), func(o Option) bool { return o.Uses != 0 && o.Uses&uses == 0 })
}

// Verifying lists the names of the strategies that verify an attribute and are
// switched on for it.
func (s Set) Verifying(attribute string, on []string) []string {
	var out []string
	for _, st := range s.list {
		t := st.Traits()
		if t.Uses&Verify != 0 && t.Attribute == attribute && contains(on, t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
