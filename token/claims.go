package token

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Claims are what a token says: version 2 of the session token. Times have
// whole seconds, and the zero time is an absent claim.
//
// Claims that a [Verifier] returns are shared by all who verify the same
// token: read them and do not change them; change a [Claims.Clone].
type Claims struct {
	Subject         string    // sub: the user's ID
	SessionID       string    // sid; not in template tokens
	Issuer          string    // iss: the URL of the issuer
	AuthorizedParty string    // azp: the Origin that asked for the token; may be empty
	IssuedAt        time.Time // iat
	NotBefore       time.Time // nbf
	Expires         time.Time // exp
	ID              string    // jti
	Version         int       // v: 2; 0 is absent
	// FactorAge is fva; nil is absent and means that nothing is known.
	FactorAge *FactorAge
	Status    Status // sts; may be empty
	// Actor is act, the JSON object of who impersonates the user. Nil if nobody
	// does.
	Actor json.RawMessage
	Plan  string // pla: scope and plan, as in "u:free"
	// Features is fea, a comma list of scope and feature, as in "o:teams,u:x".
	// Set it with [Claims.Grant].
	Features string
	// Organization is o, nil without an active organization.
	Organization *Organization
	// Custom are all other claims by name. Names that the format owns are
	// refused when minting, see [Reserved].
	Custom map[string]json.RawMessage

	// Kind is the cat header: what the token is for. Empty is a session token.
	Kind Kind
}

// FactorAge is how long ago the factors were verified, in whole minutes when
// the token was minted; -1 is never.
type FactorAge struct{ First, Second int }

// Status is the state of the session.
type Status string

const (
	// StatusActive is a session that may be used.
	StatusActive Status = "active"
	// StatusPending is a session with open tasks, which counts as signed out.
	StatusPending Status = "pending"
)

// Organization is the active organization and the user's place in it.
type Organization struct {
	ID   string // id
	Slug string // slg; may be empty
	Role string // rol, without the prefix "org:"
	// Permissions (per) and FeaturePermissions (fpm) encode the custom
	// permissions; see [Claims.Grant] and [Claims.Permissions].
	Permissions, FeaturePermissions string
}

// rolePrefix is left out of the token and added back by readers.
const rolePrefix = "org:"

// Active tells whether the session may be used: it is not pending.
func (c *Claims) Active() bool { return c.Status == "" || c.Status == StatusActive }

// HasRole tells whether the user has role in the active organization. It may
// be given with its prefix "org:" or without.
func (c *Claims) HasRole(role string) bool {
	role = strings.TrimPrefix(role, rolePrefix)
	return c.Organization != nil && role != "" && strings.TrimPrefix(c.Organization.Role, rolePrefix) == role
}

// ActorID is the sub of the actor who impersonates the user, or empty.
func (c *Claims) ActorID() string {
	if c.Actor == nil {
		return ""
	}
	var actor map[string]any // unlike a struct's, its names are case-exact
	if json.Unmarshal(c.Actor, &actor) != nil {
		return ""
	}
	sub, _ := actor["sub"].(string)
	return sub
}

// Audience is the custom claim aud (RFC 7519 section 4.1.3) as a list, or an
// error that is [ErrMalformed].
func (c *Claims) Audience() ([]string, error) {
	raw, ok := c.Custom["aud"]
	if !ok {
		return nil, nil
	}
	var one *string
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []string{*one}, nil
	}
	var many []*string
	if json.Unmarshal(raw, &many) != nil || many == nil || slices.Contains(many, nil) {
		return nil, fmt.Errorf("%w: aud is not a string or a list of strings", ErrMalformed)
	}
	list := make([]string, len(many))
	for i, s := range many {
		list[i] = *s
	}
	return list, nil
}

// Clone returns a deep copy, which may be changed.
func (c *Claims) Clone() *Claims {
	d := *c
	if c.FactorAge != nil {
		age := *c.FactorAge
		d.FactorAge = &age
	}
	if c.Organization != nil {
		o := *c.Organization
		d.Organization = &o
	}
	d.Actor = slices.Clone(c.Actor)
	d.Custom = maps.Clone(c.Custom)
	for name, raw := range d.Custom {
		d.Custom[name] = slices.Clone(raw)
	}
	return &d
}

// reserved are the claims that the format owns. A handshake list is no claim
// of ours, but clients obey it wherever they find one.
var reserved = []string{
	"sub", "sid", "iss", "azp", "iat", "nbf", "exp", "jti", "v", "fva", "sts", "act", "pla", "fea", "o", "handshake",
}

// Reserved tells whether name cannot be a custom claim, since the format owns
// it. Letter case does not matter, as it does not to some parsers.
func Reserved(name string) bool {
	for _, r := range reserved {
		if strings.EqualFold(name, r) {
			return true
		}
	}
	return false
}

// ownedByFold tells whether name is, but for its letter case, one that means
// something: a parser that ignores case would take it for that.
func ownedByFold(name string) bool {
	if name == "handshake" || name == "aud" {
		return false
	}
	return Reserved(name) || strings.EqualFold(name, "aud")
}
