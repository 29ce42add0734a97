package signup

import (
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An Input is what happens to an attempt: Update, Prepare, Prove, External or
// Returned.
type Input interface{ input() }

type (
	// Update sets fields; nil leaves a field as it is, empty clears it.
	Update struct {
		EmailAddress, PhoneNumber, Username, FirstName, LastName *string
		// PasswordHash is the hash of a password that was checked before.
		PasswordHash   *string
		UnsafeMetadata json.RawMessage
		Locale         *string
		// LegalAccepted: the legal documents are accepted, or refused.
		LegalAccepted *bool
		// InvitationID is an invitation whose ticket was brought.
		InvitationID string
		// Passkey: a passkey is to stand in for a password, and is waited for.
		Passkey bool
		// More: another step follows at once, the attempt does not complete yet.
		More bool
	}
	// Prepare starts a challenge.
	Prepare struct{ Prepared factor.Prepared }
	// Prove brings what a strategy found.
	Prove struct{ Fact factor.Fact }
)

func (Update) input()  {}
func (Prepare) input() {}
func (Prove) input()   {}

// An Effect is what the caller does in the same transaction.
type Effect interface{ effect() }

type (
	// SendCode puts a message into the outbox.
	SendCode struct{ Send factor.Send }
	// CreateUser makes the user of the completed attempt, and a session. Their
	// IDs are written to the attempt.
	CreateUser struct{}
)

func (SendCode) effect()   {}
func (CreateUser) effect() {}

// Env holds the facts of the transaction that a step runs in.
type Env struct {
	Now        time.Time
	Settings   *settings.Settings
	Strategies factor.Set
	// Taken reports whether somebody else has claimed the value of an
	// attribute.
	Taken func(attribute, value string) bool
	// Phone reads a phone number; nil if the instance knows none.
	Phone func(number string) (user.Phone, error)
	// Veiled: nothing tells whether somebody has claimed a value, but to who
	// proves it.
	Veiled bool
	// Admitted reports whether the lists let in who brings what the attempt has;
	// nil lets everybody in. end: it has all that it needs.
	Admitted func(a *Attempt, end bool) bool
	// Invitation is the one that the attempt or the input speaks of, as stored
	// now; nil is none.
	Invitation *ticket.Pass
	// Impersonating: on this client somebody acts as another user.
	Impersonating bool
	// SignedIn is how many sessions are live on this client.
	SignedIn int
}

// Step gives the attempt after in. next is to be stored also when err is not
// nil.
func (a Attempt) Step(in Input, env Env) (next Attempt, do []Effect, err error) {
	next = a
	next.Verifications = maps.Clone(a.Verifications)
	if a.StatusAt(env.Now) != MissingRequirements {
		return next, nil, fault.New("client_state_invalid", "")
	}
	if r, ok := in.(Returned); ok {
		return next, nil, next.returned(r, env)
	}
	if err := a.open(in, env); err != nil {
		return next, nil, err
	}
	next.UpdatedAt = env.Now
	next.AbandonAt = env.Now.Add(env.Settings.SignUp.AbandonAfter)
	next.Expires = next.AbandonAt
	switch in := in.(type) {
	case Update:
		// All or nothing: a form with one bad field changes none.
		changed := next
		changed.Verifications = maps.Clone(next.Verifications)
		if err = changed.update(in, env); err == nil {
			err = errors.Join(changed.door(env), changed.welcome(env, false))
		}
		if err == nil {
			next = changed
		}
	case Prepare:
		do, err = next.prepare(in, env)
	case Prove:
		err = next.prove(in, env)
	case PreparePasskey:
		err = next.preparePasskey(in, env)
	case ProvePasskey:
		err = next.provePasskey(in, env)
	case External:
		err = next.external(in, env)
	}
	if err != nil {
		return next, nil, err
	}
	if more(in) {
		return next, do, nil
	}
	if len(next.Missing(env.Settings)) > 0 || len(next.Unverified(env.Settings)) > 0 {
		return next, do, nil
	}
	if err := next.welcome(env, true); err != nil { // the lists may have changed since
		return next, nil, err
	}
	next.move(Complete)
	return next, append(do, CreateUser{}), nil
}

// more reports whether something follows in before the attempt can complete:
// another step, or the return of a browser that is sent away.
func more(in Input) bool {
	switch in := in.(type) {
	case Update:
		return in.More
	case Prepare:
		return in.Prepared.Send != nil && in.Prepared.Send.Away != nil
	}
	return false
}

// open refuses a step that nobody may do now.
func (a *Attempt) open(in Input, env Env) error {
	if u, ok := in.(Update); !ok || u.InvitationID == "" { // an invitation may be what opens the door
		if err := a.door(env); err != nil {
			return err
		}
	}
	switch {
	case env.Impersonating:
		return fault.New("session_creation_not_allowed", "")
	case !env.Settings.Sessions.Multi && env.SignedIn > 0:
		return fault.New("session_exists", "")
	}
	return nil
}

// door refuses who needs an invitation and has none, or one that is of no use
// any more.
func (a *Attempt) door(env Env) error {
	if a.InvitationID != "" {
		if env.Invitation == nil || env.Invitation.ID != a.InvitationID {
			return ticket.Unknown(ticket.KindOf(a.InvitationID))
		}
		return env.Invitation.Ticket.Usable(env.Invitation.Kind(), env.Now)
	}
	switch env.Settings.SignUp.Mode {
	case settings.Restricted:
		return fault.New("sign_up_mode_restricted", "")
	case settings.Waitlist:
		return fault.New("sign_up_restricted_waitlist", "")
	}
	return nil
}

// welcome refuses whom the lists keep out. Whom the host invites by name need be
// on none; who is invited to an organization, by one of its members, must. Before the end, who has given nothing that lists know is let on.
func (a *Attempt) welcome(env Env, end bool) error {
	if env.Admitted == nil || ticket.KindOf(a.InvitationID) == ticket.InvitationKind || a.EmailAddress == "" && a.PhoneNumber == "" && !end || env.Admitted(a, end) {
		return nil
	}
	if a.EmailAddress == "" && a.PhoneNumber != "" {
		return fault.New("not_allowed_access", "phone_number")
	}
	return fault.New("not_allowed_access", "email_address")
}

func (a *Attempt) update(in Update, env Env) error {
	var errs []error
	refuse := func(code, param string) { errs = append(errs, fault.New(code, param)) }
	s := env.Settings
	switch {
	case in.Passkey && !s.Passkeys.SignUp:
		refuse("verification_strategy_invalid", "strategy")
	case in.Passkey:
		a.WantsPasskey = true
	case in.PasswordHash != nil:
		a.WantsPasskey = false // they have thought better of it
	}
	if in.InvitationID != "" {
		if err := a.invited(in.InvitationID, env); err != nil {
			errs = append(errs, err)
		}
	}
	for _, id := range []struct {
		in  *string
		set func(string, Env) error
	}{{in.EmailAddress, a.setEmailAddress}, {in.PhoneNumber, a.setPhoneNumber}, {in.Username, a.setUsername}} {
		if id.in == nil {
			continue
		}
		if err := id.set(*id.in, env); err != nil {
			errs = append(errs, err)
		}
	}
	for _, n := range []struct {
		in    *string
		field *string
		param string
		on    bool
	}{
		{in.FirstName, &a.FirstName, "first_name", s.FirstName.Enabled},
		{in.LastName, &a.LastName, "last_name", s.LastName.Enabled},
	} {
		if n.in == nil {
			continue
		}
		name, err := user.CheckName(*n.in)
		switch {
		case !n.on:
			refuse("form_param_unknown", n.param)
		case err != nil:
			errs = append(errs, fault.Wrap("form_param_format_invalid", n.param, err))
		default:
			*n.field = name
		}
	}
	if in.PasswordHash != nil {
		if s.Password.Enabled {
			a.PasswordHash = *in.PasswordHash
		} else {
			refuse("form_param_unknown", "password")
		}
	}
	if in.UnsafeMetadata != nil {
		m, err := user.CheckMetadata(in.UnsafeMetadata)
		if err != nil {
			errs = append(errs, fault.Wrap("form_param_exceeds_allowed_size", "unsafe_metadata", err))
		}
		a.UnsafeMetadata = m
	}
	// A browser tells its locale by itself, and some tell en-US@posix: nobody is
	// kept from signing up for that.
	if in.Locale != nil && user.CheckLocale(*in.Locale) == nil {
		a.Locale = *in.Locale
	}
	switch {
	case in.LegalAccepted == nil:
	case !*in.LegalAccepted && s.Legal.Consent:
		refuse("legal_not_accepted", "legal_accepted")
	case *in.LegalAccepted && a.LegalAccepted.IsZero():
		a.LegalAccepted = env.Now
	}
	return errors.Join(errs...)
}

// invited makes the attempt the invitation's: the address is the one that was
// invited, and whoever holds the ticket has shown that it is their own.
func (a *Attempt) invited(id string, env Env) error {
	const attribute = "email_address"
	i := env.Invitation
	if i == nil || i.ID != id {
		return ticket.Unknown(ticket.KindOf(id))
	}
	if err := i.Ticket.Usable(i.Kind(), env.Now); err != nil {
		return err
	}
	if env.Taken(attribute, i.Canonical) { // whoever holds the ticket may know it
		return fault.New("form_identifier_exists", attribute)
	}
	if err := a.setEmailAddress(i.EmailAddress, env); err != nil {
		return err
	}
	a.InvitationID, a.PublicMetadata = id, i.PublicMetadata
	a.put(attribute, factor.Verification{ID: store.NewID("ver", env.Now), Strategy: "ticket", Status: factor.Verified,
		Target: a.EmailAddress, VerifiedAt: env.Now})
	return nil
}

// setEmailAddress takes an address. Another address drops the verification of
// the one before.
func (a *Attempt) setEmailAddress(address string, env Env) error {
	const attribute = "email_address"
	if !env.Settings.EmailAddress.Enabled {
		return fault.New("form_param_unknown", attribute)
	}
	if address == "" {
		a.EmailAddress = ""
		delete(a.Verifications, attribute)
		a.InvitationID, a.PublicMetadata = "", nil
		return nil
	}
	id, err := user.NewEmailAddress(address, env.Now)
	if err != nil {
		return fault.From(err)
	}
	if env.Taken(attribute, id.Canonical) && !env.Veiled {
		return fault.Taken(attribute)
	}
	if id.Value != a.EmailAddress {
		delete(a.Verifications, attribute)
		a.InvitationID, a.PublicMetadata = "", nil
	}
	a.EmailAddress = id.Value
	return nil
}

func (a *Attempt) prepare(in Prepare, env Env) ([]Effect, error) {
	v := in.Prepared.Verification
	attribute, err := a.attribute(v.Strategy, env)
	if err != nil {
		return nil, err
	}
	old := a.Verification(attribute)
	switch {
	case attribute == factor.ExternalAccount && a.Proven() == nil: // the proof brings the value along
	case v.Target == "" || v.Target != a.Value(attribute):
		return nil, fault.New("form_param_nil", attribute)
	case old != nil && old.Status == factor.Verified:
		return nil, fault.New("verification_already_verified", "")
	}
	if err := factor.CanResend(old, v, env.Settings.Codes, env.Now); err != nil {
		return nil, err
	}
	a.put(attribute, v)
	if in.Prepared.Send == nil {
		return nil, nil
	}
	return []Effect{SendCode{*in.Prepared.Send}}, nil
}

func (a *Attempt) prove(in Prove, env Env) error {
	attribute, err := a.attribute(in.Fact.Strategy, env)
	if err != nil {
		return err
	}
	v := a.Verification(attribute)
	if env.Veiled && v != nil && env.Taken(attribute, v.Target) {
		in.Fact.OK = false // nothing was sent that could prove it
	}
	if err = factor.Settle(v, in.Fact, env.Settings.Codes, env.Now); v != nil {
		a.put(attribute, *v)
	}
	return err
}

func (a *Attempt) put(attribute string, v factor.Verification) {
	if a.Verifications == nil {
		a.Verifications = map[string]factor.Verification{}
	}
	a.Verifications[attribute] = v
}

// attribute finds what a strategy verifies, if it is switched on for that.
func (a *Attempt) attribute(strategy string, env Env) (string, error) {
	st, ok := env.Strategies.Get(strategy)
	if ok {
		t := st.Traits()
		if t.Attribute == factor.ExternalAccount && len(st.Options(factor.Subject{Settings: env.Settings})) > 0 {
			return t.Attribute, nil
		}
		for _, name := range env.Strategies.Verifying(t.Attribute, attributeOf(env.Settings, t.Attribute).Verifications) {
			if name == strategy {
				return t.Attribute, nil
			}
		}
	}
	return "", fault.New("verification_strategy_invalid", "strategy")
}
