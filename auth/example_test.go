package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"text/tabwriter"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// A host in twenty lines. With memory.New replaced by sqlite.Open("app.db") it
// is one that remembers.
func Example() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	go a.Run(ctx) // mail, key rotation, purge

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", auth.From(r.Context()).UserID)
	})
	mux.Handle("/private", a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "only for", auth.From(r.Context()).UserID)
	})))
	srv := httptest.NewServer(a.Wrap(mux)) // or http.ListenAndServe("127.0.0.1:8080", a.Wrap(mux))
	defer srv.Close()

	res, err := http.Get(srv.URL + "/private")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status)
	// Output: 401 Unauthorized
}

// A rule narrows who may pass. Its error decides what the others are told.
func ExampleAuth_Require() {
	a, err := auth.New(context.Background(), auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	staff := map[string]bool{"user_2abc": true}
	onlyStaff := func(id *auth.Identity) error {
		if !staff[id.UserID] {
			return auth.NewError("authorization_invalid", "")
		}
		return nil
	}
	report := a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the report")
	}), onlyStaff)

	for _, id := range []string{"user_2abc", "user_2xyz"} {
		r := httptest.NewRequest("GET", "/report", nil)
		w := httptest.NewRecorder()
		report.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{UserID: id})))
		fmt.Println(id, w.Code)
	}
	// Output:
	// user_2abc 200
	// user_2xyz 403
}

// Users are made, found and changed without a browser. Refusals have codes.
func ExampleAuth_Users() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	_, err = a.Users().Create(ctx, user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: "password"})
	if e, ok := errors.AsType[*auth.Error](err); ok {
		fmt.Println(e.Code)
	}
	u, err := a.Users().Create(ctx, user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: "violet-teapot-overture"})
	if err != nil {
		log.Fatal(err)
	}
	ok, err := a.Users().CheckPassword(ctx, u.ID, "violet-teapot-overture")
	fmt.Println(ok, err)
	// Output:
	// form_password_pwned
	// true <nil>
}

// People of another system keep their passwords: each is created with the digest
// that was kept there and the name of its format, which package password lists.
// The first right password puts a hash of today in its place.
func ExampleUsers_Create_migrating() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	for _, old := range []struct{ email, id, digest string }{ // out of auth_user of a Django site
		{"ada@example.com", "1", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs="},
		{"bob@example.com", "2", "pbkdf2_sha256$10000000000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs="},
	} {
		u, err := a.Users().Create(ctx, user.CreateParams{EmailAddresses: []string{old.email}, ExternalID: old.id,
			PasswordDigest: old.digest, PasswordHasher: "pbkdf2_sha256_django"})
		if e, ok := errors.AsType[*auth.Error](err); ok {
			fmt.Println(old.email, e.Code) // ask for a new password instead
			continue
		}
		ok, err := a.Users().CheckPassword(ctx, u.ID, "not a password")
		fmt.Println(old.email, ok, err)
	}
	// Output:
	// ada@example.com true <nil>
	// bob@example.com form_password_digest_invalid_code
}

// Settings change while the instance runs, whole or not at all.
func ExampleAuth_UpdateSettings() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	err = a.UpdateSettings(ctx, func(s *settings.Settings) error {
		s.SignUp.Mode = settings.Restricted
		return nil
	})
	fmt.Println(err, a.Settings(ctx).SignUp.Mode)
	// Output: <nil> restricted
}

