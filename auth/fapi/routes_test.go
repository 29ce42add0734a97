package fapi_test

import (
	"flag"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// offContract are the routes that the contract does not have, and why.
var offContract = map[string]string{
	"GET /v1/client/touch":                                  "clerk-js navigates there when the client's cookie ends soon",
	"GET /img/{image}":                                      "pictures are served by another host there; users carry their URL",
	"GET /img/default/{name}":                               "likewise the picture of somebody who has none",
	"POST /v1/client/verify":                                "clients bring their token here when they are told requires_captcha",
	"GET /v1/captcha_challenge":                             "the built-in proof of work, which Clerk does not have",
	"POST /v1/client/sign_ups/{sign_up_id}/prepare_passkey": "there nobody signs up with a passkey instead of a password",
	"POST /v1/client/sign_ups/{sign_up_id}/attempt_passkey": "likewise",
	"GET /npm/@clerk/{file...}":                             "client scripts; React's provider asks for them below the proxy path",
	"GET /v1/oauth_callback/{provider}":                     "a callback for each provider, against mix-up; the contract has one for all",
	"POST /v1/oauth_callback/{provider}":                    "likewise for providers that post",
}

// TestRoutes: each route is an operation of the contract, with the same names
// in its path, or there is a reason.
func TestRoutes(t *testing.T) {
	c := requireContract(t)
	api := newRig(t).api
	seen := map[string]bool{}
	for _, rt := range api.Routes() {
		name := rt.Method + " " + rt.Path
		if seen[name] {
			t.Errorf("%s stands twice", name)
		}
		seen[name] = true
		item := c.doc.Paths.Value(rt.Path)
		known := item != nil && item.GetOperation(rt.Method) != nil
		switch reason := offContract[name]; {
		case known && reason != "":
			t.Errorf("%s is in the contract and excused", name)
		case !known && reason == "":
			t.Errorf("%s is not in the contract", name)
		}
		if (strings.HasPrefix(rt.Path, "/v1/me") || strings.HasPrefix(rt.Path, "/v1/organizations")) != (rt.Access == "session") {
			t.Errorf("%s has access %q", name, rt.Access)
		}
	}
	for name := range offContract {
		if !seen[name] {
			t.Errorf("%s is excused and not there", name)
		}
	}
}

var wildcard = regexp.MustCompile(`\{[a-z_.]+\}`)

// concrete is a path of a route with something in the place of each wildcard.
func concrete(path string) string {
	if path == "/npm/@clerk/{file...}" {
		return "/npm/@clerk/ui@1/dist/ui.browser.js"
	}
	if path == "/img/default/{name}" {
		return "/img/default/x.svg"
	}
	return wildcard.ReplaceAllString(path, "x")
}

func TestUnknownPathsAndVerbs(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	for _, path := range []string{"/", "", "/v1", "/v1/nothing", "/v1/client/", "/v1/client//sign_ins", "/v1/./client", "/v1/client/sign_ins/a/b/c",
		"/v2/client", "/v1/organization", "/V1/client"} {
		a := b.send("GET", path, http.Header{}, nil, false)
		if path == "/v1/client/" {
			a.ok() // one slash at the end is let pass
			continue
		}
		a.refused(404, "resource_not_found")
	}
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/v1/client/sign_ins", "POST"}, {"POST", "/v1/me/sessions", "GET"}, {"PATCH", "/v1/client", "DELETE, GET, POST, PUT"}, {"TRACE", "/v1/me", "DELETE, GET, PATCH"},
	} {
		a := b.send(c.method, c.path, http.Header{"Origin": {r.server.URL}}, nil, false).refused(405, "method_not_allowed")
		if a.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow %q", c.method, c.path, a.header.Get("Allow"))
		}
	}
	// Real verbs count as overridden ones do.
	b.signUp(ada, good)
	h := http.Header{"Origin": {r.server.URL}, "Content-Type": {"application/x-www-form-urlencoded"}}
	b.send("PATCH", "/v1/me", h, []byte("first_name=Ada"), true).ok().is("response.first_name", "Ada")
	b.send("DELETE", "/v1/client/sessions", h, nil, true).ok()
	b.send("HEAD", "/v1/client", http.Header{}, nil, false)
}

// TestZUsedExceptions runs last: an exception that no answer needs is an error.
func TestZUsedExceptions(t *testing.T) {
	requireContract(t)
	if f := flag.Lookup("test.run"); f != nil && f.Value.String() != "" {
		t.Skip("only with all tests")
	}
	for _, e := range exceptions {
		if !used[e.name] {
			t.Errorf("no answer needs the exception %q", e.name)
		}
	}
}
