package backend

import (
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
)

// Session is a session as the host sees it.
type Session struct {
	wire.SessionBase
	UserID                   string         `json:"user_id"`
	ClientID                 string         `json:"client_id"`
	LastActiveOrganizationID *string        `json:"last_active_organization_id"`
	LatestActivity           *wire.Activity `json:"latest_activity"`
	CreatedAt                int64          `json:"created_at"`
	UpdatedAt                int64          `json:"updated_at"`
}

// Session is s.
func (e Encoder) Session(s *session.Session) Session {
	out := Session{SessionBase: wire.NewSessionBase(s, e.Now), UserID: s.UserID, ClientID: s.ClientID,
		LastActiveOrganizationID: wire.TextOrNull(s.LastActiveOrganizationID), CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
	if s.Activity != (session.Activity{}) {
		a := wire.NewActivity(s)
		out.LatestActivity = &a
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
