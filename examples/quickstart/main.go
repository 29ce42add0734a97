// Quickstart is a whole application on one SQLite file, with every way to sign in.
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
	addr := flag.String("addr", "127.0.0.1:4010", "loopback address to listen on")
	db := flag.String("db", "usher.db", "SQLite file; its secrets are sealed by USHER_SEALING_KEYS, or else by a key made beside it")
	multi := flag.Bool("multi-session", false, "let several accounts be signed in in one browser")
	clerkJS := flag.String("clerk-js", "", "node_modules folder with Clerk's bundles (default: a public CDN)")
	flag.Parse()
	s := settings.Everything()
	s.AppName, s.Sessions.Multi = "Quickstart", *multi
	fake := must(oauthtest.New("http://" + *addr + "/fake")) // stands in for Google and the like
	a := must(auth.New(context.Background(), auth.Config{
		Store:   must(sqlite.Open(*db)),
		Keyring: must(store.LoadKeyring(os.Getenv("USHER_SEALING_KEYS"), *db+".key")),
		Social:  []oauth.Provider{fake.Provider()}, Settings: &s, ClerkJS: auth.Folder(*clerkJS)}))
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
	log.Printf("http://%s (mail: /dev/mail; passkeys: by the name localhost)\npublishable key %s\nsecret key %s", *addr, a.PublishableKey(), a.SecretKey())
	log.Fatal((&http.Server{Addr: *addr, Handler: a.Wrap(mux), ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
