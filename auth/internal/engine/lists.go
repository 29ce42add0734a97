package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// identifiers are what somebody brings of what lists know; empty: none.
type identifiers struct{ emails, phones []string }

// listRules are the rules of the settings that lists decide.
func listRules(s *settings.Settings) access.Rules {
	return access.Rules{Allowlist: s.Access.Allowlist, Blocklist: s.Access.Blocklist}
}

// signUpRules are all rules of the settings for who signs up.
func signUpRules(s *settings.Settings) access.Rules {
	r := listRules(s)
	r.BlockSubaddresses, r.BlockDisposable = s.Access.BlockSubaddresses, s.Access.BlockDisposable
	return r
}

// admits reports whether rules let in who brings these identifiers. It is the
// one place that knows, for every road to an account.
func (e *Engine) admits(ctx context.Context, tx store.Tx, r access.Rules, ids identifiers) (bool, error) {
	if r == (access.Rules{}) {
		return true, nil
	}
	var f access.Found
	look := func(t access.Type, identifier string) error {
		for _, list := range []struct {
			on    bool
			list  access.List
			found *bool
		}{{r.Allowlist, access.Allowlist, &f.Allowed}, {r.Blocklist, access.Blocklist, &f.Blocked}} {
			if !list.on || *list.found {
				continue
			}
			has, err := list.list.Has(ctx, tx, t, identifier)
			if err != nil {
				return err
			}
			*list.found = has
		}
		return nil
	}
	for _, number := range ids.phones {
		if err := look(access.PhoneNumber, number); err != nil {
			return false, err
		}
	}
	for _, address := range ids.emails {
		if err := look(access.EmailAddress, address); err != nil {
			return false, err
		}
		f.Disposable = f.Disposable || r.BlockDisposable && access.Disposable(address)
		if r.BlockSubaddresses && !f.SameMailbox {
			same, err := mailboxTaken(ctx, tx, address)
			if err != nil {
				return false, err
			}
			f.SameMailbox = same
		}
	}
	return r.Admits(f), nil
}

// mailboxTaken reports whether somebody has an account with another address of
// the mailbox that an address is of. That the address itself is taken is told
// elsewhere, or not told.
func mailboxTaken(ctx context.Context, tx store.Tx, address string) (bool, error) {
	base := access.Base(address)
	if base == "" {
		return false, nil
	}
	if u, err := user.ByIdentifier(ctx, tx, base); err == nil {
		return u.EmailAddressByValue(address) == nil, nil
	} else if missingAs(err, nil) != nil {
		return false, err
	}
	owner, err := access.MailboxOwner(ctx, tx, address)
	if err != nil || owner == "" {
		return false, err
	}
	u, err := user.Get(ctx, tx, owner)
	if err != nil {
		return false, missingAs(err, nil)
	}
	if u.EmailAddressByValue(address) != nil {
		return false, nil
	}
	for _, id := range u.EmailAddresses { // who gave the address up left the mailbox to others
		if access.Base(id.Value) == base {
			return true, nil
		}
	}
	return false, nil
}

// barred reports whether the lists keep u from signing in.
func (e *Engine) barred(ctx context.Context, tx store.Tx, s *settings.Settings, u *user.User) (bool, error) {
	if u == nil || s.Access.DisabledOnSignIn {
		return false, nil
	}
	var ids identifiers
	for _, id := range u.EmailAddresses {
		if id.Claims() {
			ids.emails = append(ids.emails, id.Value)
		}
	}
	for _, id := range u.PhoneNumbers {
		if id.Claims() {
			ids.phones = append(ids.phones, id.Value)
		}
	}
	ok, err := e.admits(ctx, tx, listRules(s), ids)
	return !ok, err
}

// Lists is what a host may do with a list of identifiers.
type Lists struct {
	e    *Engine
	list access.List
}

// Allowlist returns the host's view of who is let in.
func (e *Engine) Allowlist() Lists { return Lists{e, access.Allowlist} }

// Blocklist returns the host's view of who is kept out.
func (e *Engine) Blocklist() Lists { return Lists{e, access.Blocklist} }

// Add puts an identifier on the list: an address, *@domain, *@*.domain or a
// phone number. invite, on the allowlist, also invites who is named; an
// invitation needs an address.
func (ls Lists) Add(ctx context.Context, identifier string, invite bool, origin string) (*access.Entry, error) {
	p, err := access.ParseEntry(identifier)
	if err != nil {
		return nil, fault.Wrap("form_param_format_invalid", "identifier", err)
	}
	var added *access.Entry
	err = ls.e.update(ctx, func(t *txn) error {
		invitation := ""
		if invite && p.Type == access.EmailAddress && p.Identifier[0] != '*' {
			i, err := ls.e.invite(ctx, t, InvitationParams{EmailAddress: p.Identifier, IgnoreExisting: true, Origin: origin})
			if err != nil {
				return err
			}
			invitation = i.ID
		}
		added, err = ls.list.Add(ctx, t, p, invitation, t.now)
		return err
	})
	if _, ok := errors.AsType[*store.DuplicateError](err); ok {
		err = fault.Wrap("duplicate_record", "identifier", err)
	}
	return added, err
}

// Remove takes an entry off the list. A missing one is store.ErrNotFound.
func (ls Lists) Remove(ctx context.Context, id string) (gone *access.Entry, err error) {
	err = ls.e.update(ctx, func(t *txn) (err error) {
		gone, err = ls.list.Remove(ctx, t, id)
		return err
	})
	return gone, err
}

// All returns entries, newest first, and how many there are. limit 0 is all.
func (ls Lists) All(ctx context.Context, offset, limit int) (es []*access.Entry, total int, err error) {
	err = ls.e.view(ctx, func(tx store.Tx) (err error) {
		es, total, err = ls.list.All(ctx, tx, offset, limit)
		return err
	})
	return es, total, err
}
