package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// signInFacts is what a step of a sign-in is decided from, as last read.
type signInFacts struct {
	user     *user.User
	password *user.Password
	second   *user.SecondFactors
	// mask is whom the ways in are offered for while nothing may tell whether
	// there is a user; nil: nothing is hidden.
	mask   *user.User
	ticket *ticket.Pass
}

func (f signInFacts) subject(s *settings.Settings) factor.Subject {
	return factor.Subject{User: f.user, Password: f.password, Second: f.second, Ticket: f.ticket, Settings: s}
}

// of reads what in is decided from: the user of the attempt or, while that is
// nobody, the one whom a proof names.
func (f *signInFacts) of(ctx context.Context, tx store.Tx, e *Engine, a *signin.Attempt, in signin.Input) (err error) {
	p, named := in.(signin.Prove)
	if named && a.UserID == "" && !a.Masked {
		*f, err = factsByID(ctx, tx, p.Fact.UserID)
	} else {
		*f, err = e.factsFor(ctx, tx, a)
	}
	if err != nil {
		return err
	}
	if named && p.Fact.TicketID != "" {
		f.ticket, err = e.pass(ctx, tx, p.Fact.TicketID)
	}
	return missingAs(err, nil)
}

// factsOf reads what a sign-in of a user is decided from.
func (e *Engine) factsOf(ctx context.Context, userID string) (f signInFacts, err error) {
	err = e.view(ctx, func(tx store.Tx) error {
		f, err = factsByID(ctx, tx, userID)
		return err
	})
	return f, err
}

// identifies reports whether people sign in with identifiers of this kind.
func identifies(identifier string, s *settings.Settings) bool {
	index, _ := user.Classify(identifier)
	return map[string]bool{"email": s.EmailAddress.Enabled, "phone": s.PhoneNumber.Enabled, "username": s.Username.Enabled}[index]
}

// factsByIdentifier reads whose an identifier is, if it is of a kind that people
// sign in with.
func factsByIdentifier(ctx context.Context, tx store.Tx, identifier string, s *settings.Settings) (signInFacts, error) {
	if !identifies(identifier, s) {
		return signInFacts{}, nil
	}
	u, err := user.ByIdentifier(ctx, tx, identifier)
	if errors.Is(err, store.ErrNotFound) {
		return signInFacts{}, nil
	}
	if err != nil {
		return signInFacts{}, err
	}
	return withSecrets(ctx, tx, u)
}

func factsByID(ctx context.Context, tx store.Tx, id string) (signInFacts, error) {
	if id == "" {
		return signInFacts{}, nil
	}
	u, err := user.Get(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return signInFacts{}, nil
	}
	if err != nil {
		return signInFacts{}, err
	}
	return withSecrets(ctx, tx, u)
}

// withSecrets adds what u can show of the password and the second factors.
func withSecrets(ctx context.Context, tx store.Tx, u *user.User) (f signInFacts, err error) {
	f.user = u
	if u.PasswordEnabled {
		if f.password, err = user.GetPassword(ctx, tx, u.ID); missingAs(err, nil) != nil {
			return f, err
		}
	}
	if u.TOTPEnabled || u.BackupCodeEnabled {
		f.second, err = user.SecondFactorsOf(ctx, tx, u.ID)
		return f, err
	}
	return f, nil
}
