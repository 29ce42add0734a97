package wire

import (
	"encoding/json"
	"time"

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

// never is what clients, who want a number, are told of an end that is not set.
const never = 10 * 365 * 24 * time.Hour

// NewSessionBase is s at the time now.
func NewSessionBase(s *session.Session, now time.Time) SessionBase {
	expire, abandon := s.ExpireAt, s.AbandonAt()
	if expire.IsZero() {
		expire = s.CreatedAt.Add(never)
	}
	if abandon.IsZero() {
		abandon = expire
	}
	b := SessionBase{Object: "session", ID: s.ID, Status: string(s.StatusAt(now)), ExpireAt: Millis(expire),
		AbandonAt: Millis(abandon), LastActiveAt: Millis(s.LastActiveAt), Actor: s.Actor}
	for _, t := range s.Tasks {
		b.Tasks = append(b.Tasks, Task{Key: t})
	}
	return b
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

// NewActivity is where s was last used.
func NewActivity(s *session.Session) Activity {
	a := s.Activity
	return Activity{Object: "session_activity", ID: "sess_activity_" + s.ID, DeviceType: a.DeviceType, IsMobile: a.IsMobile,
		BrowserName: a.BrowserName, BrowserVersion: a.BrowserVersion, IPAddress: a.IPAddress, City: a.City, Country: a.Country}
}
