package ui

import (
	"errors"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/settings"
)

const (
	// ticketParam is where links carry tickets.
	ticketParam = "__clerk_ticket"
	maxTicket   = 256
	maxCaptcha  = 1024
)

// A Ticket is a link of the host's that lets somebody in.
type Ticket struct {
	// Token is what the button sends; empty: it is of no use.
	Token string
	// Account is who would be signed in.
	Account Account
	// Impersonates: whoever uses it acts as the account.
	Impersonates bool
}

// Work is the task that a browser does before a form is taken.
type Work struct {
	Challenge string
	Bits      int
	Script    string // URL
}

// Legal is what people accept when they sign up; empty URLs are not there.
type Legal struct{ TermsURL, PrivacyURL string }

// ticket is the ticket that the page was asked for with.
func (x *exchange) ticket() string {
	if v := x.r.URL.Query()[ticketParam]; len(v) == 1 && len(v[0]) <= maxTicket {
		return v[0]
	}
	return ""
}

// getTicket asks who follows a link for signing in whether they want to. It
// uses nothing: programs that read mail follow links, too.
func getTicket(x *exchange, wire string) error {
	v, err := x.p.engine.Ticket(x.ctx(), wire)
	pg := x.page()
	if err == nil {
		err = v.Problem
	}
	if err != nil || v.User == nil {
		if err == nil {
			return x.redirect("/sign-up", "", ticketParam, wire)
		}
		pg.Ticket = &Ticket{}
		return x.refuse("ticket", pg, err)
	}
	pg.Ticket = &Ticket{Token: wire, Impersonates: v.Actor != nil, Account: accountOf(v.User)}
	return x.render(200, "ticket", pg)
}

// postTicket signs in with a ticket.
func postTicket(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	wire, _ := f.StringMax("ticket", maxTicket)
	if err := f.Err(); err != nil {
		return err
	}
	a, err := x.p.engine.CreateSignIn(x.ctx(), x.b, engine.SignInParams{Strategy: "ticket", Proof: factor.Proof{Ticket: wire}})
	if errors.Is(err, fault.New("form_conditional_param_missing", "")) {
		return x.redirect("/sign-in", "")
	}
	if err != nil {
		pg := x.page()
		pg.Ticket = &Ticket{}
		return x.refuse("ticket", pg, err)
	}
	return x.proceed(a)
}

// work puts a task on a page, and lets the page run our script.
func (x *exchange) work(pg *Page) {
	challenge, bits, _ := x.p.engine.Work()
	pg.Work = &Work{Challenge: challenge, Bits: bits, Script: x.p.site.PagesPath + x.p.work.path}
	if pg.Nonce == "" {
		pg.Nonce = httpx.NewNonce()
	}
	h := x.p.headers
	h.Nonce, h.SelfConnect = pg.Nonce, pg.Passkey != nil
	x.w.Header().Set("Content-Security-Policy", h.Policy())
}

// newWorkScript is the script of the proof of work.
func newWorkScript() asset { return newAsset("work", ".js", "text/javascript", []byte(captcha.Script)) }

func getWaitlist(x *exchange) error {
	if x.settings.SignUp.Mode != settings.Waitlist {
		return x.redirect("/sign-up", "")
	}
	return x.render(200, "waitlist", x.page())
}

// postWaitlist puts an address on the waitlist. Who is on it already is told
// the same.
func postWaitlist(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	address, _ := f.StringMax("email_address", 320)
	pg := x.page()
	pg.values["email_address"] = address
	if err = f.Err(); err == nil && address == "" {
		err = empty("email_address")
	}
	if err == nil {
		_, err = x.p.engine.JoinWaitlist(x.ctx(), x.b.Addr, address)
	}
	switch {
	case errors.Is(err, fault.New("waitlist_not_accepting_entries", "")):
		return x.redirect("/sign-up", "")
	case err != nil:
		return x.refuse("waitlist", pg, err, "email_address")
	}
	return x.redirect("/waitlist/done", "")
}

func getWaitlistDone(x *exchange) error { return x.render(200, "waitlist_done", x.page()) }

// Acting is the account that somebody acts as in this browser; nil: nobody
// does. Every page says so.
func (pg *Page) Acting() *Account {
	x := pg.x
	if x == nil || x.b == nil || x.b.Client == nil || x.b.Client.LastActiveSessionID == "" {
		return nil
	}
	current, _, err := x.accounts()
	if err != nil || current == nil || len(current.Actor) == 0 {
		return nil
	}
	a := account(current, true)
	return &a
}
