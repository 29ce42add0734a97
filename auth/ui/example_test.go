package ui_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ui"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
)

func ExampleNew() {
	s, err := site.New(site.Config{}) // some port of this machine
	if err != nil {
		panic(err)
	}
	set := settings.Default()
	set.AppName = "Acme"
	e, err := engine.New(context.Background(), engine.Config{Store: memory.New(), Settings: set, Issuer: s.Issuer, Algorithm: token.EdDSA})
	if err != nil {
		panic(err)
	}
	pages, err := ui.New(e, s, ui.Options{
		AfterSignIn: "/home",
		Overlay:     fstest.MapFS{"theme.css": {Data: []byte(":root { --accent: #0f766e; }")}},
	})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/auth/sign-in", nil))
	_, title, _ := strings.Cut(w.Body.String(), "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	fmt.Println(w.Code, title)
	// Output: 200 Sign in · Acme
}
