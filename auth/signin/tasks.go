package signin

import (
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/session"
)

// Tasks lists what a session of env's user has to do before it is active.
// secondAt is when a second factor was shown in it; zero is never.
func Tasks(env Env, secondAt time.Time) []string {
	var out []string
	if env.Password != nil && env.Password.Compromised {
		out = append(out, session.TaskResetPassword)
	}
	if env.Settings.SignIn.SecondFactorRequired && secondAt.IsZero() && len(env.Strategies.Options(factor.Second, env.subject())) == 0 {
		out = append(out, session.TaskSetupMFA)
	}
	return out
}

// tasks are those of the session that a starts. A password that was just set is
// known to nobody else.
func (a *Attempt) tasks(env Env) []string {
	if a.PasswordSet {
		env.Password = nil
	}
	return Tasks(env, a.SecondAt)
}
