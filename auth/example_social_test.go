package auth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/store/memory"
)

// People come from a provider to pages of the host's own. Whoever is new here
// signs up with what the provider has said. Package oauthtest plays the
// provider and the person.
func ExampleAttempts_TransferToSignUp() {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	elsewhere := http.NewServeMux()
	provider := httptest.NewServer(elsewhere)
	defer provider.Close()
	fake, err := oauthtest.New(provider.URL)
	check(err)
	elsewhere.Handle("/", fake)
	like := fake.Provider() // like oauth.Google(id, secret)
	a, err := auth.New(context.Background(), auth.Config{Store: memory.New(), Social: []oauth.Provider{like}})
	check(err)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		at, err := a.Attempts(w, r)
		check(err)
		s, err := at.CreateSignIn(auth.SignInParams{Strategy: like.Strategy(), RedirectURL: "/welcome"})
		check(err)
		http.Redirect(w, r, s.First.RedirectURL, http.StatusSeeOther)
	})
	mux.HandleFunc("GET /welcome", func(w http.ResponseWriter, r *http.Request) {
		if auth.From(r.Context()).SignedIn() {
			fmt.Fprint(w, "welcome back")
			return
		}
		at, err := a.Attempts(w, r)
		check(err)
		s, err := at.SignIn("")
		check(err)
		if s.First.Status != factor.Transferable {
			fmt.Fprint(w, "not signed in: ", s.First.Error) // a code, such as oauth_access_denied
			return
		}
		up, err := at.TransferToSignUp(auth.SignUpParams{})
		check(err)
		fmt.Fprint(w, up.Status, up.MissingFields) // with some the next form asks for them
	})
	srv := httptest.NewServer(a.Wrap(mux))
	defer srv.Close()

	jar, err := cookiejar.New(nil)
	check(err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == provider.Listener.Addr().String() {
			return http.ErrUseLastResponse // the person is asked there
		}
		return nil
	}}
	ada := &oauthtest.Person{EmailAddress: "ada@example.com", EmailVerified: true, Name: "Ada"}
	for _, person := range []*oauthtest.Person{nil, ada} {
		res, err := browser.Post(srv.URL+"/login", "", nil)
		check(err)
		back, err := fake.Answer(res.Header.Get("Location"), person)
		check(err)
		res, err = browser.Get(back)
		check(err)
		body, err := io.ReadAll(res.Body)
		fmt.Println(string(body), err)
	}
	// Output:
	// not signed in: oauth_access_denied <nil>
	// complete[] <nil>
}
