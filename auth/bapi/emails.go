package bapi

import "github.com/usherauth/usher/auth/internal/engine"

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
