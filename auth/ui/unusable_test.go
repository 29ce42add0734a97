package ui_test

import (
	"strings"
	"testing"
)

// A password that opens nothing any more is refused with the way out.
func TestUnusablePasswordShowsTheWayOut(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	if _, err := w.engine.Users().SetPasswordCompromised(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.at("/auth/sign-in/password", 200)
	v.submit("Continue", "password", secret)
	v.at("/auth/sign-in/password", 422)
	if e := v.fieldError("password"); !strings.Contains(e, "known to others") {
		t.Errorf("beside the field: %q", e)
	}
	v.submit("Set a new password")
	v.at("/auth/sign-in/code", 200)
	v.submit("Continue", "code", w.code(ada))
	v.at("/auth/sign-in/new-password", 200)
	v.submit("Save and sign in", "password", "another teapot overture 5")
	v.at("/private", 200)
}
