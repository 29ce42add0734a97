package fapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
)

type noMail struct{}

func (noMail) Send(context.Context, notify.Message) error { return nil }

func ExampleNew() {
	s, err := site.New(site.Config{URL: "http://localhost:4010"})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := engine.New(context.Background(), engine.Config{Store: memory.New(), Settings: settings.Default(),
		Issuer: s.Issuer, AppURL: s.AppURL(), Mailer: noMail{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle(s.FrontendPath+"/", fapi.New(e, s, fapi.Options{}))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/__clerk/v1/client", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"response":null,"client":null}
}
