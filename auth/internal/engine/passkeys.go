package engine

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey"
)

type originKey struct{}

// withOrigin says which page's passkeys are meant.
func withOrigin(ctx context.Context, origin string) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

// passkeySite is whom passkeys are for: the configured host or, where the
// instance answers on whatever loopback address it is called by, that one.
func (e *Engine) passkeySite(ctx context.Context, s *settings.Settings) passkey.RelyingParty {
	rp := passkey.RelyingParty{ID: e.cfg.PasskeyHost, Name: s.AppName, Origins: e.cfg.PasskeyOrigins,
		RequireVerification: s.Passkeys.RequireVerification, IgnoreCounter: s.Passkeys.AcceptLowerCounters}
	if rp.ID == "" {
		origin, _ := ctx.Value(originKey{}).(string)
		if u, err := url.Parse(origin); err == nil {
			rp.ID, rp.Origins = u.Hostname(), []string{origin}
		}
	}
	return rp
}

// PasskeyOrigins are the origins whose pages may use the instance's passkeys.
func (e *Engine) PasskeyOrigins() []string { return e.cfg.PasskeyOrigins }

// CreatePasskey begins to add a passkey to the actor's account. The result is
// its ID and the challenge for the device.
func (e *Engine) CreatePasskey(ctx context.Context, a *Actor) (string, *factor.Verification, error) {
	s := e.Settings(ctx)
	if !s.Passkeys.Enabled {
		return "", nil, fault.New("form_param_value_disabled", "passkey")
	}
	if err := e.allow("add_passkey", a.Browser.Addr, s.Limits.AttemptSignUp); err != nil {
		return "", nil, err
	}
	u := a.User
	v, err := e.passkeys.PrepareRegistration(withOrigin(ctx, a.Browser.Origin),
		passkey.Person{Handle: u.ID, Name: u.Identifier(), DisplayName: u.Name(), Have: u.Passkeys}, s, e.now())
	if err != nil {
		return "", nil, err
	}
	id := user.NewPasskeyID(e.now())
	err = e.secure(ctx, a, func(t *txn, u *user.User) error {
		if len(u.Passkeys) >= user.MaxPasskeys {
			return user.ErrTooManyPasskeys
		}
		r := &addressVerification{Meta: store.Meta{ID: id, Expires: v.ExpireAt.Add(day)}, UserID: u.ID, Verification: v}
		if err := verificationTab.Put(ctx, t, r); err != nil {
			return err
		}
		if err := user.Touch(ctx, t, u); err != nil { // so that it is not made while u is deleted
			return err
		}
		return errUnchanged
	})
	return id, &v, err
}

// Passkey returns a passkey of the actor: the passkey itself or, while it waits
// for its device, the challenge.
func (e *Engine) Passkey(ctx context.Context, a *Actor, id string) (*user.Passkey, *factor.Verification, error) {
	if k := a.User.Passkey(id); k != nil {
		return k, nil, nil
	}
	var v *factor.Verification
	err := e.view(ctx, func(tx store.Tx) error {
		r, err := passkeyVerification(ctx, tx, a.User.ID, id)
		if err == nil {
			v = &r.Verification
		}
		return err
	})
	return nil, v, err
}

func passkeyVerification(ctx context.Context, tx store.Tx, userID, id string) (*addressVerification, error) {
	r, err := verificationTab.Get(ctx, tx, id)
	if err != nil {
		return nil, missingAs(err, fault.New("resource_not_found", ""))
	}
	if r.UserID != userID || r.Verification.Strategy != "passkey" {
		return nil, fault.New("resource_not_found", "")
	}
	return r, nil
}

