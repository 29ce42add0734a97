package bapi

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A contact is what a user is reached at: an e-mail address or a phone number.
// P is what the host can say of one.
type contact[P any] struct {
	object string // which is also the name of its field
	fields []string
	read   func(f *httpx.Form) P

	create func(us engine.Users, ctx context.Context, userID, value string, p P) (*user.User, *user.Identification, error)
	find   func(us engine.Users, ctx context.Context, id string) (*user.User, *user.Identification, error)
	update func(us engine.Users, ctx context.Context, userID, id string, p P) (*user.User, *user.Identification, error)
	remove func(us engine.Users, ctx context.Context, userID, id string) (*user.User, error)
	encode func(e backend.Encoder, u *user.User, id *user.Identification) any
}

var emails = contact[engine.AddressParams]{
	object: "email_address", fields: []string{"verified", "primary", "notify_primary_email_address_changed"},
	read: func(f *httpx.Form) engine.AddressParams {
		p := engine.AddressParams{Verified: optional(f, "verified"), Primary: optional(f, "primary")}
		p.NotifyPrimaryChanged, _ = f.Bool("notify_primary_email_address_changed")
		return p
	},
	create: engine.Users.CreateEmailAddress, find: engine.Users.ByEmailAddressID, update: engine.Users.UpdateEmailAddress, remove: engine.Users.DeleteEmailAddress,
	encode: func(e backend.Encoder, u *user.User, id *user.Identification) any { return e.EmailAddress(u, id) },
}

var phones = contact[engine.HostPhoneParams]{
	object: "phone_number", fields: []string{"verified", "primary", "reserved_for_second_factor"},
	read: func(f *httpx.Form) engine.HostPhoneParams {
		return engine.HostPhoneParams{Verified: optional(f, "verified"), Primary: optional(f, "primary"), SecondFactor: optional(f, "reserved_for_second_factor")}
	},
	create: engine.Users.CreatePhoneNumber, find: engine.Users.ByPhoneNumberID, update: engine.Users.UpdatePhoneNumber, remove: engine.Users.DeletePhoneNumber,
	encode: func(e backend.Encoder, _ *user.User, id *user.Identification) any { return e.PhoneNumber(id) },
}

func (k contact[P]) post(c *call) (any, error) {
	f, err := c.body(append([]string{"user_id", k.object}, k.fields...)...)
	if err != nil {
		return nil, err
	}
	userID, value, p := f.Require("user_id"), f.Require(k.object), k.read(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	u, id, err := k.create(c.engine.Users(), c.r.Context(), userID, value, p)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New("resource_not_found", "user_id")
	}
	if err != nil {
		return nil, err
	}
	return k.encode(c.encoder(), u, id), nil
}

// named finds the one that the path names, with its user.
func (k contact[P]) named(c *call) (*user.User, *user.Identification, error) {
	id, err := c.id(k.object + "_id")
	if err != nil {
		return nil, nil, err
	}
	u, have, err := k.find(c.engine.Users(), c.r.Context(), id)
	if err == nil && have == nil { // the ID is of something else
		err = fault.New("resource_not_found", "")
	}
	return u, have, err
}

func (k contact[P]) get(c *call) (any, error) {
	u, id, err := k.named(c)
	if err != nil {
		return nil, err
	}
	return k.encode(c.encoder(), u, id), nil
}

func (k contact[P]) patch(c *call) (any, error) {
	u, id, err := k.named(c)
	if err != nil {
		return nil, err
	}
	f, err := c.body(k.fields...)
	if err != nil {
		return nil, err
	}
	p := k.read(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if u, id, err = k.update(c.engine.Users(), c.r.Context(), u.ID, id.ID, p); err != nil {
		return nil, err
	}
	return k.encode(c.encoder(), u, id), nil
}

func (k contact[P]) delete(c *call) (any, error) {
	u, id, err := k.named(c)
	if err != nil {
		return nil, err
	}
	if _, err := k.remove(c.engine.Users(), c.r.Context(), u.ID, id.ID); err != nil {
		return nil, err
	}
	return wire.NewDeleted(k.object, id.ID), nil
}
