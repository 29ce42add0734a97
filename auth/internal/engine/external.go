package engine

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/linking"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// fill writes to an account what the service says of it.
func fill(a *user.ExternalAccount, id *oauth.Identity, now time.Time) {
	a.Provider, a.Issuer, a.Subject = id.Provider, id.Issuer, id.Subject
	a.EmailAddress, a.EmailVerified = id.EmailAddress, id.EmailVerified
	if id.FirstName != "" || id.LastName != "" { // Apple tells names once
		a.FirstName, a.LastName = id.FirstName, id.LastName
	}
	a.Username, a.PictureURL, a.Scopes = id.Username, id.PictureURL, id.Scopes
	if !a.Verified {
		a.Verified, a.VerifiedAt = true, now
	}
	a.Error, a.UpdatedAt = "", now
}

// linkExternal adds who somebody is at another service to u, or brings it up to
// date, and keeps the tokens. withAddress adds the address too, if the service
// has verified it and nobody here has it. The caller stores u.
func (e *Engine) linkExternal(ctx context.Context, t *txn, u *user.User, id *oauth.Identity, accountID string, withAddress bool, by Request) error {
	key := user.ExternalKey(id.Provider, id.Issuer, id.Subject)
	var a *user.ExternalAccount
	for i := range u.ExternalAccounts {
		if have := &u.ExternalAccounts[i]; have.Verified && user.ExternalKey(have.Provider, have.Issuer, have.Subject) == key || have.ID == accountID {
			a = have
			break
		}
	}
	fresh := a == nil || !a.Verified
	if a == nil {
		one := user.ExternalAccount{ID: user.NewExternalAccountID(t.now), Provider: id.Provider, CreatedAt: t.now}
		if err := u.AddExternalAccount(one); err != nil {
			return err
		}
		a = u.ExternalAccount(one.ID)
	}
	fill(a, id, t.now)
	if withAddress && fresh && id.EmailVerified {
		if err := linkAddress(ctx, t, u, a); err != nil {
			return err
		}
	}
	if err := keepTokens(ctx, t, u.ID, a.ID, id.Tokens); err != nil {
		return err
	}
	if !fresh || u.Version == 0 {
		return nil
	}
	return e.notifyOf(ctx, t, u, notify.ExternalAccountAdded, by, notify.Data{Method: e.providerName(id.Provider)})
}

func (e *Engine) providerName(key string) string {
	if s, ok := e.socialOf(key); ok {
		return s.Provider().Name
	}
	return key
}

// linkAddress makes the address of a verified account one of u's. It leaves
// alone what is somebody else's, and what u has no room for.
func linkAddress(ctx context.Context, t *txn, u *user.User, a *user.ExternalAccount) error {
	id, err := user.NewEmailAddress(a.EmailAddress, t.now)
	if err != nil {
		return nil
	}
	owner, err := user.ByIdentifier(ctx, t, id.Canonical)
	switch {
	case err == nil && owner.ID != u.ID:
		return nil
	case missingAs(err, nil) != nil:
		return err
	}
	strategy := signup.FromExternal(a.Provider)
	if have := u.EmailAddressByValue(id.Canonical); have != nil {
		a.IdentificationID = have.ID
		if have.Verified {
			return nil
		}
		return u.VerifyEmailAddress(have.ID, strategy, t.now)
	}
	id.Verified, id.Strategy, id.VerifiedAt = true, strategy, t.now
	if u.AddEmailAddress(id) == nil {
		a.IdentificationID = id.ID
	}
	return nil
}

// keepTokens stores the tokens of an account. A refresh token that a provider
// gave once is kept when it gives none later.
func keepTokens(ctx context.Context, t *txn, userID, accountID string, tokens oauth.Tokens) error {
	k, err := user.GetExternalTokens(ctx, t, accountID)
	if errors.Is(err, store.ErrNotFound) {
		k = &user.ExternalTokens{Meta: store.Meta{ID: accountID}}
	} else if err != nil {
		return err
	}
	k.UserID, k.Access, k.IDToken, k.Type, k.ExpiresAt = userID, tokens.Access, tokens.ID, tokens.Type, tokens.ExpiresAt
	if tokens.Refresh != "" {
		k.Refresh = tokens.Refresh
	}
	return user.PutExternalTokens(ctx, t, k, t.now)
}

func tokensOf(k *user.ExternalTokens) oauth.Tokens {
	return oauth.Tokens{Access: k.Access, Refresh: k.Refresh, ID: k.IDToken, Type: k.Type, ExpiresAt: k.ExpiresAt}
}

