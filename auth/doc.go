// Package auth puts sign-up, sign-in, users and sessions into a Go program: no
// second server, its own database, and pages that are ready.
//
//	st, err := sqlite.Open("app.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	a, err := auth.New(ctx, auth.Config{Store: st})
//	if err != nil {
//		log.Fatal(err) // names every field that is wrong
//	}
//	go a.Run(ctx)
//
//	mux := http.NewServeMux()
//	mux.HandleFunc("/", home)                                   // auth.From(r.Context()) says who
//	mux.Handle("/private", a.Require(http.HandlerFunc(private))) // signed in, or sent to sign in
//	log.Fatal(http.ListenAndServe("127.0.0.1:8080", a.Wrap(mux)))
//
// # Three sizes
//
// A service that only needs to know who is asking imports package token and
// nothing else. [Auth.Middleware] and [Auth.Require] do the same in the
// program that holds the store, renew tokens that have run out in the same
// request, and know at once who has signed out. [Auth.Handler] adds the pages,
// the Frontend API that Clerk's browser libraries speak, and the Backend API
// that their server libraries speak.
//
// # Who is asking
//
// A browser holds two things: the client cookie, which proves the browser and
// is the real credential, and a session token, which says who is signed in for
// the next minute and is checked without the store. A request is, in this
// order, who its bearer token says, who its session cookie says, or who the
// client cookie says. A bearer token that is refused makes the request
// anonymous; the cookies are not asked. Two different people in one request
// that could change something are refused with 400.
//
// # What ends what
//
// [Kills] is the table of what each event ends: sign-out, ban, a new password
// and so on. It holds at once in this process, within about a second in other
// processes that run [Auth.Run] on the same store, and within the lifetime of
// a token, a minute, in services that only verify.
//
// # More than a password
//
// People can set up an authenticator app and backup codes, unless
// Settings.SecondFactors says otherwise; who has, is asked for them at every
// sign-in, however it began. Settings.Passkeys.Enabled lets people have
// passkeys, good for the host of [Config.URL]; browsers know them on https and
// at localhost. With a passkey whose device made sure who was there, both
// factors are shown, unless the settings say otherwise, and with
// Settings.Passkeys.SignUp an account never has a password. [Users] resets what
// people have lost.
//
// # Coming from elsewhere
//
// People bring their passwords along: [Users.Create], or the Backend API that
// Clerk's import tool speaks, takes the digest that another system kept and the
// name of its format, of which package user/password lists 25. The first right
// password puts a hash of today in its place. A password that is known to
// others, or that the old format would have cut, opens nothing: the person is
// led to a new one.
//
// # What it refuses
//
// No global state, no goroutine but those of [Auth.Run], no call to the
// outside for a sign-in, no router, no framework, no option functions.
package auth
