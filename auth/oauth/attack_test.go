package oauth_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/outbound"
	"github.com/usherauth/usher/auth/oauth"
)

const issuer = "https://okta.example.com"

func okta() oauth.Provider { return oauth.OIDC("okta", issuer, "id", "secret") }

// oktaNet is the internet with one provider, whose ID token is made of claims
// with changes.
func oktaNet(t *testing.T) *internet {
	return &internet{t: t, answers: map[string]string{
		issuer + "/.well-known/openid-configuration": document(issuer, issuer), issuer + "/keys": keys()}}
}

func answerToken(n *internet, id string) {
	n.answers[issuer+"/token"] = `{"access_token":"at","token_type":"Bearer","expires_in":3600,"id_token":"` + id + `"}`
}

func code(err error) string {
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return string(e.Stage) + " " + e.Code
}

var ada = map[string]any{"email": "ada@example.com", "email_verified": true, "name": "Ada"}

// The verifier stays here: it is in no URL but as its hash, and it is sent with
// the code. The state and the nonce have 256 bits and are new each time.
func TestAttack_O02_PKCEAndNonce(t *testing.T) {
	n := oktaNet(t)
	c := client(t, okta(), n)
	seen := map[string]bool{}
	for range 20 {
		f, q, _ := begin(t, c, oauth.Request{})
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || strings.Contains(q.Encode(), f.Verifier) {
			t.Fatalf("%v", q)
		}
		if q.Get("state") != f.State || q.Get("nonce") != f.Nonce || len(f.State) != 43 || len(f.Nonce) != 43 || len(f.Verifier) != 43 {
			t.Fatalf("%+v", f)
		}
		for _, s := range []string{f.State, f.Nonce, f.Verifier} {
			if seen[s] {
				t.Fatal("drawn twice")
			}
			seen[s] = true
		}
	}
	f, _, _ := begin(t, c, oauth.Request{})
	answerToken(n, signed(t, claims(issuer, f.Nonce, ada)))
	if _, err := c.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State}); err != nil {
		t.Fatal(err)
	}
	_, body := n.to(issuer + "/token")
	if form, _ := url.ParseQuery(body); form.Get("code_verifier") != f.Verifier {
		t.Error("the verifier was not sent")
	}
}

// Answers of another server are refused, before the code is sent anywhere.
func TestAttack_O03_MixUp(t *testing.T) {
	announced := strings.Replace(document(issuer, issuer), "{", `{"authorization_response_iss_parameter_supported":true,`, 1)
	for name, c := range map[string]struct {
		document, iss string
		want          string
	}{
		"announced and right":      {announced, issuer, ""},
		"announced and missing":    {announced, "", "answer iss"},
		"announced and other":      {announced, "https://evil.example.com", "answer iss"},
		"announced, other slash":   {announced, issuer + "/", "answer iss"},
		"not announced, missing":   {document(issuer, issuer), "", ""},
		"not announced, other":     {document(issuer, issuer), "https://evil.example.com", "answer iss"},
		"document of other issuer": {document("https://evil.example.com", issuer), "", "discovery unavailable"},
	} {
		n := oktaNet(t)
		n.answers[issuer+"/.well-known/openid-configuration"] = c.document
		cl := client(t, okta(), n)
		f, _, err := cl.Begin(t.Context(), oauth.Request{CallbackURL: callback})
		if err == nil {
			answerToken(n, signed(t, claims(issuer, f.Nonce, ada)))
			_, err = cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State, Iss: c.iss})
		}
		if got := code(err); c.want == "" && err != nil || c.want != "" && got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		for _, r := range n.asked {
			if c.want != "" && strings.HasSuffix(r.URL.Path, "/token") {
				t.Errorf("%s: the code was sent", name)
			}
		}
	}
}

