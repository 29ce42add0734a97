package engine

import (
	"context"
	"encoding/json"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Members returns the members that f asks for and how many there are in all.
func (os Organizations) Members(ctx context.Context, id string, f organization.MemberFilter, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		list, total, err = members(ctx, tx, s, f, p)
		return err
	})
	return list, total, err
}

// OfUser returns a user's memberships, newest first, and how many there are in
// all.
func (os Organizations) OfUser(ctx context.Context, userID string, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		u, err := user.Get(ctx, tx, userID)
		if err != nil {
			return err
		}
		ms, n, err := organization.OfUser(ctx, tx, userID, p)
		if err != nil {
			return err
		}
		total = n
		list, err = viewOwn(ctx, tx, u, ms)
		return err
	})
	return list, total, err
}

// AllMemberships returns memberships of all organizations and how many there
// are in all.
func (os Organizations) AllMemberships(ctx context.Context, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		ms, n, err := organization.AllMemberships(ctx, tx, p)
		if err != nil {
			return err
		}
		total = n
		if list, err = viewOwn(ctx, tx, nil, ms); err != nil {
			return err
		}
		var ids []string
		for _, m := range ms {
			ids = append(ids, m.UserID)
		}
		us, err := usersByID(ctx, tx, compact(ids))
		for _, v := range list {
			v.User = us[v.UserID]
		}
		return err
	})
	return list, total, err
}

// Member returns a user's membership, or store.ErrNotFound.
func (os Organizations) Member(ctx context.Context, id, userID string) (v *MembershipView, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		v, err = memberOf(ctx, tx, s, userID)
		return err
	})
	return v, err
}

// AddMember makes a user a member.
func (os Organizations) AddMember(ctx context.Context, id string, n organization.NewMember) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.addMember(ctx, t, s, n)
		return err
	})
	return v, err
}

// SetRole gives a member another role.
func (os Organizations) SetRole(ctx context.Context, id, userID, role string) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.setRole(ctx, t, s, userID, role)
		return err
	})
	return v, err
}

// RemoveMember takes a member out.
func (os Organizations) RemoveMember(ctx context.Context, id, userID string) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.removeMember(ctx, t, s, userID)
		return err
	})
	return v, err
}

// SetMemberMetadata replaces a membership's metadata, or merges patches into
// it; nil leaves one.
func (os Organizations) SetMemberMetadata(ctx context.Context, id, userID string, public, private json.RawMessage, merge bool) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if v, err = memberOf(ctx, t, s, userID); err != nil {
			return err
		}
		return organization.SetMetadata(ctx, t, v.Membership, public, private, merge, t.now)
	})
	return v, err
}

// Invite invites people: all of them, or, if one cannot be, nobody. origin is
// where the site is as the host is called.
func (os Organizations) Invite(ctx context.Context, id, origin string, ps []InviteParams) (list []*InvitationView, err error) {
	if len(ps) > MaxBulkInvitations {
		return nil, fault.New("bulk_size_exceeded", "")
	}
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		list, err = os.e.inviteAll(ctx, t, s, ps, Request{Site: origin})
		return err
	})
	return list, err
}

// Invitations returns the invitations that f asks for and how many there are in
// all.
func (os Organizations) Invitations(ctx context.Context, f organization.InvitationFilter, p organization.Page) (list []*InvitationView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		if f.OrganizationID != "" {
			if _, err := organization.Get(ctx, tx, f.OrganizationID); err != nil {
				return err
			}
		}
		is, n, err := organization.Invitations(ctx, tx, f, p, os.e.now())
		if err != nil {
			return err
		}
		total = n
		list, err = os.e.viewInvitations(ctx, tx, is)
		return err
	})
	return list, total, err
}

// InvitationsOfUser returns the invitations to addresses of a user and how many
// there are in all.
func (os Organizations) InvitationsOfUser(ctx context.Context, userID string, statuses []organization.Status, p organization.Page) ([]*InvitationView, int, error) {
	u, err := os.e.Users().Get(ctx, userID)
	if err != nil {
		return nil, 0, err
	}
	own := verifiedCanonical(u)
	if len(own) == 0 {
		return nil, 0, nil
	}
	return os.Invitations(ctx, organization.InvitationFilter{Addresses: own, Statuses: statuses}, p)
}

// Invitation returns an invitation of an organization, or store.ErrNotFound.
func (os Organizations) Invitation(ctx context.Context, id, invitationID string) (v *InvitationView, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		i, err := invitationOf(ctx, tx, s.org, invitationID)
		if err != nil {
			return err
		}
		vs, err := os.e.viewInvitations(ctx, tx, []*organization.Invitation{i})
		if err == nil {
			v = vs[0]
		}
		return err
	})
	return v, err
}

// RevokeInvitation takes an invitation back. by, if not empty, is a member who
// must have the right to.
func (os Organizations) RevokeInvitation(ctx context.Context, id, invitationID, by string) (v *InvitationView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if by != "" {
			m, err := organization.GetMembership(ctx, t, s.org.ID, by)
			if err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "requesting_user_id"))
			}
			if err := s.roles.Allow(m.Role, organization.ManageMemberships); err != nil {
				return err
			}
		}
		v, err = os.e.revokeInvitation(ctx, t, s, invitationID)
		return err
	})
	return v, err
}
