package auth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/ticket"
)

// Issued is what a link that lets somebody in travels as. It is told once,
// when it is made; only its hash is kept.
type Issued struct {
	// Token is for the strategy ticket of the Frontend API, URL a link to
	// usher's own pages, which names http://localhost where Config.URL is empty.
	// Both are secrets.
	Token, URL string
}

func issued(e *engine.Engine, wire string) Issued {
	return Issued{Token: wire, URL: e.TicketURL("", wire)}
}

// SignInTokens is what the host may do with tokens that sign a user in. A token
// or user that does not exist is store.ErrNotFound.
type SignInTokens struct{ e *engine.Engine }

// SignInTokens returns the host's view of sign-in tokens.
func (a *Auth) SignInTokens() SignInTokens { return SignInTokens{a.engine} }

// Create makes a token that signs a user in, once: it counts as a first factor.
// A lifetime of 0 is 30 days.
func (s SignInTokens) Create(ctx context.Context, userID string, lifetime time.Duration) (*ticket.SignInToken, Issued, error) {
	t, wire, err := s.e.SignInTokens().Create(ctx, userID, lifetime)
	if err != nil {
		return nil, Issued{}, refusal(err)
	}
	return t, issued(s.e, wire), nil
}

// Revoke takes a token back that nobody has used.
func (s SignInTokens) Revoke(ctx context.Context, id string) (*ticket.SignInToken, error) {
	return told(s.e.SignInTokens().Revoke(ctx, id))
}

// ActorTokens is what the host may do with tokens that let somebody act as a
// user. A token or user that does not exist is store.ErrNotFound.
type ActorTokens struct{ e *engine.Engine }

// ActorTokens returns the host's view of actor tokens.
func (a *Auth) ActorTokens() ActorTokens { return ActorTokens{a.engine} }

// Create makes a token with which somebody acts as a user, once. actor says
// who: a JSON object with the member sub, which every token of the session
// carries as the claim act, see [Identity.ActorID]. Lifetimes of 0 are an hour
// for the token and 30 minutes for the session, which is also the most; a
// session that is not used ends after 10 minutes. Who acts as a user cannot
// change what the user signs in with.
func (s ActorTokens) Create(ctx context.Context, userID string, actor json.RawMessage, lifetime, session time.Duration) (*ticket.ActorToken, Issued, error) {
	t, wire, err := s.e.ActorTokens().Create(ctx, userID, actor, lifetime, session)
	if err != nil {
		return nil, Issued{}, refusal(err)
	}
	return t, issued(s.e, wire), nil
}

// Revoke takes a token back that nobody has used.
func (s ActorTokens) Revoke(ctx context.Context, id string) (*ticket.ActorToken, error) {
	return told(s.e.ActorTokens().Revoke(ctx, id))
}

// Invitations is what the host may do with invitations. One that does not exist
// is store.ErrNotFound.
type Invitations struct{ a *Auth }

// Invitations returns the host's view of invitations.
func (a *Auth) Invitations() Invitations { return Invitations{a} }

// InvitationParams say whom to invite. Only EmailAddress is required.
type InvitationParams struct {
	EmailAddress string
	// PublicMetadata goes to the user who signs up: a JSON object.
	PublicMetadata json.RawMessage
	// RedirectURL is where the link leads, with the ticket in the query: a path
	// or a URL on an allowed origin. Empty: usher's sign-up page.
	RedirectURL string
	// Quiet sends no mail: the host sends the link that Create returns.
	Quiet bool
	// IgnoreExisting invites also who is invited or has an account.
	IgnoreExisting bool
	// Lifetime is how long the invitation is good; 0: 30 days.
	Lifetime time.Duration
}

// Create invites somebody to sign up, whatever the access mode and the lists.
// Who uses the link has shown that the address is their own.
func (s Invitations) Create(ctx context.Context, p InvitationParams) (*ticket.Invitation, Issued, error) {
	if p.RedirectURL != "" {
		checked, err := s.a.site.Redirects.Check(nil, "redirect_url", p.RedirectURL)
		if err != nil {
			return nil, Issued{}, refusal(err)
		}
		p.RedirectURL = checked
	}
	made, err := s.a.engine.Invitations().Create(ctx, engine.InvitationParams{EmailAddress: p.EmailAddress, PublicMetadata: p.PublicMetadata,
		RedirectURL: p.RedirectURL, Quiet: p.Quiet, IgnoreExisting: p.IgnoreExisting, Lifetime: p.Lifetime})
	if err != nil {
		return nil, Issued{}, refusal(err)
	}
	return made[0].Invitation, Issued{made[0].Token, made[0].URL}, nil
}

