package frontend

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/signup"
)

// SignUp is a sign-up under way.
type SignUp struct {
	Object           string          `json:"object"`
	ID               string          `json:"id"`
	Status           string          `json:"status"`
	RequiredFields   []string        `json:"required_fields"`
	OptionalFields   []string        `json:"optional_fields"`
	MissingFields    []string        `json:"missing_fields"`
	UnverifiedFields []string        `json:"unverified_fields"`
	Verifications    Verifications   `json:"verifications"`
	Username         *string         `json:"username"`
	EmailAddress     *string         `json:"email_address"`
	PhoneNumber      *string         `json:"phone_number"`
	Web3Wallet       *string         `json:"web3_wallet"`
	PasswordEnabled  bool            `json:"password_enabled"` // both names are read
	HasPassword      bool            `json:"has_password"`
	FirstName        *string         `json:"first_name"`
	LastName         *string         `json:"last_name"`
	UnsafeMetadata   json.RawMessage `json:"unsafe_metadata"`
	PublicMetadata   json.RawMessage `json:"public_metadata"`
	CustomAction     bool            `json:"custom_action"`
	ExternalID       *string         `json:"external_id"`
	CreatedSessionID *string         `json:"created_session_id"`
	CreatedUserID    *string         `json:"created_user_id"`
	AbandonAt        int64           `json:"abandon_at"`
	LegalAcceptedAt  *int64          `json:"legal_accepted_at"`
	Locale           *string         `json:"locale"`
}

// Verifications are the challenges of a sign-up, by attribute.
type Verifications struct {
	EmailAddress    *SignUpVerification `json:"email_address"`
	PhoneNumber     *SignUpVerification `json:"phone_number"`
	Web3Wallet      *SignUpVerification `json:"web3_wallet"`
	ExternalAccount *wire.Verification  `json:"external_account"`
}

// SignUpVerification is a challenge with what is to be done about it.
// NextAction is needs_prepare, needs_attempt or, when nothing is, empty.
type SignUpVerification struct {
	Object              string   `json:"object"`
	Status              string   `json:"status"`
	Strategy            *string  `json:"strategy"`
	Attempts            *int     `json:"attempts"`
	ExpireAt            *int64   `json:"expire_at"`
	NextAction          string   `json:"next_action"`
	SupportedStrategies []string `json:"supported_strategies"`
	VerifiedAtClient    string   `json:"verified_at_client,omitempty"`
}

// SignUp is v.
func (e Encoder) SignUp(v *engine.SignUpView) *SignUp {
	s := v.Settings
	out := &SignUp{Object: "sign_up_attempt", ID: v.ID, Status: string(v.StatusAt(v.Now)),
		RequiredFields: signup.Required(s), OptionalFields: signup.Optional(s),
		MissingFields: []string{}, UnverifiedFields: []string{},
		EmailAddress: wire.TextOrNull(v.EmailAddress), PhoneNumber: wire.TextOrNull(v.PhoneNumber), Username: wire.TextOrNull(v.Username), FirstName: wire.TextOrNull(v.FirstName), LastName: wire.TextOrNull(v.LastName),
		PasswordEnabled: v.PasswordHash != "", HasPassword: v.PasswordHash != "",
		UnsafeMetadata: wire.Object(v.UnsafeMetadata), PublicMetadata: wire.Object(v.Attempt.PublicMetadata),
		CreatedSessionID: wire.TextOrNull(v.CreatedSessionID), CreatedUserID: wire.TextOrNull(v.CreatedUserID),
		AbandonAt: wire.Millis(v.AbandonAt), LegalAcceptedAt: wire.MillisOrNull(v.LegalAccepted), Locale: wire.TextOrNull(v.Locale)}
	if v.Status != signup.Complete { // nothing is missing of what is done
		out.MissingFields, out.UnverifiedFields = v.Missing(s), v.Unverified(s)
	}
	if v.PhoneNumber != "" && s.PhoneNumber.VerifyAtSignUp {
		out.Verifications.PhoneNumber = signUpVerification(v.Verification("phone_number"),
			v.Strategies.Verifying("phone_number", s.PhoneNumber.Verifications), v.Now)
	}
	if v.EmailAddress != "" && s.EmailAddress.VerifyAtSignUp {
		out.Verifications.EmailAddress = signUpVerification(v.Verification("email_address"),
			v.Strategies.Verifying("email_address", s.EmailAddress.Verifications), v.Now)
	}
	out.Verifications.ExternalAccount = wire.NewVerification(v.Verification(factor.ExternalAccount), v.Now)
	return out
}

// signUpVerification says of a challenge that is not prepared that it must be,
// and names no strategy: clients would wait for a mail that nobody sends.
func signUpVerification(v *factor.Verification, supported []string, now time.Time) *SignUpVerification {
	out := &SignUpVerification{Object: "verification_otp", Status: string(factor.Unverified), NextAction: "needs_prepare", SupportedStrategies: supported}
	if out.SupportedStrategies == nil {
		out.SupportedStrategies = []string{}
	}
	w := wire.NewVerification(v, now)
	if w == nil {
		return out
	}
	out.Object, out.Status, out.Strategy, out.Attempts, out.ExpireAt = w.Object, w.Status, &w.Strategy, w.Attempts, w.ExpireAt
	out.VerifiedAtClient = w.VerifiedAtClient
	switch factor.Status(w.Status) {
	case factor.Verified:
		out.NextAction = ""
	case factor.Unverified:
		out.NextAction = "needs_attempt"
	}
	return out
}
