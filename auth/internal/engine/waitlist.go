package engine

import (
	"context"
	"errors"
	"net/netip"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
)

// JoinWaitlist puts an address on the waitlist, if there is one. Who is on it
// already stays where they are and is told the same.
func (e *Engine) JoinWaitlist(ctx context.Context, addr netip.Addr, address string) (*access.WaitlistEntry, error) {
	s := e.Settings(ctx)
	if s.SignUp.Mode != settings.Waitlist {
		return nil, fault.New("waitlist_not_accepting_entries", "")
	}
	if err := e.allow("join_waitlist", addr, s.Limits.CreateSignUp); err != nil {
		return nil, err
	}
	if err := e.allowMail(address, s, false); err != nil {
		return nil, err
	}
	// Counted for who is on the list already, too, and gets no mail: the answer
	// is the same.
	if s.Mails.Sends(notify.WaitlistConfirmation) {
		err := e.update(ctx, func(t *txn) error { return e.countMail(ctx, t, address, Request{Addr: addr}) })
		if err != nil {
			return nil, err
		}
	}
	w, err := e.Waitlist().add(ctx, func(t *txn, w *access.WaitlistEntry) error {
		rules := signUpRules(s)
		if s.Protection.Strict() {
			rules.BlockSubaddresses = false // it tells who has an account
		}
		ok, err := e.admits(ctx, t, rules, identifiers{emails: []string{w.EmailAddress}})
		if err == nil && !ok {
			err = fault.New("not_allowed_access", "email_address")
		}
		return err
	}, WaitlistParams{EmailAddress: address})
	if err != nil {
		return nil, err
	}
	return w[0].WaitlistEntry, nil
}

// WaitlistParams say whom to put on the waitlist.
type WaitlistParams struct {
	EmailAddress string
	// Quiet sends no mail.
	Quiet bool
}

// A WaitlistView is an entry with its invitation; nil: none.
type WaitlistView struct {
	*access.WaitlistEntry
	Invitation *ticket.Invitation
}

// Waitlist is what a host may do with the waitlist.
type Waitlist struct{ e *Engine }

// Waitlist returns the host's view of the waitlist.
func (e *Engine) Waitlist() Waitlist { return Waitlist{e} }

// Create puts addresses on the waitlist, all or none. Who is on it already
// stays where they are.
func (ws Waitlist) Create(ctx context.Context, ps ...WaitlistParams) ([]WaitlistView, error) {
	return ws.add(ctx, func(*txn, *access.WaitlistEntry) error { return nil }, ps...)
}

