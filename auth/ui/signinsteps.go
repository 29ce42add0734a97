package ui

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

func getPassword(x *exchange) error {
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Methods.Passkey {
		x.signInPasskey(pg, v.ID)
	}
	switch {
	case pg.Methods.Password:
		return x.render(200, "sign_in_password", pg)
	case pg.Code != nil && pg.Code.Link:
		return x.redirect("/sign-in/link", "")
	case pg.Code != nil:
		return x.redirect("/sign-in/code", "")
	}
	return x.redirect("/sign-in", "")
}

func postPassword(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	wrong, err := x.prove(f, factor.First, byPassword, "password")
	if wrong == nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Methods.Passkey {
		x.signInPasskey(pg, v.ID)
	}
	pg.MustReset = mustReset(wrong)
	return x.refuse("sign_in_password", pg, wrong, "password")
}

// mustReset: the password may be right, and there is no way in with it.
func mustReset(err error) bool {
	for _, code := range []string{"form_password_compromised", "form_password_pwned", "password_too_long_needs_reset"} {
		if errors.Is(fault.From(err), fault.New(code, "")) {
			return true
		}
	}
	return false
}

func postSendCode(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("attempt")
	strategy, _ := f.String("strategy")
	if err := f.Err(); err != nil {
		return err
	}
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	if !slices.Contains([]string{byCode, byReset, byLink, bySMS, byResetSMS}, strategy) {
		return fault.New("verification_strategy_invalid", "strategy")
	}
	return x.send(v, strategy, id)
}

func getCode(x *exchange) error {
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Code == nil || pg.Code.Link {
		return x.redirect("/sign-in/password", "")
	}
	pg.Problems = dead(v.Attempt.First.StatusAt(v.Now))
	return x.render(200, "sign_in_code", pg)
}

// dead says of a code that it is of no use any more.
func dead(s factor.Status) []Problem {
	switch s {
	case factor.Expired:
		return []Problem{{Field: "code", Text: texts[[2]string{"verification_expired", ""}]}}
	case factor.Failed:
		return []Problem{{Field: "code", Text: texts[[2]string{"verification_failed", ""}]}}
	}
	return nil
}

func postCode(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.step(signin.NeedsFirstFactor)
	if v == nil || err != nil {
		return err
	}
	pg := x.stepPage(v)
	if pg.Code == nil || pg.Code.Link {
		return x.redirect("/sign-in/password", "")
	}
	wrong, err := x.prove(f, factor.First, v.Attempt.First.Strategy, "code")
	switch {
	case wrong == nil:
		return err
	case errors.Is(wrong, fault.New("sign_up_if_missing_transfer", "")):
		return x.redirect("/sign-in/new", "")
	}
	return x.refuse("sign_in_code", pg, wrong, "code")
}

// digits drops what people type or paste between the digits of a code.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, code)
}

func getNewPassword(x *exchange) error {
	v, err := x.step(signin.NeedsNewPassword)
	if v == nil || err != nil {
		return err
	}
	return x.render(200, "sign_in_new_password", x.stepPage(v))
}

func postNewPassword(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	v, err := x.step(signin.NeedsNewPassword)
	if v == nil || err != nil {
		return err
	}
	id, _ := f.String("attempt")
	plain, _ := f.String("password")
	others, _ := f.Bool("sign_out_others")
	if err = f.Err(); err == nil && plain == "" {
		err = fault.New("form_param_nil", "password").Say("Enter a new password.")
	}
	if err == nil {
		var a *signin.Attempt
		a, err = x.p.engine.ResetSignInPassword(x.ctx(), x.b, id, plain, others)
		if err == nil {
			return x.proceed(a)
		}
	}
	if over(err) {
		return x.redirect("/sign-in", "restart")
	}
	return x.refuse("sign_in_new_password", x.stepPage(v), err, "password")
}
