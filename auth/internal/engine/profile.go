package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An Actor is a user acting on the own account through a live session of a
// browser. There is no other way to get one than [Engine.Actor].
type Actor struct {
	Browser *Browser
	Session *session.Session
	User    *user.User
	// tasks are those of a pending session that it may do.
	tasks []string
}

// Actor finds who acts: the session with the given ID on the browser's client,
// or the current one if the ID is empty. Pending sessions and users who are
// banned or locked may not act.
func (e *Engine) Actor(ctx context.Context, b *Browser, sessionID string) (*Actor, error) {
	return e.ActorFor(ctx, b, sessionID)
}

// ActorFor is Actor for what is part of a task: a session that is pending
// because of one of tasks may act, too.
func (e *Engine) ActorFor(ctx context.Context, b *Browser, sessionID string, tasks ...string) (*Actor, error) {
	none := fault.New("authentication_invalid", "")
	if b.Client == nil {
		return nil, none
	}
	if sessionID == "" {
		s, err := e.currentSession(ctx, b)
		if err != nil {
			return nil, missingAs(err, none)
		}
		sessionID = s.ID
	}
	a := &Actor{Browser: b, tasks: tasks}
	err := e.view(ctx, func(tx store.Tx) (err error) {
		a.Session, a.User, err = e.actor(ctx, tx, b, sessionID, tasks)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (e *Engine) actor(ctx context.Context, tx store.Tx, b *Browser, sessionID string, tasks []string) (*session.Session, *user.User, error) {
	none := fault.New("authentication_invalid", "")
	s, err := e.getSession(ctx, tx, sessionID)
	if err != nil {
		return nil, nil, missingAs(err, none)
	}
	if s.ClientID != b.Client.ID || !mayAct(s, e.now(), tasks) || !b.sees(s) {
		return nil, nil, none
	}
	u, err := user.Get(ctx, tx, s.UserID)
	if err != nil {
		return nil, nil, missingAs(err, none)
	}
	if err := u.Refused(e.now()); err != nil {
		return nil, nil, fault.From(err)
	}
	return s, u, nil
}

// mayAct reports whether a session is active, or pending for one of tasks.
func mayAct(s *session.Session, now time.Time, tasks []string) bool {
	switch s.StatusAt(now) {
	case session.Active:
		return true
	case session.Pending:
		return slices.ContainsFunc(s.Tasks, func(task string) bool { return slices.Contains(tasks, task) })
	}
	return false
}

// actorFor reads the actor anew in a transaction.
func (e *Engine) actorFor(ctx context.Context, tx store.Tx, a *Actor) (*session.Session, *user.User, error) {
	return e.actor(ctx, tx, a.Browser, a.Session.ID, a.tasks)
}

// errUnchanged is what fn returns to commit without storing the user.
var errUnchanged = errors.New("engine: user unchanged")

// Impersonates reports whether somebody acts as the user.
func (a *Actor) Impersonates() bool { return len(a.Session.Actor) > 0 }

// ErrImpersonator is what is told of whatever only the user may do.
func ErrImpersonator() error {
	return fault.New("authorization_invalid", "").Say("This cannot be done while you act as another user.")
}

// act is edit of what only the user may change, and nobody who acts as the
// user: what they sign in with, what they are reached by, their devices. It is
// the one to use unless there is a reason.
func (e *Engine) act(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	if a.Impersonates() {
		return ErrImpersonator()
	}
	return e.edit(ctx, a, fn)
}

// edit runs fn with the actor's user as stored in the transaction, and stores
// the user. The session is checked again in there. Afterwards a.User is the
// new state.
func (e *Engine) edit(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	if a.Browser.stale {
		return fault.New("conflict", "")
	}
	var after *user.User
	err := e.update(ctx, func(t *txn) error {
		_, u, err := e.actor(ctx, t, a.Browser, a.Session.ID, a.tasks)
		if err != nil {
			return err
		}
		version := u.Version
		after = u
		if err := fn(t, u); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		if u.Version != version {
			return nil // fn has stored it
		}
		return user.Put(ctx, t, u, t.now)
	})
	if err != nil {
		return err
	}
	a.User = after
	return nil
}

// ProfileParams are what users may change of themselves; nil leaves a field.
type ProfileParams struct {
	FirstName, LastName, Username               *string
	PrimaryEmailAddressID, PrimaryPhoneNumberID *string
	// UnsafeMetadata replaces the former one.
	UnsafeMetadata json.RawMessage
}

// UpdateProfile changes the actor's own profile.
func (e *Engine) UpdateProfile(ctx context.Context, a *Actor, p ProfileParams) error {
	s := e.Settings(ctx)
	if (p.PrimaryEmailAddressID != nil || p.PrimaryPhoneNumberID != nil || p.Username != nil) && a.Impersonates() {
		return ErrImpersonator()
	}
	if err := e.allowUsername(a.Browser, p.Username, s); err != nil {
		return err
	}
	return e.edit(ctx, a, func(t *txn, u *user.User) error {
		if err := errors.Join(setNames(u, p.FirstName, p.LastName, s), setUsername(u, p.Username, s)); err != nil {
			return err
		}
		if p.PrimaryPhoneNumberID != nil && *p.PrimaryPhoneNumberID != u.PrimaryPhoneNumberID {
			if err := u.SetPrimaryPhoneNumber(*p.PrimaryPhoneNumberID); err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "primary_phone_number_id"))
			}
		}
		if p.UnsafeMetadata != nil {
			m, err := user.CheckMetadata(p.UnsafeMetadata)
			if err != nil {
				return fault.Wrap("form_param_exceeds_allowed_size", "unsafe_metadata", err)
			}
			u.UnsafeMetadata = m
		}
		if p.PrimaryEmailAddressID == nil || *p.PrimaryEmailAddressID == u.PrimaryEmailAddressID {
			return nil
		}
		old := u.PrimaryEmailAddress()
		if err := u.SetPrimaryEmailAddress(*p.PrimaryEmailAddressID); err != nil {
			return missingAs(err, fault.New("form_resource_not_found", "primary_email_address_id"))
		}
		if old != nil && old.Verified {
			return e.notifyPrimary(ctx, t, u, u, a.Browser.Request)
		}
		return nil
	})
}

