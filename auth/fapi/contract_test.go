package fapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contractFile is where the contract is, from the root of the repository.
const contractFile = "../shared/contract/frontend-api.yml"

var contract = sync.OnceValues(loadContract)

type loaded struct {
	doc    *openapi3.T
	router routers.Router
}

func loadContract() (*loaded, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return nil, os.ErrNotExist
		}
		dir = filepath.Dir(dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, contractFile))
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // paths are matched without the prefix
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return nil, err
	}
	return &loaded{doc, router}, nil
}

// requireContract returns the contract, or skips the test where there is none.
func requireContract(t testing.TB) *loaded {
	t.Helper()
	c, err := contract()
	if os.IsNotExist(err) {
		if os.Getenv("USHER_NO_SKIP") == "1" {
			t.Fatal("shared contract absent: " + contractFile)
		}
		t.Skip("shared contract absent: " + contractFile)
	}
	if err != nil {
		t.Fatal("contract: ", err)
	}
	return c
}

// An exception is a difference between an answer and the contract that is
// meant: fix turns an object that differs into one that keeps to it, and
// reports whether it differed. The rest of the answer is held against the
// contract as it is.
type exception struct {
	name string
	fix  func(o map[string]any) bool
}

// exceptions is where running clients win over the contract.
var exceptions = []exception{
	// The contract wants a strategy and a time in every challenge of a sign-up.
	// The clients' sign-up form takes that for a code that is out and never asks
	// for one, so before prepare both are null.
	{"sign-up verification before prepare", func(o map[string]any) bool {
		if o["next_action"] != "needs_prepare" || o["strategy"] != nil || o["expire_at"] != nil {
			return false
		}
		o["strategy"], o["expire_at"] = "email_code", 1
		return true
	}},
	// The contract has no word for that there are no personal accounts; clients
	// read it here.
	{"force_organization_selection", func(o map[string]any) bool {
		_, has := o["force_organization_selection"]
		delete(o, "force_organization_selection")
		return has
	}},
	// The contract's list of statuses lacks replaced, which a session gets when
	// another sign-in takes its place. Clients know it and take it for signed out.
	// Likewise pending, which the Backend API's list has.
	{"pending session", func(o map[string]any) bool {
		if o["object"] != "session" || o["status"] != "pending" {
			return false
		}
		o["status"] = "active"
		return true
	}},
	{"replaced session", func(o map[string]any) bool {
		if o["object"] != "session" || o["status"] != "replaced" {
			return false
		}
		o["status"] = "ended"
		return true
	}},
}

// elsewhere are statuses that any route can answer with and that the contract
// lists for few; their bodies are the usual envelope.
var elsewhere = map[int]bool{400: true, 401: true, 403: true, 404: true, 405: true, 409: true, 413: true, 415: true, 422: true, 429: true, 500: true, 503: true}

// validate holds a request and its answer against the contract. A request that
// the contract has no operation for is passed over: the table of routes says
// which those are.
func validate(t testing.TB, method string, u *url.URL, header http.Header, body []byte, res *http.Response, answer []byte, wellFormed bool) {
	t.Helper()
	c, err := contract()
	if err != nil {
		return // the test of the contract itself says so
	}
	// The contract knows verbs, not overrides, and no slash at the end.
	q := u.Query()
	if m := q.Get("_method"); m != "" && method == "POST" {
		method = m
	}
	q.Del("_method")
	path := strings.TrimSuffix(strings.TrimPrefix(u.Path, prefix), "/")
	r, err := http.NewRequest(method, (&url.URL{Path: path, RawQuery: q.Encode()}).String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}}
	if wellFormed {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			report(t, route.Path, "request", err)
		}
	}
	if route.Operation.Responses.Status(res.StatusCode) == nil && elsewhere[res.StatusCode] {
		validateError(t, c, answer)
		return
	}
	if res.Header.Get("Content-Type") == "application/json" {
		answer = corrected(t, answer)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(answer)), Options: in.Options}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		report(t, route.Path, "answer", err)
	}
}

func validateError(t testing.TB, c *loaded, answer []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Errorf("refusal is no JSON: %q", answer)
		return
	}
	if err := c.doc.Components.Schemas["ClerkErrors"].Value.VisitJSON(v); err != nil {
		t.Errorf("refusal is no envelope: %v", err)
	}
}

// corrected is the answer without what the exceptions cover.
func corrected(t testing.TB, answer []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Errorf("answer is no JSON: %q", answer)
		return answer
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
			for _, e := range exceptions {
				if e.fix(v) {
					usedMu.Lock()
					used[e.name] = true
					usedMu.Unlock()
				}
			}
		}
	}
	walk(v)
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func report(t testing.TB, path, what string, err error) {
	t.Helper()
	for _, e := range flatten(err) {
		t.Errorf("%s of %s breaks the contract: %s", what, path, brief(e.Error()))
	}
}

// used are the exceptions that were met: one that never is has no business in
// the table.
var (
	usedMu sync.Mutex
	used   = map[string]bool{}
)

// flatten takes the single complaints out of a validation error.
func flatten(err error) []error {
	switch e := err.(type) {
	case openapi3.MultiError:
		var out []error
		for _, sub := range e {
			out = append(out, flatten(sub)...)
		}
		return out
	case *openapi3filter.ResponseError:
		if e.Err != nil {
			return flatten(e.Err)
		}
	case *openapi3filter.RequestError:
		if e.Err != nil {
			return flatten(e.Err)
		}
	}
	return []error{err}
}

// brief leaves the schema and the value out of a complaint.
func brief(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if strings.Contains(line, "Error at") || !strings.HasPrefix(line, " ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	s = strings.Join(out, " ")
	return s[:min(len(s), 2000)]
}
