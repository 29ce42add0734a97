package ticket

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
)

// A Status says what a ticket is good for.
type Status string

// A ticket begins pending; the other statuses are final. Expired is never
// stored, see [Ticket.StatusAt].
const (
	Pending  Status = "pending"
	Accepted Status = "accepted"
	Revoked  Status = "revoked"
	Expired  Status = "expired"
)

// Transitions is the table of all changes of status.
var Transitions = map[Status][]Status{Pending: {Accepted, Revoked, Expired}}

// A Kind is what a ticket is for. It is the prefix of the record's ID.
type Kind string

// The kinds of tickets.
const (
	SignInKind     Kind = "sit" // signs its user in
	ActorKind      Kind = "act" // signs somebody in as another user
	InvitationKind Kind = "inv" // lets an address sign up
	// OrganizationKind is an invitation to an organization. Its record is an
	// [organization.Invitation].
	OrganizationKind Kind = "orginv"
)

// codes are what the holder of a ticket, or the host, is told.
var codes = map[Kind]struct{ used, revoked, elsewhere, late string }{
	SignInKind:     {"sign_in_token_already_used_code", "sign_in_token_revoked_code", "sign_in_token_cannot_be_used_code", "sign_in_token_cannot_be_revoked_code"},
	ActorKind:      {"actor_token_already_used_code", "actor_token_revoked_code", "actor_token_cannot_be_used_code", "actor_token_cannot_be_revoked_code"},
	InvitationKind: {"invitation_already_accepted", "revoked_invitation", "invitation_account_not_exists", "invitation_already_accepted"},
	// Clerk's <SignIn/> goes over to signing up for invitation_account_not_exists.
	OrganizationKind: {"organization_invitation_already_accepted", "organization_invitation_revoked_code", "invitation_account_not_exists", "organization_invitation_not_pending"},
}

// A Ticket is the part that all kinds share: the hash of the secret, and how
// far it is.
type Ticket struct {
	Hash     []byte    `json:"hash"`
	Status   Status    `json:"status"`
	ExpireAt time.Time `json:"expire_at"`
	// SettledAt is when it was used or revoked.
	SettledAt time.Time `json:"settled_at,omitzero"`
}

const (
	secretSize = 32
	maxWire    = 256
)

// draw makes a ticket for the record with the given ID, and what it travels as.
func draw(id string, lifetime time.Duration, now time.Time) (Ticket, string) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	hash := sha256.Sum256(secret)
	return Ticket{Hash: hash[:], Status: Pending, ExpireAt: now.Add(lifetime)},
		id + "." + base64.RawURLEncoding.EncodeToString(secret)
}

// Parse takes apart what a ticket travels as. It says nothing of whether there
// is such a ticket.
func Parse(wire string) (id string, secret []byte, ok bool) {
	if len(wire) > maxWire {
		return "", nil, false
	}
	id, text, ok := strings.Cut(wire, ".")
	if !ok || codes[KindOf(id)].used == "" {
		return "", nil, false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(secret) != secretSize || len(text) != base64.RawURLEncoding.EncodedLen(secretSize) { // decoding skips line ends
		return "", nil, false
	}
	return id, secret, true
}

// KindOf is the kind of the ticket in the record with the given ID.
func KindOf(id string) Kind {
	kind, _, _ := strings.Cut(id, "_")
	return Kind(kind)
}

// Is reports whether secret is the ticket's.
func (t *Ticket) Is(secret []byte) bool {
	hash := sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(hash[:], t.Hash) == 1
}

// StatusAt is the status at the time now: time alone ends a ticket.
func (t *Ticket) StatusAt(now time.Time) Status {
	if t.Status == Pending && !now.Before(t.ExpireAt) {
		return Expired
	}
	return t.Status
}

// Invalid is what is told of every ticket to who does not hold it.
func Invalid() error { return fault.New("ticket_invalid_code", "") }

// Unknown is what is told of a ticket of kind k that is nobody's, or not that of
// who brings it: the two are not told apart.
func Unknown(k Kind) error {
	if k == OrganizationKind {
		return fault.New("organization_invitation_not_found", "")
	}
	return Invalid()
}

// Elsewhere is what is told of a ticket of kind k that is used for something
// else than it is for.
func Elsewhere(k Kind) error { return fault.New(codes[k].elsewhere, "") }

// Usable says why the ticket is of no use at the time now; nil if it is. No
// field is blamed: clients show what is wrong with a field beside it, and there
// is none for tickets.
func (t *Ticket) Usable(k Kind, now time.Time) error {
	switch t.StatusAt(now) {
	case Accepted:
		return fault.New(codes[k].used, "")
	case Revoked:
		return fault.New(codes[k].revoked, "")
	case Expired:
		return fault.New("ticket_expired_code", "")
	}
	return nil
}

// Accept uses the ticket up. Of two who do so at once, one cannot store it.
func (t *Ticket) Accept(k Kind, now time.Time) error {
	if err := t.Usable(k, now); err != nil {
		return err
	}
	t.Spend(now)
	return nil
}

// Spend is Accept of a ticket that was found usable.
func (t *Ticket) Spend(now time.Time) { t.settle(Accepted, now) }

// Revoke takes the ticket back. One that is expired can be revoked: nothing
// changes for its holder.
func (t *Ticket) Revoke(k Kind, now time.Time) error {
	switch {
	case t.Status == Revoked && k == InvitationKind:
		return fault.New("invitation_already_revoked", "")
	case t.Status != Pending:
		return fault.New(codes[k].late, "")
	}
	t.settle(Revoked, now)
	return nil
}

func (t *Ticket) settle(to Status, now time.Time) {
	if !slices.Contains(Transitions[t.Status], to) {
		panic("ticket: no way from " + string(t.Status) + " to " + string(to))
	}
	t.Status, t.SettledAt = to, now
}
