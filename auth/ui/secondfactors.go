package ui

import (
	"html/template"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/totp"
)

const (
	byApp    = "totp"
	byBackup = "backup_code"
)

// SecondMethods say with what a person can show a second factor.
type SecondMethods struct{ App, SMS, Backup bool }

// A NewApp is an authenticator app that is being set up.
type NewApp struct {
	// QR is the picture of the secret, Secret the same to be typed. They are
	// shown once; empty afterwards.
	QR     template.HTML
	Secret string
}

// Factors are what a profile shows of the second factors and passkeys.
type Factors struct {
	AppOn, HasApp       bool // on: it can be set up
	CodesOn, HasCodes   bool
	PasskeysOn, CanMore bool
	Passkeys            []PasskeyItem
}

// factors describes what u can have and has.
func (x *exchange) factors(u *user.User) Factors {
	s, now := x.settings, x.p.engine.Now()
	f := Factors{AppOn: s.SecondFactors.TOTP, HasApp: u.TOTPEnabled, CodesOn: s.SecondFactors.BackupCodes && u.TwoFactorEnabled(),
		HasCodes: u.BackupCodeEnabled, PasskeysOn: s.Passkeys.Enabled, CanMore: len(u.Passkeys) < user.MaxPasskeys}
	for _, k := range u.Passkeys {
		item := PasskeyItem{ID: k.ID, Name: k.Name, Added: k.CreatedAt.UTC()}
		if !k.LastUsedAt.IsZero() {
			item.Used = ago(now.Sub(k.LastUsedAt))
		}
		f.Passkeys = append(f.Passkeys, item)
	}
	return f
}

func secondMethods(v *engine.SignInView) (m SecondMethods) {
	for _, o := range v.Second {
		m.App = m.App || o.Strategy == byApp
		m.SMS = m.SMS || o.Strategy == bySMS
		m.Backup = m.Backup || o.Strategy == byBackup
	}
	return m
}

// secondPage is where a second factor is shown best.
func secondPage(m SecondMethods) string {
	switch {
	case m.App:
		return "/sign-in/app"
	case m.SMS:
		return "/sign-in/sms"
	case m.Backup:
		return "/sign-in/backup-code"
	}
	return "/sign-in/app"
}

// getSecond asks for a second factor of one kind, or leads to one that the
// person has.
func getSecond(strategy, name string) handler {
	return func(x *exchange) error {
		v, err := x.step(signin.NeedsSecondFactor)
		if v == nil || err != nil {
			return err
		}
		pg := x.stepPage(v)
		if pg.Second = secondMethods(v); strategy == byApp && !pg.Second.App && secondPage(pg.Second) != "/sign-in/app" || strategy == byBackup && !pg.Second.Backup {
			return x.redirect(secondPage(pg.Second), "")
		}
		return x.render(200, name, pg)
	}
}

func postSecond(strategy, name string) handler {
	return func(x *exchange) error {
		f, err := x.form()
		if err != nil {
			return err
		}
		v, err := x.step(signin.NeedsSecondFactor)
		if v == nil || err != nil {
			return err
		}
		wrong, err := x.prove(f, factor.Second, strategy, "code")
		if wrong == nil {
			return err
		}
		pg := x.stepPage(v)
		pg.Second = secondMethods(v)
		return x.refuse(name, pg, ownWords(wrong, strategy), "code")
	}
}

// ownWords speaks of the app or the list where the table of texts speaks of
// mail.
func ownWords(err error, strategy string) error {
	f := fault.From(err)
	switch f.Code {
	case "form_param_nil":
		return f.Say("Enter a code.")
	case "form_code_incorrect":
	default:
		return err
	}
	if strategy == byBackup {
		return f.Say("That is none of your unused backup codes. Each works once.")
	}
	return f.Say("That code is not right. Enter the one that your app shows now.")
}

// postApp begins to set up an authenticator app: its secret is shown here and
// nowhere else.
func postApp(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	app, uri, err := x.p.engine.CreateTOTP(x.ctx(), a)
	if err != nil {
		return x.refuseUser(a, "factors", nil, err)
	}
	picture, err := totp.QR(uri)
	if err != nil {
		return err
	}
	pg := x.accountPage(a)
	pg.App = &NewApp{QR: template.HTML(picture), Secret: spaced(totp.Text(app.Secret))} // our own drawing
	return x.render(200, "user_app", pg)
}

// spaced parts a text in fours, so that people can read it off.
func spaced(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// accountPage is a page about the account beside /user.
func (x *exchange) accountPage(a *engine.Actor) *Page {
	pg := x.page()
	pg.Account = &Account{SessionID: a.Session.ID, Name: a.User.Name(), Identifier: a.User.Identifier(), Current: true}
	return pg
}

// postAppVerify takes the app into use. The backup codes that come along are
// shown once.
func postAppVerify(x *exchange, a *engine.Actor, f *httpx.Form) error {
	code, _ := f.String("code")
	code = digits(code)
	err := f.Err()
	if err == nil && code == "" {
		err = fault.New("form_param_nil", "code").Say("Enter the code that your app shows.")
	}
	var codes []string
	if err == nil {
		_, codes, err = x.p.engine.AttemptTOTP(x.ctx(), a, code)
		x.b.Changed = x.b.Changed || err == nil // what the session token says
	}
	switch f := fault.From(err); {
	case err == nil && len(codes) > 0:
		return x.showCodes(a, codes, "app-on")
	case err == nil && x.next != "":
		return x.done("")
	case err == nil:
		return x.redirect("/user", "app-on")
	case f.Code != "form_code_incorrect" && f.Param != "code":
		return x.refuseUser(a, "factors", nil, err)
	}
	pg := x.accountPage(a)
	pg.App = &NewApp{}
	return x.refuse("user_app", pg, ownWords(err, byApp), "code")
}

func (x *exchange) showCodes(a *engine.Actor, codes []string, notice string) error {
	pg := x.accountPage(a)
	pg.Notice, pg.Continue = notices[notice], x.next
	for _, code := range codes {
		pg.Codes = append(pg.Codes, spaced(code))
	}
	return x.render(200, "user_codes", pg)
}

func postAppRemove(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	if _, err := x.p.engine.DeleteTOTP(x.ctx(), a); err != nil {
		return x.refuseUser(a, "factors", nil, err)
	}
	return x.redirect("/user", "app-off")
}

// postCodes makes new backup codes and shows them once.
func postCodes(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	_, codes, err := x.p.engine.CreateBackupCodes(x.ctx(), a)
	if err != nil {
		return x.refuseUser(a, "factors", nil, err)
	}
	return x.showCodes(a, codes, "")
}
