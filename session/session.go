package session

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// A Status says what a session is good for.
type Status string

// A session begins pending or active. All other statuses are final.
const (
	Active    Status = "active"    // signed in
	Pending   Status = "pending"   // signed in, with tasks to do first
	Ended     Status = "ended"     // signed out, still listed in the browser
	Removed   Status = "removed"   // signed out and taken off the browser
	Replaced  Status = "replaced"  // another sign-in took its place
	Revoked   Status = "revoked"   // ended by the host or from another device
	Expired   Status = "expired"   // reached its maximum lifetime
	Abandoned Status = "abandoned" // was not used for too long
)

// The tasks of a pending session.
const (
	TaskResetPassword = "reset-password" // the password is known to others
	TaskSetupMFA      = "setup-mfa"      // a second factor is demanded, and there is none
	// TaskChooseOrganization: nobody acts without an organization.
	TaskChooseOrganization = "choose-organization"
)

// Transitions is the table of all changes of status.
var Transitions = map[Status][]Status{
	Pending: {Active, Ended, Removed, Replaced, Revoked, Expired, Abandoned},
	Active:  {Pending, Ended, Removed, Replaced, Revoked, Expired, Abandoned},
	Ended:   {Removed},
}

// A Session is one account signed in on one client.
type Session struct {
	store.Meta

	UserID   string `json:"user_id"`
	ClientID string `json:"client_id"`
	// Status as stored; [Session.StatusAt] also knows the time.
	Status Status `json:"status"`
	// ExpireAt is when the session ends whatever happens; zero is never.
	ExpireAt time.Time `json:"expire_at,omitzero"`
	// IdleTimeout ends a session that was not used for so long; 0 is never.
	IdleTimeout  time.Duration `json:"idle_timeout,omitempty"`
	LastActiveAt time.Time     `json:"last_active_at"`
	// LastActiveOrganizationID is the organization that tokens speak of when
	// none is asked for.
	LastActiveOrganizationID string `json:"last_active_organization_id,omitempty"`
	// FirstFactorAt and SecondFactorAt are when the person last showed each;
	// zero is never.
	FirstFactorAt  time.Time `json:"first_factor_at,omitzero"`
	SecondFactorAt time.Time `json:"second_factor_at,omitzero"`
	// ReverificationID names the last step-up in which they were shown; empty:
	// that was the sign-in.
	ReverificationID string `json:"reverification_id,omitempty"`
	// Actor is who acts as the user, if somebody impersonates; a JSON object
	// with the member sub.
	Actor json.RawMessage `json:"actor,omitempty"`
	// Tasks are what a pending session has to do, such as setup-mfa.
	Tasks    []string `json:"tasks,omitempty"`
	Activity Activity `json:"activity,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// TokensUntil is when the last of the long-lived tokens runs out that the
	// host had made of the session; zero: there are none. Until then it must be
	// remembered that the session has ended.
	TokensUntil time.Time `json:"tokens_until,omitzero"`
}

// Activity is where a session was last used.
type Activity struct {
	DeviceType     string `json:"device_type,omitempty"`
	IsMobile       bool   `json:"is_mobile,omitempty"`
	BrowserName    string `json:"browser_name,omitempty"`
	BrowserVersion string `json:"browser_version,omitempty"`
	IPAddress      string `json:"ip_address,omitempty"`
	City           string `json:"city,omitempty"`
	Country        string `json:"country,omitempty"`
}

// Kind is where sessions are kept. Using a session changes none of its index
// values, so that a touch is one statement.
var Kind = &store.Kind{Name: "session", Indexes: []store.Index{
	{Name: "user"}, {Name: "client"}, {Name: "status"}, {Name: "created_at"},
	{Name: "ended_at"},     // for other instances to learn of ends
	{Name: "tokens_until"}, // of sessions that ended before their tokens
}}

var sessions = store.Table[Session, *Session]{Kind: Kind}

// StoreEntries lists what a session is found by.
func (s *Session) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "user", Value: s.UserID}, {Index: "client", Value: s.ClientID},
		{Index: "status", Value: string(s.Status)}, {Index: "created_at", Value: store.TimeKey(s.CreatedAt)}}
	if !s.EndedAt.IsZero() {
		es = append(es, store.Entry{Index: "ended_at", Value: store.TimeKey(s.EndedAt)})
		if s.TokensUntil.After(s.EndedAt) {
			es = append(es, store.Entry{Index: "tokens_until", Value: store.TimeKey(s.TokensUntil)})
		}
	}
	return es
}

// keepEnded is how long an ended session can still be read.
const keepEnded = 30 * 24 * time.Hour

// New returns a session that is not stored yet: active, with the first factor
// shown now. lifetime and idle of 0 are no limit.
func New(userID, clientID string, lifetime, idle time.Duration, now time.Time) *Session {
	s := &Session{Meta: store.Meta{ID: store.NewID("sess", now)}, UserID: userID, ClientID: clientID, Status: Active,
		IdleTimeout: idle, LastActiveAt: now, FirstFactorAt: now, CreatedAt: now, UpdatedAt: now}
	if lifetime > 0 {
		s.ExpireAt = now.Add(lifetime)
		s.Expires = s.ExpireAt.Add(keepEnded)
	}
	return s
}

// AbandonAt is when the session ends if it is not used; zero is never.
func (s *Session) AbandonAt() time.Time {
	if s.IdleTimeout <= 0 {
		return time.Time{}
	}
	return s.LastActiveAt.Add(s.IdleTimeout)
}

// StatusAt is the status at the time now: a session that is over by time is
// Expired or Abandoned although nobody has written that down.
func (s *Session) StatusAt(now time.Time) Status {
	if s.Status != Active && s.Status != Pending {
		return s.Status
	}
	if !s.ExpireAt.IsZero() && !now.Before(s.ExpireAt) {
		return Expired
	}
	if at := s.AbandonAt(); !at.IsZero() && !now.Before(at) {
		return Abandoned
	}
	return s.Status
}

// LiveAt reports whether the session is active or pending at the time now.
func (s *Session) LiveAt(now time.Time) bool {
	st := s.StatusAt(now)
	return st == Active || st == Pending
}

// SetTasks says what s has to do before it is active: nothing makes it so. A
// session that is over stays as it is.
func (s *Session) SetTasks(tasks []string, now time.Time) {
	if s.Status != Active && s.Status != Pending {
		return
	}
	s.Status, s.Tasks, s.UpdatedAt = Active, tasks, now
	if len(tasks) > 0 {
		s.Status = Pending
	}
}

// End gives s a final status. A session that has one already keeps it, but for
// Ended, which may become Removed: ErrOver.
func (s *Session) End(status Status, now time.Time) error {
	from := s.StatusAt(now)
	for _, to := range Transitions[from] {
		if to == status {
			s.Status, s.EndedAt, s.UpdatedAt = status, now, now
			s.Expires = now.Add(keepEnded)
			if s.TokensUntil.After(s.Expires) {
				s.Expires = s.TokensUntil
			}
			return nil
		}
	}
	return ErrOver
}

// TouchEvery is how stale LastActiveAt may be before a token request writes it
// again: a session costs a write every five minutes, not with each token. For a
// session with an IdleTimeout it is at most a twentieth of that.
const TouchEvery = 5 * time.Minute

// NeedsTouch reports whether the use of s at the time now should be written.
func (s *Session) NeedsTouch(now time.Time) bool {
	every := TouchEvery
	if s.IdleTimeout > 0 {
		every = min(every, s.IdleTimeout/20)
	}
	return now.Sub(s.LastActiveAt) >= every
}

// FactorAge is the claim fva: minutes since the first and the second factor,
// -1 for never.
func (s *Session) FactorAge(now time.Time) [2]int {
	age := func(t time.Time) int {
		if t.IsZero() {
			return -1
		}
		return max(0, int(now.Sub(t)/time.Minute))
	}
	return [2]int{age(s.FirstFactorAt), age(s.SecondFactorAt)}
}

var (
	// ErrOver: the session has ended.
	ErrOver = errors.New("session: ended")
	// ErrClientSecret: the cookie's secret is not the client's.
	ErrClientSecret = errors.New("session: client secret does not match")
	// ErrClientReused: an old secret of the client came back, long after it was
	// replaced: somebody has copied it.
	ErrClientReused = errors.New("session: old client secret used again")
)

// Get returns the session with the given ID, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, id string) (*Session, error) {
	return sessions.Get(ctx, tx, id)
}

// Put stores s.
func Put(ctx context.Context, tx store.Tx, s *Session) error { return sessions.Put(ctx, tx, s) }

// OfClient returns the sessions listed on a client, oldest first: live ones
// and those that ended there, without removed ones.
func OfClient(ctx context.Context, tx store.Tx, clientID string) ([]*Session, error) {
	return sessions.Find(ctx, tx, store.Query{Order: "created_at", Where: []store.Match{
		{Index: "client", Values: []string{clientID}},
		{Index: "status", Values: []string{string(Active), string(Pending), string(Ended), string(Replaced)}}}})
}

// Live returns the sessions of a user that are active or pending at the time
// now, newest first.
func Live(ctx context.Context, tx store.Tx, userID string, now time.Time) ([]*Session, error) {
	ss, err := sessions.Find(ctx, tx, store.Query{Order: "created_at", Desc: true, Where: []store.Match{
		{Index: "user", Values: []string{userID}},
		{Index: "status", Values: []string{string(Active), string(Pending)}}}})
	return liveOnly(ss, now), err
}

func liveOnly(ss []*Session, now time.Time) []*Session {
	live := ss[:0]
	for _, s := range ss {
		if s.LiveAt(now) {
			live = append(live, s)
		}
	}
	return live
}

// EndAll ends those of ss that are not over yet and stores them.
func EndAll(ctx context.Context, tx store.Tx, ss []*Session, status Status, now time.Time) error {
	for _, s := range ss {
		if err := s.End(status, now); errors.Is(err, ErrOver) {
			continue
		} else if err != nil {
			return err
		}
		if err := sessions.Put(ctx, tx, s); err != nil {
			return err
		}
	}
	return nil
}

// EndedSince returns the sessions that ended at or after t, for an instance to
// learn what others have ended. Of a record that cannot be decoded only the ID
// is known; it must not hide the others.
func EndedSince(ctx context.Context, tx store.Tx, t time.Time) ([]*Session, error) {
	return after(ctx, tx, "ended_at", t.Add(-time.Millisecond))
}

// EndedBeforeTokens returns the sessions that have ended although long-lived
// tokens of them are still good at the time now. Of a record that cannot be
// decoded only the ID is known.
func EndedBeforeTokens(ctx context.Context, tx store.Tx, now time.Time) ([]*Session, error) {
	return after(ctx, tx, "tokens_until", now)
}

// after lists the sessions with a time after t in an index.
func after(ctx context.Context, tx store.Tx, index string, t time.Time) ([]*Session, error) {
	ss, bad, err := sessions.List(ctx, tx, store.Query{Where: []store.Match{{Index: index, Op: store.Greater, Values: []string{store.TimeKey(t)}}}})
	for _, b := range bad {
		ss = append(ss, &Session{Meta: store.Meta{ID: b.ID}})
	}
	return ss, err
}

// A Filter narrows a list of sessions; every field that is set must hold.
type Filter struct {
	UserID, ClientID string
	Status           Status // as stored, with the time taken into account for Active
}

// List returns sessions, newest first, and how many there are in all. limit 0
// is all.
func List(ctx context.Context, tx store.Tx, f Filter, offset, limit int) ([]*Session, int, error) {
	q := store.Query{Order: "created_at", Desc: true, Offset: offset, Limit: limit}
	for index, value := range map[string]string{"user": f.UserID, "client": f.ClientID, "status": string(f.Status)} {
		if value != "" {
			q.Where = append(q.Where, store.Match{Index: index, Values: []string{value}})
		}
	}
	return sessions.Page(ctx, tx, q)
}
