package frontend

import (
	"strings"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/user"
)

// SignIn is a sign-in under way.
type SignIn struct {
	Object                   string             `json:"object"`
	ID                       string             `json:"id"`
	Status                   string             `json:"status"`
	SupportedIdentifiers     []string           `json:"supported_identifiers"`
	SupportedFirstFactors    []Factor           `json:"supported_first_factors"`
	SupportedSecondFactors   []Factor           `json:"supported_second_factors"`
	FirstFactorVerification  *wire.Verification `json:"first_factor_verification"`
	SecondFactorVerification *wire.Verification `json:"second_factor_verification"`
	Identifier               *string            `json:"identifier"`
	UserData                 *UserData          `json:"user_data"`
	CreatedSessionID         *string            `json:"created_session_id"`
	AbandonAt                int64              `json:"abandon_at"`
	ClientTrustState         *string            `json:"client_trust_state"`
}

// Factor is one way to go on. Fields that do not concern it are left out.
type Factor struct {
	Strategy       string `json:"strategy"`
	EmailAddressID string `json:"email_address_id,omitempty"`
	PhoneNumberID  string `json:"phone_number_id,omitempty"`
	SafeIdentifier string `json:"safe_identifier,omitempty"`
	Primary        *bool  `json:"primary,omitempty"`
	// Default: of several second factors it is offered first.
	Default bool `json:"default,omitempty"`
}

// UserData is who a sign-in speaks of.
type UserData struct {
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	ImageURL        string  `json:"image_url"`
	ProfileImageURL string  `json:"profile_image_url"`
	HasImage        bool    `json:"has_image"`
}

// SignIn is v. A challenge is null until it is prepared: clients take anything
// else for a code that is out already.
func (e Encoder) SignIn(v *engine.SignInView) *SignIn {
	return &SignIn{Object: "sign_in_attempt", ID: v.ID, Status: string(v.StatusAt(v.Now)),
		SupportedIdentifiers:    identifiers(v.Settings),
		SupportedFirstFactors:   factors(v, v.First),
		SupportedSecondFactors:  factors(v, v.Second),
		FirstFactorVerification: wire.NewVerification(v.Attempt.First, v.Now), SecondFactorVerification: wire.NewVerification(v.Attempt.Second, v.Now),
		Identifier: wire.TextOrNull(v.Identifier), UserData: e.userData(v),
		CreatedSessionID: wire.TextOrNull(v.CreatedSessionID), AbandonAt: wire.Millis(v.AbandonAt), ClientTrustState: clientTrust(v)}
}

// clientTrust says whether the account knows the browser; null where nobody
// asks.
func clientTrust(v *engine.SignInView) *string {
	if !v.Settings.Protection.ClientTrust {
		return nil
	}
	state := "new"
	switch {
	case v.Status == signin.NeedsIdentifier:
		state = "pending"
	case v.Familiar:
		state = "known"
	}
	return &state
}

// identifiers lists what people can call themselves.
func identifiers(s *settings.Settings) []string {
	out := []string{}
	for _, a := range []struct {
		name string
		on   bool
	}{{"email_address", s.EmailAddress.Enabled}, {"phone_number", s.PhoneNumber.Enabled}, {"username", s.Username.Enabled}} {
		if a.on {
			out = append(out, a.name)
		}
	}
	return out
}

func factors(v *engine.SignInView, options []factor.Option) []Factor {
	var out []Factor
	for _, o := range options {
		f := Factor{Strategy: o.Strategy}
		if o.TargetID != "" {
			primary := o.Primary
			f.SafeIdentifier, f.Primary, f.Default = Safe(v, o.Target), &primary, o.Default
			if strings.HasPrefix(o.Target, "+") {
				f.PhoneNumberID = o.TargetID
			} else {
				f.EmailAddressID = o.TargetID
			}
		}
		out = append(out, f)
	}
	return out
}

// Safe hides most of an address from somebody who has not shown any factor,
// unless it is the one that this very person has typed.
func Safe(v *engine.SignInView, address string) string {
	if stranger(v) && !same(address, v.Identifier) {
		return Mask(address)
	}
	return address
}

func stranger(v *engine.SignInView) bool {
	return v.Veiled() || v.Settings.Protection.MaskIdentifiers && v.FirstAt.IsZero()
}

func same(a, b string) bool {
	_, x := user.Classify(a)
	_, y := user.Classify(b)
	return x != "" && x == y
}

// Mask leaves the first letter and the domain of an address, and the last two
// digits of a phone number.
func Mask(address string) string {
	at := strings.LastIndexByte(address, '@')
	switch {
	case at < 0 && strings.HasPrefix(address, "+") && len(address) > 4:
		return "*****" + address[len(address)-2:]
	case at < 0:
		return "*****"
	}
	_, n := utf8.DecodeRuneInString(address)
	return address[:min(n, at)] + "*****" + address[at:]
}

func (e Encoder) userData(v *engine.SignInView) *UserData {
	u := v.User
	if u == nil && !v.Veiled() {
		return nil
	}
	if stranger(v) {
		image := e.Images.Default(v.ID)
		return &UserData{ImageURL: image, ProfileImageURL: image}
	}
	image := e.Images.User(u)
	return &UserData{FirstName: wire.TextOrNull(u.FirstName), LastName: wire.TextOrNull(u.LastName),
		ImageURL: image, ProfileImageURL: image, HasImage: u.ImageID != ""}
}
