package auth

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/signup"
)

// A SignUp is a sign-up under way.
type SignUp struct {
	ID     string
	Status signup.Status
	// MissingFields are those that must still be given, UnverifiedFields those
	// that must still be proved; a sign-up without either is complete.
	MissingFields, UnverifiedFields []string
	// Verifications are the challenges under way, by field.
	Verifications map[string]*factor.Verification
	// UserID and SessionID are what a complete sign-up has made.
	UserID, SessionID string
	AbandonAt         time.Time
}

// SignUpParams are the fields of a sign-up, in any order and any number of
// calls; nil leaves a field as it is.
type SignUpParams struct {
	EmailAddress, PhoneNumber, Username   *string
	FirstName, LastName, Password, Locale *string
	UnsafeMetadata                        json.RawMessage
	LegalAccepted                         *bool
	// Strategy is how to go on at once, such as email_code, oauth_google or
	// passkey.
	Strategy string
	// Ticket is that of an invitation.
	Ticket string
	// CaptchaToken shows that a person signs up, where the settings ask for it.
	CaptchaToken string
	// RedirectURL is as in [SignInParams].
	RedirectURL string
}

func (p SignUpParams) engine() engine.SignUpParams {
	return engine.SignUpParams{EmailAddress: p.EmailAddress, PhoneNumber: p.PhoneNumber, Username: p.Username,
		FirstName: p.FirstName, LastName: p.LastName, Password: p.Password, Locale: p.Locale, UnsafeMetadata: p.UnsafeMetadata,
		LegalAccepted: p.LegalAccepted, Strategy: p.Strategy, Ticket: p.Ticket, CaptchaToken: p.CaptchaToken}
}

// CreateSignUp starts a sign-up in place of the browser's former one. With all
// that the settings ask for it is complete at once.
func (at *Attempts) CreateSignUp(p SignUpParams) (*SignUp, error) {
	if err := at.returnTo(p.RedirectURL); err != nil {
		return nil, err
	}
	return at.signUp(at.a.engine.CreateSignUp(at.r.Context(), at.b, p.engine()))
}

// SignUp returns a sign-up of this browser; an empty id is the one under way.
func (at *Attempts) SignUp(id string) (*SignUp, error) {
	if id == "" && at.b.Client != nil {
		id = at.b.Client.SignUpID
	}
	return at.signUp(at.a.engine.SignUp(at.r.Context(), at.b, id))
}

// UpdateSignUp gives further fields.
func (at *Attempts) UpdateSignUp(id string, p SignUpParams) (*SignUp, error) {
	if err := at.returnTo(p.RedirectURL); err != nil {
		return nil, err
	}
	return at.signUp(at.a.engine.UpdateSignUp(at.r.Context(), at.b, id, p.engine()))
}

// PrepareVerification sends a code or a link to an address or number.
// redirectURL is as in [SignInParams], and else empty.
func (at *Attempts) PrepareVerification(id, strategy, redirectURL string) (*SignUp, error) {
	if err := at.returnTo(redirectURL); err != nil {
		return nil, err
	}
	return at.signUp(at.a.engine.PrepareSignUp(at.r.Context(), at.b, id, strategy))
}

// AttemptVerification judges a proof; the last one completes the sign-up.
func (at *Attempts) AttemptVerification(id, strategy string, proof factor.Proof) (*SignUp, error) {
	return at.signUp(at.a.engine.AttemptSignUp(at.r.Context(), at.b, id, strategy, proof))
}

// TransferToSignUp signs up with what a sign-in has proved, if nobody has it.
func (at *Attempts) TransferToSignUp(p SignUpParams) (*SignUp, error) {
	return at.signUp(at.a.engine.TransferToSignUp(at.r.Context(), at.b, p.engine()))
}

func (at *Attempts) signUp(a *signup.Attempt, err error) (*SignUp, error) {
	if err := at.answer(err); err != nil {
		return nil, err
	}
	v := at.a.engine.ViewSignUp(at.r.Context(), a)
	out := &SignUp{ID: a.ID, Status: a.StatusAt(v.Now),
		Verifications: map[string]*factor.Verification{}, UserID: a.CreatedUserID, SessionID: a.CreatedSessionID, AbandonAt: a.AbandonAt}
	if out.Status != signup.Complete { // nothing is missing of what is done
		out.MissingFields, out.UnverifiedFields = a.Missing(v.Settings), a.Unverified(v.Settings)
	}
	for field := range a.Verifications {
		out.Verifications[field] = shown(a.Verification(field))
	}
	return out, nil
}
