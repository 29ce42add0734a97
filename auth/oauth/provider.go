package oauth

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/outbound"
)

// A Provider is a service that people can sign in with. Key, Name, ClientID and
// either Issuer or the three URLs are required.
type Provider struct {
	// Key names it on the wire: the strategy of the key google is oauth_google.
	// It has small letters, digits and underscores.
	Key string
	// Name is what people see, such as Google.
	Name string
	// LogoURL is a picture for buttons of clients that have none of their own.
	LogoURL string

	ClientID, ClientSecret string
	// Secret makes the client secret anew for each call, if it is no constant.
	Secret func(now time.Time) (string, error)

	// Issuer makes it a provider of OpenID Connect. Endpoints that are not given
	// are found in its discovery document.
	Issuer string
	// TokenIssuer is the iss of ID tokens if it differs from tenant to tenant:
	// {tid} stands for the claim of that name.
	TokenIssuer string
	// AuthURL, TokenURL and UserInfoURL are where people sign in, codes are
	// exchanged and profiles are found. A {token} in UserInfoURL stands for the
	// access token, which is then not sent in a header.
	AuthURL, TokenURL, UserInfoURL string
	// KeysURL is where the keys of ID tokens are; RevokeURL is where tokens are
	// revoked, as RFC 7009 says.
	KeysURL, RevokeURL string
	// RevokeGrant: RevokeURL, in which {client_id} stands for the client, takes a
	// DELETE with the access token in JSON, as GitHub's does, and ends all that
	// the person has granted.
	RevokeGrant bool
	// SharedKey: ID tokens are signed with the client secret (HS256).
	SharedKey bool

	// Scopes are asked for at every sign-in.
	Scopes []string
	// ScopeSeparator stands between scopes; empty is a space.
	ScopeSeparator string
	// AuthParams are further parameters of the authorization request.
	AuthParams map[string]string
	// FormPost: the provider answers by a POST from its own page.
	FormPost bool
	// ClientIDParam is what the client ID is called, if not client_id.
	ClientIDParam string
	// Auth is how the client shows its secret; empty: as the discovery document
	// says, else in the body.
	Auth Auth
	// TokenIn is where the token is in the answer of TokenURL, if not at its top.
	TokenIn string

	// ProfileInToken names what holds the profile in the answer of TokenURL.
	ProfileInToken string
	// UserInfoBody makes the request for the profile a POST of this JSON.
	UserInfoBody string
	// Header is sent with requests for profiles.
	Header map[string]string
	// Fields say where in a profile things are; zero: the claims of OpenID
	// Connect.
	Fields Fields
	// Emails is where addresses are listed, if they are not in the profile.
	Emails *EmailList
	// Verified is the rule by which an address counts as the person's own.
	Verified EmailRule
	// Adjust changes what was read from a profile, for what no field can say.
	Adjust func(profile map[string]any, id *Identity) error

	// WithoutPKCE and WithoutNonce say why one of them is left out.
	WithoutPKCE, WithoutNonce Exception
	// CommonCallback makes /v1/oauth_callback the address to come back to, as
	// it is at Clerk, where others have one for each provider.
	CommonCallback bool
	// Networks are private networks that the provider may be in.
	Networks []netip.Prefix
}

// An Exception is the reason why a check is left out. Empty: it is not.
type Exception string

// Auth is how a client shows its secret to the token endpoint.
type Auth string

// The ways to show a client secret.
const (
	InBody   Auth = "client_secret_post"
	InHeader Auth = "client_secret_basic"
	// InHeaderJSON is InHeader with a body of JSON instead of a form.
	InHeaderJSON Auth = "client_secret_basic+json"
)

// Fields say where in a profile things are: names with dots between them, and
// numbers for places in lists, such as data.user.0.id.
type Fields struct {
	Subject, EmailAddress, FirstName, LastName, Name, Username, Picture string
}

// claims are the fields of OpenID Connect.
var claims = Fields{Subject: "sub", EmailAddress: "email", FirstName: "given_name", LastName: "family_name",
	Name: "name", Username: "preferred_username", Picture: "picture"}

// EmailList is an endpoint that lists the addresses of a person.
type EmailList struct {
	URL string
	// In is where the list is in the answer; empty: it is the answer.
	In string
	// Address, Primary and Verified are fields of an entry. The primary one is
	// taken.
	Address, Primary, Verified string
}

// EmailRule says when an address counts as the person's own. Only what a
// provider has verified may open an account that somebody has here already.
type EmailRule struct {
	// Field says so by the boolean true, and by nothing else. Empty: nothing
	// does, and people prove their address here.
	Field string
	// AlsoText: the texts true and 1 count as well.
	AlsoText bool
	// Always: the provider gives no address that it has not verified.
	Always bool
	// Reason is why it is not the boolean email_verified.
	Reason string
}

// byClaim is the rule of OpenID Connect.
var byClaim = EmailRule{Field: "email_verified"}

// Strategy is the name of the provider's strategy, such as oauth_google.
func (p *Provider) Strategy() string { return "oauth_" + p.Key }

func (p *Provider) isOIDC() bool { return p.Issuer != "" }

// Validate reports everything that is wrong with p. On an instance that is
// itself on a loopback address, loopback may be set.
func (p *Provider) Validate(loopback bool) error {
	var errs []error
	problem := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("oauth: provider "+strconv.Quote(p.Key)+": "+format, args...))
	}
	if p.Key == "" || strings.Trim(p.Key, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || len(p.Key) > 40 {
		problem("Key must be small letters, digits and underscores")
	}
	if p.Name == "" {
		problem("Name is missing")
	}
	if p.ClientID == "" {
		problem("ClientID is missing")
	}
	if p.Issuer == "" && (p.AuthURL == "" || p.TokenURL == "" || p.UserInfoURL == "" && p.ProfileInToken == "") {
		problem("Issuer, or AuthURL, TokenURL and UserInfoURL, are missing")
	}
	if p.Issuer == "" && p.fields().Subject == "" {
		problem("Fields.Subject is missing")
	}
	if p.Verified.Reason == "" && p.Verified != byClaim {
		problem("Verified.Reason must say why it is not the boolean email_verified")
	}
	if p.SharedKey && p.ClientSecret == "" {
		problem("SharedKey needs a ClientSecret")
	}
	for _, raw := range p.urls() {
		u, err := url.Parse(strings.NewReplacer("{token}", "", "{client_id}", "").Replace(raw))
		if err == nil {
			err = p.policy(loopback).CheckURL(u)
		}
		if err != nil {
			problem("%q: %w", raw, err)
		}
	}
	return errors.Join(errs...)
}

func (p *Provider) fields() Fields {
	if p.Fields == (Fields{}) {
		return claims
	}
	return p.Fields
}

// urls are those that the host has written.
func (p *Provider) urls() []string {
	all := []string{p.Issuer, p.AuthURL, p.TokenURL, p.UserInfoURL, p.KeysURL, p.RevokeURL}
	if p.Emails != nil {
		all = append(all, p.Emails.URL)
	}
	out := all[:0]
	for _, u := range all {
		if u != "" {
			out = append(out, u)
		}
	}
	return out
}

// policy lets calls go to the ports that the host has written, and to private
// addresses only where the host has said so.
func (p *Provider) policy(loopback bool) outbound.Policy {
	pol := outbound.Policy{Loopback: loopback, Networks: p.Networks}
	for _, raw := range p.urls() {
		if u, err := url.Parse(raw); err == nil {
			if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
				pol.Ports = append(pol.Ports, uint16(n))
			}
		}
	}
	return pol
}
