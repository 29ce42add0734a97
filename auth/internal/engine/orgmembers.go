package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// MyMemberships returns the actor's memberships, newest first, and how many
// there are in all.
func (e *Engine) MyMemberships(ctx context.Context, a *Actor, p organization.Page) (list []*MembershipView, total int, err error) {
	if !e.Settings(ctx).Organizations.Enabled {
		return nil, 0, nil
	}
	err = e.view(ctx, func(tx store.Tx) error {
		ms, n, err := organization.OfUser(ctx, tx, a.User.ID, p)
		if err != nil {
			return err
		}
		total = n
		list, err = viewOwn(ctx, tx, a.User, ms)
		return err
	})
	return list, total, err
}

// OrganizationMembers returns members and how many there are in all.
func (e *Engine) OrganizationMembers(ctx context.Context, a *Actor, id string, f organization.MemberFilter, p organization.Page) (list []*MembershipView, total int, err error) {
	err = e.look(ctx, a, id, organization.ReadMemberships, func(tx store.Tx, s *scope) (err error) {
		list, total, err = members(ctx, tx, s, f, p)
		return err
	})
	return list, total, err
}

func members(ctx context.Context, tx store.Tx, s *scope, f organization.MemberFilter, p organization.Page) ([]*MembershipView, int, error) {
	ms, n, err := organization.Members(ctx, tx, s.org, f, p)
	if err != nil {
		return nil, 0, err
	}
	list, err := viewMembers(ctx, tx, s, ms)
	return list, n, err
}

// AddMember makes a user a member.
func (e *Engine) AddMember(ctx context.Context, a *Actor, id, userID, role string) (v *MembershipView, err error) {
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) (err error) {
		v, err = e.addMember(ctx, t, s, organization.NewMember{UserID: userID, Role: role})
		return err
	})
	return v, err
}

// addMember makes a user a member. The user is written too, so that one who is
// being deleted is no member afterwards.
func (e *Engine) addMember(ctx context.Context, t *txn, s *scope, n organization.NewMember) (*MembershipView, error) {
	if err := s.allowRoles(n.Role); err != nil {
		return nil, err
	}
	u, err := user.Get(ctx, t, n.UserID)
	if err != nil {
		return nil, missingAs(err, fault.New("form_resource_not_found", "user_id"))
	}
	n.Profile = organization.ProfileOf(u)
	m, err := organization.Add(ctx, t, s.org, s.roles, n, t.now)
	if err != nil {
		return nil, err
	}
	if s.own == nil {
		u.NextOrganizationID = s.org.ID
	}
	return &MembershipView{Membership: m, Organization: s.org, Role: s.roles.Role(m.Role), User: u}, user.Touch(ctx, t, u)
}

// SetMemberRole gives a member another role.
func (e *Engine) SetMemberRole(ctx context.Context, a *Actor, id, userID, role string) (v *MembershipView, err error) {
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) (err error) {
		v, err = e.setRole(ctx, t, s, userID, role)
		return err
	})
	return v, err
}

func (e *Engine) setRole(ctx context.Context, t *txn, s *scope, userID, role string) (*MembershipView, error) {
	v, err := memberOf(ctx, t, s, userID)
	if err != nil {
		return nil, err
	}
	if err := s.allowRoles(role, v.Membership.Role); err != nil {
		return nil, err
	}
	if err := organization.ChangeRole(ctx, t, s.org, s.roles, v.Membership, role, t.now); err != nil {
		return nil, err
	}
	v.Role = s.roles.Role(v.Membership.Role)
	return v, t.changed(ctx, s.org, userID)
}

// memberOf reads a member. Who is none is not found.
func memberOf(ctx context.Context, tx store.Tx, s *scope, userID string) (*MembershipView, error) {
	m, err := organization.GetMembership(ctx, tx, s.org.ID, userID)
	if err != nil {
		return nil, missingAs(err, fault.New("resource_not_found", ""))
	}
	u, err := user.Get(ctx, tx, userID)
	if missingAs(err, nil) != nil {
		return nil, err
	}
	return &MembershipView{Membership: m, Organization: s.org, Role: s.roles.Role(m.Role), User: u}, nil
}

// RemoveMember takes a member out. Members may go themselves.
func (e *Engine) RemoveMember(ctx context.Context, a *Actor, id, userID string) (v *MembershipView, err error) {
	permission := organization.ManageMemberships
	if userID == a.User.ID {
		permission = ""
	}
	err = e.within(ctx, a, id, permission, func(t *txn, s *scope) (err error) {
		v, err = e.removeMember(ctx, t, s, userID)
		return err
	})
	return v, err
}

func (e *Engine) removeMember(ctx context.Context, t *txn, s *scope, userID string) (*MembershipView, error) {
	v, err := memberOf(ctx, t, s, userID)
	if err != nil {
		return nil, err
	}
	if userID != s.by() {
		if err := s.allowRoles(v.Membership.Role); err != nil {
			return nil, err
		}
	}
	if s.own != nil && userID == s.by() && e.lastSettings().Organizations.ForceSelection {
		_, n, err := organization.OfUser(ctx, t, userID, organization.Page{Limit: 1})
		if err != nil {
			return nil, err
		}
		if n <= 1 {
			return nil, fault.New("personal_accounts_not_allowed", "")
		}
		if err := user.Touch(ctx, t, s.user); err != nil { // the guard of how many are left
			return nil, err
		}
	}
	if err := organization.Remove(ctx, t, s.org, s.roles, v.Membership); err != nil {
		return nil, err
	}
	return v, t.changed(ctx, s.org, userID)
}

// leaveAll takes a user who is to be deleted out of every organization.
func (e *Engine) leaveAll(ctx context.Context, t *txn, userID string, keepManagers bool) error {
	roles, err := organization.LoadRoles(ctx, t)
	if err != nil {
		return missingAs(err, nil)
	}
	_, err = organization.RemoveUser(ctx, t, roles, userID, keepManagers)
	return err
}

// setActive stores which organization a session used last. It decides anew if
// somebody else has written the session meanwhile.
func (e *Engine) setActive(ctx context.Context, s *session.Session, organizationID string) (*session.Session, error) {
	if s.LastActiveOrganizationID == organizationID {
		return s, nil
	}
	var now *session.Session
	err := e.update(ctx, func(t *txn) (err error) {
		if now, err = session.Get(ctx, t, s.ID); err != nil {
			return err
		}
		if !now.LiveAt(t.now) {
			return fault.New("authentication_invalid", "")
		}
		now.LastActiveOrganizationID = organizationID
		if organizationID != "" && slices.Contains(now.Tasks, session.TaskChooseOrganization) {
			now.SetTasks(slices.DeleteFunc(now.Tasks, func(task string) bool { return task == session.TaskChooseOrganization }), t.now)
		}
		if err := session.Put(ctx, t, now); err != nil {
			return err
		}
		u, err := user.Get(ctx, t, now.UserID)
		if err != nil || u.NextOrganizationID == "" {
			return missingAs(err, nil)
		}
		u.NextOrganizationID = "" // the user has chosen
		return user.Touch(ctx, t, u)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fault.New("authentication_invalid", "")
	}
	return now, err
}