// setUsername gives u another username. Some case of the one it has is not
// measured by rules that came later. Whether somebody else has it, the store
// says when u is stored.
func setUsername(u *user.User, name *string, s *settings.Settings) error {
	switch {
	case name == nil || *name == u.Username:
		return nil
	case !s.Username.Enabled:
		return fault.New("form_param_unknown", "username")
	case *name == "":
		if s.Username.Required || u.PrimaryEmailAddressID == "" && u.PrimaryPhoneNumberID == "" {
			return fault.New("form_param_nil", "username")
		}
	case user.CanonicalUsername(*name) != user.CanonicalUsername(u.Username):
		if err := signup.UsernameRules(s).Check(*name); err != nil {
			return fault.From(err)
		}
	default:
		if err := (user.UsernameRules{Extended: true, Numeric: true, ByHost: true}).Check(*name); err != nil {
			return fault.From(err)
		}
	}
	u.Username = *name
	return nil
}

func setNames(u *user.User, first, last *string, s *settings.Settings) error {
	var errs []error
	for _, n := range []struct {
		in    *string
		field *string
		on    bool
		param string
	}{{first, &u.FirstName, s.FirstName.Enabled, "first_name"}, {last, &u.LastName, s.LastName.Enabled, "last_name"}} {
		if n.in == nil {
			continue
		}
		name, err := user.CheckName(*n.in)
		switch {
		case !n.on:
			errs = append(errs, fault.New("form_param_unknown", n.param))
		case err != nil:
			errs = append(errs, fault.Wrap("form_param_format_invalid", n.param, err))
		default:
			*n.field = name
		}
	}
	return errors.Join(errs...)
}

// MergeUnsafeMetadata merges a patch into the actor's unsafe metadata.
func (e *Engine) MergeUnsafeMetadata(ctx context.Context, a *Actor, patch json.RawMessage) error {
	return e.edit(ctx, a, func(_ *txn, u *user.User) error {
		m, err := user.MergeMetadata(u.UnsafeMetadata, patch)
		if err != nil {
			return fault.Wrap("form_param_exceeds_allowed_size", "unsafe_metadata", err)
		}
		u.UnsafeMetadata = m
		return nil
	})
}

// ChangePassword sets the actor's password. A user who has one gives it.
func (e *Engine) ChangePassword(ctx context.Context, a *Actor, current, plain string, signOut bool) error {
	s := e.Settings(ctx)
	switch {
	case a.Impersonates():
		return ErrImpersonator()
	case !s.Password.Enabled:
		return fault.New("form_param_value_disabled", "new_password")
	}
	ctx = withAddr(ctx, a.Browser.Addr)
	confirmed, sl, err := e.confirmOrReset(ctx, a, current, plain, s)
	if err != nil {
		return err
	}
	hash, err := e.newPassword(ctx, s, plain, current, confirmed != "", a.User)
	if err != nil {
		e.giveBack(ctx, sl)
		return err
	}
	defer sl.done()
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		if err := samePassword(ctx, t, u.ID, confirmed); err != nil {
			return err
		}
		if err := e.closeSlot(ctx, t, sl, u, true, true, a.Browser.Request); err != nil {
			return err
		}
		return e.setPassword(ctx, t, u, passwordChange{hash: hash, signOut: signOut, keepSession: a.Session.ID, by: a.Browser.Request})
	})
}

