package engine

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/user"
)

// draftUser builds the user that p describes, without storing it.
func (e *Engine) draftUser(p user.CreateParams, now time.Time, s *settings.Settings) (*user.User, error) {
	u := user.New(now)
	if !p.CreatedAt.IsZero() && p.CreatedAt.Before(now) {
		u.CreatedAt = p.CreatedAt
	}
	for _, address := range p.EmailAddresses {
		id, err := hostAddress(address, !p.Unverified, now)
		if err != nil {
			return nil, err
		}
		if err := u.AddEmailAddress(id); err != nil {
			return nil, err
		}
	}
	for _, number := range p.PhoneNumbers {
		id, err := e.hostPhone(number, !p.Unverified, now, s)
		if err != nil {
			return nil, err
		}
		if err := u.AddPhoneNumber(id); err != nil {
			return nil, err
		}
	}
	if p.Username != "" {
		if err := hostUsername(p.Username, s); err != nil {
			return nil, err
		}
		u.Username = p.Username
	}
	if len(u.EmailAddresses) == 0 && len(u.PhoneNumbers) == 0 && u.Username == "" {
		return nil, fault.New("form_data_missing", "email_address")
	}
	var err error
	if u.FirstName, err = user.CheckName(p.FirstName); err != nil {
		return nil, fault.Wrap("form_param_format_invalid", "first_name", err)
	}
	if u.LastName, err = user.CheckName(p.LastName); err != nil {
		return nil, fault.Wrap("form_param_format_invalid", "last_name", err)
	}
	if u.ExternalID, err = checkExternalID(p.ExternalID); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		in    json.RawMessage
		field *json.RawMessage
		param string
	}{{p.PublicMetadata, &u.PublicMetadata, "public_metadata"}, {p.PrivateMetadata, &u.PrivateMetadata, "private_metadata"},
		{p.UnsafeMetadata, &u.UnsafeMetadata, "unsafe_metadata"}} {
		if *m.field, err = user.CheckMetadata(m.in); err != nil {
			return nil, fault.Wrap("form_param_exceeds_allowed_size", m.param, err)
		}
	}
	if err := user.CheckLocale(p.Locale); err != nil {
		return nil, fault.From(err)
	}
	u.Locale, u.LegalAcceptedAt, u.DeleteSelfDisabled = p.Locale, p.LegalAcceptedAt, p.DeleteSelfDisabled
	u.BypassClientTrust = p.BypassClientTrust
	u.CreateOrganizationDisabled, u.CreateOrganizationsLimit = p.CreateOrganizationDisabled, max(0, p.CreateOrganizationsLimit)
	return u, nil
}

// hostUsername checks a username that the host gives: reserved ones are the
// host's to give.
func hostUsername(name string, s *settings.Settings) error {
	rules := signup.UsernameRules(s)
	rules.ByHost = true
	return rules.Check(name)
}

func hostAddress(address string, verified bool, now time.Time) (user.Identification, error) {
	id, err := user.NewEmailAddress(address, now)
	if err != nil {
		return id, err
	}
	if verified {
		id.Verified, id.Strategy, id.VerifiedAt = true, "admin", now
	} else {
		id.Reserved = true
	}
	return id, nil
}

func checkExternalID(id string) (string, error) {
	if len(id) > 256 {
		return "", fault.New("form_param_max_length_exceeded", "external_id")
	}
	return id, nil
}

func applyUpdate(p user.UpdateParams, u *user.User, s *settings.Settings) error {
	var errs []error
	for _, n := range []struct {
		in    *string
		field *string
		param string
	}{{p.FirstName, &u.FirstName, "first_name"}, {p.LastName, &u.LastName, "last_name"}} {
		if n.in == nil {
			continue
		}
		name, err := user.CheckName(*n.in)
		if err != nil {
			errs = append(errs, fault.Wrap("form_param_format_invalid", n.param, err))
		}
		*n.field = name
	}
	if p.Username != nil {
		if *p.Username != "" {
			errs = append(errs, hostUsername(*p.Username, s))
		} else if u.Username != "" && u.PrimaryEmailAddressID == "" && u.PrimaryPhoneNumberID == "" {
			errs = append(errs, user.ErrLastIdentification)
		}
		u.Username = *p.Username
	}
	if p.ExternalID != nil {
		id, err := checkExternalID(*p.ExternalID)
		errs = append(errs, err)
		u.ExternalID = id
	}
	for _, m := range []struct {
		in    json.RawMessage
		field *json.RawMessage
		param string
	}{{p.PublicMetadata, &u.PublicMetadata, "public_metadata"}, {p.PrivateMetadata, &u.PrivateMetadata, "private_metadata"},
		{p.UnsafeMetadata, &u.UnsafeMetadata, "unsafe_metadata"}} {
		if m.in == nil {
			continue
		}
		out, err := user.CheckMetadata(m.in)
		if err != nil {
			errs = append(errs, fault.Wrap("form_param_exceeds_allowed_size", m.param, err))
		}
		*m.field = out
	}
	if p.BypassClientTrust != nil {
		u.BypassClientTrust = *p.BypassClientTrust
	}
	if p.DeleteSelfEnabled != nil {
		u.DeleteSelfDisabled = !*p.DeleteSelfEnabled
	}
	if p.CreateOrganizationEnabled != nil {
		u.CreateOrganizationDisabled = !*p.CreateOrganizationEnabled
	}
	if p.CreateOrganizationsLimit != nil {
		u.CreateOrganizationsLimit = max(0, *p.CreateOrganizationsLimit)
	}
	if p.Locale != nil {
		errs = append(errs, user.CheckLocale(*p.Locale))
		u.Locale = *p.Locale
	}
	if p.LegalAcceptedAt != nil {
		u.LegalAcceptedAt = *p.LegalAcceptedAt
	}
	return errors.Join(errs...)
}