// Connect sends the actor's browser away to connect an account at another
// service. It returns the account, which opens nothing before the browser is
// back with it, and where the browser is to go.
func (e *Engine) Connect(ctx context.Context, a *Actor, strategy string) (*user.ExternalAccount, *factor.Verification, error) {
	prepared, err := e.leaveToConnect(ctx, a, strategy)
	if err != nil {
		return nil, nil, err
	}
	st, _ := e.strategies.Get(strategy)
	provider := st.(factor.Social).Provider().Key
	var acc *user.ExternalAccount
	err = e.act(ctx, a, func(t *txn, u *user.User) error {
		for i := len(u.ExternalAccounts) - 1; i >= 0; i-- { // what was begun before and not brought to an end
			if x := u.ExternalAccounts[i]; !x.Verified && x.Provider == provider {
				if err := u.DeleteExternalAccount(x.ID); err != nil {
					return err
				}
			}
		}
		one := user.ExternalAccount{ID: user.NewExternalAccountID(t.now), Provider: provider, CreatedAt: t.now, UpdatedAt: t.now}
		if err := u.AddExternalAccount(one); err != nil {
			return err
		}
		acc = u.ExternalAccount(one.ID)
		return e.putFlow(ctx, t, e.connection(a, one.ID), *prepared.Send, a.Browser.Request)
	})
	return acc, &prepared.Verification, err
}

// Reauthorize sends the actor's browser away for more of an account that is
// connected already: other scopes, or new tokens.
func (e *Engine) Reauthorize(ctx context.Context, a *Actor, accountID string) (*user.ExternalAccount, *factor.Verification, error) {
	acc := a.User.ExternalAccount(accountID)
	if acc == nil {
		return nil, nil, fault.New("resource_not_found", "")
	}
	a.Browser.Away.Scopes = append(a.Browser.Away.Scopes, acc.Scopes...)
	prepared, err := e.leaveToConnect(ctx, a, "oauth_"+acc.Provider)
	if err != nil {
		return nil, nil, err
	}
	err = e.act(ctx, a, func(t *txn, u *user.User) error {
		if acc = u.ExternalAccount(accountID); acc == nil {
			return fault.New("resource_not_found", "")
		}
		if err := e.putFlow(ctx, t, e.connection(a, accountID), *prepared.Send, a.Browser.Request); err != nil {
			return err
		}
		return errUnchanged
	})
	return acc, &prepared.Verification, err
}

func (e *Engine) connection(a *Actor, accountID string) flow {
	return flow{Purpose: forConnection, Target: accountID, ClientID: a.Browser.Client.ID, SessionID: a.Session.ID}
}

func (e *Engine) leaveToConnect(ctx context.Context, a *Actor, strategy string) (factor.Prepared, error) {
	if a.Impersonates() {
		return factor.Prepared{}, ErrImpersonator()
	}
	s := e.Settings(ctx)
	st, ok := e.strategies.Get(strategy)
	if _, social := st.(factor.Social); !ok || !social {
		return factor.Prepared{}, fault.New("form_param_value_invalid", "strategy")
	}
	if err := e.allow("connect", a.Browser.Addr, s.Limits.CreateSignUp); err != nil {
		return factor.Prepared{}, err
	}
	return e.prepare(ctx, a.Browser, st, factor.Challenge{Subject: factor.Subject{Settings: s}, Now: e.now()})
}

// connect goes on with connecting an account. The session that began it must
// still be there: an account is never connected to somebody else.
func (c *comeback) connect(ctx context.Context, t *txn) error {
	c.complete = false
	_, u, err := c.e.actor(ctx, t, c.b, c.flow.SessionID, nil)
	if err != nil {
		return fault.Wrap("oauth_callback_invalid", "", err)
	}
	acc := u.ExternalAccount(c.flow.Target)
	if acc == nil {
		return fault.New("oauth_callback_invalid", "")
	}
	code, bare := c.code, false
	if c.identity != nil {
		if code, bare, err = c.mayConnect(ctx, t, u, acc); err != nil {
			return err
		}
	}
	if code != "" {
		acc.Error, acc.UpdatedAt = code, t.now
		return user.Put(ctx, t, u, t.now)
	}
	if err := c.e.linkExternal(ctx, t, u, c.identity, acc.ID, !bare, c.b.Request); err != nil {
		return err
	}
	c.complete = true
	return user.Put(ctx, t, u, t.now)
}

// mayConnect says why the identity cannot be connected as acc, or nothing; bare
// leaves its address out.
func (c *comeback) mayConnect(ctx context.Context, t *txn, u *user.User, acc *user.ExternalAccount) (code string, bare bool, err error) {
	id := c.identity
	if acc.Verified && (acc.Issuer != id.Issuer || acc.Subject != id.Subject) {
		return "external_account_mismatch", false, nil
	}
	who, err := whose(ctx, t, id, u)
	switch {
	case err != nil:
		return "", false, err
	case who.known && who.user.ID != u.ID:
		return "oauth_identification_claimed", false, nil
	case who.known && !acc.Verified:
		return "oauth_account_already_connected", false, nil
	case who.known:
		return "", true, nil
	case who.rule.Outcome == linking.Refuse:
		return "oauth_identification_claimed", false, nil
	}
	return "", who.rule.Outcome == linking.ConnectBare, nil
}

