package ui

import (
	"errors"
	"net/http"

	"github.com/usherauth/usher/auth/internal/fault"
)

// maxToken is more than a token in a mailed link has, in bytes.
const maxToken = 256

// getUnlock asks, and does nothing: mail scanners follow links, too.
func getUnlock(x *exchange) error {
	pg := x.page()
	pg.Token = x.r.URL.Query().Get("token")
	if pg.Token == "" || len(pg.Token) > maxToken {
		return fault.New("resource_not_found", "")
	}
	return x.render(http.StatusOK, "unlock", pg)
}

// postUnlock opens the account that the mailed link belongs to.
func postUnlock(x *exchange) error {
	f, err := x.form()
	if err != nil {
		return err
	}
	token, _ := f.StringMax("token", maxToken)
	if err := f.Err(); err != nil {
		return err
	}
	if err := x.p.engine.Unlock(x.ctx(), x.b, token); err != nil {
		if !errors.Is(err, fault.New("ticket_invalid_code", "")) {
			return err
		}
		return x.render(http.StatusBadRequest, "unlock", x.page())
	}
	return x.redirect("/sign-in", "unlocked")
}
