package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Users is what the host may do with every user. Nobody is asked for rights:
// whoever holds an [Auth] is the host. Refusals are *[Error], and what they are
// of: a user that does not exist is store.ErrNotFound, a taken address a
// *store.DuplicateError, a weak password a *password.PolicyError.
type Users struct{ u engine.Users }

// Users returns the host's view of all users.
func (a *Auth) Users() Users { return Users{a.engine.Users()} }

// UsersIn is Users inside a transaction of the host's own: in is what
// sqlite.Join or postgres.Join make of it. What is done to users is then kept
// together with the host's rows, or not at all. Mails leave, and sessions that
// ended are refused, within seconds after the host's commit, found by
// [Auth.Run].
func (a *Auth) UsersIn(in store.Store) (Users, error) {
	in, err := a.sealed(in)
	if err != nil {
		return Users{}, err
	}
	return Users{a.engine.Users().In(in)}, nil
}

// sealed is a joined store that keeps secrets as the instance's own does.
func (a *Auth) sealed(in store.Store) (store.Store, error) {
	switch {
	case in == nil:
		return nil, errors.New("auth: no store: join one to the transaction")
	case len(a.keyring.IDs()) == 0:
		return in, nil
	}
	return store.Sealed(in, a.keyring)
}

// Create makes a user without a sign-up.
func (u Users) Create(ctx context.Context, p user.CreateParams) (*user.User, error) {
	return told(u.u.Create(ctx, p))
}

// Get returns the user with the given ID.
func (u Users) Get(ctx context.Context, id string) (*user.User, error) { return told(u.u.Get(ctx, id)) }

// ByIdentifier returns the user who owns an e-mail address, phone number or
// username. Unverified addresses are nobody's.
func (u Users) ByIdentifier(ctx context.Context, identifier string) (*user.User, error) {
	return told(u.u.ByIdentifier(ctx, identifier))
}

// List returns a page of the users that f asks for and how many there are in
// all.
func (u Users) List(ctx context.Context, f user.Filter, p user.Page) ([]*user.User, int, error) {
	list, total, err := u.u.List(ctx, f, p)
	return list, total, refusal(err)
}

// Count returns how many users f asks for.
func (u Users) Count(ctx context.Context, f user.Filter) (int, error) { return told(u.u.Count(ctx, f)) }

// Update changes a user. A new password ends the user's sessions unless p says
// otherwise.
func (u Users) Update(ctx context.Context, id string, p user.UpdateParams) (*user.User, error) {
	return told(u.u.Update(ctx, id, p))
}

// MergeMetadata merges patches into a user's metadata, at every depth; a null
// deletes its key (RFC 7396). A nil patch leaves one as it is.
func (u Users) MergeMetadata(ctx context.Context, id string, public, private, unsafe json.RawMessage) (*user.User, error) {
	return told(u.u.MergeMetadata(ctx, id, public, private, unsafe))
}

// Delete removes a user with everything that hangs on the account.
func (u Users) Delete(ctx context.Context, id string) error {
	_, err := u.u.Delete(ctx, id)
	return refusal(err)
}

// Ban forbids a user to sign in and ends every session at once.
func (u Users) Ban(ctx context.Context, id string) (*user.User, error) { return told(u.u.Ban(ctx, id)) }

// Unban takes a ban back; what it ended stays ended.
func (u Users) Unban(ctx context.Context, id string) (*user.User, error) {
	return told(u.u.Unban(ctx, id))
}

// Lock forbids a user to sign in for a time; 0 is until [Users.Unlock].
// Sessions that exist go on.
func (u Users) Lock(ctx context.Context, id string, d time.Duration) (*user.User, error) {
	return told(u.u.Lock(ctx, id, d))
}

// Unlock takes a lock back.
func (u Users) Unlock(ctx context.Context, id string) (*user.User, error) {
	return told(u.u.Unlock(ctx, id))
}

// CheckPassword reports whether plain is the user's password. A user without
// one is user.ErrNoPassword.
func (u Users) CheckPassword(ctx context.Context, id, plain string) (bool, error) {
	return told(u.u.CheckPassword(ctx, id, plain))
}

// RemovePassword takes a user's password away and ends the sessions.
func (u Users) RemovePassword(ctx context.Context, id string) (*user.User, error) {
	return told(u.u.RemovePassword(ctx, id))
}

// SetPasswordCompromised marks a user's password as known to others: it opens
// nothing until it is reset, and every session ends. false takes the mark back.
func (u Users) SetPasswordCompromised(ctx context.Context, id string, compromised bool) (*user.User, error) {
	return told(u.u.SetPasswordCompromised(ctx, id, compromised))
}