// The whole table of what ends what.
func ExampleKills() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "event")
	for _, c := range auth.Credentials {
		fmt.Fprint(w, "\t", c)
	}
	fmt.Fprintln(w)
	for _, e := range auth.Events {
		fmt.Fprint(w, e)
		for _, c := range auth.Credentials {
			fmt.Fprint(w, "\t", auth.Kills[e][c])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	// Output:
	// event               session token  bearer  client cookie  code   secret key  link   ticket
	// sign-out            dies           dies    dies           lives  lives       lives  lives
	// sign-out elsewhere  dies           dies    empty          lives  lives       lives  lives
	// sign-out of all     dies           dies    empty          dies   lives       dies   dies
	// ban                 dies           dies    empty          dies   lives       dies   dies
	// lock                lives          lives   lives          dies   lives       dies   dies
	// delete              dies           dies    empty          dies   lives       dies   dies
	// password change     dies           dies    empty          dies   lives       dies   dies
	// factor removed      dies           dies    empty          dies   lives       dies   dies
	// key rotated         lives          lives   lives          lives  lives       lives  lives
}

// Somebody is invited: the link signs them up, whatever the access mode, and
// what the host knows of them is theirs.
func ExampleAuth_Invitations() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	inv, issued, err := a.Invitations().Create(ctx, auth.InvitationParams{EmailAddress: "ada@example.com",
		PublicMetadata: []byte(`{"plan":"pro"}`), Quiet: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(inv.Status, issued.URL != "") // the host sends the link itself
	_, _, err = a.Invitations().Create(ctx, auth.InvitationParams{EmailAddress: "Ada@example.com"})
	fmt.Println(errors.Is(err, auth.NewError("duplicate_record", "")))
	// Output:
	// pending true
	// true
}

// Somebody of the support sees what a user sees, for half an hour.
func ExampleAuth_ActorTokens() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	u, err := a.Users().Create(ctx, user.CreateParams{EmailAddresses: []string{"ada@example.com"}, SkipPasswordRequirement: true})
	if err != nil {
		log.Fatal(err)
	}
	tok, _, err := a.ActorTokens().Create(ctx, u.ID, []byte(`{"sub":"user_support"}`), 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(tok.Actor), tok.SessionLifetime)
	// Output: {"sub":"user_support"} 30m0s
}

// A host that ends well: on a signal it answers what has been asked, stops what
// runs in the background, and closes the store last.
func ExampleAuth_Run() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	st := memory.New()
	defer st.Close()
	a, err := auth.New(ctx, auth.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	var background sync.WaitGroup
	background.Go(func() { fmt.Println(a.Run(ctx)) })
	defer background.Wait()

	srv := &http.Server{Addr: "127.0.0.1:0", Handler: a.Wrap(http.NotFoundHandler())}
	background.Go(func() {
		<-ctx.Done()
		srv.Shutdown(context.Background())
	})
	go stop() // somebody presses Ctrl-C
	fmt.Println(srv.ListenAndServe())
	// Unordered output:
	// http: Server closed
	// context canceled
}

// A sign-in page of the host's own. Its form has one field after the other, and
// carries nothing from one to the next.
func ExampleAuth_Attempts() {
	ctx := context.Background()
	a, err := auth.New(ctx, auth.Config{Store: memory.New()})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		at, err := a.Attempts(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden) // the form is another site's
			return
		}
		var s *auth.SignIn
		if name := r.FormValue("name"); name != "" {
			s, err = at.CreateSignIn(auth.SignInParams{Identifier: name})
		} else if s, err = at.SignIn(""); err == nil {
			s, err = at.AttemptFirstFactor(s.ID, "password", factor.Proof{Password: r.FormValue("password")})
		}
		switch e, refused := errors.AsType[*auth.Error](err); {
		case refused:
			w.WriteHeader(e.Status())
			fmt.Fprint(w, e.LongMessage) // beside the field e.Param
		case err != nil:
			http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		case s.Status == signin.Complete:
			http.Redirect(w, r, "/", http.StatusSeeOther) // the cookies are set
		default:
			fmt.Fprint(w, "Your ", s.FirstFactors[0].Strategy, "?") // or s.SecondFactors
		}
	})
	srv := httptest.NewServer(a.Wrap(mux))
	defer srv.Close()

	if _, err := a.Users().Create(ctx, user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: "violet-teapot-overture"}); err != nil {
		log.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, form := range []url.Values{{"name": {"ada@example.com"}}, {"password": {"abracadabra"}}, {"password": {"violet-teapot-overture"}}} {
		res, err := browser.PostForm(srv.URL+"/login", form)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Println(res.StatusCode, string(body)+res.Header.Get("Location"), err)
	}
	// Output:
	// 200 Your password? <nil>
	// 422 Password is incorrect. Try again, or use another method. <nil>
	// 303 / <nil>
}
