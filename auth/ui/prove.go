package ui

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// prove attempts the sign-in of a form with what a field says, and leads on if
// that was right. wrong is what the page is to say otherwise.
func (x *exchange) prove(f *httpx.Form, use factor.Use, strategy, field string) (wrong, err error) {
	id, _ := f.String("attempt")
	said, _ := f.String(field)
	proof := factor.Proof{Password: said}
	if field == "code" {
		if strategy != byBackup {
			said = digits(said)
		}
		proof = factor.Proof{Code: said}
	}
	switch err := f.Err(); {
	case err != nil:
		return err, nil
	case said == "":
		return empty(field), nil
	}
	a, err := x.p.engine.AttemptSignIn(x.ctx(), x.b, id, use, strategy, proof)
	switch {
	case err == nil:
		return nil, x.proceed(a)
	case over(err):
		return nil, x.redirect("/sign-in", "restart")
	}
	return err, nil
}
