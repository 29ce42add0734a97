package ui

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/session"
)

// taskPages are the pages on which a pending session may act, by the tasks that
// they are part of.
var taskPages = map[string][]string{
	"/tasks/password":  {session.TaskResetPassword},
	"/user/app":        {session.TaskSetupMFA},
	"/user/app/verify": {session.TaskSetupMFA},

	"/organizations":           {session.TaskChooseOrganization},
	"/organizations/switch":    {session.TaskChooseOrganization},
	"/organizations/accept":    {session.TaskChooseOrganization},
	"/organizations/ask":       {session.TaskChooseOrganization},
	"/organization/invitation": {session.TaskChooseOrganization},
	"/create-organization":     {session.TaskChooseOrganization},
}

// pending reports whether the account last active in this browser has tasks to
// do first.
func (x *exchange) pending() (*engine.SessionView, bool) {
	current, _, err := x.accounts()
	if err != nil || current == nil || current.StatusAt(x.p.engine.Now()) != session.Pending {
		return current, false
	}
	return current, true
}

// getTasks shows the first thing that there is to do, until nothing is left.
func getTasks(x *exchange) error {
	current, pending := x.pending()
	switch {
	case current == nil:
		return fault.New("authentication_invalid", "")
	case !pending:
		x.session(current) // the token says by now that it is active
		return x.done(x.p.opts.AfterSignIn)
	}
	return x.render(200, "tasks", x.taskPage(current))
}

func (x *exchange) taskPage(s *engine.SessionView) *Page {
	pg := x.page()
	a := account(s, true)
	pg.Account = &a
	if len(s.Tasks) > 0 {
		pg.Task = s.Tasks[0]
	}
	return pg
}

// postTaskPassword sets a password in place of one that others know.
func postTaskPassword(x *exchange, a *engine.Actor, f *httpx.Form) error {
	plain, _ := f.String("new_password")
	others, _ := f.Bool("sign_out_others")
	err := f.Err()
	if err == nil && plain == "" {
		err = empty("new_password")
	}
	if err == nil {
		err = x.p.engine.ChangePassword(x.ctx(), a, "", plain, others)
	}
	switch {
	case err == nil:
		return x.redirect("/tasks", "")
	case errors.Is(err, fault.New("session_reverification_required", "")):
		return x.askStepUp(a)
	}
	return x.refuse("tasks", x.taskPage(&engine.SessionView{Session: a.Session, User: a.User}), err, "new_password")
}
