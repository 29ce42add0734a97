package bapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/usherauth/usher/auth/bapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
)

// A server makes a user and counts them.
func ExampleNew() {
	s, err := site.New(site.Config{URL: "https://app.example.com"})
	if err != nil {
		panic(err)
	}
	e, err := engine.New(context.Background(), engine.Config{Store: memory.New(), Settings: settings.Default(), Issuer: s.Issuer})
	if err != nil {
		panic(err)
	}
	api := bapi.New(e, s)
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+e.SecretKey())
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w
	}
	made := ask(http.MethodPost, "/bapi/v1/users", `{"email_address":["ada@example.com"],"password":"correct horse battery 9"}`)
	fmt.Println(made.Code)
	fmt.Println(ask(http.MethodGet, "/bapi/v1/users/count", "").Body)
	// Output:
	// 200
	// {"object":"total_count","total_count":1}
}
