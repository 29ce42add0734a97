package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

// A Level says which factors must have been shown. Somebody who has shown no
// second factor, having none, is asked for the first instead.
type Level string

// The levels.
const (
	FirstFactor  Level = "first_factor"
	SecondFactor Level = "second_factor" // the second factor alone
	MultiFactor  Level = "multi_factor"  // both
)

// A Freshness says how lately which factors must have been shown. [Strict] and
// its siblings are ready ones.
type Freshness struct {
	Level Level
	// Within is how long ago it may be, in whole minutes.
	Within time.Duration

	name string // as clients know it; empty: they are told level and minutes
}

// The usual rules, from the strictest.
var (
	StrictMFA = Freshness{MultiFactor, 10 * time.Minute, "strict_mfa"}
	Strict    = Freshness{SecondFactor, 10 * time.Minute, "strict"}
	Moderate  = Freshness{SecondFactor, time.Hour, "moderate"}
	Lax       = Freshness{SecondFactor, 24 * time.Hour, "lax"}
)

// MarshalJSON writes f as clients read it: its name, or level and minutes.
func (f Freshness) MarshalJSON() ([]byte, error) {
	if f.name != "" {
		return json.Marshal(f.name)
	}
	return json.Marshal(struct {
		Level        Level `json:"level"`
		AfterMinutes int   `json:"afterMinutes"`
	}{f.Level, int(f.Within / time.Minute)})
}

// Fresh is the rule that what f asks for has been shown lately. Whoever does
// not keep it is sent to a page of usher's and back if a browser asks for a
// page, and gets the body that Clerk's useReverification understands otherwise:
// it shows the person what to do, and asks again. It panics if f has no level, or
// is shorter than a minute: tokens count in whole ones.
func Fresh(f Freshness) Rule {
	if f.Level != FirstFactor && f.Level != SecondFactor && f.Level != MultiFactor || f.Within < time.Minute {
		panic(fmt.Sprintf("auth: nobody can keep Freshness{%q, %s}", f.Level, f.Within))
	}
	return func(id *Identity) error {
		if id.Fresh(f) {
			return nil
		}
		return &StaleError{Freshness: f}
	}
}

// Fresh reports whether id is somebody who has shown lately what f asks for, as
// far as the token knows.
func (id *Identity) Fresh(f Freshness) bool {
	first, second := id.FactorAge()
	firstOK, secondOK := first >= 0 && first < f.Within, second >= 0 && second < f.Within
	if !id.SignedIn() {
		return false
	}
	switch f.Level {
	case FirstFactor:
		return firstOK
	case SecondFactor:
		return secondOK || second < 0 && firstOK
	case MultiFactor:
		return firstOK && (secondOK || second < 0)
	}
	return false
}

// A StaleError refuses somebody who has to show once more who they are.
type StaleError struct{ Freshness Freshness }

func (e *StaleError) Error() string { return "auth: what was shown is too long ago" }

// ServeHTTP answers with the refusal, for handlers that decide by
// [Identity.Fresh]: 403 with the body that Clerk's clients understand.
func (e *StaleError) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var body struct {
		Error struct {
			Type     string `json:"type"`
			Reason   string `json:"reason"`
			Metadata struct {
				Reverification Freshness `json:"reverification"`
			} `json:"metadata"`
		} `json:"clerk_error"`
	}
	body.Error.Type, body.Error.Reason, body.Error.Metadata.Reverification = "forbidden", "reverification-error", e.Freshness
	raw, err := json.Marshal(body)
	if err != nil { // texts and a number
		panic(err)
	}
	httpx.NoStore(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(http.StatusForbidden)
	w.Write(raw)
}

// refuseStale answers a request that keeps every rule but that of freshness.
func (a *Auth) refuseStale(w http.ResponseWriter, r *http.Request, e *StaleError) {
	httpx.NoStore(w.Header())
	httpx.AddVary(w.Header(), "Cookie", "Authorization", "Accept")
	if wantsPage(r) {
		q := url.Values{"redirect_url": {a.asked(r)}, "level": {string(e.Freshness.Level)}}
		http.Redirect(w, r, a.site.PagesPath+"/verify?"+q.Encode(), http.StatusSeeOther)
		return
	}
	e.ServeHTTP(w, r)
}