// AttemptPasskey adds a passkey by the answer of its device.
func (e *Engine) AttemptPasskey(ctx context.Context, a *Actor, id string, p factor.Proof) (*user.Passkey, error) {
	s := e.Settings(ctx)
	have, v, err := e.Passkey(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if have != nil {
		return nil, fault.New("verification_already_verified", "")
	}
	fact, err := e.passkeys.Registered(withOrigin(ctx, a.Browser.Origin), v, p, s, e.now())
	if err != nil {
		return nil, err
	}
	var made *user.Passkey
	var refused error
	err = e.secure(ctx, a, func(t *txn, u *user.User) error {
		made = nil
		r, err := passkeyVerification(ctx, t, u.ID, id)
		if err != nil {
			return err
		}
		if refused = factor.Settle(&r.Verification, fact, s.Codes, t.now); refused == nil && fact.UserID != u.ID {
			return fault.New("passkey_invalid_verification", "")
		}
		if refused != nil { // the try counts
			refused = fact.Refused(refused, fault.New("passkey_invalid_verification", ""))
			if err := verificationTab.Put(ctx, t, r); err != nil {
				return err
			}
			return errUnchanged
		}
		if err := verificationTab.Delete(ctx, t, r); err != nil {
			return err
		}
		k := fact.Passkey
		k.ID, k.Name = id, deviceName(a.Browser.Request)
		if err := u.AddPasskey(k); errors.Is(err, user.ErrAlreadyAdded) {
			return fault.Wrap("identification_exists", "", err).Say("This passkey is part of your account already.")
		} else if err != nil {
			return err
		}
		made = u.Passkey(id)
		return e.notifyOf(ctx, t, u, notify.PasskeyAdded, a.Browser.Request, notify.Data{Method: k.Name})
	})
	if err == nil {
		err = refused
	}
	return made, err
}

// deviceName is what a passkey is called until its owner calls it something
// else.
func deviceName(r Request) string {
	return cmp.Or(requestedFrom(r, time.Time{}).Device, "Passkey")
}

// maxPasskeyName is the most characters of a passkey's name.
const maxPasskeyName = 64

// RenamePasskey gives a passkey of the actor another name.
func (e *Engine) RenamePasskey(ctx context.Context, a *Actor, id, name string) (*user.Passkey, error) {
	name = strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return nil, fault.New("form_param_nil", "name")
	case n > maxPasskeyName:
		return nil, fault.New("form_param_max_length_exceeded", "name")
	}
	if _, err := user.CheckName(name); err != nil {
		return nil, fault.Wrap("form_param_format_invalid", "name", err)
	}
	var k *user.Passkey
	err := e.act(ctx, a, func(t *txn, u *user.User) error {
		if k = u.Passkey(id); k == nil {
			if _, err := passkeyVerification(ctx, t, u.ID, id); err != nil {
				return err
			}
			return fault.New("passkey_identification_not_verified", "")
		}
		k.Name, k.UpdatedAt = name, t.now
		return nil
	})
	return k, err
}

// DeletePasskey takes a passkey off the actor's account. Whoever may hold it is
// out: sign-ins under way and the other sessions end.
func (e *Engine) DeletePasskey(ctx context.Context, a *Actor, id string) error {
	return e.secure(ctx, a, func(t *txn, u *user.User) error {
		if u.Passkey(id) == nil { // perhaps one that waits for its device
			r, err := passkeyVerification(ctx, t, u.ID, id)
			if err != nil {
				return err
			}
			if err := verificationTab.Delete(ctx, t, r); err != nil {
				return err
			}
			return errUnchanged
		}
		return e.dropPasskey(ctx, t, u, id, factorChange{keepSession: a.Session.ID, signOut: true, by: a.Browser.Request})
	})
}

// dropPasskey removes a passkey of u in t; the caller stores u.
func (e *Engine) dropPasskey(ctx context.Context, t *txn, u *user.User, id string, c factorChange) error {
	k := u.Passkey(id)
	if k == nil {
		return store.ErrNotFound
	}
	c.slug, c.method = notify.PasskeyRemoved, k.Name
	if err := u.DeletePasskey(id); err != nil {
		return err
	}
	return e.factorRemoved(ctx, t, u, c)
}
