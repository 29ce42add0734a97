package organization

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Request is somebody's wish to become a member, which a manager decides.
type Request struct {
	store.Meta
	OrganizationID string    `json:"organization_id"`
	UserID         string    `json:"user_id"`
	Status         Status    `json:"status"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// RequestKind is where membership requests are kept.
var RequestKind = &store.Kind{Name: "membership_request", Indexes: []store.Index{
	{Name: "open", Unique: true}, // organization/user while it is pending
	{Name: "by_org"},             // organization/time
	{Name: "by_status"},          // organization/status/time
	{Name: "by_user"},            // user/time
}}

var requests = store.Table[Request, *Request]{Kind: RequestKind}

// StoreEntries lists what a request is found by.
func (r *Request) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "by_org", Value: timed(r.OrganizationID, r.CreatedAt)},
		{Index: "by_status", Value: timed(r.OrganizationID+"/"+string(r.Status), r.CreatedAt)}, {Index: "by_user", Value: timed(r.UserID, r.CreatedAt)}}
	if r.Status == Pending {
		es = append(es, store.Entry{Index: "open", Value: pair(r.OrganizationID, r.UserID)})
	}
	return es
}

// ask stores a request, or returns the one that is open. The organization is
// its guard, so that nobody asks who is just joining.
func ask(ctx context.Context, tx store.Tx, o *Organization, userID string, now time.Time) (*Request, error) {
	if _, err := GetMembership(ctx, tx, o.ID, userID); err == nil {
		return nil, ErrAlreadyMember
	} else if !missing(err) {
		return nil, err
	}
	have, err := requests.By(ctx, tx, "open", pair(o.ID, userID))
	if err == nil || !missing(err) {
		return have, err
	}
	r := &Request{Meta: store.Meta{ID: store.NewID("orgreq", now)}, OrganizationID: o.ID, UserID: userID, Status: Pending, CreatedAt: now, UpdatedAt: now}
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	return r, requests.Put(ctx, tx, r)
}

// GetRequest returns the request with the given ID, or store.ErrNotFound.
func GetRequest(ctx context.Context, tx store.Tx, id string) (*Request, error) {
	return requests.Get(ctx, tx, id)
}

// AcceptRequest makes the user a member, with the default role. Who has become
// one meanwhile stays what they are.
func AcceptRequest(ctx context.Context, tx store.Tx, o *Organization, r *Roles, q *Request, u *user.User, now time.Time) (*Membership, error) {
	if err := q.settle(ctx, tx, Accepted, now); err != nil {
		return nil, err
	}
	if m, err := GetMembership(ctx, tx, o.ID, u.ID); !missing(err) {
		return m, err
	}
	return Add(ctx, tx, o, r, NewMember{UserID: u.ID, Role: r.Default(), Profile: ProfileOf(u)}, now)
}

// RejectRequest refuses a request.
func RejectRequest(ctx context.Context, tx store.Tx, q *Request, now time.Time) error {
	return q.settle(ctx, tx, Rejected, now)
}

func (r *Request) settle(ctx context.Context, tx store.Tx, to Status, now time.Time) error {
	if r.Status != Pending {
		return ErrRequestOver
	}
	r.Status, r.UpdatedAt = to, now
	return requests.Put(ctx, tx, r)
}

// Requests returns the requests to join an organization, newest first, with
// one of the given statuses or any, and how many there are in all.
func Requests(ctx context.Context, tx store.Tx, organizationID string, status Status, p Page) ([]*Request, int, error) {
	q := store.Query{Order: "by_org", Desc: true, Where: within("by_org", organizationID), Offset: p.Offset, Limit: p.Limit}
	if status != "" {
		q.Order, q.Where = "by_status", within("by_status", organizationID+"/"+string(status))
	}
	return requests.Page(ctx, tx, q)
}

// A Suggestion tells somebody whose address is at a verified domain of an
// organization they could join. Accepting it asks for membership.
type Suggestion struct {
	store.Meta
	OrganizationID string    `json:"organization_id"`
	DomainID       string    `json:"domain_id"`
	UserID         string    `json:"user_id"`
	Status         Status    `json:"status"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// SuggestionKind is where suggestions are kept.
var SuggestionKind = &store.Kind{Name: "organization_suggestion", Indexes: []store.Index{
	{Name: "pair", Unique: true}, // organization/user
	{Name: "by_org"},             // organization/time
	{Name: "by_user"},            // user/time
	{Name: "status"},
	{Name: "domain"}, // domain/status
}}

var suggestions = store.Table[Suggestion, *Suggestion]{Kind: SuggestionKind}

// StoreEntries lists what a suggestion is found by.
func (s *Suggestion) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "pair", Value: pair(s.OrganizationID, s.UserID)}, {Index: "by_org", Value: timed(s.OrganizationID, s.CreatedAt)},
		{Index: "by_user", Value: timed(s.UserID, s.CreatedAt)}, {Index: "status", Value: string(s.Status)},
		{Index: "domain", Value: s.DomainID + "/" + string(s.Status)}}
}

// GetSuggestion returns the suggestion with the given ID, or store.ErrNotFound.
func GetSuggestion(ctx context.Context, tx store.Tx, id string) (*Suggestion, error) {
	return suggestions.Get(ctx, tx, id)
}

// Suggestions returns what is suggested to a user, newest first, with one of
// the given statuses or any, and how many there are in all.
func Suggestions(ctx context.Context, tx store.Tx, userID string, statuses []Status, p Page) ([]*Suggestion, int, error) {
	q := store.Query{Order: "by_user", Desc: true, Where: within("by_user", userID), Offset: p.Offset, Limit: p.Limit}
	if len(statuses) > 0 {
		var vs []string
		for _, s := range statuses {
			vs = append(vs, string(s))
		}
		q.Where = append(q.Where, store.Match{Index: "status", Values: vs})
	}
	return suggestions.Page(ctx, tx, q)
}

// AcceptSuggestion asks for membership. It can be accepted once.
func AcceptSuggestion(ctx context.Context, tx store.Tx, o *Organization, s *Suggestion, now time.Time) (*Request, error) {
	if s.Status != Pending {
		return nil, ErrSuggestionAccepted
	}
	s.Status, s.UpdatedAt = Accepted, now
	if err := suggestions.Put(ctx, tx, s); err != nil {
		return nil, err
	}
	return ask(ctx, tx, o, s.UserID, now)
}
