package backend

import (
	"encoding/json"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
)

// SignInToken is a token that signs its user in. Token and URL are told once,
// when it is made.
type SignInToken struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	UserID    string `json:"user_id"`
	Status    string `json:"status"`
	Token     string `json:"token,omitempty"`
	URL       string `json:"url,omitempty"`
	CreatedAt int64  `json:"created_at"`
	UpdatedAt int64  `json:"updated_at"`
}

// NewSignInToken is t with what it travels as, if that is known. Clients know
// no status of a token that has expired: it stays pending.
func NewSignInToken(t *ticket.SignInToken, travels, url string) SignInToken {
	return SignInToken{Object: "sign_in_token", ID: t.ID, UserID: t.UserID, Status: string(t.Status), Token: travels, URL: url,
		CreatedAt: wire.Millis(t.CreatedAt), UpdatedAt: wire.Millis(t.UpdatedAt)}
}

// ActorToken is a token with which somebody acts as a user. Token and URL are
// told once, when it is made.
type ActorToken struct {
	Object    string          `json:"object"`
	ID        string          `json:"id"`
	UserID    string          `json:"user_id"`
	Actor     json.RawMessage `json:"actor"`
	Status    string          `json:"status"`
	Token     string          `json:"token,omitempty"`
	URL       string          `json:"url,omitempty"`
	CreatedAt int64           `json:"created_at"`
	UpdatedAt int64           `json:"updated_at"`
}

// NewActorToken is t with what it travels as, if that is known.
func NewActorToken(t *ticket.ActorToken, travels, url string) ActorToken {
	return ActorToken{Object: "actor_token", ID: t.ID, UserID: t.UserID, Actor: t.Actor, Status: string(t.Status), Token: travels, URL: url,
		CreatedAt: wire.Millis(t.CreatedAt), UpdatedAt: wire.Millis(t.UpdatedAt)}
}

// Invitation is an invitation to sign up. URL is told once, when it is made.
type Invitation struct {
	Object         string          `json:"object"`
	ID             string          `json:"id"`
	EmailAddress   string          `json:"email_address"`
	PublicMetadata json.RawMessage `json:"public_metadata"`
	Revoked        bool            `json:"revoked"`
	Status         string          `json:"status"`
	URL            string          `json:"url,omitempty"`
	ExpiresAt      int64           `json:"expires_at"`
	CreatedAt      int64           `json:"created_at"`
	UpdatedAt      int64           `json:"updated_at"`
}

// Invitation is i with its link, if that is known.
func (e Encoder) Invitation(i *ticket.Invitation, url string) Invitation {
	return Invitation{Object: "invitation", ID: i.ID, EmailAddress: i.EmailAddress, PublicMetadata: wire.Object(i.PublicMetadata),
		Revoked: i.Status == ticket.Revoked, Status: string(i.StatusAt(e.Now)), URL: url, ExpiresAt: wire.Millis(i.ExpireAt),
		CreatedAt: wire.Millis(i.CreatedAt), UpdatedAt: wire.Millis(i.UpdatedAt)}
}

// Invitations are list in its order.
func (e Encoder) Invitations(list []*ticket.Invitation) []Invitation {
	out := make([]Invitation, 0, len(list))
	for _, i := range list {
		out = append(out, e.Invitation(i, ""))
	}
	return out
}

// TestingToken spares tests the check that they are no programs. Its time is in
// seconds, as clients expect.
type TestingToken struct {
	Object    string `json:"object"`
	Token     string `json:"token"`
	ExpiresAt int64  `json:"expires_at"`
}

// WaitlistEntry is a person on the waitlist.
type WaitlistEntry struct {
	Object       string      `json:"object"`
	ID           string      `json:"id"`
	EmailAddress string      `json:"email_address"`
	Status       string      `json:"status"`
	IsLocked     bool        `json:"is_locked"` // never: nothing is done in batches
	Invitation   *Invitation `json:"invitation"`
	CreatedAt    int64       `json:"created_at"`
	UpdatedAt    int64       `json:"updated_at"`
}

// WaitlistEntry is w.
func (e Encoder) WaitlistEntry(w engine.WaitlistView) WaitlistEntry {
	out := WaitlistEntry{Object: "waitlist_entry", ID: w.ID, EmailAddress: w.EmailAddress, Status: string(w.Status),
		CreatedAt: wire.Millis(w.CreatedAt), UpdatedAt: wire.Millis(w.UpdatedAt)}
	if w.Invitation != nil {
		i := e.Invitation(w.Invitation, "")
		out.Invitation = &i
	}
	return out
}

// WaitlistEntries are list in its order.
func (e Encoder) WaitlistEntries(list []engine.WaitlistView) []WaitlistEntry {
	out := make([]WaitlistEntry, 0, len(list))
	for _, w := range list {
		out = append(out, e.WaitlistEntry(w))
	}
	return out
}

// ListIdentifier is an entry of the allowlist or the blocklist.
type ListIdentifier struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	InvitationID   string `json:"invitation_id,omitempty"`
	Identifier     string `json:"identifier"`
	IdentifierType string `json:"identifier_type"`
	InstanceID     string `json:"instance_id"`
	CreatedAt      int64  `json:"created_at"`
	UpdatedAt      int64  `json:"updated_at"`
}

// NewListIdentifier is e, of the list that object names.
func NewListIdentifier(object string, e *access.Entry, instanceID string) ListIdentifier {
	return ListIdentifier{Object: object, ID: e.ID, InvitationID: e.InvitationID, Identifier: e.Identifier, IdentifierType: string(e.Type),
		InstanceID: instanceID, CreatedAt: wire.Millis(e.CreatedAt), UpdatedAt: wire.Millis(e.UpdatedAt)}
}

// Restrictions say which lists are asked.
type Restrictions struct {
	Object            string `json:"object"`
	Allowlist         bool   `json:"allowlist"`
	Blocklist         bool   `json:"blocklist"`
	DisabledOnSignIn  bool   `json:"allowlist_blocklist_disabled_on_sign_in"`
	BlockSubaddresses bool   `json:"block_email_subaddresses"`
	BlockDisposable   bool   `json:"block_disposable_email_domains"`
}

// NewRestrictions is what the settings say.
func NewRestrictions(a settings.Access) Restrictions {
	return Restrictions{Object: "instance_restrictions", Allowlist: a.Allowlist, Blocklist: a.Blocklist,
		DisabledOnSignIn: a.DisabledOnSignIn, BlockSubaddresses: a.BlockSubaddresses, BlockDisposable: a.BlockDisposable}
}