// confirmOrReset is confirmPassword, but for a session whose task is to set
// another password in place of a known one, and for a person who gives no
// current password and has shown lately who they are: where that is asked for,
// clients ask for nothing else.
func (e *Engine) confirmOrReset(ctx context.Context, a *Actor, current, plain string, s *settings.Settings) (string, *slot, error) {
	known, err := e.resetting(ctx, a)
	if err == nil && known == nil && current == "" {
		known, err = e.steppedUp(ctx, a, s)
	}
	if err != nil {
		return "", nil, err
	}
	if known == nil {
		return e.confirmPassword(ctx, a, current, s)
	}
	if err := e.allowAccount("", a.User, s); err != nil { // it costs a hash
		return "", nil, err
	}
	res, err := e.hasher.Verify(ctx, known.Hash, plain)
	if err == nil && res.OK {
		err = fault.New("form_new_password_matches_current", "new_password")
	}
	return known.Hash, nil, err
}

// steppedUp returns the password of an actor who has shown lately who they are;
// nil if that is not asked for, or not so.
func (e *Engine) steppedUp(ctx context.Context, a *Actor, s *settings.Settings) (p *user.Password, err error) {
	if !s.Reverification.Enabled || !a.User.PasswordEnabled {
		return nil, nil
	}
	if err := e.RequireFresh(ctx, a); errors.Is(err, fault.New("session_reverification_required", "")) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	err = e.view(ctx, func(tx store.Tx) (err error) {
		p, err = user.GetPassword(ctx, tx, a.User.ID)
		return missingAs(err, nil)
	})
	return p, err
}

// newPassword checks and hashes what is to take the place of the current
// password.
func (e *Engine) newPassword(ctx context.Context, s *settings.Settings, plain, current string, had bool, u *user.User) (hash string, err error) {
	if err := e.checkNewPassword(ctx, s, plain, u); err != nil {
		return "", renamed(err, "new_password")
	}
	if had && plain == current {
		return "", fault.New("form_new_password_matches_current", "new_password")
	}
	return e.hasher.Hash(ctx, plain)
}

// RemovePassword takes the actor's password away, if the settings let people
// be without. Who has shown lately who they are need not type it; where nobody
// is asked for that, everybody must.
func (e *Engine) RemovePassword(ctx context.Context, a *Actor, current string) error {
	s := e.Settings(ctx)
	switch {
	case a.Impersonates():
		return ErrImpersonator()
	case s.Password.Required:
		return fault.New("password_required", "")
	}
	if !a.User.PasswordEnabled {
		return user.ErrNoPassword
	}
	remove := func(t *txn, u *user.User) error {
		return e.setPassword(ctx, t, u, passwordChange{signOut: true, keepSession: a.Session.ID, by: a.Browser.Request})
	}
	if current == "" && s.Reverification.Enabled {
		if err := e.RequireFresh(ctx, a); err != nil {
			return err
		}
		return e.act(ctx, a, func(t *txn, u *user.User) error {
			if !u.PasswordEnabled {
				return user.ErrNoPassword
			}
			return remove(t, u)
		})
	}
	confirmed, sl, err := e.confirmPassword(withAddr(ctx, a.Browser.Addr), a, current, s)
	if err != nil {
		return err
	}
	if confirmed == "" {
		return user.ErrNoPassword
	}
	defer sl.done()
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		if err := samePassword(ctx, t, u.ID, confirmed); err != nil {
			return err
		}
		if err := e.closeSlot(ctx, t, sl, u, true, true, a.Browser.Request); err != nil {
			return err
		}
		return remove(t, u)
	})
}

// confirmPassword checks the actor's current password and returns the hash
// that it was checked with, empty if there is none, and the slot of the try.
func (e *Engine) confirmPassword(ctx context.Context, a *Actor, current string, s *settings.Settings) (string, *slot, error) {
	if err := e.allowAccount("", a.User, s); err != nil {
		return "", nil, err
	}
	var f signInFacts
	err := e.view(ctx, func(tx store.Tx) (err error) {
		f, err = withSecrets(ctx, tx, a.User)
		return err
	})
	if err != nil || f.password == nil {
		return "", nil, err
	}
	if current == "" {
		return "", nil, fault.New("form_param_missing", "current_password")
	}
	t := lockout.Try{Known: true, Password: true} // the browser is one that the account knows
	sl, err := e.take(ctx, "", a.User, t, lockoutPolicy(s))
	if err != nil {
		return "", nil, err
	}
	res, err := e.hasher.Verify(ctx, f.password.Hash, current)
	if err != nil {
		e.giveBack(ctx, sl)
		return "", nil, err
	}
	if !res.OK {
		sl.done()
		return "", nil, sl.warned(fault.New("form_password_validation_failed", "current_password"))
	}
	return f.password.Hash, sl, nil
}

