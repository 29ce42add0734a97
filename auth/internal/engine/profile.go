package engine

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// errUnchanged is what fn returns to commit without storing the user.
var errUnchanged = errors.New("engine: user unchanged")

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
