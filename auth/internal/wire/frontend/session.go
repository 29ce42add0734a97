package frontend

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
)

// SessionBase is what every form of a session has.
type SessionBase struct {
	Object       string          `json:"object"`
	ID           string          `json:"id"`
	Status       string          `json:"status"`
	ExpireAt     int64           `json:"expire_at"`
	AbandonAt    int64           `json:"abandon_at"`
	LastActiveAt int64           `json:"last_active_at"`
	Actor        json.RawMessage `json:"actor"`
	Tasks        []Task          `json:"tasks"`
}

// Task is something that a pending session has to do.
type Task struct {
	Key string `json:"key"`
}

// Session is a session on the browser's client, with its user.
type Session struct {
	SessionBase
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
	SessionBase
	LatestActivity Activity `json:"latest_activity"`
}

// Activity is where a session was last used.
type Activity struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	DeviceType     string `json:"device_type,omitempty"`
	IsMobile       bool   `json:"is_mobile"`
	BrowserName    string `json:"browser_name,omitempty"`
	BrowserVersion string `json:"browser_version,omitempty"`
	IPAddress      string `json:"ip_address,omitempty"`
	City           string `json:"city,omitempty"`
	Country        string `json:"country,omitempty"`
}

// never is what clients, who want a number, are told of an end that is not set.
const never = 10 * 365 * 24 * time.Hour

func base(s *session.Session, now time.Time) SessionBase {
	expire, abandon := s.ExpireAt, s.AbandonAt()
	if expire.IsZero() {
		expire = s.CreatedAt.Add(never)
	}
	if abandon.IsZero() {
		abandon = expire
	}
	b := SessionBase{Object: "session", ID: s.ID, Status: string(s.StatusAt(now)), ExpireAt: wire.Millis(expire),
		AbandonAt: wire.Millis(abandon), LastActiveAt: wire.Millis(s.LastActiveAt), Actor: s.Actor}
	for _, t := range s.Tasks {
		b.Tasks = append(b.Tasks, Task{Key: t})
	}
	return b
}

// Session is s at the time now. A session whose user is gone has none.
func (e Encoder) Session(s *engine.SessionView, now time.Time) *Session {
	out := &Session{SessionBase: base(s.Session, now), LastActiveOrganizationID: wire.TextOrNull(s.Organization()),
		FactorVerificationAge: s.FactorAge(now), CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
	if s.User != nil {
		out.User, out.PublicUserData = e.User(s.User, now), e.PublicUserData(s.User)
		out.User.OrganizationMemberships = e.OrganizationMemberships(s.Memberships)
	}
	return out
}

// ActiveSession is s as it stands in the list of devices.
func (e Encoder) ActiveSession(s *session.Session, now time.Time) ActiveSession {
	a := s.Activity
	return ActiveSession{SessionBase: base(s, now), LatestActivity: Activity{Object: "session_activity", ID: "sess_activity_" + s.ID,
		DeviceType: a.DeviceType, IsMobile: a.IsMobile, BrowserName: a.BrowserName, BrowserVersion: a.BrowserVersion,
		IPAddress: a.IPAddress, City: a.City, Country: a.Country}}
}
