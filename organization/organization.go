package organization

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An Organization is a group of users. It is the guard of everything inside
// it: whoever changes a membership or an invitation also Puts it.
type Organization struct {
	store.Meta
	Name string `json:"name"`
	// Slug is the name in URLs; empty: it has none.
	Slug string `json:"slug,omitempty"`
	// ImageID names the logo; empty shows the default one.
	ImageID string `json:"image_id,omitempty"`
	// CreatedBy is the founder, who may be gone.
	CreatedBy string `json:"created_by,omitempty"`

	// MembersCount counts members, RoleCounts by role.
	MembersCount int            `json:"members_count,omitempty"`
	RoleCounts   map[string]int `json:"role_counts,omitempty"`
	// PendingInvitations counts invitations that are open, expired ones too
	// until somebody notices.
	PendingInvitations int `json:"pending_invitations,omitempty"`
	DomainsCount       int `json:"domains_count,omitempty"`
	TeamsCount         int `json:"teams_count,omitempty"`

	// MaxMemberships is how many members and open invitations there can be; 0
	// is no limit.
	MaxMemberships int `json:"max_memberships,omitempty"`
	// AdminDeleteEnabled lets members who may delete it do so.
	AdminDeleteEnabled bool `json:"admin_delete_enabled,omitempty"`

	// PublicMetadata is read by members and written by the host.
	PublicMetadata json.RawMessage `json:"public_metadata,omitempty"`
	// PrivateMetadata is for the host alone.
	PrivateMetadata json.RawMessage `json:"private_metadata,omitempty"`

	// TokensUntil is when the last token ends that names it and was asked to live
	// longer than usual.
	TokensUntil time.Time `json:"tokens_until,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Kind is where organizations are kept. SQL stores call the table
// usher_organization.
var Kind = &store.Kind{Name: "organization", Indexes: []store.Index{
	{Name: "slug", Unique: true},
	{Name: "created_by"}, {Name: "created_at"}, {Name: "updated_at"}, {Name: "name"}, {Name: "members_count"},
	{Name: "search", Many: true}, // folded texts that a person looks for
}}

var organizations = store.Table[Organization, *Organization]{Kind: Kind}

// StoreEntries lists what an organization is found by.
func (o *Organization) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "created_at", Value: store.TimeKey(o.CreatedAt)}, {Index: "updated_at", Value: store.TimeKey(o.UpdatedAt)},
		{Index: "name", Value: user.Fold(o.Name)}, {Index: "members_count", Value: store.IntKey(int64(o.MembersCount))},
		{Index: "search", Value: user.Fold(o.Name)}, {Index: "search", Value: user.Fold(o.ID)}}
	if o.Slug != "" {
		es = append(es, store.Entry{Index: "slug", Value: o.Slug}, store.Entry{Index: "search", Value: o.Slug})
	}
	if o.CreatedBy != "" {
		es = append(es, store.Entry{Index: "created_by", Value: o.CreatedBy})
	}
	return es
}

// CreateParams make an organization.
type CreateParams struct {
	Name, Slug, CreatedBy string
	// MaxMemberships is the quota; negative is none. An instance takes 0 for what
	// its settings say, and AdminDeleteEnabled from there in any case.
	MaxMemberships                  int
	AdminDeleteEnabled              bool
	PublicMetadata, PrivateMetadata json.RawMessage
	CreatedAt                       time.Time // zero: now
}

// Create stores an organization without members. Who founds it is added next.
func Create(ctx context.Context, tx store.Tx, p CreateParams, now time.Time) (*Organization, error) {
	name, err := CheckName(p.Name)
	if err != nil {
		return nil, err
	}
	o := &Organization{Meta: store.Meta{ID: store.NewID("org", now)}, Name: name, CreatedBy: p.CreatedBy,
		MaxMemberships: max(p.MaxMemberships, 0), AdminDeleteEnabled: p.AdminDeleteEnabled, CreatedAt: now}
	if !p.CreatedAt.IsZero() {
		o.CreatedAt = p.CreatedAt
	}
	if o.PublicMetadata, err = user.CheckMetadata(p.PublicMetadata); err != nil {
		return nil, err
	}
	if o.PrivateMetadata, err = user.CheckMetadata(p.PrivateMetadata); err != nil {
		return nil, err
	}
	if p.Slug != "" {
		if err := SetSlug(ctx, tx, o, p.Slug, now); err != nil {
			return nil, err
		}
	}
	return o, Put(ctx, tx, o, now)
}

// Get returns the organization with the given ID, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, id string) (*Organization, error) {
	return organizations.Get(ctx, tx, id)
}

// bySlug returns the organization that has a slug now, or store.ErrNotFound.
func bySlug(ctx context.Context, tx store.Tx, slug string) (*Organization, error) {
	if slug == "" {
		return nil, store.ErrNotFound
	}
	return organizations.By(ctx, tx, "slug", slug)
}

// Find returns the organization with an ID or a slug, or store.ErrNotFound. No
// slug looks like an ID.
func Find(ctx context.Context, tx store.Tx, idOrSlug string) (*Organization, error) {
	if strings.HasPrefix(idOrSlug, "org_") {
		return Get(ctx, tx, idOrSlug)
	}
	return bySlug(ctx, tx, idOrSlug)
}

// Put stores o and sets UpdatedAt.
func Put(ctx context.Context, tx store.Tx, o *Organization, now time.Time) error {
	o.UpdatedAt = now
	return organizations.Put(ctx, tx, o)
}

// guard stores o as the guard of what changed inside it; that is no change of
// its own.
func guard(ctx context.Context, tx store.Tx, o *Organization) error {
	return organizations.Put(ctx, tx, o)
}

// Managers is how many members hold the minimum permissions.
func (o *Organization) Managers(r *Roles) (n int) {
	for role, count := range o.RoleCounts {
		if r.Manager(role) {
			n += count
		}
	}
	return n
}

// Room is how many more members or invitations there can be; -1 is no limit.
func (o *Organization) Room() int {
	if o.MaxMemberships <= 0 {
		return -1
	}
	return max(0, o.MaxMemberships-o.MembersCount-o.PendingInvitations)
}

// count moves a member from one role to another; empty is outside.
func (o *Organization) count(from, to string) {
	if o.RoleCounts == nil {
		o.RoleCounts = map[string]int{}
	}
	if from != "" {
		o.MembersCount--
		if o.RoleCounts[from]--; o.RoleCounts[from] <= 0 {
			delete(o.RoleCounts, from)
		}
	}
	if to != "" {
		o.MembersCount++
		o.RoleCounts[to]++
	}
}

// CountFounded is how many organizations there are that a user founded.
func CountFounded(ctx context.Context, tx store.Tx, userID string) (int, error) {
	return organizations.Count(ctx, tx, store.Query{Where: []store.Match{{Index: "created_by", Values: []string{userID}}}})
}

// SetImage stores a logo in place of the former one and stores o. An image
// without bytes only removes the former one.
func SetImage(ctx context.Context, tx store.Tx, o *Organization, contentType string, data []byte, now time.Time) error {
	id, err := user.ReplaceImage(ctx, tx, o.ImageID, contentType, data, now)
	if err != nil {
		return err
	}
	o.ImageID = id
	return Put(ctx, tx, o, now)
}

// A remainder is left of a deleted organization that was too large to be taken
// apart in one transaction. [Sweep] takes it apart.
type remainder struct {
	store.Meta
	DeletedAt time.Time `json:"deleted_at"`
}

// RemainderKind is where remainders are kept; the ID is the organization's.
var RemainderKind = &store.Kind{Name: "organization_remainder"}

var remainders = store.Table[remainder, *remainder]{Kind: RemainderKind}

// StoreEntries is empty: they are gone through.
func (*remainder) StoreEntries() []store.Entry { return nil }

// sweepStep is how many records of a kind one transaction takes away.
const sweepStep = 250

// Delete removes o with all that is inside. Of a large one the rest follows in
// steps, by [Sweep]; nobody is a member of it any more. Its slug stays taken
// for a while.
func Delete(ctx context.Context, tx store.Tx, o *Organization, now time.Time) error {
	if err := freeSlug(ctx, tx, o.ID, o.Slug, now); err != nil {
		return err
	}
	if o.ImageID != "" {
		if _, err := user.ReplaceImage(ctx, tx, o.ImageID, "", nil, now); err != nil {
			return err
		}
	}
	done, err := takeApart(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	if !done {
		if err := remainders.Put(ctx, tx, &remainder{Meta: store.Meta{ID: o.ID}, DeletedAt: now}); err != nil {
			return err
		}
	}
	return organizations.Delete(ctx, tx, o)
}

// takeApart removes a step of what is inside an organization, and reports
// whether that was all.
func takeApart(ctx context.Context, tx store.Tx, id string) (done bool, err error) {
	done = true
	for _, in := range insides {
		all, err := in(ctx, tx, id)
		if err != nil {
			return false, err
		}
		done = done && all
	}
	return done, nil
}

// insides remove a step of each kind of record inside an organization.
var insides = []func(context.Context, store.Tx, string) (bool, error){
	drop(memberships, "by_org"), drop(invitations, "by_org"), drop(requests, "by_org"), drop(suggestions, "by_org"),
	drop(domains, "by_org"), drop(teams, "by_org"), drop(teamMembers, "by_org"),
}

// drop makes a function that removes a step of the records of a kind.
func drop[T any, P interface {
	*T
	store.Object
}](t store.Table[T, P], index string) func(context.Context, store.Tx, string) (bool, error) {
	return func(ctx context.Context, tx store.Tx, id string) (bool, error) {
		rs, err := tx.Find(ctx, store.Query{Kind: t.Kind, Where: within(index, id), Order: index, Limit: sweepStep + 1})
		if err != nil {
			return false, err
		}
		for i, r := range rs {
			if i == sweepStep {
				return false, nil
			}
			if err := tx.Delete(ctx, t.Kind, r.ID, r.Version); err != nil {
				return false, err
			}
		}
		return true, nil
	}
}

// Sweep does a step of what was left for later, in the transaction, and reports
// whether there is more to do: it takes deleted organizations apart and brings
// memberships up to date.
func Sweep(ctx context.Context, tx store.Tx) (more bool, err error) {
	for _, step := range []func(context.Context, store.Tx) (bool, error){sweepRemainder, catchUp, reindex} {
		if more, err = step(ctx, tx); more || err != nil {
			return more, err
		}
	}
	return false, nil
}

// sweepRemainder takes a step of one remainder away.
func sweepRemainder(ctx context.Context, tx store.Tx) (more bool, err error) {
	rs, err := remainders.Find(ctx, tx, store.Query{Limit: 1})
	if err != nil || len(rs) == 0 {
		return false, err
	}
	done, err := takeApart(ctx, tx, rs[0].ID)
	if err != nil || !done {
		return true, err
	}
	return true, remainders.Delete(ctx, tx, rs[0])
}

// within are the conditions of a range of an index whose values begin with a
// prefix and a slash.
func within(index, prefix string) []store.Match {
	return []store.Match{{Index: index, Op: store.Greater, Values: []string{prefix + "/"}}, {Index: index, Op: store.Less, Values: []string{prefix + "0"}}}
}

// timed is a value for such a range, in order of time.
func timed(prefix string, t time.Time) string { return prefix + "/" + store.TimeKey(t) }

// missing reports whether err says that there is no such record.
func missing(err error) bool { return errors.Is(err, store.ErrNotFound) }
