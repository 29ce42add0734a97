package auth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/token"
)

// Every rule at every age, by the table of Clerk's own clients: a level that
// asks for a second factor falls back to the first if none was shown.
func TestFresh(t *testing.T) {
	own := auth.Freshness{Level: auth.FirstFactor, Within: 3 * time.Minute}
	for _, c := range []struct {
		f             auth.Freshness
		first, second int
		want          bool
	}{
		{auth.StrictMFA, 9, 9, true}, {auth.StrictMFA, 10, 9, false}, {auth.StrictMFA, 9, 10, false}, {auth.StrictMFA, 9, -1, true},
		{auth.StrictMFA, 10, -1, false}, {auth.StrictMFA, -1, 9, false}, {auth.StrictMFA, -1, -1, false},
		{auth.Strict, 100, 9, true}, {auth.Strict, 1, 10, false}, {auth.Strict, 9, -1, true}, {auth.Strict, 10, -1, false},
		{auth.Moderate, 59, -1, true}, {auth.Moderate, 60, -1, false}, {auth.Moderate, -1, 59, true}, {auth.Moderate, 0, 60, false},
		{auth.Lax, 1439, -1, true}, {auth.Lax, 1440, -1, false}, {auth.Lax, -1, 1439, true},
		{own, 2, -1, true}, {own, 3, -1, false}, {own, 2, 99, true}, {own, -1, 0, false},
	} {
		id := &auth.Identity{UserID: "user_x", Claims: &token.Claims{FactorAge: &token.FactorAge{First: c.first, Second: c.second}}}
		if got := id.Fresh(c.f); got != c.want || (auth.Fresh(c.f)(id) == nil) != c.want {
			t.Errorf("%+v with [%d, %d]: got %v", c.f, c.first, c.second, got)
		}
	}
	for _, f := range []auth.Freshness{{}, {Level: "x", Within: time.Hour}} { // no rule is made of these
		if (&auth.Identity{UserID: "user_x", Claims: &token.Claims{FactorAge: &token.FactorAge{Second: -1}}}).Fresh(f) {
			t.Errorf("somebody is fresh by %+v", f)
		}
	}
	if (&auth.Identity{}).Fresh(auth.Lax) || (&auth.Identity{UserID: "user_x"}).Fresh(auth.Lax) {
		t.Error("somebody without claims is fresh")
	}
}

func TestRequireFresh(t *testing.T) {
	u := authtest.New(t)
	ran := 0
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { ran++ })
	mux := http.NewServeMux()
	mux.Handle("/strict", u.Require(ok, auth.Fresh(auth.Strict)))
	mux.Handle("/own", u.Require(ok, auth.Fresh(auth.Freshness{Level: auth.MultiFactor, Within: 5 * time.Minute})))
	srv := u.Serve(mux)
	c := u.SignedIn(t, u.User(t, "ada@example.com"))
	ask := func(path string, page bool) (int, string, string) {
		t.Helper()
		r, err := http.NewRequest("GET", srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if page {
			r.Header.Set("Accept", "text/html")
		}
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b), res.Header.Get("Location")
	}
	if status, body, _ := ask("/strict", false); status != 200 || ran != 1 {
		t.Fatalf("fresh: %d %s", status, body)
	}
	u.Clock.Advance(10 * time.Minute)
	if status, body, _ := ask("/strict", false); status != 403 ||
		body != `{"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{"reverification":"strict"}}}` {
		t.Errorf("stale: %d %s", status, body)
	}
	if status, body, _ := ask("/own", false); status != 403 ||
		body != `{"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{"reverification":{"level":"multi_factor","afterMinutes":5}}}}` {
		t.Errorf("stale: %d %s", status, body)
	}
	if status, _, to := ask("/strict?a=1", true); status != 303 || to != "/auth/verify?level=second_factor&redirect_url=%2Fstrict%3Fa%3D1" {
		t.Errorf("a page: %d %s", status, to)
	}
	if ran != 1 {
		t.Error("the handler ran")
	}
	c = authtest.NewClient(t)
	if status, _, _ := ask("/strict", false); status != 401 {
		t.Errorf("nobody: %d", status)
	}
}

// A handler that only sometimes needs a step-up answers as Require does.
func ExampleIdentity_Fresh() {
	transfer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("amount") > "1000" && !auth.From(r.Context()).Fresh(auth.Strict) {
			(&auth.StaleError{Freshness: auth.Strict}).ServeHTTP(w, r)
			return
		}
		fmt.Fprint(w, "sent")
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/transfer?amount=5000", nil)
	transfer.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{UserID: "user_2abc"})))
	fmt.Println(w.Code, w.Body)
	// Output: 403 {"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{"reverification":"strict"}}}
}
