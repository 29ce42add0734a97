package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/token"
)

func TestVerifyOnly(t *testing.T) {
	key, err := token.GenerateKey(token.Slot{})
	if err != nil {
		t.Fatal(err)
	}
	iss := &token.Issuer{URL: "https://clerk.example.com"}
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

// The defaults fit a quickstart with its own: the issuer is its issuer, and the
// keys are where it serves them.
func TestDefaultsFitTheQuickstart(t *testing.T) {
	src, err := os.ReadFile("../quickstart/main.go")
	if err != nil {
		t.Fatal(err)
	}
	addr := regexp.MustCompile(`flag\.String\("addr", "([^"]+)"`).FindSubmatch(src)
	if addr == nil {
		t.Fatal("the quickstart has no -addr")
	}
	url := "http://" + string(addr[1])
	i := authtest.New(t, func(c *auth.Config) { c.URL, c.Now = "", time.Now }) // the service has the real time, too
	srv := i.Serve(nil)
	if !strings.HasPrefix(defaultJWKS, url+"/") {
		t.Errorf("-jwks is %s, not at %s", defaultJWKS, url)
	}
	h := handler(defaultIssuer, srv.URL+strings.TrimPrefix(defaultJWKS, url)) // the same path, at the test's port
	s, err := i.Sessions().Create(t.Context(), i.User(t, "ada@example.com").ID)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := i.Sessions().Token(t.Context(), s.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Authorization", "Bearer "+tok)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK || rec.Body.String() != "hello "+s.UserID+"\n" {
		t.Errorf("%d %s", rec.Code, rec.Body)
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
