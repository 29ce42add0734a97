// Package oauthtest is a small provider of OpenID Connect that signs in
// whoever somebody claims to be. It stands in for Google and the like in
// examples and tests, on loopback addresses only.
//
//	fake, err := oauthtest.New("http://localhost:8080/fake")
//	mux.Handle("/fake/", fake)
//	cfg.Social = []oauth.Provider{fake.Provider()}
//
// People see a form with an address, a name and whether the address is
// verified, and allow or deny. The same address is the same account.
package oauthtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/usherauth/usher/auth/oauth"
)

const (
	clientID, clientSecret = "usher", "a secret that is none"
	lifetime               = time.Minute
	maxGrants              = 1000
)

// A Server is a provider. It is safe for concurrent use.
type Server struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	issuer, path string
	key          func() *rsa.PrivateKey // made when it is first needed, as that takes its time
	mux          *http.ServeMux

	mu     sync.Mutex
	grants map[string]grant // by code, access token or refresh token
}

// A Person is somebody who signs in at a [Server].
type Person struct {
	EmailAddress  string
	EmailVerified bool
	Name          string
	// Subject is the account; empty: it follows from the address.
	Subject string
	// PictureURL is a picture of the person.
	PictureURL string
}

type grant struct {
	kind     string // code, access or refresh
	family   string // all that came of one sign-in
	person   Person
	callback string
	scope    string
	nonce    string
	// challenge is the one of PKCE.
	challenge string
	expires   time.Time
}

// New returns a provider with the given issuer, which must be on a loopback
// address. Mount it at the issuer's path.
func New(issuer string) (*Server, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(u.Hostname()); u.Scheme != "http" || u.Hostname() != "localhost" && (err != nil || !a.IsLoopback()) {
		return nil, errors.New("oauthtest: the issuer must be on a loopback address: everybody is let in as anybody")
	}
	s := &Server{issuer: strings.TrimSuffix(issuer, "/"), path: strings.TrimSuffix(u.Path, "/"), key: sync.OnceValue(newKey),
		mux: http.NewServeMux(), grants: map[string]grant{}}
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /.well-known/openid-configuration": s.discovery, "GET /keys": s.keys, "GET /authorize": s.form,
		"POST /authorize": s.decide, "POST /token": s.token, "GET /userinfo": s.userInfo, "POST /revoke": s.revoke,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" "+s.path+path, h)
	}
	return s, nil
}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return key
}

// Provider is the value for auth.Config.Social.
func (s *Server) Provider() oauth.Provider {
	p := oauth.OIDC("fake", s.issuer, clientID, clientSecret)
	p.Name = "Fake social"
	return p
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// ServeHTTP answers browsers and clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"issuer": s.issuer,
		"authorization_endpoint": s.issuer + "/authorize", "token_endpoint": s.issuer + "/token",
		"userinfo_endpoint": s.issuer + "/userinfo", "jwks_uri": s.issuer + "/keys", "revocation_endpoint": s.issuer + "/revoke",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true})
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	b := base64.RawURLEncoding
	write(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": "fake", "use": "sig", "alg": "RS256",
		"n": b.EncodeToString(s.key().N.Bytes()), "e": b.EncodeToString(big.NewInt(int64(s.key().E)).Bytes())}}})
}