// ResetSecondFactors takes every second factor off a user, backup codes too, so
// that the next sign-in asks for none, and ends the sessions: for people who
// have lost their device and shown otherwise who they are. Passkeys stay.
func (u Users) ResetSecondFactors(ctx context.Context, id string) (*user.User, error) {
	return told(u.u.ResetSecondFactors(ctx, id, true))
}

// CheckCode reports whether code is right, as a code of the user's
// authenticator app or as a backup code. A right one is used up.
func (u Users) CheckCode(ctx context.Context, id, code string) (bool, error) {
	_, err := u.u.VerifyCode(ctx, id, code)
	if e := fault.From(err); err != nil && (e.Code == "totp_incorrect_code" || e.Code == "totp_invalid_length") {
		return false, nil
	}
	return err == nil, refusal(err)
}

// DeletePasskey takes a passkey off a user, whose list is [user.User.Passkeys],
// and ends the sessions.
func (u Users) DeletePasskey(ctx context.Context, userID, id string) (*user.User, error) {
	return told(u.u.DeletePasskey(ctx, userID, id, true))
}

// AddEmailAddress gives a user an address: verified, if the host vouches for
// it, else reserved, which is good for signing in and still to be proved.
func (u Users) AddEmailAddress(ctx context.Context, userID, address string, verified, primary bool) (*user.Identification, error) {
	_, id, err := u.u.AddEmailAddress(ctx, userID, address, verified, primary)
	return id, refusal(err)
}

// DeleteEmailAddress takes an address off a user. The last identifier stays.
func (u Users) DeleteEmailAddress(ctx context.Context, userID, id string) error {
	_, err := u.u.DeleteEmailAddress(ctx, userID, id)
	return refusal(err)
}

// AddPhoneNumber gives a user a phone number: verified, if the host vouches for
// it, else reserved, which is good for signing in and still to be proved. A
// number without + is one of the default country.
func (u Users) AddPhoneNumber(ctx context.Context, userID, number string, verified, primary bool) (*user.Identification, error) {
	_, id, err := u.u.CreatePhoneNumber(ctx, userID, number, engine.HostPhoneParams{Verified: &verified, Primary: &primary})
	return id, refusal(err)
}

// SetSecondFactor reserves a verified phone number for showing a second factor,
// or takes that back.
func (u Users) SetSecondFactor(ctx context.Context, userID, phoneID string, on bool) (*user.Identification, error) {
	_, id, err := u.u.UpdatePhoneNumber(ctx, userID, phoneID, engine.HostPhoneParams{SecondFactor: &on})
	return id, refusal(err)
}

// DeletePhoneNumber takes a phone number off a user. The last identifier stays.
func (u Users) DeletePhoneNumber(ctx context.Context, userID, id string) error {
	_, err := u.u.DeletePhoneNumber(ctx, userID, id)
	return refusal(err)
}

// Sessions is what the host may do with every session. A session that does not
// exist is store.ErrNotFound, one that is over session.ErrOver.
type Sessions struct{ s engine.Sessions }

// Sessions returns the host's view of all sessions.
func (a *Auth) Sessions() Sessions { return Sessions{a.engine.Sessions()} }

// Get returns the session with the given ID.
func (s Sessions) Get(ctx context.Context, id string) (*session.Session, error) {
	return told(s.s.Get(ctx, id))
}

// List returns sessions, newest first, and how many there are in all; limit 0
// is all.
func (s Sessions) List(ctx context.Context, f session.Filter, offset, limit int) ([]*session.Session, int, error) {
	list, total, err := s.s.List(ctx, f, offset, limit)
	return list, total, refusal(err)
}

// Revoke ends a session. This process refuses its tokens at once.
func (s Sessions) Revoke(ctx context.Context, id string) (*session.Session, error) {
	return told(s.s.Revoke(ctx, id))
}

// RevokeUser ends every session of a user and returns how many there were.
func (s Sessions) RevokeUser(ctx context.Context, userID string) (int, error) {
	return told(s.s.RevokeUser(ctx, userID))
}

// Create makes a session for a user without any factor, on a browser of its
// own: for tests and tools.
func (s Sessions) Create(ctx context.Context, userID string) (*session.Session, error) {
	return told(s.s.Create(ctx, userID))
}

// Token mints a session token that is good for lifetime; 0 is the usual one.
func (s Sessions) Token(ctx context.Context, id string, lifetime time.Duration) (string, error) {
	return told(s.s.Token(ctx, id, lifetime))
}