// Disconnect takes an external account off the actor's account, and has the
// provider revoke its tokens: later, so that it holds nobody up.
func (e *Engine) Disconnect(ctx context.Context, a *Actor, accountID string) error {
	err := e.act(ctx, a, func(t *txn, u *user.User) error {
		return e.dropExternal(ctx, t, u, accountID, a.Browser.Request)
	})
	return missingAs(err, fault.New("resource_not_found", ""))
}

// dropExternal removes an external account of u in t, with its tokens; the
// caller stores u.
func (e *Engine) dropExternal(ctx context.Context, t *txn, u *user.User, accountID string, by Request) error {
	acc := u.ExternalAccount(accountID)
	if acc == nil {
		return store.ErrNotFound
	}
	if err := e.dropTokens(ctx, t, acc); err != nil {
		return err
	}
	was := *acc
	if err := u.DeleteExternalAccount(accountID); err != nil || !was.Verified {
		return err
	}
	return e.notifyOf(ctx, t, u, notify.ExternalAccountRemoved, by, notify.Data{Method: e.providerName(was.Provider)})
}

// dropTokens forgets the tokens of an account in t, and has the provider revoke
// them afterwards.
func (e *Engine) dropTokens(ctx context.Context, t *txn, acc *user.ExternalAccount) error {
	k, err := user.GetExternalTokens(ctx, t, acc.ID)
	if err != nil {
		return missingAs(err, nil)
	}
	if err := e.revokeLater(ctx, t, acc.Provider, k); err != nil {
		return err
	}
	return user.DeleteExternalTokens(ctx, t, acc.ID)
}

// RevokeTokens forgets the tokens of an external account of the actor, and has
// the provider revoke them. The account stays connected.
func (e *Engine) RevokeTokens(ctx context.Context, a *Actor, accountID string) error {
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		acc := u.ExternalAccount(accountID)
		if acc == nil {
			return fault.New("resource_not_found", "")
		}
		if err := e.dropTokens(ctx, t, acc); err != nil {
			return err
		}
		acc.Scopes, acc.UpdatedAt = nil, t.now
		return nil
	})
}

// An AccessToken is a token of a provider that is good now.
type AccessToken struct {
	Account *user.ExternalAccount
	Tokens  oauth.Tokens
}

// AccessTokens returns the tokens of a user's accounts at a provider, renewed
// if they are over. One that cannot be renewed is an error.
func (us Users) AccessTokens(ctx context.Context, userID, provider string) ([]AccessToken, error) {
	e := us.e
	st, ok := e.socialOf(provider)
	if !ok {
		return nil, fault.New("oauth_token_provider_not_enabled", "")
	}
	var u *user.User
	kept := map[string]*user.ExternalTokens{}
	err := us.view(ctx, func(tx store.Tx) (err error) {
		if u, err = user.Get(ctx, tx, userID); err != nil {
			return err
		}
		for _, a := range u.ExternalAccounts {
			if !a.Verified || a.Provider != provider {
				continue
			}
			k, err := user.GetExternalTokens(ctx, tx, a.ID)
			if err == nil {
				kept[a.ID] = k
			}
			if missingAs(err, nil) != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []AccessToken
	for i := range u.ExternalAccounts {
		a := &u.ExternalAccounts[i]
		k := kept[a.ID]
		if k == nil {
			continue
		}
		tokens := tokensOf(k)
		if !tokens.Fresh(e.now()) {
			if tokens, err = e.renew(ctx, us, st, userID, a.ID, tokens); err != nil {
				return nil, err
			}
		}
		out = append(out, AccessToken{a, tokens})
	}
	return out, nil
}

// renew asks for new tokens and keeps them, unless somebody else was faster:
// then those are good as well.
func (e *Engine) renew(ctx context.Context, us Users, st factor.Social, userID, accountID string, old oauth.Tokens) (oauth.Tokens, error) {
	fresh, err := st.Client.Refresh(ctx, old)
	switch {
	case errors.Is(err, oauth.ErrNoRefreshToken):
		return fresh, fault.Wrap("oauth_missing_refresh_token", "", err)
	case err != nil:
		e.log.WarnContext(ctx, "a provider did not renew a token", "provider", st.Provider().Key, "err", err)
		return fresh, fault.Wrap("oauth_token_exchange_error", "", err)
	}
	err = us.update(ctx, func(t *txn) error {
		if _, err := user.GetExternalTokens(ctx, t, accountID); err != nil {
			return missingAs(err, fault.New("resource_not_found", "")) // revoked meanwhile
		}
		return keepTokens(ctx, t, userID, accountID, fresh)
	})
	return fresh, err
}

// DeleteExternalAccount takes an external account off a user, for the host.
func (us Users) DeleteExternalAccount(ctx context.Context, userID, accountID string) error {
	return us.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return err
		}
		if err := us.e.dropExternal(ctx, t, u, accountID, Request{}); err != nil {
			return err
		}
		return user.Put(ctx, t, u, t.now)
	})
}
