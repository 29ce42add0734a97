package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

func TestVerifyOnly(t *testing.T) {
	key, err := token.GenerateKey(token.Slot{})
	if err != nil {
		t.Fatal(err)
	}
	iss := &token.Issuer{URL: "http://127.0.0.1:4010/__clerk"}
	if err := iss.SetKeys(key); err != nil {
		t.Fatal(err)
	}
	jwks := httptest.NewServer(iss.Handler())
	defer jwks.Close()
	tok, err := iss.Mint(context.Background(), token.Claims{Subject: "user_1", SessionID: "sess_1"})
	if err != nil {
		t.Fatal(err)
	}
	h := handler(iss.URL, jwks.URL)
	for bearer, want := range map[string]int{tok: http.StatusOK, tok[:len(tok)-1]: http.StatusUnauthorized, "": http.StatusUnauthorized} {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("Authorization", "Bearer "+bearer)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != want || want == http.StatusOK && rec.Body.String() != "hello user_1\n" {
			t.Errorf("%d %s, want %d", rec.Code, rec.Body, want)
		}
	}
}

// TestDependencies: outside of the standard library, a service that verifies
// takes in golang-jwt and nothing else.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	want := []string{
		"github.com/golang-jwt/jwt/v5", "github.com/usherauth/usher/examples/verifyonly", "github.com/usherauth/usher/token",
	}
	if !slices.Equal(got, want) {
		t.Errorf("it depends on %v", got)
	}
}

func TestSize(t *testing.T) {
	src, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(src), "\n"); n >= 40 {
		t.Errorf("main.go has %d lines", n)
	}
}