// add puts addresses on the waitlist that check has nothing against.
func (ws Waitlist) add(ctx context.Context, check func(*txn, *access.WaitlistEntry) error, ps ...WaitlistParams) ([]WaitlistView, error) {
	var out []WaitlistView
	put := func(t *txn) error {
		out = out[:0]
		for _, p := range ps {
			fresh, err := access.NewWaitlistEntry(p.EmailAddress, t.now)
			if err != nil {
				return err
			}
			w, err := access.WaitlistEntryOf(ctx, t, fresh.EmailAddress)
			if errors.Is(err, store.ErrNotFound) {
				w, err = fresh, ws.join(ctx, t, fresh, p.Quiet, check)
			}
			if err != nil {
				return err
			}
			v, err := ws.view(ctx, t, w)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	}
	err := ws.e.update(ctx, put)
	if _, ok := errors.AsType[*store.DuplicateError](err); ok { // somebody was faster: they are on it now
		err = ws.e.update(ctx, put)
	}
	return out, err
}

func (ws Waitlist) join(ctx context.Context, t *txn, w *access.WaitlistEntry, quiet bool, check func(*txn, *access.WaitlistEntry) error) error {
	if err := check(t, w); err != nil {
		return err
	}
	if err := access.PutWaitlistEntry(ctx, t, w); err != nil {
		return err
	}
	if quiet || !ws.e.lastSettings().Mails.Sends(notify.WaitlistConfirmation) {
		return nil
	}
	return ws.e.enqueue(ctx, t, outMail{Slug: notify.WaitlistConfirmation, To: w.EmailAddress, Data: notify.Data{Email: w.EmailAddress}})
}

func (ws Waitlist) view(ctx context.Context, tx store.Tx, w *access.WaitlistEntry) (WaitlistView, error) {
	v := WaitlistView{WaitlistEntry: w}
	if w.InvitationID == "" {
		return v, nil
	}
	i, err := ticket.GetInvitation(ctx, tx, w.InvitationID)
	if err == nil {
		v.Invitation = i
	}
	return v, missingAs(err, nil)
}

// List returns entries and how many there are. limit 0 is all.
func (ws Waitlist) List(ctx context.Context, f access.WaitlistFilter, offset, limit int) (list []WaitlistView, total int, err error) {
	err = ws.e.view(ctx, func(tx store.Tx) error {
		es, n, err := access.Waitlist(ctx, tx, f, offset, limit)
		if err != nil {
			return err
		}
		list, total = make([]WaitlistView, len(es)), n
		for i, w := range es {
			if list[i], err = ws.view(ctx, tx, w); err != nil {
				return err
			}
		}
		return nil
	})
	return list, total, err
}

// Invite sends the person an invitation. Who has a pending one is not invited
// again, unless ignoreExisting.
func (ws Waitlist) Invite(ctx context.Context, id string, ignoreExisting bool, origin string) (WaitlistView, error) {
	return ws.change(ctx, id, func(t *txn, w *access.WaitlistEntry) error {
		v, err := ws.view(ctx, t, w)
		if err != nil {
			return err
		}
		if v.Invitation != nil && v.Invitation.StatusAt(t.now) == ticket.Pending && !ignoreExisting {
			return waitProblem(access.ErrWaitInvited)
		}
		if err := w.Move(access.WaitInvited, t.now); err != nil {
			return waitProblem(err)
		}
		i, err := ws.e.invite(ctx, t, InvitationParams{EmailAddress: w.EmailAddress, IgnoreExisting: ignoreExisting,
			Slug: notify.WaitlistInvitation, Origin: origin})
		w.InvitationID = ""
		if err == nil {
			w.InvitationID = i.ID
		}
		return err
	})
}

// Reject turns the person down.
func (ws Waitlist) Reject(ctx context.Context, id string) (WaitlistView, error) {
	return ws.change(ctx, id, func(t *txn, w *access.WaitlistEntry) error { return waitProblem(w.Move(access.WaitRejected, t.now)) })
}

func waitProblem(err error) error {
	for sentinel, code := range map[error]string{access.ErrWaitInvited: "waitlist_entry_already_invited",
		access.ErrWaitCompleted: "waitlist_entry_already_completed", access.ErrWaitRejected: "waitlist_entry_already_rejected"} {
		if errors.Is(err, sentinel) {
			return fault.Wrap(code, "", err)
		}
	}
	return err
}

func (ws Waitlist) change(ctx context.Context, id string, fn func(*txn, *access.WaitlistEntry) error) (v WaitlistView, err error) {
	err = ws.e.update(ctx, func(t *txn) error {
		w, err := access.GetWaitlistEntry(ctx, t, id)
		if err != nil {
			return err
		}
		if err := fn(t, w); err != nil {
			return err
		}
		if err := access.PutWaitlistEntry(ctx, t, w); err != nil {
			return err
		}
		v, err = ws.view(ctx, t, w)
		return err
	})
	if d, ok := errors.AsType[*store.DuplicateError](err); ok && d.Kind == ticket.Invitations.Name {
		err = alreadyInvited(err)
	}
	return v, err
}

// Delete takes an entry off the waitlist. A missing one is store.ErrNotFound.
func (ws Waitlist) Delete(ctx context.Context, id string) error {
	return ws.e.update(ctx, func(t *txn) error {
		w, err := access.GetWaitlistEntry(ctx, t, id)
		if err != nil {
			return err
		}
		return access.DeleteWaitlistEntry(ctx, t, w)
	})
}

// completeWaitlist notes that who waited with an address has an account.
func completeWaitlist(ctx context.Context, t *txn, address string) error {
	w, err := access.WaitlistEntryOf(ctx, t, address)
	if err != nil {
		return missingAs(err, nil)
	}
	if w.Move(access.WaitCompleted, t.now) != nil {
		return nil // rejected, and let in by another road
	}
	return access.PutWaitlistEntry(ctx, t, w)
}
