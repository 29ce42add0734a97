package organization

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Membership is a user's place in an organization.
type Membership struct {
	store.Meta
	OrganizationID string `json:"organization_id"`
	UserID         string `json:"user_id"`
	Role           string `json:"role"`
	// PublicMetadata is read by the organization's members, PrivateMetadata by
	// the host alone; the host writes both.
	PublicMetadata  json.RawMessage `json:"public_metadata,omitempty"`
	PrivateMetadata json.RawMessage `json:"private_metadata,omitempty"`
	Profile
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// MembershipKind is where memberships are kept. Its indexes hold the
// organization or the user before the time, so that a page of one of many is
// as cheap as one of few.
var MembershipKind = &store.Kind{Name: "membership", Indexes: []store.Index{
	{Name: "pair", Unique: true}, // organization/user
	{Name: "by_org"},             // organization/time
	{Name: "by_role"},            // organization/role/time
	{Name: "by_user"},            // user/time
	{Name: "created_at"},
	{Name: "custom_role"},        // a role that could be deleted
	{Name: "search", Many: true}, // organization/beginning of a word, or role
	{Name: "text"},               // what is searched, whole
	{Name: "by_phone_number"},    // organization/text, and so on: see MemberOrders
	{Name: "by_email_address"}, {Name: "by_first_name"}, {Name: "by_last_name"}, {Name: "by_username"},
}}

var memberships = store.Table[Membership, *Membership]{Kind: MembershipKind}

// StoreEntries lists what a membership is found by.
func (m *Membership) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "pair", Value: pair(m.OrganizationID, m.UserID)}, {Index: "by_org", Value: timed(m.OrganizationID, m.CreatedAt)},
		{Index: "by_role", Value: timed(m.OrganizationID+"/"+m.Role, m.CreatedAt)}, {Index: "by_user", Value: timed(m.UserID, m.CreatedAt)},
		{Index: "created_at", Value: store.TimeKey(m.CreatedAt)}}
	if m.Role != Admin && m.Role != Member {
		es = append(es, store.Entry{Index: "custom_role", Value: m.Role})
	}
	es = append(es, store.Entry{Index: "search", Value: roleWord(m.OrganizationID, m.Role)})
	for _, p := range prefixes(m.Texts) {
		es = append(es, store.Entry{Index: "search", Value: m.OrganizationID + "/" + p})
	}
	for _, field := range MemberOrders[1:] {
		es = append(es, store.Entry{Index: "by_" + field, Value: ordered(m.OrganizationID, m.Keys[field])})
	}
	if text := strings.Join(m.Texts, "\n"); text != "" {
		es = append(es, store.Entry{Index: "text", Value: clip(text)})
	}
	return es
}

// clip keeps a text within what an index value can hold.
func clip(s string) string {
	for len(s) > store.MaxValueLen {
		s = s[:strings.LastIndexByte(s[:store.MaxValueLen], '\n')+1]
		if s == "" {
			break
		}
	}
	return s
}

func pair(organizationID, userID string) string { return organizationID + "/" + userID }

// NewMember is who is added.
type NewMember struct {
	UserID, Role                    string
	Profile                         Profile // see [ProfileOf]
	PublicMetadata, PrivateMetadata json.RawMessage
	CreatedAt                       time.Time // zero: now
}

// Add makes a user a member of o. A quota that is reached is ErrFull.
func Add(ctx context.Context, tx store.Tx, o *Organization, r *Roles, n NewMember, now time.Time) (*Membership, error) {
	if o.Room() == 0 {
		if err := sweepInvitations(ctx, tx, o, now); err != nil {
			return nil, err
		}
		if o.Room() == 0 {
			return nil, ErrFull
		}
	}
	return add(ctx, tx, o, r, n, now)
}

// add is Add for somebody whose seat is kept.
func add(ctx context.Context, tx store.Tx, o *Organization, r *Roles, n NewMember, now time.Time) (*Membership, error) {
	role := r.Role(n.Role)
	if role == nil {
		return nil, ErrUnknownRole
	}
	if _, err := GetMembership(ctx, tx, o.ID, n.UserID); err == nil {
		return nil, ErrAlreadyMember
	} else if !missing(err) {
		return nil, err
	}
	m := &Membership{OrganizationID: o.ID, UserID: n.UserID, Role: role.Key, Profile: n.Profile, CreatedAt: now, UpdatedAt: now}
	if !n.CreatedAt.IsZero() {
		m.CreatedAt = n.CreatedAt
	}
	m.ID = store.NewID("orgmem", m.CreatedAt) // what a search finds is in order of IDs
	var err error
	if m.PublicMetadata, err = user.CheckMetadata(n.PublicMetadata); err != nil {
		return nil, err
	}
	if m.PrivateMetadata, err = user.CheckMetadata(n.PrivateMetadata); err != nil {
		return nil, err
	}
	if err := r.assign(ctx, tx, role.Key); err != nil {
		return nil, err
	}
	o.count("", role.Key)
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	return m, memberships.Put(ctx, tx, m)
}