// An ID token must be good in every way at once.
func TestAttack_O04_IDToken(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]any
		token  func(string) string
		ok     bool
	}{
		"good":                    {nil, nil, true},
		"good, two audiences":     {map[string]any{"aud": []string{"id", "other"}, "azp": "id"}, nil, true},
		"foreign audience":        {map[string]any{"aud": "other"}, nil, false},
		"no audience":             {map[string]any{"aud": nil}, nil, false},
		"two audiences, no azp":   {map[string]any{"aud": []string{"id", "other"}}, nil, false},
		"foreign azp":             {map[string]any{"azp": "other"}, nil, false},
		"azp is no text":          {map[string]any{"azp": 7}, nil, false},
		"other issuer":            {map[string]any{"iss": "https://evil.example.com"}, nil, false},
		"expired":                 {map[string]any{"exp": now.Add(-time.Second).Unix()}, nil, false},
		"not yet":                 {map[string]any{"nbf": now.Add(time.Hour).Unix()}, nil, false},
		"no expiry":               {map[string]any{"exp": nil}, nil, false},
		"no nonce":                {map[string]any{"nonce": nil}, nil, false},
		"foreign nonce":           {map[string]any{"nonce": "x"}, nil, false},
		"at_hash of another":      {map[string]any{"at_hash": "x"}, nil, false},
		"no subject":              {map[string]any{"sub": nil}, nil, false},
		"empty subject":           {map[string]any{"sub": ""}, nil, false},
		"long subject":            {map[string]any{"sub": strings.Repeat("s", 256)}, nil, false},
		"subject with a line end": {map[string]any{"sub": "a\nb"}, nil, false},
		"changed":                 {nil, func(s string) string { return s[:len(s)-10] + "AAAAAAAAAA" }, false},
		"not signed":              {nil, func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }, false},
		"no token":                {nil, func(string) string { return "" }, false},
		"HMAC with the secret":    {nil, func(string) string { return "HS256" }, false},
		"alg none": {nil, func(s string) string {
			return "eyJhbGciOiJub25lIn0" + s[strings.IndexByte(s, '.'):strings.LastIndexByte(s, '.')+1]
		}, false},
	} {
		n := oktaNet(t)
		cl := client(t, okta(), n)
		f, _, _ := begin(t, cl, oauth.Request{})
		change := map[string]any{"name": "Ada", "email": "ada@example.com", "email_verified": true}
		for k, v := range c.change {
			change[k] = v
		}
		tok := claims(issuer, f.Nonce, change)
		id := signed(t, tok)
		if c.token != nil {
			if id = c.token(id); id == "HS256" {
				id = signedHS256(t, "secret", tok)
			}
		}
		answerToken(n, id)
		_, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: the token is in the error", name)
		}
	}
}

// Only the boolean true verifies, and only together with the address that it
// was said of.
func TestAttack_O05_OnlyTrueVerifies(t *testing.T) {
	for name, c := range map[string]struct {
		p          oauth.Provider
		claims     map[string]any
		profile    string
		email      string
		wantTrusts bool
	}{
		"true":              {okta(), map[string]any{"email": "a@x.example", "email_verified": true, "name": "A"}, "", "a@x.example", true},
		"text":              {okta(), map[string]any{"email": "a@x.example", "email_verified": "true", "name": "A"}, "", "a@x.example", false},
		"one":               {okta(), map[string]any{"email": "a@x.example", "email_verified": 1, "name": "A"}, "", "a@x.example", false},
		"list":              {okta(), map[string]any{"email": "a@x.example", "email_verified": []bool{true}, "name": "A"}, "", "a@x.example", false},
		"missing":           {okta(), map[string]any{"email": "a@x.example", "name": "A"}, "", "a@x.example", false},
		"false":             {okta(), map[string]any{"email": "a@x.example", "email_verified": false, "name": "A"}, "", "a@x.example", false},
		"profile says so":   {okta(), nil, `{"sub":"sub-1","email":"a@x.example","email_verified":true}`, "a@x.example", true},
		"of another":        {okta(), map[string]any{"email": "a@x.example"}, `{"sub":"sub-1","email":"b@x.example","email_verified":true}`, "a@x.example", false},
		"of the token's":    {okta(), map[string]any{"email": "a@x.example"}, `{"sub":"sub-1","email":"a@x.example","email_verified":true}`, "a@x.example", true},
		"without address":   {okta(), map[string]any{"email_verified": true}, `{"sub":"sub-1","email":"a@x.example"}`, "a@x.example", false},
		"no address at all": {okta(), map[string]any{"email_verified": true}, `{"sub":"sub-1"}`, "", false},
	} {
		n := oktaNet(t)
		if c.profile != "" {
			n.answers[issuer+"/userinfo"] = c.profile
		}
		cl := client(t, c.p, n)
		f, _, _ := begin(t, cl, oauth.Request{})
		answerToken(n, signed(t, claims(issuer, f.Nonce, c.claims)))
		got, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State})
		if err != nil || got.EmailAddress != c.email || got.EmailVerified != c.wantTrusts {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// A profile of somebody else is not mixed into the token's.
func TestAttack_O04_ProfileOfAnother(t *testing.T) {
	n := oktaNet(t)
	n.answers[issuer+"/userinfo"] = `{"sub":"sub-2","email":"victim@example.com","email_verified":true}`
	cl := client(t, okta(), n)
	f, _, _ := begin(t, cl, oauth.Request{})
	answerToken(n, signed(t, claims(issuer, f.Nonce, nil)))
	if _, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State}); code(err) != "profile subject" {
		t.Error(err)
	}
}

