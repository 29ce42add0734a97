package bapi

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// readPhone reads what a number is to be.
func readPhone(f *httpx.Form) engine.HostPhoneParams {
	return engine.HostPhoneParams{Verified: optional(f, "verified"), Primary: optional(f, "primary"), SecondFactor: optional(f, "reserved_for_second_factor")}
}

func createPhoneNumber(c *call) (any, error) {
	f, err := c.body("user_id", "phone_number", "verified", "primary", "reserved_for_second_factor")
	if err != nil {
		return nil, err
	}
	userID, number, p := f.Require("user_id"), f.Require("phone_number"), readPhone(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	_, id, err := c.engine.Users().CreatePhoneNumber(c.r.Context(), userID, number, p)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New("resource_not_found", "user_id")
	}
	if err != nil {
		return nil, err
	}
	return c.encoder().PhoneNumber(id), nil
}

// phone finds the phone number that the path names, with its user.
func (c *call) phone() (*user.User, *user.Identification, error) {
	id, err := c.id("phone_number_id")
	if err != nil {
		return nil, nil, err
	}
	u, have, err := c.engine.Users().ByPhoneNumberID(c.r.Context(), id)
	if err == nil && have == nil { // the ID is of something else
		err = fault.New("resource_not_found", "")
	}
	return u, have, err
}

func getPhoneNumber(c *call) (any, error) {
	_, id, err := c.phone()
	if err != nil {
		return nil, err
	}
	return c.encoder().PhoneNumber(id), nil
}

func updatePhoneNumber(c *call) (any, error) {
	u, id, err := c.phone()
	if err != nil {
		return nil, err
	}
	f, err := c.body("verified", "primary", "reserved_for_second_factor")
	if err != nil {
		return nil, err
	}
	p := readPhone(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	_, id, err = c.engine.Users().UpdatePhoneNumber(c.r.Context(), u.ID, id.ID, p)
	if err != nil {
		return nil, err
	}
	return c.encoder().PhoneNumber(id), nil
}

func deletePhoneNumber(c *call) (any, error) {
	u, id, err := c.phone()
	if err != nil {
		return nil, err
	}
	if _, err := c.engine.Users().DeletePhoneNumber(c.r.Context(), u.ID, id.ID); err != nil {
		return nil, err
	}
	return wire.NewDeleted("phone_number", id.ID), nil
}
