package fapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/ticket"
)

const (
	maxTicket  = 1 << 10
	maxCaptcha = 8 << 10
)

// acceptTicket leads who follows the link of a ticket to where it is used. It
// uses nothing: programs that read mail follow links too. A ticket that is of
// no use any more goes along, so that its holder is told why.
func (c *call) acceptTicket() (any, error) {
	wire := c.query.Require("ticket")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	v, err := c.e.Ticket(c.ctx(), wire)
	if err != nil {
		return nil, err
	}
	status, page := "sign_up", c.paths().SignUp
	if v.User != nil {
		status, page = "sign_in", c.paths().SignIn
		in, err := c.isSignedIn(v.User.ID)
		if err != nil {
			return nil, err
		}
		if in && v.Actor == nil {
			status, page = "complete", c.paths().Home
		}
	}
	joins := v.Kind == ticket.OrganizationKind
	// Our own page says what organization it is. Who is signed in joins there, with
	// a click, and is led on to where the link leads.
	if joins {
		page = c.site.PagesPath + "/organization/invitation"
	}
	if v.RedirectURL != "" && !(joins && status == "complete") {
		// It was checked when it was stored; what is allowed may have changed.
		if page, err = c.site.Redirects.Check(c.r, "redirect_url", v.RedirectURL); err != nil {
			return nil, err
		}
	}
	h := c.w.Header()
	httpx.NoStore(h)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", withTicket(page, wire, status))
	c.w.WriteHeader(http.StatusSeeOther)
	return answered{}, nil
}

// withTicket adds to a checked target what clients look for in the address bar.
func withTicket(target, wire, status string) string {
	target, fragment, _ := strings.Cut(target, "#")
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	target += sep + url.Values{"__clerk_ticket": {wire}, "__clerk_status": {status}}.Encode()
	if fragment != "" {
		target += "#" + fragment
	}
	return target
}

func (c *call) isSignedIn(userID string) (bool, error) {
	v, err := c.e.View(c.ctx(), c.b)
	if v == nil || err != nil {
		return false, err
	}
	for _, s := range v.Live() {
		if s.UserID == userID {
			return true, nil
		}
	}
	return false, nil
}

// waitlistEntry is all that somebody who joins the waitlist is told.
type waitlistEntry struct {
	Object string `json:"object"`
	ID     string `json:"id"`
}

func (c *call) joinWaitlist() (any, error) {
	address := c.form.Require("email_address")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	w, err := c.e.JoinWaitlist(c.ctx(), c.b.Addr, address)
	if err != nil {
		return nil, err
	}
	return bare{waitlistEntry{Object: "waitlist_entry", ID: w.ID}}, nil
}

// verifyClient takes the token with which a browser shows that a person uses
// it, when a sign-in was answered with requires_captcha.
func (c *call) verifyClient() (any, error) {
	token, _ := c.form.StringMax("captcha_token", maxCaptcha)
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.e.ProveHuman(c.ctx(), c.b, token, false); err != nil {
		return nil, err
	}
	client, err := c.client()
	return unwatched{response: client, client: client}, err
}

// challenge is the task of a proof of work: find a number such that the SHA-256
// of challenge, a dot and the number begins with so many zero bits.
type challenge struct {
	Object    string `json:"object"`
	Provider  string `json:"provider"`
	Challenge string `json:"challenge"`
	Bits      int    `json:"bits"`
	ExpiresAt int64  `json:"expires_at"`
}

// captchaChallenge gives a task to clients that were written for it. Clerk's
// know Turnstile only.
func (c *call) captchaChallenge() (any, error) {
	httpx.NoStore(c.w.Header())
	text, bits, expires := c.e.Work()
	return bare{challenge{Object: "captcha_challenge", Provider: captcha.WorkProvider, Challenge: text, Bits: bits, ExpiresAt: expires.UnixMilli()}}, nil
}

// tested marks the browser if the request carries a testing token.
func (c *call) tested() error {
	token, _ := c.query.StringMax("__clerk_testing_token", maxTicket)
	if err := c.query.Err(); err != nil {
		return err
	}
	c.b.Tested = token != "" && c.e.CheckTestingToken(token)
	return nil
}

// harmless are the changes that somebody who acts as a user may make, too.
var harmless = map[string]bool{"PATCH /v1/me": true, "PATCH /v1/me/metadata": true,
	"POST /v1/me/profile_image": true, "DELETE /v1/me/profile_image": true}

// mayImpersonator reports whether who acts as a user may call a route. The
// engine asks once more; here it is known before anything is read.
func mayImpersonator(rt Route, a *engine.Actor) bool {
	return httpx.Safe(rt.Method) || !a.Impersonates() || harmless[rt.Method+" "+rt.Path]
}
