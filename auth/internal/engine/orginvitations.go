package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// MaxBulkInvitations is how many people one request may invite.
const MaxBulkInvitations = 10

// An InvitationView is an invitation with all that is shown beside it.
type InvitationView struct {
	*organization.Invitation
	Organization *organization.Organization
	Role         *organization.Role // nil: gone
	Inviter      *user.User         // nil: the host, or gone
	// URL carries the ticket; only who has just made the invitation knows both.
	Ticket, URL string
	Now         time.Time
}

// InviteParams say who is invited, and how.
type InviteParams struct {
	EmailAddress, Role, InviterID, RedirectURL string
	PublicMetadata, PrivateMetadata            []byte
	Days                                       int  // 0: the usual
	Silent                                     bool // no mail
}

// Invite invites people to an organization: all of them, or, if one cannot be,
// nobody. The refusal names the addresses.
func (e *Engine) Invite(ctx context.Context, a *Actor, id string, ps []InviteParams) (list []*InvitationView, err error) {
	if len(ps) > MaxBulkInvitations {
		return nil, fault.New("bulk_size_exceeded", "email_address")
	}
	if err := e.allow("invite", a.Browser.Addr, e.Settings(ctx).Limits.CreateSignUp); err != nil {
		return nil, err
	}
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) (err error) {
		list, err = e.inviteAll(ctx, t, s, ps, a.Browser.Request)
		return err
	})
	return list, err
}

