package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/usherauth/usher/token"
)

// An issuer needs a URL and a key, and mints tokens that live for a minute.
func ExampleIssuer() {
	key, err := token.GenerateKey(token.Slot{Algorithm: token.EdDSA}) // RS256 unless told otherwise
	if err != nil {
		panic(err)
	}
	iss := &token.Issuer{URL: "https://clerk.example.com"}
	if err := iss.SetKeys(key); err != nil {
		panic(err)
	}
	c := token.Claims{
		Subject: "user_1", SessionID: "sess_1",
		Organization: &token.Organization{ID: "org_1", Role: "admin"},
	}
	if err := c.Grant(nil, []string{"org:invoices:create"}); err != nil {
		panic(err)
	}
	tok, err := iss.Mint(context.Background(), c)
	if err != nil {
		panic(err)
	}
	v := &token.Verifier{Issuer: iss.URL, Keys: iss}
	got, err := v.Verify(context.Background(), tok)
	fmt.Println(got.Subject, got.Expires.Sub(got.IssuedAt), got.HasRole("org:admin"), got.HasPermission("org:invoices:create"), err)
	// Output: user_1 1m0s true true <nil>
}

// A verifier needs the issuer's name and its keys.
func ExampleVerifier() {
	key, _ := token.GenerateKey(token.Slot{Algorithm: token.EdDSA})
	iss := &token.Issuer{URL: "https://clerk.example.com"}
	_ = iss.SetKeys(key)
	tok, _ := iss.Mint(context.Background(), token.Claims{Subject: "user_1", SessionID: "sess_1"})

	now := time.Now()
	v := &token.Verifier{
		Issuer:            "https://clerk.example.com",
		Keys:              iss.KeySet(),
		AuthorizedParties: []string{"https://app.example.com"},
		Now:               func() time.Time { return now },
	}
	c, err := v.Verify(context.Background(), tok)
	fmt.Println(c.Subject, err)

	now = now.Add(2 * time.Minute)
	_, err = v.Verify(context.Background(), tok)
	fmt.Println(errors.Is(err, token.ErrExpired))
	// Output:
	// user_1 <nil>
	// true
}

// A service that is not the issuer fetches its keys.
func ExampleRemote() {
	key, _ := token.GenerateKey(token.Slot{Algorithm: token.EdDSA})
	iss := &token.Issuer{URL: "https://clerk.example.com"}
	_ = iss.SetKeys(key)
	jwks := httptest.NewServer(iss.Handler()) // stands for /.well-known/jwks.json
	defer jwks.Close()

	v := &token.Verifier{Issuer: iss.URL, Keys: &token.Remote{URL: jwks.URL}}
	hello := v.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := token.FromContext(r.Context())
		fmt.Fprintln(w, "hello", c.Subject)
	}))

	tok, _ := iss.Mint(context.Background(), token.Claims{Subject: "user_1", SessionID: "sess_1"})
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Authorization", "Bearer "+tok)
	rec := httptest.NewRecorder()
	hello.ServeHTTP(rec, req)
	fmt.Print(rec.Code, " ", rec.Body)

	rec = httptest.NewRecorder()
	hello.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	fmt.Println(rec.Code)
	// Output:
	// 200 hello user_1
	// 401
}

// Keys take turns by a schedule. The host stores them and looks at the plan
// from time to time.
func ExampleSchedule() {
	s := token.Schedule{Algorithm: token.EdDSA, Every: 30 * 24 * time.Hour}
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	var stored []token.Key
	for range 70 {
		plan := s.Plan(stored, now)
		if plan.Make != nil {
			key, err := token.GenerateKey(*plan.Make)
			if err != nil {
				panic(err)
			}
			stored = append(stored, key) // provided that Seq is not taken
			fmt.Println(now.Format("Jan 2"), "made", key.Seq, "to sign from", key.SignFrom.Format("Jan 2"))
		}
		for range plan.Dead {
			stored = stored[1:]
			fmt.Println(now.Format("Jan 2"), "deleted one")
		}
		now = now.Add(24 * time.Hour)
	}
	// Output:
	// Jul 1 made 1 to sign from Jul 1
	// Jul 30 made 2 to sign from Jul 31
	// Aug 1 deleted one
	// Aug 29 made 3 to sign from Aug 30
	// Aug 31 deleted one
}
