package organization

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Status says how far an invitation, a request or a suggestion is.
type Status string

// The statuses. Pending is the first; the others are final. Expired is stored
// only once somebody noticed, see [Invitation.StatusAt].
const (
	Pending  Status = "pending"
	Accepted Status = "accepted"
	Revoked  Status = "revoked"
	Expired  Status = "expired"
	Rejected Status = "rejected"
)

// Transitions is the table of all changes of the status of an invitation.
var Transitions = map[Status][]Status{Pending: {Accepted, Revoked, Expired}}

const (
	// InvitationDays is how long an invitation is good if nothing is asked.
	InvitationDays = 30
	// MaxInvitationDays is the longest that can be asked.
	MaxInvitationDays = 365
	// keepInvitations is how long they can be listed after they ran out.
	keepInvitations = 365 * 24 * time.Hour
	secretSize      = 32
)

// An Invitation offers somebody who owns an address a place in an organization.
// The ticket that is mailed has 256 bits, of which only the hash is kept.
type Invitation struct {
	store.Meta
	OrganizationID string `json:"organization_id"`
	EmailAddress   string `json:"email_address"`
	Canonical      string `json:"canonical"`
	Role           string `json:"role"`
	Status         Status `json:"status"`
	// InviterID is who invites; empty: the host, or a domain.
	InviterID string `json:"inviter_id,omitempty"`
	// DomainID is the domain that invites by itself.
	DomainID string `json:"domain_id,omitempty"`
	// PublicMetadata and PrivateMetadata go to the membership.
	PublicMetadata  json.RawMessage `json:"public_metadata,omitempty"`
	PrivateMetadata json.RawMessage `json:"private_metadata,omitempty"`
	// RedirectURL is where the link leads; empty: to the instance's own pages.
	RedirectURL string    `json:"redirect_url,omitempty"`
	TicketHash  []byte    `json:"ticket_hash,omitempty"`
	UserID      string    `json:"user_id,omitempty"` // who accepted it
	ExpireAt    time.Time `json:"expire_at"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// InvitationKind is where invitations are kept. They hold hashes of secrets, so
// they are sealed.
var InvitationKind = &store.Kind{Name: "organization_invitation", Sealed: true, Indexes: []store.Index{
	{Name: "open", Unique: true}, // organization/address while it is pending
	{Name: "by_org"},             // organization/time
	{Name: "by_status"},          // organization/status/time
	{Name: "by_address"},         // address/status/time
	{Name: "created_at"}, {Name: "status"}, {Name: "expire_at"},
	{Name: "email"},
	{Name: "custom_role"}, // a role that could be deleted, while it is pending
	{Name: "domain"},      // domain/status
}}

var invitations = store.Table[Invitation, *Invitation]{Kind: InvitationKind}

// StoreEntries lists what an invitation is found by.
func (i *Invitation) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "by_org", Value: timed(i.OrganizationID, i.CreatedAt)},
		{Index: "by_status", Value: timed(i.OrganizationID+"/"+string(i.Status), i.CreatedAt)},
		{Index: "by_address", Value: timed(i.Canonical+"/"+string(i.Status), i.CreatedAt)},
		{Index: "created_at", Value: store.TimeKey(i.CreatedAt)}, {Index: "status", Value: string(i.Status)},
		{Index: "expire_at", Value: store.TimeKey(i.ExpireAt)}, {Index: "email", Value: i.Canonical}}
	if i.DomainID != "" {
		es = append(es, store.Entry{Index: "domain", Value: i.DomainID + "/" + string(i.Status)})
	}
	if i.Status == Pending {
		es = append(es, store.Entry{Index: "open", Value: i.OrganizationID + "/" + i.Canonical})
		if i.Role != Admin && i.Role != Member {
			es = append(es, store.Entry{Index: "custom_role", Value: i.Role})
		}
	}
	return es
}

// StatusAt is the status at the time now: time alone ends an invitation.
func (i *Invitation) StatusAt(now time.Time) Status {
	if i.Status == Pending && !now.Before(i.ExpireAt) {
		return Expired
	}
	return i.Status
}

// NewInvitation is who is invited.
type NewInvitation struct {
	EmailAddress, Role, InviterID, DomainID, RedirectURL string
	PublicMetadata, PrivateMetadata                      json.RawMessage
	Days                                                 int // 0: InvitationDays
}

// Invite stores an invitation, which takes a seat while it is open, and returns
// what its ticket travels as. An address that has an open one is ErrInvited,
// one of a member is the caller's to refuse.
func Invite(ctx context.Context, tx store.Tx, o *Organization, r *Roles, n NewInvitation, now time.Time) (*Invitation, string, error) {
	id, err := user.NewEmailAddress(n.EmailAddress, now)
	if err != nil {
		return nil, "", err
	}
	role := r.Role(n.Role)
	if role == nil {
		return nil, "", ErrUnknownRole
	}
	if n.Days == 0 {
		n.Days = InvitationDays
	}
	if n.Days < 1 || n.Days > MaxInvitationDays {
		return nil, "", ErrExpiry
	}
	i := &Invitation{Meta: store.Meta{ID: store.NewID("orginv", now)}, OrganizationID: o.ID, EmailAddress: id.Value, Canonical: id.Canonical,
		Role: role.Key, Status: Pending, InviterID: n.InviterID, DomainID: n.DomainID, RedirectURL: n.RedirectURL,
		ExpireAt: now.Add(time.Duration(n.Days) * 24 * time.Hour), CreatedAt: now, UpdatedAt: now}
	i.Expires = i.ExpireAt.Add(keepInvitations)
	if i.PublicMetadata, err = user.CheckMetadata(n.PublicMetadata); err != nil {
		return nil, "", err
	}
	if i.PrivateMetadata, err = user.CheckMetadata(n.PrivateMetadata); err != nil {
		return nil, "", err
	}
	if err := makeRoom(ctx, tx, o, i.Canonical, now); err != nil {
		return nil, "", err
	}
	if err := r.assign(ctx, tx, role.Key); err != nil {
		return nil, "", err
	}
	secret := make([]byte, secretSize)
	rand.Read(secret)
	hash := sha256.Sum256(secret)
	i.TicketHash = hash[:]
	o.PendingInvitations++
	if err := guard(ctx, tx, o); err != nil {
		return nil, "", err
	}
	return i, i.ID + "." + base64.RawURLEncoding.EncodeToString(secret), invitations.Put(ctx, tx, i)
}

// makeRoom refuses an invitation for which there is no seat or which is open
// already. Those that have run out are cleared away where they are in the way.
func makeRoom(ctx context.Context, tx store.Tx, o *Organization, canonical string, now time.Time) error {
	have, err := invitations.By(ctx, tx, "open", o.ID+"/"+canonical)
	switch {
	case missing(err):
	case err != nil:
		return err
	case have.StatusAt(now) == Pending:
		return ErrInvited
	default:
		if err := settle(ctx, tx, o, have, Expired, now); err != nil {
			return err
		}
	}
	if o.Room() != 0 {
		return nil
	}
	if err := sweepInvitations(ctx, tx, o, now); err != nil {
		return err
	}
	if o.Room() == 0 {
		return ErrFull
	}
	return nil
}

// sweepInvitations notes of the open invitations of o which have run out, and
// frees their seats.
func sweepInvitations(ctx context.Context, tx store.Tx, o *Organization, now time.Time) error {
	if o.PendingInvitations == 0 {
		return nil
	}
	open, err := invitations.Find(ctx, tx, store.Query{Order: "by_status", Limit: sweepStep,
		Where: append(within("by_status", o.ID+"/"+string(Pending)), store.Match{Index: "expire_at", Op: store.Less, Values: []string{store.TimeKey(now.Add(time.Millisecond))}})})
	if err != nil {
		return err
	}
	for _, i := range open {
		if err := settle(ctx, tx, o, i, Expired, now); err != nil {
			return err
		}
	}
	return nil
}

// settle gives an open invitation a final status and frees the seat, in the
// guard too.
func settle(ctx context.Context, tx store.Tx, o *Organization, i *Invitation, to Status, now time.Time) error {
	i.Status, i.UpdatedAt = to, now
	o.PendingInvitations = max(0, o.PendingInvitations-1)
	if err := guard(ctx, tx, o); err != nil {
		return err
	}
	return invitations.Put(ctx, tx, i)
}

// Usable says why the invitation is good for nothing at the time now; nil if it
// is good.
func (i *Invitation) Usable(now time.Time) error {
	switch i.StatusAt(now) {
	case Accepted:
		return ErrInvitationAccepted
	case Revoked:
		return ErrInvitationRevoked
	case Pending:
		return nil
	}
	return ErrInvitationOver
}

// Revoke takes an open invitation back.
func Revoke(ctx context.Context, tx store.Tx, o *Organization, i *Invitation, now time.Time) error {
	if err := i.Usable(now); err != nil {
		return err
	}
	return settle(ctx, tx, o, i, Revoked, now)
}

// Accept makes the user a member, in the seat that the invitation kept, with
// its role and metadata. Who is a member already, by another address, stays what
// they are, and the invitation is used up. Of two who accept, or one who accepts
// and one who revokes, one cannot store it. Whose the address is the caller has
// made sure.
func Accept(ctx context.Context, tx store.Tx, o *Organization, r *Roles, i *Invitation, u *user.User, now time.Time) (*Membership, error) {
	if err := i.Usable(now); err != nil {
		return nil, err
	}
	i.UserID = u.ID
	if err := settle(ctx, tx, o, i, Accepted, now); err != nil {
		return nil, err
	}
	if m, err := GetMembership(ctx, tx, o.ID, u.ID); !missing(err) {
		return m, err
	}
	return add(ctx, tx, o, r, NewMember{UserID: u.ID, Role: i.Role, Profile: ProfileOf(u), PublicMetadata: i.PublicMetadata,
		PrivateMetadata: i.PrivateMetadata}, now)
}

// Is reports whether secret is the ticket's.
func (i *Invitation) Is(secret []byte) bool {
	hash := sha256.Sum256(secret)
	return len(i.TicketHash) == len(hash) && subtle.ConstantTimeCompare(hash[:], i.TicketHash) == 1
}

// ParseTicket takes apart what a ticket travels as. It says nothing of whether
// there is such an invitation.
func ParseTicket(wire string) (id string, secret []byte, ok bool) {
	id, text, ok := strings.Cut(wire, ".")
	if !ok || len(wire) > 256 || !strings.HasPrefix(id, "orginv_") || len(text) != base64.RawURLEncoding.EncodedLen(secretSize) {
		return "", nil, false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(secret) != secretSize {
		return "", nil, false
	}
	return id, secret, true
}

// GetInvitation returns the invitation with the given ID, or store.ErrNotFound.
func GetInvitation(ctx context.Context, tx store.Tx, id string) (*Invitation, error) {
	return invitations.Get(ctx, tx, id)
}

// invited reports whether a role of the host's own is in an open invitation.
func invited(ctx context.Context, tx store.Tx, role string, now time.Time) (bool, error) {
	is, err := invitations.Find(ctx, tx, store.Query{Limit: 1, Where: []store.Match{{Index: "custom_role", Values: []string{role}},
		{Index: "expire_at", Op: store.Greater, Values: []string{store.TimeKey(now)}}}})
	return len(is) > 0, err
}

// An InvitationFilter narrows a list of invitations; every field that is set
// must hold.
type InvitationFilter struct {
	OrganizationID string
	// Addresses are alternatives, in canonical form.
	Addresses []string
	Statuses  []Status // alternatives; none: all
	// EmailAddress is a whole address, Query a part of one.
	EmailAddress, Query string
}

// Invitations returns the invitations that f asks for and how many there are
// at the time now.
func Invitations(ctx context.Context, tx store.Tx, f InvitationFilter, p Page, now time.Time) ([]*Invitation, int, error) {
	statuses := slices.Compact(slices.Sorted(slices.Values(f.Statuses)))
	if len(statuses) < 2 {
		return invitationsOf(ctx, tx, f, p, now)
	}
	// One list per status, since time makes some of them, merged: a page of the
	// whole is in the first pages of each.
	var all []*Invitation
	total := 0
	first := Page{OrderBy: p.OrderBy}
	if p.Limit > 0 {
		first.Limit = p.Offset + p.Limit
	}
	for _, s := range statuses {
		f.Statuses = []Status{s}
		is, n, err := invitationsOf(ctx, tx, f, first, now)
		if err != nil {
			return nil, 0, err
		}
		all, total = append(all, is...), total+n
	}
	field, desc, _ := p.order("created_at", "email_address")
	slices.SortFunc(all, func(a, b *Invitation) int {
		if desc {
			a, b = b, a
		}
		if field == "email_address" {
			return cmp.Or(strings.Compare(a.Canonical, b.Canonical), strings.Compare(a.ID, b.ID))
		}
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	all = all[min(p.Offset, len(all)):]
	if p.Limit > 0 {
		all = all[:min(p.Limit, len(all))]
	}
	return all, total, nil
}

// invitationsOf is Invitations with one status, or any.
func invitationsOf(ctx context.Context, tx store.Tx, f InvitationFilter, p Page, now time.Time) ([]*Invitation, int, error) {
	_, desc, err := p.order("created_at", "email_address")
	if err != nil {
		return nil, 0, err
	}
	q := store.Query{Order: "created_at", Desc: desc, Offset: p.Offset, Limit: p.Limit}
	if strings.TrimLeft(p.OrderBy, "+- ") == "email_address" {
		q.Order = "email"
	}
	add := func(m ...store.Match) { q.Where = append(q.Where, m...) }
	if f.OrganizationID != "" {
		if q.Order == "created_at" {
			q.Order = "by_org"
		}
		add(within("by_org", f.OrganizationID)...)
	}
	if f.Addresses != nil {
		add(store.Match{Index: "email", Values: f.Addresses})
	}
	if f.EmailAddress != "" {
		canonical, err := user.CanonicalEmail(f.EmailAddress)
		if err != nil {
			return nil, 0, nil
		}
		add(store.Match{Index: "email", Values: []string{canonical}})
	}
	if t := user.Fold(f.Query); t != "" {
		add(store.Match{Index: "email", Op: store.Contains, Values: []string{t}})
	}
	if len(f.Statuses) == 1 {
		at := []string{store.TimeKey(now)}
		switch f.Statuses[0] {
		case Pending:
			if f.OrganizationID != "" && q.Order == "by_org" {
				q.Order = "by_status"
				add(within("by_status", f.OrganizationID+"/"+string(Pending))...)
			} else {
				add(store.Match{Index: "status", Values: []string{string(Pending)}})
			}
			add(store.Match{Index: "expire_at", Op: store.Greater, Values: at})
		case Expired: // noticed or not
			add(store.Match{Index: "status", Values: []string{string(Expired), string(Pending)}},
				store.Match{Index: "expire_at", Op: store.Less, Values: []string{store.TimeKey(now.Add(time.Millisecond))}})
		default:
			add(store.Match{Index: "status", Values: []string{string(f.Statuses[0])}})
		}
	}
	return invitations.Page(ctx, tx, q)
}
