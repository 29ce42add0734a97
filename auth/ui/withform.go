package ui

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// formBy runs fn with who acts, which is what actor says, and the form that was
// sent.
func formBy(actor func(x *exchange) (*engine.Actor, error), fn func(x *exchange, a *engine.Actor, f *httpx.Form) error) handler {
	return func(x *exchange) error {
		a, err := actor(x)
		if err != nil {
			return err
		}
		f, err := x.form()
		if err != nil {
			return err
		}
		return fn(x, a, f)
	}
}

// withForm runs fn with who acts and the form that was sent.
func withForm(fn func(x *exchange, a *engine.Actor, f *httpx.Form) error) handler {
	return formBy((*exchange).actor, fn)
}

// withOrganizations is withForm where there are organizations.
func withOrganizations(fn func(x *exchange, a *engine.Actor, f *httpx.Form) error) handler {
	return formBy((*exchange).organizationActor, fn)
}

// withID runs fn with the ID that a form names.
func withID(fn func(x *exchange, a *engine.Actor, id string) error) handler {
	return withForm(func(x *exchange, a *engine.Actor, f *httpx.Form) error {
		id, _ := f.String("id")
		if err := f.Err(); err != nil {
			return err
		}
		return fn(x, a, id)
	})
}
