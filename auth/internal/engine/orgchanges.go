package engine

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

// orgChanges remembers from which version on tokens that name an organization
// hold, while older ones may still be about: whoever lost a role yesterday
// acts with it no longer than the next request.
type orgChanges struct {
	now   func() time.Time
	known atomic.Int64 // entries; requests look no further while there are none
	mu    sync.RWMutex
	least map[changeKey]leastVersion
}

// A changeKey is one member, an organization with all members (no user), or all
// organizations (neither), for which the versions are those of the role set.
type changeKey struct{ organization, user string }

type leastVersion struct {
	version int64 // 0: none holds
	until   time.Time
}

func (c *orgChanges) add(list []*organization.Change) {
	if len(list) == 0 {
		return
	}
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.least == nil {
		c.least = map[changeKey]leastVersion{}
	}
	for key, l := range c.least {
		if now.After(l.until) {
			delete(c.least, key)
		}
	}
	for _, ch := range list {
		key := changeKey{ch.OrganizationID, ch.UserID}
		have, ok := c.least[key]
		l := leastVersion{ch.Version, now.Add(maxTokenLifetime + tokenLeeway)}
		if ok && (have.version == 0 || l.version != 0 && have.version > l.version) {
			l.version = have.version
		}
		for _, until := range []time.Time{have.until, ch.TokensUntil.Add(tokenLeeway)} {
			if until.After(l.until) {
				l.until = until
			}
		}
		c.least[key] = l
	}
	c.known.Store(int64(len(c.least)))
}

// stale reports whether a token that names an organization was made before
// something that changed what it says.
func (c *orgChanges) stale(claims *token.Claims) bool {
	if claims == nil || claims.Organization == nil || c.known.Load() == 0 {
		return false
	}
	var made [2]int64 // a token without versions is older than all
	if json.Unmarshal(claims.Custom[versionsClaim], &made) != nil {
		made = [2]int64{}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, look := range [...]struct {
		key  changeKey
		made int64
	}{{changeKey{claims.Organization.ID, claims.Subject}, made[0]}, {changeKey{claims.Organization.ID, ""}, made[0]}, {changeKey{}, made[1]}} {
		if l, ok := c.least[look.key]; ok && (l.version == 0 || look.made < l.version) {
			return true
		}
	}
	return false
}

// StaleOrganization reports whether this process knows that what a token says
// of its organization does not hold any more.
func (e *Engine) StaleOrganization(c *token.Claims) bool { return e.orgChanges.stale(c) }

// learnOrgChanges asks the store what others have changed since a time.
func (e *Engine) learnOrgChanges(ctx context.Context, since time.Time) error {
	var list []*organization.Change
	err := e.view(ctx, func(tx store.Tx) (err error) {
		list, err = organization.ChangesSince(ctx, tx, since)
		return err
	})
	e.orgChanges.add(list)
	return err
}

// loadOrgChanges asks the store for all changes that tokens may live of.
func (e *Engine) loadOrgChanges(ctx context.Context, now time.Time) error {
	var long []*organization.Change
	err := e.view(ctx, func(tx store.Tx) (err error) {
		long, err = organization.LongChanges(ctx, tx, now.Add(-tokenLeeway))
		return err
	})
	if err != nil {
		return err
	}
	e.orgChanges.add(long)
	return e.learnOrgChanges(ctx, now.Add(-maxTokenLifetime-tokenLeeway))
}

// changed notes in t that tokens of a member, or of an organization if the user
// is empty, hold from the version on that o has now.
func (t *txn) changed(ctx context.Context, o *organization.Organization, userID string) error {
	return t.note(ctx, &organization.Change{OrganizationID: o.ID, UserID: userID, Version: o.Version, TokensUntil: o.TokensUntil})
}

func (t *txn) note(ctx context.Context, c *organization.Change) error {
	if err := organization.PutChange(ctx, t, c, t.now); err != nil {
		return err
	}
	t.orgChanges = append(t.orgChanges, c)
	return nil
}

// rolesChanged notes that every token that names an organization holds from the
// version on that the roles have now.
func (t *txn) rolesChanged(ctx context.Context, r *organization.Roles) error {
	return t.note(ctx, &organization.Change{Version: r.Set.Version, TokensUntil: r.Set.TokensUntil})
}

// Get reads a record and remembers that of a user, see Put.
func (t *txn) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	r, err := t.Tx.Get(ctx, k, id)
	if err == nil {
		t.saw(r)
	}
	return r, err
}

// Find is like Get.
func (t *txn) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	rs, err := t.Tx.Find(ctx, q)
	for _, r := range rs {
		t.saw(r)
	}
	return rs, err
}

// Put stores a record. Users are looked for among the members of their
// organizations: when what they are looked for by changes, by whatever way, the
// memberships follow in the same transaction.
func (t *txn) Put(ctx context.Context, r store.Record) (int64, error) {
	version, err := t.Tx.Put(ctx, r)
	if err != nil || r.Kind != user.Kind || r.Version == 0 || t.looksAsBefore(r) {
		return version, err
	}
	u, err := user.Get(ctx, t.Tx, r.ID)
	if err != nil {
		return 0, err
	}
	t.saw(r)
	return version, organization.Follow(ctx, t.Tx, u)
}

// saw remembers the record of a user. It does no more: that there is a user must
// take no time.
func (t *txn) saw(r store.Record) {
	if r.Kind == user.Kind {
		t.users = append(t.users, r)
	}
}

// looksAsBefore reports whether a user is looked for by what the record that was
// read last says.
func (t *txn) looksAsBefore(r store.Record) bool {
	for _, was := range slices.Backward(t.users) {
		if was.ID == r.ID {
			return searchTexts(was) == searchTexts(r)
		}
	}
	return false
}
