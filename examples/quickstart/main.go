// Quickstart is a whole application on one SQLite file: sign-up, sign-in, a
// private page, a JSON route and Clerk's components. Mail and SMS show at /dev/mail.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

//go:embed *.html
var files embed.FS

func main() {
	addr := flag.String("addr", "127.0.0.1:4010", "address to listen on, as browsers write it: with a host")
	db := flag.String("db", "usher.db", "SQLite file; its secrets are sealed by USHER_SEALING_KEYS, or else by a key made beside it")
	multi := flag.Bool("multi-session", false, "let several accounts be signed in in one browser")
	clerkJS := flag.String("clerk-js", "", "node_modules folder with Clerk's bundles (default: a public CDN)")
	flag.Parse()
	st, err := sqlite.Open(*db)
	check(err)
	keys, err := store.LoadKeyring(os.Getenv("USHER_SEALING_KEYS"), *db+".key")
	check(err)
	s := settings.Everything()
	s.AppName, s.Sessions.Multi = "Quickstart", *multi
	fake, err := oauthtest.New("http://" + *addr + "/fake") // stands in for Google and the like
	check(err)
	a, err := auth.New(context.Background(), auth.Config{Store: st, Keyring: keys, URL: "http://" + *addr, Settings: &s,
		Social: []oauth.Provider{fake.Provider()}, ClerkJS: auth.Folder(*clerkJS)})
	check(err)
	go a.Run(context.Background())
	mux, pages := http.NewServeMux(), template.Must(template.ParseFS(files, "*.html"))
	page := func(w http.ResponseWriter, r *http.Request) {
		pages.ExecuteTemplate(w, r.Pattern, map[string]any{"Auth": a, "Who": auth.From(r.Context())})
	}
	mux.Handle("/fake/", fake)
	mux.HandleFunc("/{$}", page)
	mux.HandleFunc("/components", page)
	mux.Handle("/private", a.Require(http.HandlerFunc(page)))
	mux.Handle("/api/me", a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"user_id": auth.From(r.Context()).UserID})
	})))
	log.Printf("http://%s (mail: /dev/mail)\npublishable key %s\nsecret key %s", *addr, a.PublishableKey(), a.SecretKey())
	check((&http.Server{Addr: *addr, Handler: a.Wrap(mux), ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}).ListenAndServe())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
