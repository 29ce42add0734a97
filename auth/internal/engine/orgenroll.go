package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// enroll offers a user, in t, what the verified domains of the user's addresses
// offer: at each sign-in, and when a session is used.
func (e *Engine) enroll(ctx context.Context, t *txn, u *user.User) error {
	return e.offers(ctx, t, u, func(d *organization.Domain, address string) error {
		o, err := organization.Get(ctx, t, d.OrganizationID)
		if err != nil {
			return missingAs(err, nil)
		}
		roles, err := organization.LoadRoles(ctx, t)
		if err != nil {
			return err
		}
		return organization.Enroll(ctx, t, o, roles, d, u, address, t.now)
	})
}

// offers calls fn with each domain that has something new for u.
func (e *Engine) offers(ctx context.Context, tx store.Tx, u *user.User, fn func(d *organization.Domain, address string) error) error {
	set := e.lastSettings().Organizations
	if !set.Enabled || !set.Domains || len(set.EnrollmentModes) == 0 {
		return nil
	}
	for _, address := range verifiedCanonical(u) {
		d, err := organization.VerifiedDomain(ctx, tx, domainOf(address))
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if !slices.Contains(set.EnrollmentModes, d.EnrollmentMode) {
			continue
		}
		due, err := organization.Due(ctx, tx, d, u, address)
		if err != nil {
			return err
		}
		if due {
			if err := fn(d, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// enrollUser is enroll in a transaction of its own, which there is none of if
// there is nothing new.
func (e *Engine) enrollUser(ctx context.Context, userID string) error {
	due := false
	err := e.view(ctx, func(tx store.Tx) error {
		if set := e.lastSettings().Organizations; !set.Enabled || !set.Domains || len(set.EnrollmentModes) == 0 {
			return nil
		}
		u, err := user.Get(ctx, tx, userID)
		if err != nil {
			return missingAs(err, nil)
		}
		return e.offers(ctx, tx, u, func(*organization.Domain, string) error {
			due = true
			return nil
		})
	})
	if err != nil || !due {
		return err
	}
	return e.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return missingAs(err, nil)
		}
		return e.enroll(ctx, t, u)
	})
}

// A SuggestionView is a suggestion with the organization.
type SuggestionView struct {
	*organization.Suggestion
	Organization *organization.Organization
}

// MySuggestions returns which organizations are suggested to the actor, newest
// first, and how many there are in all.
func (e *Engine) MySuggestions(ctx context.Context, a *Actor, statuses []organization.Status, p organization.Page) (list []*SuggestionView, total int, err error) {
	if !e.Settings(ctx).Organizations.Enabled {
		return nil, 0, nil
	}
	err = e.view(ctx, func(tx store.Tx) error {
		ss, n, err := organization.Suggestions(ctx, tx, a.User.ID, statuses, p)
		if err != nil {
			return err
		}
		var ids []string
		for _, s := range ss {
			ids = append(ids, s.OrganizationID)
		}
		os, err := organization.GetAll(ctx, tx, ids...)
		list, total = nil, n
		for _, s := range ss {
			if o := os[s.OrganizationID]; o != nil {
				list = append(list, &SuggestionView{Suggestion: s, Organization: o})
			}
		}
		return err
	})
	return list, total, err
}

// AcceptSuggestion asks for membership of an organization that is suggested to
// the actor.
func (e *Engine) AcceptSuggestion(ctx context.Context, a *Actor, id string) (v *SuggestionView, err error) {
	err = e.asActor(ctx, a, func(t *txn, u *user.User) error {
		unknown := fault.New("resource_not_found", "")
		s, err := organization.GetSuggestion(ctx, t, id)
		if err != nil {
			return missingAs(err, unknown)
		}
		if s.UserID != u.ID {
			return unknown
		}
		o, err := organization.Get(ctx, t, s.OrganizationID)
		if err != nil {
			return missingAs(err, unknown)
		}
		d, err := organization.GetDomain(ctx, t, o.ID, s.DomainID)
		if err != nil {
			return missingAs(err, unknown)
		}
		if !d.Verified() || addressAt(u, d.Name) == "" { // either was so when it was made
			return unknown
		}
		v = &SuggestionView{Suggestion: s, Organization: o}
		_, err = organization.AcceptSuggestion(ctx, t, o, s, t.now)
		return err
	})
	return v, err
}

// A RequestView is a membership request with who asks.
type RequestView struct {
	*organization.Request
	User *user.User // nil: gone
}

// MembershipRequests returns the requests to join an organization and how many
// there are in all.
func (e *Engine) MembershipRequests(ctx context.Context, a *Actor, id string, status organization.Status, p organization.Page) (list []*RequestView, total int, err error) {
	err = e.look(ctx, a, id, organization.ManageMemberships, func(tx store.Tx, s *scope) error {
		rs, n, err := organization.Requests(ctx, tx, s.org.ID, status, p)
		if err != nil {
			return err
		}
		var ids []string
		for _, r := range rs {
			ids = append(ids, r.UserID)
		}
		us, err := usersByID(ctx, tx, ids)
		list, total = nil, n
		for _, r := range rs {
			list = append(list, &RequestView{Request: r, User: us[r.UserID]})
		}
		return err
	})
	return list, total, err
}

// DecideRequest accepts or rejects a membership request.
func (e *Engine) DecideRequest(ctx context.Context, a *Actor, id, requestID string, accept bool) (v *RequestView, err error) {
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) error {
		unknown := fault.New("resource_not_found", "")
		r, err := organization.GetRequest(ctx, t, requestID)
		if err != nil {
			return missingAs(err, unknown)
		}
		if r.OrganizationID != s.org.ID {
			return unknown
		}
		u, err := user.Get(ctx, t, r.UserID)
		if err != nil {
			return missingAs(err, unknown)
		}
		v = &RequestView{Request: r, User: u}
		if !accept {
			return organization.RejectRequest(ctx, t, r, t.now)
		}
		if err := s.allowRoles(s.roles.Default()); err != nil {
			return err
		}
		if _, err := organization.AcceptRequest(ctx, t, s.org, s.roles, r, u, t.now); err != nil {
			return err
		}
		return user.Touch(ctx, t, u)
	})
	return v, err
}
