package engine

import (
	"cmp"
	"context"
	"errors"
	"math/big"
	"net/url"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// mask makes up whom a sign-in by an identifier is offered for, where nothing
// may tell whether there is an account: somebody with this identifier and a
// password. It is the same each time, and nobody without the instance's key
// can tell its IDs from others. nil: nobody can have such an identifier.
func (e *Engine) mask(identifier string, orSignUp bool) *user.User {
	index, value := user.Classify(identifier)
	if value == "" {
		return nil
	}
	madeUp := func(prefix string) string {
		n := new(big.Int).SetBytes(e.pseudonym("mask of "+prefix, index+":"+value))
		return prefix + "_0" + n.Text(62)[:26]
	}
	u := &user.User{Meta: store.Meta{ID: madeUp("user")}, PasswordEnabled: !orSignUp}
	id := user.Identification{ID: madeUp("idn"), Value: value, Canonical: value, Verified: true}
	switch index {
	case "email":
		u.EmailAddresses, u.PrimaryEmailAddressID = []user.Identification{id}, id.ID
	case "phone":
		u.PhoneNumbers, u.PrimaryPhoneNumberID = []user.Identification{id}, id.ID
	default:
		u.Username = value
	}
	return u
}

// factsNamed reads what a sign-in by an identifier is decided from. Behind a
// mask the reads are the same whether there is a user or not.
func (e *Engine) factsNamed(ctx context.Context, tx store.Tx, s *settings.Settings, identifier string, orSignUp bool) (f signInFacts, err error) {
	if s.Protection.Strict() || orSignUp {
		f.mask = e.mask(identifier, orSignUp)
	}
	if f.mask == nil {
		return factsByIdentifier(ctx, tx, identifier, s)
	}
	f.user, err = user.ByIdentifier(ctx, tx, identifier)
	if !identifies(identifier, s) {
		f.user = nil
	}
	if missingAs(err, nil) != nil {
		return f, err
	}
	return f, f.readAlike(ctx, tx, e)
}

// factsFor reads what goes on with an attempt.
func (e *Engine) factsFor(ctx context.Context, tx store.Tx, a *signin.Attempt) (f signInFacts, err error) {
	if a.Masked {
		f.mask = e.mask(a.Identifier, a.OrSignUp)
	}
	if f.mask == nil {
		return factsByID(ctx, tx, a.UserID)
	}
	f.user, err = user.Get(ctx, tx, cmp.Or(a.UserID, f.mask.ID))
	if missingAs(err, nil) != nil {
		return f, err
	}
	return f, f.readAlike(ctx, tx, e)
}

// readAlike reads the secrets of the user. Where there is none, it reads
// somebody else's, and drops them: either way one account is found, and one is
// not.
func (f *signInFacts) readAlike(ctx context.Context, tx store.Tx, e *Engine) error {
	id, other := "", f.mask.ID
	if f.user != nil {
		id = f.user.ID
		e.decoys.add(id)
	} else {
		other = e.decoys.pick(f.mask.ID)
		id = other
	}
	switch _, err := user.Get(ctx, tx, other); {
	case errors.Is(err, store.ErrNotFound):
		if f.user == nil { // who stood in is gone
			e.decoys.drop(other)
		}
	case err != nil:
		return err
	}
	p, err := user.GetPassword(ctx, tx, id)
	if missingAs(err, nil) != nil {
		return err
	}
	second, secondErr := user.SecondFactorsOf(ctx, tx, id)
	if secondErr != nil {
		return secondErr
	}
	if f.user == nil {
		return nil
	}
	if err == nil {
		f.password = p
	}
	if second.Version > 0 {
		f.second = second
	}
	return nil
}

// offered is whom a first factor is offered to.
func (f signInFacts) offered(s *settings.Settings, veiled bool) factor.Subject {
	subject := f.subject(s)
	if veiled && f.mask != nil {
		subject.User = f.mask
	}
	return subject
}

// allowLookup refuses to say again whether an identifier has an account, to a
// network that has asked about many. told counts one.
func (e *Engine) allowLookup(b *Browser, s *settings.Settings, told bool) error {
	if s.Protection.Enumeration != settings.EnumerationBulk {
		return nil
	}
	r := rule("network lookups", s.Limits.NetworkLookups, 1)
	for _, key := range limit.NetworkKeys(b.Addr)[:1] {
		if told {
			e.limits.Allow(key, r, 1)
		} else if e.limits.Empty(key, r) {
			return fault.New("too_many_requests", "").After(s.Limits.NetworkLookups.Per / time.Duration(r.Burst))
		}
	}
	return nil
}

// sendNobody goes through the motions of a challenge that nobody is to get:
// instead of it, an e-mail address gets the notice with the given slug, if it
// is not switched off. What is written is as much as otherwise.
func (e *Engine) sendNobody(ctx context.Context, t *txn, s factor.Send, about link, by Request, slug string) error {
	if s.Token != "" {
		about.VerificationID, about.GoodUntil = s.VerificationID, s.ExpireAt
		if err := e.putLink(ctx, t, s.Token, about, by); err != nil {
			return err
		}
	}
	if s.SMS {
		if err := e.countSMS(ctx, t, s.To, by, e.lastSettings(), false); err != nil {
			return err
		}
	} else if err := e.countMail(ctx, t, s.To, by); err != nil {
		return err
	}
	m := codeMail(s, by, t.now)
	m.Slug, m.Data.OTPCode = slug, ""
	m.Data.ActionURL = e.pageURL(by, map[string]string{notify.SignUpAttemptExists: "/sign-in", notify.SignInAttemptUnknown: "/sign-up"}[slug], nil)
	m.Void = !e.lastSettings().Mails.Sends(slug)
	if _, err := user.CanonicalEmail(s.To); err != nil {
		m.Void = true // text messages cost money
	}
	return e.enqueue(ctx, t, m)
}

// sendVerification sends a challenge that shows that an identifier is u's own.
// Where nobody may find out who has an account, the owner of one that is taken
// gets a notice in place of it.
func (e *Engine) sendVerification(ctx context.Context, t *txn, s factor.Send, about link, by Request, u *user.User, set *settings.Settings) error {
	if set.Protection.Strict() {
		taken, err := takenFrom(ctx, t, s.To, u)
		if err != nil {
			return err
		}
		if taken {
			return e.sendNobody(ctx, t, s, about, by, notify.SignUpAttemptExists)
		}
	}
	return e.sendChallenge(ctx, t, s, about, by)
}

// lockNobody does what [Engine.closeSlot] does for a lock, where nobody is to
// be told.
func (e *Engine) lockNobody(ctx context.Context, t *txn, by Request) error {
	if !e.lastSettings().Mails.Sends(notify.AccountLocked) {
		return nil
	}
	return e.enqueue(ctx, t, outMail{Slug: notify.AccountLocked, Void: true,
		Data: notify.Data{ActionURL: e.pageURL(by, "/unlock", url.Values{"token": {""}}), RequestedFrom: requestedFrom(by, t.now)}})
}

// judgeShut makes the work of judging a proof whose account is shut to
// strangers, where they are not to hear of it. It proves nothing.
func (e *Engine) judgeShut(ctx context.Context, b *Browser, shut error, o factor.Option, subject factor.Subject, v *factor.Verification, p factor.Proof) (factor.Fact, error) {
	if !errors.Is(shut, fault.New("user_locked", "")) && !errors.Is(shut, fault.New("form_password_compromised", "")) {
		return factor.Fact{}, shut
	}
	subject.User, subject.Password = nil, nil
	f, err := e.verify(ctx, b, o, subject, v, p)
	f.OK = false
	return f, err
}
