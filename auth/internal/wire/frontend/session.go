package frontend

import (
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
)

// Session is a session on the browser's client, with its user.
type Session struct {
	wire.SessionBase
	LastActiveOrganizationID *string        `json:"last_active_organization_id"`
	LastActiveToken          *wire.Token    `json:"last_active_token"`
	User                     *User          `json:"user,omitempty"`
	PublicUserData           PublicUserData `json:"public_user_data"`
	FactorVerificationAge    [2]int         `json:"factor_verification_age"`
	CreatedAt                int64          `json:"created_at"`
	UpdatedAt                int64          `json:"updated_at"`
}

// ActiveSession is a session in the list of devices.
type ActiveSession struct {
	wire.SessionBase
	LatestActivity wire.Activity `json:"latest_activity"`
}

// Session is s at the time now. A session whose user is gone has none.
func (e Encoder) Session(s *engine.SessionView, now time.Time) *Session {
	out := &Session{SessionBase: wire.NewSessionBase(s.Session, now), LastActiveOrganizationID: wire.TextOrNull(s.Organization()),
		FactorVerificationAge: s.FactorAge(now), CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
	if s.User != nil {
		out.User, out.PublicUserData = e.User(s.User, now), e.PublicUserData(s.User)
		out.User.OrganizationMemberships = e.OrganizationMemberships(s.Memberships)
	}
	return out
}

// ActiveSession is s as it stands in the list of devices.
func (e Encoder) ActiveSession(s *session.Session, now time.Time) ActiveSession {
	return ActiveSession{SessionBase: wire.NewSessionBase(s, now), LatestActivity: wire.NewActivity(s)}
}