// GetMembership returns a user's membership of an organization, or
// store.ErrNotFound.
func GetMembership(ctx context.Context, tx store.Tx, organizationID, userID string) (*Membership, error) {
	return memberships.By(ctx, tx, "pair", pair(organizationID, userID))
}

// ChangeRole gives a member another role. The last manager keeps one that holds
// the minimum permissions: ErrLastManager.
func ChangeRole(ctx context.Context, tx store.Tx, o *Organization, r *Roles, m *Membership, role string, now time.Time) error {
	to := r.Role(role)
	if to == nil {
		return ErrUnknownRole
	}
	if to.Key == m.Role {
		return nil
	}
	if r.Manager(m.Role) && !to.Manager() && o.Managers(r) <= 1 {
		return ErrLastManager
	}
	if err := r.assign(ctx, tx, to.Key); err != nil {
		return err
	}
	o.count(m.Role, to.Key)
	m.Role, m.UpdatedAt = to.Key, now
	if err := guard(ctx, tx, o); err != nil {
		return err
	}
	return memberships.Put(ctx, tx, m)
}

// Remove takes a member out, and out of the teams. The last manager stays:
// ErrLastManager.
func Remove(ctx context.Context, tx store.Tx, o *Organization, r *Roles, m *Membership) error {
	if r.Manager(m.Role) && o.Managers(r) <= 1 {
		return ErrLastManager
	}
	return remove(ctx, tx, o, m)
}

func remove(ctx context.Context, tx store.Tx, o *Organization, m *Membership) error {
	if err := leaveTeams(ctx, tx, o.ID, m.UserID); err != nil {
		return err
	}
	o.count(m.Role, "")
	if err := guard(ctx, tx, o); err != nil {
		return err
	}
	return memberships.Delete(ctx, tx, m)
}

// RemoveUser takes a user who is to be deleted out of every organization, and
// returns the memberships as they were. If keepManagers is set, the last
// manager of an organization with other members cannot go: ErrLastManager.
// Otherwise it is left without one, which the host can see and mend.
func RemoveUser(ctx context.Context, tx store.Tx, r *Roles, userID string, keepManagers bool) ([]*Membership, error) {
	ms, err := memberships.Find(ctx, tx, store.Query{Where: within("by_user", userID), Order: "by_user"})
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		o, err := Get(ctx, tx, m.OrganizationID)
		if missing(err) {
			if err := memberships.Delete(ctx, tx, m); err != nil {
				return nil, err
			}
			continue
		} else if err != nil {
			return nil, err
		}
		if keepManagers && r.Manager(m.Role) && o.Managers(r) <= 1 && o.MembersCount > 1 {
			return nil, ErrLastManager
		}
		if err := remove(ctx, tx, o, m); err != nil {
			return nil, err
		}
	}
	return ms, dropOf(ctx, tx, userID)
}

// dropOf removes what waits for a user: requests and suggestions.
func dropOf(ctx context.Context, tx store.Tx, userID string) error {
	rs, err := requests.Find(ctx, tx, store.Query{Where: within("by_user", userID)})
	if err != nil {
		return err
	}
	for _, r := range rs {
		if err := requests.Delete(ctx, tx, r); err != nil {
			return err
		}
	}
	ss, err := suggestions.Find(ctx, tx, store.Query{Where: within("by_user", userID)})
	if err != nil {
		return err
	}
	for _, s := range ss {
		if err := suggestions.Delete(ctx, tx, s); err != nil {
			return err
		}
	}
	return nil
}

// SetMetadata replaces or merges a membership's metadata; nil leaves one.
func SetMetadata(ctx context.Context, tx store.Tx, m *Membership, public, private json.RawMessage, merge bool, now time.Time) error {
	if err := Metadata(&m.PublicMetadata, public, merge); err != nil {
		return err
	}
	if err := Metadata(&m.PrivateMetadata, private, merge); err != nil {
		return err
	}
	m.UpdatedAt = now
	return memberships.Put(ctx, tx, m)
}

// Metadata replaces a metadata document by another, or merges it in; nil leaves
// it.
func Metadata(field *json.RawMessage, m json.RawMessage, merge bool) (err error) {
	switch {
	case m == nil:
	case merge:
		*field, err = user.MergeMetadata(*field, m)
	default:
		*field, err = user.CheckMetadata(m)
	}
	return err
}

// assigned reports whether any member has a role. Of a built-in one nobody
// knows without looking at all.
func assigned(ctx context.Context, tx store.Tx, role string) (bool, error) {
	if role == Admin || role == Member {
		return true, nil
	}
	ms, err := tx.Find(ctx, store.Query{Kind: MembershipKind, Where: []store.Match{{Index: "custom_role", Values: []string{role}}}, Limit: 1})
	return len(ms) > 0, err
}