func (e *Engine) inviteAll(ctx context.Context, t *txn, s *scope, ps []InviteParams, by Request) ([]*InvitationView, error) {
	var list []*InvitationView
	for _, p := range ps {
		v, err := e.inviteMember(ctx, t, s, p, by)
		if errors.Is(err, organization.ErrInvited) || errors.Is(err, organization.ErrAlreadyMember) {
			err = fault.From(err).With("email_addresses", []string{p.EmailAddress})
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (e *Engine) inviteMember(ctx context.Context, t *txn, s *scope, p InviteParams, by Request) (*InvitationView, error) {
	if err := s.allowRoles(p.Role); err != nil {
		return nil, err
	}
	inviter := s.user
	if inviter == nil && p.InviterID != "" {
		m, err := organization.GetMembership(ctx, t, s.org.ID, p.InviterID)
		if err != nil {
			return nil, missingAs(err, fault.New("form_resource_not_found", "inviter_user_id"))
		}
		if err := s.roles.AllowRoles(m.Role, p.Role); err != nil {
			return nil, err
		}
		if inviter, err = user.Get(ctx, t, p.InviterID); missingAs(err, nil) != nil {
			return nil, err
		}
	}
	n := organization.NewInvitation{EmailAddress: p.EmailAddress, Role: p.Role, RedirectURL: p.RedirectURL, Days: p.Days,
		PublicMetadata: p.PublicMetadata, PrivateMetadata: p.PrivateMetadata}
	if inviter != nil {
		n.InviterID = inviter.ID
	}
	if u, err := user.ByIdentifier(ctx, t, p.EmailAddress); err == nil {
		if _, err := organization.GetMembership(ctx, t, s.org.ID, u.ID); err == nil {
			return nil, organization.ErrAlreadyMember
		} else if missingAs(err, nil) != nil {
			return nil, err
		}
	} else if missingAs(err, nil) != nil {
		return nil, err
	}
	i, wire, err := organization.Invite(ctx, t, s.org, s.roles, n, t.now)
	if err != nil {
		return nil, err
	}
	v := viewInvitation(s, i, inviter, t.now)
	v.Ticket, v.URL = wire, e.TicketURL(by.Site, wire)
	if p.Silent {
		return v, nil
	}
	if s.user != nil { // who may be a stranger with an organization made for it
		if err := e.countMail(ctx, t, i.EmailAddress, by); err != nil {
			return nil, err
		}
	}
	d := notify.Data{ActionURL: v.URL, OrganizationName: s.org.Name, Email: i.EmailAddress}
	if inviter != nil {
		d.InviterName = inviter.Name()
	}
	return v, e.enqueue(ctx, t, outMail{Slug: notify.OrganizationInvitation, To: i.EmailAddress, GoodUntil: i.ExpireAt, Data: d})
}

func viewInvitation(s *scope, i *organization.Invitation, inviter *user.User, now time.Time) *InvitationView {
	return &InvitationView{Invitation: i, Organization: s.org, Role: s.roles.Role(i.Role), Inviter: inviter, Now: now}
}

// viewInvitations adds to invitations of any organizations what is shown.
func (e *Engine) viewInvitations(ctx context.Context, tx store.Tx, is []*organization.Invitation) ([]*InvitationView, error) {
	if len(is) == 0 {
		return nil, nil
	}
	var orgs, people []string
	for _, i := range is {
		orgs, people = append(orgs, i.OrganizationID), append(people, i.InviterID)
	}
	os, err := organization.GetAll(ctx, tx, compact(orgs)...)
	if err != nil {
		return nil, err
	}
	us, err := usersByID(ctx, tx, compact(people))
	if err != nil {
		return nil, err
	}
	roles, err := organization.LoadRoles(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []*InvitationView
	for _, i := range is {
		if o := os[i.OrganizationID]; o != nil {
			out = append(out, viewInvitation(&scope{org: o, roles: roles}, i, us[i.InviterID], e.now()))
		}
	}
	return out, nil
}

// compact sorts IDs, each once, and leaves out empty ones.
func compact(ids []string) []string {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > 0 && ids[0] == "" {
		ids = ids[1:]
	}
	return ids
}

// OrganizationInvitations returns the invitations of an organization and how
// many there are in all.
func (e *Engine) OrganizationInvitations(ctx context.Context, a *Actor, id string, statuses []organization.Status, p organization.Page) (list []*InvitationView, total int, err error) {
	err = e.look(ctx, a, id, organization.ManageMemberships, func(tx store.Tx, s *scope) error {
		is, n, err := organization.Invitations(ctx, tx, organization.InvitationFilter{OrganizationID: s.org.ID, Statuses: statuses}, p, e.now())
		if err != nil {
			return err
		}
		total = n
		list, err = e.viewInvitations(ctx, tx, is)
		return err
	})
	return list, total, err
}

// RevokeInvitation takes an invitation back.
func (e *Engine) RevokeInvitation(ctx context.Context, a *Actor, id, invitationID string) (v *InvitationView, err error) {
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) (err error) {
		v, err = e.revokeInvitation(ctx, t, s, invitationID)
		return err
	})
	return v, err
}

func (e *Engine) revokeInvitation(ctx context.Context, t *txn, s *scope, id string) (*InvitationView, error) {
	i, err := invitationOf(ctx, t, s.org, id)
	if err != nil {
		return nil, err
	}
	if err := organization.Revoke(ctx, t, s.org, i, t.now); err != nil {
		return nil, err
	}
	return viewInvitation(s, i, nil, t.now), nil
}

// invitationOf reads an invitation of an organization. That of another is not
// found.
func invitationOf(ctx context.Context, tx store.Tx, o *organization.Organization, id string) (*organization.Invitation, error) {
	i, err := organization.GetInvitation(ctx, tx, id)
	if err == nil && i.OrganizationID != o.ID {
		err = store.ErrNotFound
	}
	return i, missingAs(err, fault.New("resource_not_found", ""))
}

// MyInvitations returns the invitations to addresses that are the actor's own,
// newest first.
func (e *Engine) MyInvitations(ctx context.Context, a *Actor, statuses []organization.Status, p organization.Page) (list []*InvitationView, total int, err error) {
	if !e.Settings(ctx).Organizations.Enabled {
		return nil, 0, nil
	}
	own := verifiedCanonical(a.User)
	if len(own) == 0 {
		return nil, 0, nil
	}
	err = e.view(ctx, func(tx store.Tx) error {
		is, n, err := organization.Invitations(ctx, tx, organization.InvitationFilter{Addresses: own, Statuses: statuses}, p, e.now())
		if err != nil {
			return err
		}
		total = n
		list, err = e.viewInvitations(ctx, tx, is)
		return err
	})
	return list, total, err
}

// verifiedCanonical are the addresses that a user has shown to own.
func verifiedCanonical(u *user.User) []string {
	var out []string
	for _, id := range u.EmailAddresses {
		if id.Verified {
			out = append(out, id.Canonical)
		}
	}
	return out
}

// AcceptInvitation makes the actor a member. The invitation must be to an
// address that the actor has shown to own: to everybody else it does not exist.
func (e *Engine) AcceptInvitation(ctx context.Context, a *Actor, id string) (v *InvitationView, err error) {
	err = e.asActor(ctx, a, func(t *txn, u *user.User) error {
		i, err := organization.GetInvitation(ctx, t, id)
		if err != nil {
			return missingAs(err, fault.New("resource_not_found", ""))
		}
		if !slices.Contains(verifiedCanonical(u), i.Canonical) {
			return fault.New("resource_not_found", "")
		}
		v, err = e.acceptInvitation(ctx, t, i, u)
		return err
	})
	return v, err
}

// acceptInvitation makes u a member in t. The user is written too, like with
// every new member.
func (e *Engine) acceptInvitation(ctx context.Context, t *txn, i *organization.Invitation, u *user.User) (*InvitationView, error) {
	o, err := organization.Get(ctx, t, i.OrganizationID)
	if err != nil {
		return nil, missingAs(err, fault.New("organization_invitation_to_deleted_organization", ""))
	}
	roles, err := organization.LoadRoles(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &scope{org: o, roles: roles}
	if _, err := organization.Accept(ctx, t, o, roles, i, u, t.now); err != nil {
		return nil, err
	}
	return viewInvitation(s, i, nil, t.now), user.Touch(ctx, t, u)
}

// acceptByTicket makes u a member by the invitation with the given ID, in the
// transaction that completes the sign-in or sign-up with its ticket, and returns
// the organization. An empty ID is none.
func (e *Engine) acceptByTicket(ctx context.Context, t *txn, id string, u *user.User) (organizationID string, err error) {
	if id == "" {
		return "", nil
	}
	p, err := e.pass(ctx, t, id)
	if err != nil {
		return "", missingAs(err, ticket.Unknown(ticket.OrganizationKind))
	}
	// A second factor takes its time: all may have changed meanwhile.
	if err := p.Ticket.Usable(p.Kind(), t.now); err != nil {
		return "", err
	}
	if !slices.Contains(verifiedCanonical(u), p.Canonical) {
		return "", fault.New("organization_invitation_identification_not_exist", "")
	}
	if _, err := e.acceptInvitation(ctx, t, p.Organization, u); err != nil {
		return "", err
	}
	return p.Organization.OrganizationID, nil
}

// InvitationByTicket looks at the invitation that a ticket is for, without
// using it. All that is no ticket of an invitation is not found.
func (e *Engine) InvitationByTicket(ctx context.Context, wire string) (v *InvitationView, err error) {
	unknown := fault.New("resource_not_found", "")
	id, secret, ok := organization.ParseTicket(wire)
	if !ok {
		return nil, unknown
	}
	err = e.view(ctx, func(tx store.Tx) error {
		i, err := organization.GetInvitation(ctx, tx, id)
		if err != nil {
			return missingAs(err, unknown)
		}
		if !i.Is(secret) {
			return unknown
		}
		vs, err := e.viewInvitations(ctx, tx, []*organization.Invitation{i})
		if err != nil {
			return err
		}
		if len(vs) == 0 {
			return fault.New("organization_invitation_to_deleted_organization", "")
		}
		v = vs[0]
		return nil
	})
	return v, err
}

// AcceptTicket makes the actor a member with the ticket that was mailed. Who
// holds it and has not shown to own the address must do that first.
func (e *Engine) AcceptTicket(ctx context.Context, a *Actor, wire string) (*InvitationView, error) {
	v, err := e.InvitationByTicket(ctx, wire)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(verifiedCanonical(a.User), v.Canonical) {
		return nil, fault.New("organization_invitation_identification_not_exist", "")
	}
	return e.AcceptInvitation(ctx, a, v.Invitation.ID)
}