// Two directories of Microsoft have the same subject: they are two people. An
// address counts only if the domain is the directory's own.
func TestAttack_O06_MicrosoftTenants(t *testing.T) {
	const base = "https://login.microsoftonline.com/common/v2.0"
	tenant := func(last string) string { return "11111111-2222-3333-4444-55555555555" + last }
	n := &internet{t: t, answers: map[string]string{
		base + "/.well-known/openid-configuration": document("https://login.microsoftonline.com/{tenantid}/v2.0", base), base + "/keys": keys()}}
	cl := client(t, oauth.Microsoft("id", "secret"), n)
	for name, c := range map[string]struct {
		iss, tid string
		edov     any
		ok       bool
		verified bool
	}{
		"one":             {tenant("1"), tenant("1"), nil, true, false},
		"owner of domain": {tenant("1"), tenant("1"), true, true, true},
		"as number text":  {tenant("1"), tenant("1"), "1", true, true},
		"not the owner":   {tenant("1"), tenant("1"), false, true, false},
		"another's iss":   {tenant("2"), tenant("1"), true, false, false},
		"tid is a path":   {"../evil", "../evil", true, false, false},
		"no tid":          {tenant("1"), "", true, false, false},
	} {
		f, _, _ := begin(t, cl, oauth.Request{})
		iss := "https://login.microsoftonline.com/" + c.iss + "/v2.0"
		n.answers[base+"/token"] = `{"access_token":"at","id_token":"` + signed(t, claims(iss, f.Nonce, map[string]any{
			"tid": c.tid, "email": "ceo@example.com", "email_verified": true, "name": "A", "xms_edov": c.edov})) + `"}`
		got, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil && (got.Issuer != iss || got.EmailVerified != c.verified) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What a provider says of itself is called only where it is public.
func TestAttack_O09_NoPrivateEndpoints(t *testing.T) {
	for _, base := range []string{"http://169.254.169.254", "http://okta.example.com", "https://okta.example.com:22", "https://user:pass@okta.example.com", "file:///etc"} {
		n := oktaNet(t)
		n.answers[issuer+"/.well-known/openid-configuration"] = document(issuer, base)
		if _, _, err := client(t, okta(), n).Begin(t.Context(), oauth.Request{CallbackURL: callback}); code(err) != "discovery invalid" {
			t.Errorf("%s: %v", base, err)
		}
	}
	// The name is public, the address is not: the real dialler finds out.
	p := oauth.OIDC("x", "https://localhost:1", "id", "secret")
	c, err := oauth.NewClient(p, oauth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Begin(t.Context(), oauth.Request{}); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("loopback: %v", err)
	}
}

// Tokens are in no error and in no print.
func TestAttack_O11_TokensAreNotPrinted(t *testing.T) {
	tok := oauth.Tokens{Access: "secret-at", Refresh: "secret-rt", ID: "secret-id"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, oauth.Identity{Tokens: tok}) + fmt.Sprintf(format, tok); strings.Contains(s, "secret") {
			t.Errorf("%s: %s", format, s)
		}
	}
	n := oktaNet(t)
	n.answers[issuer+"/token"] = `400 {"error":"invalid_grant","error_description":"code secret-code of ada@example.com","access_token":"secret-at"}`
	cl := client(t, okta(), n)
	f, _, _ := begin(t, cl, oauth.Request{})
	_, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "secret-code", State: f.State})
	if code(err) != "exchange invalid_grant" || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	p := oauth.HubSpot("id", "secret")
	hub := &internet{t: t, answers: map[string]string{p.TokenURL: tokenAnswer}}
	cl = client(t, p, hub)
	f, _, _ = begin(t, cl, oauth.Request{})
	if _, err = cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State}); err == nil || strings.Contains(err.Error(), "/at") {
		t.Error(err)
	}
}

// What the provider writes is taken for a code only if it looks like one, and
// names are made one clean line.
func TestAttack_O15_ProvidersWords(t *testing.T) {
	n := oktaNet(t)
	cl := client(t, okta(), n)
	for in, want := range map[string]string{
		"access_denied": "answer access_denied", "<script>alert(1)</script>": "answer unknown",
		"call 555-1234 now": "answer unknown", strings.Repeat("a", 100): "answer unknown",
	} {
		f, _, _ := begin(t, cl, oauth.Request{})
		_, err := cl.Exchange(t.Context(), f, oauth.Answer{Error: in, State: f.State})
		e, _ := errors.AsType[*oauth.Error](err)
		if code(err) != want || e.Denied() != (in == "access_denied") {
			t.Errorf("%q: %v", in, err)
		}
	}
	f, _, _ := begin(t, cl, oauth.Request{})
	answerToken(n, signed(t, claims(issuer, f.Nonce, map[string]any{"email": "a@x.example\r\nBcc: b@x.example", "email_verified": true,
		"name": "A", "given_name": "Ada\u202e\n" + strings.Repeat("x", 300), "picture": "javascript:alert(1)"})))
	got, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State})
	if err != nil {
		t.Fatal(err)
	}
	if got.EmailAddress != "" || got.EmailVerified || len(got.FirstName) > 100 || strings.ContainsAny(got.FirstName, "\n\u202e") || got.PictureURL != "" {
		t.Errorf("%+v", got)
	}
}
