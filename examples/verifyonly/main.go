// Command verifyonly is a second service: it lets in whoever has a session
// token of the issuer, and imports nothing of usher but package token. Its
// defaults are those of a quickstart on the same machine.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/usherauth/usher/token"
)

const (
	defaultIssuer = "https://clerk.localhost" // a name; nothing need answer there
	defaultJWKS   = "http://127.0.0.1:4010/.well-known/jwks.json"
)

func main() {
	issuer := flag.String("issuer", defaultIssuer, "name of the issuer, as in the claim iss")
	jwks := flag.String("jwks", defaultJWKS, "URL of the issuer's keys")
	addr := flag.String("addr", "127.0.0.1:4020", "address to listen on")
	flag.Parse()
	log.Printf("listening on http://%s", *addr)
	log.Fatal((&http.Server{Addr: *addr, Handler: handler(*issuer, *jwks), ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func handler(issuer, jwks string) http.Handler {
	v := &token.Verifier{Issuer: issuer, Keys: &token.Remote{URL: jwks}}
	if err := v.Check(); err != nil {
		log.Fatal(err)
	}
	return v.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := token.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s\n", c.Subject)
	}))
}
