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

func createEmailAddress(c *call) (any, error) {
	f, err := c.body("user_id", "email_address", "verified", "primary", "notify_primary_email_address_changed")
	if err != nil {
		return nil, err
	}
	userID, address, p := f.Require("user_id"), f.Require("email_address"), readAddress(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	u, id, err := c.engine.Users().CreateEmailAddress(c.r.Context(), userID, address, p)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New("resource_not_found", "user_id")
	}
	if err != nil {
		return nil, err
	}
	return c.encoder().EmailAddress(u, id), nil
}

// readAddress reads what an address is to be.
func readAddress(f *httpx.Form) engine.AddressParams {
	p := engine.AddressParams{Verified: optional(f, "verified"), Primary: optional(f, "primary")}
	p.NotifyPrimaryChanged, _ = f.Bool("notify_primary_email_address_changed")
	return p
}

// address finds the e-mail address that the path names, with its user.
func (c *call) address() (*user.User, *user.Identification, error) {
	id, err := c.id("email_address_id")
	if err != nil {
		return nil, nil, err
	}
	u, have, err := c.engine.Users().ByEmailAddressID(c.r.Context(), id)
	if err == nil && have == nil { // the ID is of something else
		err = fault.New("resource_not_found", "")
	}
	return u, have, err
}

func getEmailAddress(c *call) (any, error) {
	u, id, err := c.address()
	if err != nil {
		return nil, err
	}
	return c.encoder().EmailAddress(u, id), nil
}

func updateEmailAddress(c *call) (any, error) {
	u, id, err := c.address()
	if err != nil {
		return nil, err
	}
	f, err := c.body("verified", "primary", "notify_primary_email_address_changed")
	if err != nil {
		return nil, err
	}
	p := readAddress(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	u, id, err = c.engine.Users().UpdateEmailAddress(c.r.Context(), u.ID, id.ID, p)
	if err != nil {
		return nil, err
	}
	return c.encoder().EmailAddress(u, id), nil
}

func deleteEmailAddress(c *call) (any, error) {
	u, id, err := c.address()
	if err != nil {
		return nil, err
	}
	if _, err := c.engine.Users().DeleteEmailAddress(c.r.Context(), u.ID, id.ID); err != nil {
		return nil, err
	}
	return wire.NewDeleted("email_address", id.ID), nil
}

// replaceEmailAddress makes an address the only one of a user.
func replaceEmailAddress(c *call) (any, error) {
	userID, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	f, err := c.body("email_address", "identification_status", "notify_primary_email_address_changed")
	if err != nil {
		return nil, err
	}
	address := f.Require("email_address")
	status := engine.AddressVerified
	if s, _ := f.String("identification_status"); s != "" {
		status = engine.AddressStatus(s)
	}
	switch status {
	case engine.AddressVerified, engine.AddressReserved, engine.AddressUnverified:
	default:
		f.Fail("form_param_value_invalid", "identification_status", "must be verified, reserved or unverified")
	}
	notice, _ := f.Bool("notify_primary_email_address_changed")
	if err := f.Err(); err != nil {
		return nil, err
	}
	u, id, err := c.engine.Users().ReplaceEmailAddresses(c.r.Context(), userID, address, status, notice)
	if err != nil {
		return nil, err
	}
	return c.encoder().EmailAddress(u, id), nil
}
