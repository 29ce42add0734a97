package backend

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
)

// Session is a session as the host sees it.
type Session struct {
	Object                   string          `json:"object"`
	ID                       string          `json:"id"`
	UserID                   string          `json:"user_id"`
	ClientID                 string          `json:"client_id"`
	Status                   string          `json:"status"`
	Actor                    json.RawMessage `json:"actor"`
	LastActiveOrganizationID *string         `json:"last_active_organization_id"`
	LastActiveAt             int64           `json:"last_active_at"`
	LatestActivity           *Activity       `json:"latest_activity"`
	ExpireAt                 int64           `json:"expire_at"`
	AbandonAt                int64           `json:"abandon_at"`
	Tasks                    []Task          `json:"tasks"`
	CreatedAt                int64           `json:"created_at"`
	UpdatedAt                int64           `json:"updated_at"`
}

// Task is something that a pending session has to do.
type Task struct {
	Key string `json:"key"`
}

// Activity is where a session was last used. What is not known is left out.
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

// Session is s.
func (e Encoder) Session(s *session.Session) Session {
	expire, abandon := s.ExpireAt, s.AbandonAt()
	if expire.IsZero() {
		expire = s.CreatedAt.Add(never)
	}
	if abandon.IsZero() {
		abandon = expire
	}
	out := Session{Object: "session", ID: s.ID, UserID: s.UserID, ClientID: s.ClientID, Status: string(s.StatusAt(e.Now)),
		Actor: s.Actor, LastActiveOrganizationID: wire.TextOrNull(s.LastActiveOrganizationID), LastActiveAt: wire.Millis(s.LastActiveAt),
		ExpireAt: wire.Millis(expire), AbandonAt: wire.Millis(abandon), CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
	if a := s.Activity; a != (session.Activity{}) {
		out.LatestActivity = &Activity{Object: "session_activity", ID: "sess_activity_" + s.ID, DeviceType: a.DeviceType,
			IsMobile: a.IsMobile, BrowserName: a.BrowserName, BrowserVersion: a.BrowserVersion,
			IPAddress: a.IPAddress, City: a.City, Country: a.Country}
	}
	for _, key := range s.Tasks {
		out.Tasks = append(out.Tasks, Task{Key: key})
	}
	return out
}

// Sessions are ss in their order.
func (e Encoder) Sessions(ss []*session.Session) []Session {
	out := make([]Session, 0, len(ss))
	for _, s := range ss {
		out = append(out, e.Session(s))
	}
	return out
}

// Client is a browser with its sessions.
type Client struct {
	Object                     string    `json:"object"`
	ID                         string    `json:"id"`
	SessionIDs                 []string  `json:"session_ids"`
	Sessions                   []Session `json:"sessions"`
	SignInID                   *string   `json:"sign_in_id"`
	SignUpID                   *string   `json:"sign_up_id"`
	LastActiveSessionID        *string   `json:"last_active_session_id"`
	LastAuthenticationStrategy *string   `json:"last_authentication_strategy"`
	CreatedAt                  int64     `json:"created_at"`
	UpdatedAt                  int64     `json:"updated_at"`
}

// Client is c with the sessions listed on it. The session last active is named
// only while it is live.
func (e Encoder) Client(c *session.Client, on []*session.Session) Client {
	out := Client{Object: "client", ID: c.ID, SessionIDs: []string{}, Sessions: e.Sessions(on),
		SignInID: wire.TextOrNull(c.SignInID), SignUpID: wire.TextOrNull(c.SignUpID),
		LastAuthenticationStrategy: wire.TextOrNull(c.LastStrategy),
		CreatedAt:                  wire.Millis(c.CreatedAt), UpdatedAt: wire.Millis(c.UpdatedAt)}
	for _, s := range on {
		out.SessionIDs = append(out.SessionIDs, s.ID)
		if s.ID == c.LastActiveSessionID && s.LiveAt(e.Now) {
			out.LastActiveSessionID = &s.ID
		}
	}
	return out
}