// samePassword refuses a change if the password is not the one that was
// confirmed any more.
func samePassword(ctx context.Context, tx store.Tx, userID, confirmed string) error {
	p, err := user.GetPassword(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		p = &user.Password{}
	} else if err != nil {
		return err
	}
	if p.Hash != confirmed {
		return fault.New("conflict", "")
	}
	return nil
}

// renamed gives the refusals in err another field.
func renamed(err error, param string) error {
	var out []error
	for _, f := range fault.List(err) {
		c := *f
		if c.Param == "password" {
			c.Param = param
		}
		out = append(out, &c)
	}
	return errors.Join(out...)
}

// SetProfileImage stores a picture that was decoded and encoded anew; none
// removes the former one.
func (e *Engine) SetProfileImage(ctx context.Context, a *Actor, contentType string, data []byte) error {
	return e.edit(ctx, a, func(t *txn, u *user.User) error {
		return user.SetImage(ctx, t, u, contentType, data, t.now)
	})
}

// Image returns a picture.
func (e *Engine) Image(ctx context.Context, id string) (*user.Image, error) {
	var im *user.Image
	err := e.view(ctx, func(tx store.Tx) (err error) {
		im, err = user.GetImage(ctx, tx, id)
		return err
	})
	return im, err
}

// DeleteSelf deletes the actor's account and all that hangs on it, see
// [Users.Delete].
func (e *Engine) DeleteSelf(ctx context.Context, a *Actor) error {
	if a.Impersonates() {
		return ErrImpersonator()
	}
	if !e.Settings(ctx).DeleteSelf || a.User.DeleteSelfDisabled {
		return fault.New("user_delete_self_not_enabled", "")
	}
	if a.Browser.stale {
		return fault.New("conflict", "")
	}
	err := e.change(ctx, a.Browser, false, func(t *txn, c *session.Client, rotate func()) error {
		_, u, err := e.actor(ctx, t, a.Browser, a.Session.ID, a.tasks)
		if err != nil {
			return err
		}
		if u.DeleteSelfDisabled {
			return fault.New("user_delete_self_not_enabled", "")
		}
		if err := e.leaveAll(ctx, t, u.ID, true); err != nil {
			return err
		}
		if err := e.deleteUser(ctx, t, u, session.Removed); err != nil {
			return err
		}
		return e.endOn(ctx, t, c, rotate, session.Removed)
	})
	return err
}

// deleteUser removes u with password, picture, attempts and codes under way.
// The sessions end; as records without the user they can be read for 30 days.
func (e *Engine) deleteUser(ctx context.Context, t *txn, u *user.User, status session.Status) error {
	if err := e.endUser(ctx, t, u.ID, "", status); err != nil {
		return err
	}
	if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
		return err
	}
	if err := ticket.RevokeOf(ctx, t, u.ID, t.now); err != nil {
		return err
	}
	if err := dropVerifications(ctx, t, u.ID); err != nil {
		return err
	}
	if err := e.leaveAll(ctx, t, u.ID, false); err != nil {
		return err
	}
	if err := lockout.Delete(ctx, t, u.ID); err != nil {
		return err
	}
	for i := range u.ExternalAccounts {
		if err := e.dropTokens(ctx, t, &u.ExternalAccounts[i]); err != nil {
			return err
		}
	}
	return user.Delete(ctx, t, u)
}

// MySessions lists the actor's live sessions on all devices.
func (e *Engine) MySessions(ctx context.Context, a *Actor) ([]*session.Session, error) {
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) (err error) {
		if ss, err = session.Live(ctx, tx, a.User.ID, e.now()); err != nil {
			return err
		}
		return e.settleSessions(ctx, tx, ss...)
	})
	return ss, err
}

// RevokeMySession ends a session of the actor's own, on any device.
func (e *Engine) RevokeMySession(ctx context.Context, a *Actor, id string) (*session.Session, error) {
	var s *session.Session
	err := e.act(ctx, a, func(t *txn, u *user.User) (err error) {
		s, err = session.Get(ctx, t, id)
		if err != nil {
			return missingAs(err, fault.New("resource_not_found", ""))
		}
		if s.UserID != u.ID {
			return fault.New("resource_not_found", "")
		}
		if !s.LiveAt(t.now) {
			return fault.New("invalid_action_for_session", "")
		}
		if err := t.end(ctx, session.Revoked, s); err != nil {
			return err
		}
		return errUnchanged
	})
	return s, err
}