// passed are the parameters of a request that the form carries along.
var passed = []string{"redirect_uri", "state", "scope", "nonce", "code_challenge"}

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Fake social</title>
<style>body{font:1rem system-ui;max-width:24rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:.75rem 0}
input:not([type=checkbox]){width:100%;padding:.5rem;box-sizing:border-box;font:inherit}button{padding:.5rem 1rem;font:inherit}</style>
<h1>Fake social</h1><p>This stands in for Google and the like. Say who you are; nobody checks.</p>
<form method="post">{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
<label>Email address <input name="email" type="email" value="{{.Email}}" placeholder="ada@example.com" autofocus></label>
<label>Name <input name="name" value="Ada Lovelace"></label>
<label><input name="verified" type="checkbox" value="1" checked> The address is verified here</label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form></html>
`))

func (s *Server) form(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !loopback(q.Get("redirect_uri")) || q.Get("client_id") != clientID || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "this request is none that usher sends", http.StatusBadRequest)
		return
	}
	if q.Get("prompt") == "none" { // nobody is ever signed in here
		s.back(w, r, q.Get("redirect_uri"), q.Get("state"), url.Values{"error": {"login_required"}})
		return
	}
	type pair struct{ Name, Value string }
	var hidden []pair
	for _, name := range passed {
		hidden = append(hidden, pair{name, q.Get(name)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Execute(w, map[string]any{"Hidden": hidden, "Email": q.Get("login_hint")})
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || !loopback(r.PostForm.Get("redirect_uri")) {
		http.Error(w, "the form is none of this page", http.StatusBadRequest)
		return
	}
	f := r.PostForm
	if f.Get("decision") != "allow" {
		s.back(w, r, f.Get("redirect_uri"), f.Get("state"), url.Values{"error": {"access_denied"}})
		return
	}
	p := Person{EmailAddress: f.Get("email"), EmailVerified: f.Get("verified") != "", Name: f.Get("name"), Subject: f.Get("sub")}
	code := s.keep(grant{kind: "code", person: p, callback: f.Get("redirect_uri"), scope: f.Get("scope"), nonce: f.Get("nonce"), challenge: f.Get("code_challenge")})
	s.back(w, r, f.Get("redirect_uri"), f.Get("state"), url.Values{"code": {code}})
}

// Answer plays the person: it takes the URL that a flow sends the browser to
// and returns the one that the browser comes back to. Nil denies.
func (s *Server) Answer(authURL string, p *Person) (string, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" {
		return "", errors.New("oauthtest: there is no PKCE in the request")
	}
	v := url.Values{"error": {"access_denied"}}
	if p != nil {
		v = url.Values{"code": {s.keep(grant{kind: "code", person: *p, callback: q.Get("redirect_uri"), scope: q.Get("scope"),
			nonce: q.Get("nonce"), challenge: q.Get("code_challenge")})}}
	}
	return s.callback(q.Get("redirect_uri"), q.Get("state"), v), nil
}

func (s *Server) callback(to, state string, v url.Values) string {
	v.Set("state", state)
	v.Set("iss", s.issuer)
	return to + "?" + v.Encode()
}

func (s *Server) back(w http.ResponseWriter, r *http.Request, to, state string, v url.Values) {
	http.Redirect(w, r, s.callback(to, state, v), http.StatusFound)
}

func loopback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// keep stores a grant and returns what it is redeemed with.
func (s *Server) keep(g grant) string {
	id := rand.Text()
	if g.family == "" {
		g.family = id
	}
	g.expires = s.now().Add(lifetime)
	switch g.kind {
	case "access":
		g.expires = s.now().Add(time.Hour)
	case "refresh":
		g.expires = s.now().Add(30 * 24 * time.Hour)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.grants) >= maxGrants {
		clear(s.grants)
	}
	s.grants[id] = g
	return id
}

// take redeems what was kept; once removes it.
func (s *Server) take(id, kind string, once bool) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.grants[id]
	if !ok || g.kind != kind || s.now().After(g.expires) {
		return grant{}, false
	}
	if once {
		delete(s.grants, id)
	}
	return g, true
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	id, secret, ok := r.BasicAuth()
	if ok {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != clientID || subtle.ConstantTimeCompare([]byte(secret), []byte(clientSecret)) != 1 {
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	var g grant
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		g, ok = s.take(r.PostFormValue("code"), "code", true)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		ok = ok && g.callback == r.PostFormValue("redirect_uri") && g.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
	case "refresh_token":
		g, ok = s.take(r.PostFormValue("refresh_token"), "refresh", true)
	default:
		ok = false
	}
	if !ok {
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access, refresh := g, g
	access.kind, refresh.kind = "access", "refresh"
	out := map[string]any{"access_token": s.keep(access), "token_type": "Bearer", "expires_in": 3600, "scope": g.scope,
		"refresh_token": s.keep(refresh)}
	idToken, err := s.sign(g)
	if err != nil {
		http.Error(w, "signing failed", http.StatusInternalServerError)
		return
	}
	out["id_token"] = idToken
	write(w, http.StatusOK, out)
}

func (p Person) subject() string {
	if p.Subject != "" {
		return p.Subject
	}
	sum := sha256.Sum256([]byte(strings.ToLower(p.EmailAddress)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func (s *Server) claims(g grant) map[string]any {
	out := map[string]any{"sub": g.person.subject()}
	scopes := strings.Fields(g.scope)
	if slices.Contains(scopes, "email") && g.person.EmailAddress != "" {
		out["email"], out["email_verified"] = g.person.EmailAddress, g.person.EmailVerified
	}
	if slices.Contains(scopes, "profile") {
		out["name"] = g.person.Name
		if g.person.PictureURL != "" {
			out["picture"] = g.person.PictureURL
		}
	}
	return out
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := s.take(token, "access", false)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	write(w, http.StatusOK, s.claims(g))
}

// revoke forgets the token, whatever kind it is, and the others that came with
// it.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	token := r.PostFormValue("token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.grants[token]; ok {
		maps.DeleteFunc(s.grants, func(_ string, other grant) bool { return other.family == g.family })
	}
	w.WriteHeader(http.StatusOK)
}

// sign makes an ID token.
func (s *Server) sign(g grant) (string, error) {
	c := s.claims(g)
	now := s.now()
	c["iss"], c["aud"], c["iat"], c["exp"] = s.issuer, clientID, now.Unix(), now.Add(time.Hour).Unix()
	if g.nonce != "" {
		c["nonce"] = g.nonce
	}
	return SignRS256(s.key(), "fake", c)
}

// SignRS256 makes a signed token of claims, for tests that need ID tokens of
// their own.
func SignRS256(key *rsa.PrivateKey, kid string, claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": kid, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b := base64.RawURLEncoding
	signed := b.EncodeToString(header) + "." + b.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("oauthtest: %w", err)
	}
	return signed + "." + b.EncodeToString(sig), nil
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