// Get returns the invitation with the given ID.
func (s Invitations) Get(ctx context.Context, id string) (*ticket.Invitation, error) {
	return told(s.a.engine.Invitations().Get(ctx, id))
}

// List returns invitations and how many there are in all; limit 0 is all.
func (s Invitations) List(ctx context.Context, f ticket.Filter, offset, limit int) ([]*ticket.Invitation, int, error) {
	list, total, err := s.a.engine.Invitations().List(ctx, f, offset, limit)
	return list, total, refusal(err)
}

// Revoke takes an invitation back that nobody has accepted. An ordinary sign-up
// stays possible.
func (s Invitations) Revoke(ctx context.Context, id string) (*ticket.Invitation, error) {
	return told(s.a.engine.Invitations().Revoke(ctx, id))
}

// TestingToken returns a token that spares automated tests the check that they
// are no programs, as the query parameter __clerk_testing_token, and when it
// expires. It is refused unless the instance is on a loopback URL.
func (a *Auth) TestingToken() (token string, expires time.Time, err error) {
	token, expires, err = a.engine.TestingToken()
	return token, expires, refusal(err)
}

// Waitlist is what the host may do with the waitlist. An entry that does not
// exist is store.ErrNotFound.
type Waitlist struct{ w engine.Waitlist }

// Waitlist returns the host's view of the waitlist.
func (a *Auth) Waitlist() Waitlist { return Waitlist{a.engine.Waitlist()} }

// Add puts an address on the waitlist; one that is on it stays where it is.
// quiet sends no mail.
func (w Waitlist) Add(ctx context.Context, address string, quiet bool) (*access.WaitlistEntry, error) {
	made, err := w.w.Create(ctx, engine.WaitlistParams{EmailAddress: address, Quiet: quiet})
	if err != nil {
		return nil, refusal(err)
	}
	return made[0].WaitlistEntry, nil
}

// List returns entries and how many there are in all; limit 0 is all.
func (w Waitlist) List(ctx context.Context, f access.WaitlistFilter, offset, limit int) ([]*access.WaitlistEntry, int, error) {
	views, total, err := w.w.List(ctx, f, offset, limit)
	list := make([]*access.WaitlistEntry, len(views))
	for i, v := range views {
		list[i] = v.WaitlistEntry
	}
	return list, total, refusal(err)
}

// Invite mails the person an invitation.
func (w Waitlist) Invite(ctx context.Context, id string) (*access.WaitlistEntry, error) {
	v, err := w.w.Invite(ctx, id, false, "")
	return v.WaitlistEntry, refusal(err)
}

// Reject turns the person down.
func (w Waitlist) Reject(ctx context.Context, id string) (*access.WaitlistEntry, error) {
	v, err := w.w.Reject(ctx, id)
	return v.WaitlistEntry, refusal(err)
}

// Delete takes an entry off the waitlist.
func (w Waitlist) Delete(ctx context.Context, id string) error { return refusal(w.w.Delete(ctx, id)) }

// A List is what the host may do with a list of identifiers. An entry that does
// not exist is store.ErrNotFound.
type List struct{ l engine.Lists }

// Allowlist returns the list of who may sign up where the settings say that
// only they may.
func (a *Auth) Allowlist() List { return List{a.engine.Allowlist()} }

// Blocklist returns the list of who may not sign up.
func (a *Auth) Blocklist() List { return List{a.engine.Blocklist()} }

// Add puts on the list an e-mail address, *@domain for every address of a
// domain, *@*.domain for every one below it, or a phone number in
// international form.
func (l List) Add(ctx context.Context, identifier string) (*access.Entry, error) {
	return told(l.l.Add(ctx, identifier, false, ""))
}

// Remove takes an entry off the list.
func (l List) Remove(ctx context.Context, id string) error {
	_, err := l.l.Remove(ctx, id)
	return refusal(err)
}

// All returns entries, newest first, and how many there are; limit 0 is all.
func (l List) All(ctx context.Context, offset, limit int) ([]*access.Entry, int, error) {
	es, total, err := l.l.All(ctx, offset, limit)
	return es, total, refusal(err)
}
