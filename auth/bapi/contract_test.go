package bapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
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
)

// exceptions are where the running clients win over the contract, by verb, path
// and what differs: request, page or missing. A page is an answer to
// paginated=true, whose data must be what the contract says of the bare list.
// Each must be met by some test, see TestContract_exceptions.
var exceptions = map[string]string{
	"GET /clients/handshake_payload missing":                   "the contract names the path and says nothing of it; backends call it after every handshake",
	"GET /sessions page":                                       "both SDKs send paginated=true and read data and total_count",
	"GET /invitations page":                                    "likewise",
	"GET /allowlist_identifiers page":                          "likewise",
	"GET /clients page":                                        "both SDKs read data and total_count, the Go SDK without asking for them",
	"GET /users/{user_id}/oauth_access_tokens/{provider} page": "the SDKs send paginated=true and read data and total_count",
	"PATCH /users/{user_id} request":                           "clients of API versions before 2026-05-12, the Go SDK among them, send metadata here",
}

var (
	contractOnce sync.Once
	contract     *openapi3.T // nil: not there
	contractErr  error
	metMu        sync.Mutex
	met          = map[string]bool{}
)

// loadContract reads the contract beside the repository.
func loadContract() {
	root := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Join(root, "..")
	}
	path := filepath.Join(root, "..", "shared", "contract", "backend-api.yml")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	contract, contractErr = openapi3.NewLoader().LoadFromFile(path)
}

// needContract skips a test that is about the contract alone.
func needContract(t *testing.T) {
	t.Helper()
	contractOnce.Do(loadContract)
	if contract == nil && contractErr == nil {
		if os.Getenv("USHER_NO_SKIP") == "1" {
			t.Fatal("shared contract absent")
		}
		t.Skip("shared contract absent")
	}
}

// operation finds what the contract says of a path below /v1: of two templates
// that match, the one with fewer parts in braces.
func operation(method, path string) (template string, op *openapi3.Operation, item *openapi3.PathItem, parts map[string]string) {
	want := strings.Split(strings.Trim(path, "/"), "/")
	for t, it := range contract.Paths.Map() {
		have := strings.Split(strings.Trim(t, "/"), "/")
		if len(have) != len(want) {
			continue
		}
		found := map[string]string{}
		for i := range have {
			if strings.HasPrefix(have[i], "{") {
				found[strings.Trim(have[i], "{}")] = want[i]
			} else if have[i] != want[i] {
				found = nil
				break
			}
		}
		if found != nil && (item == nil || len(found) < len(parts)) {
			template, item, parts = t, it, found
		}
	}
	if item != nil {
		op = item.GetOperation(method)
	}
	return template, op, item, parts
}

// own reports whether a path is usher's own: the contract has no teams.
func own(path string) bool {
	return strings.HasPrefix(path, "/organizations/") && strings.Contains(path, "/teams")
}

// excepted reports whether the exception is listed, and notes that it was met.
func excepted(key string) bool {
	_, ok := exceptions[key]
	if ok {
		metMu.Lock()
		met[key] = true
		metMu.Unlock()
	}
	return ok
}

// checkContract validates one exchange: the answer always, the request if it
// was not refused. A refusal may have a status that the contract does not list
// for the operation (it lists few of those that apply to all), but is always
// the envelope.
func checkContract(t testing.TB, method, path string, header http.Header, body []byte, a answer) {
	t.Helper()
	contractOnce.Do(loadContract)
	if contractErr != nil {
		t.Fatal(contractErr)
	}
	if contract == nil {
		return
	}
	target, err := url.Parse("https://api.clerk.com" + path)
	if err != nil {
		t.Fatal(err)
	}
	path = strings.TrimSuffix(strings.TrimPrefix(target.Path, "/v1"), "/")
	if a.status >= 400 {
		checkEnvelope(t, method+" "+path, a)
		return
	}
	template, op, item, parts := operation(method, path)
	name := method + " " + template
	if op == nil {
		if !own(path) && !excepted(name+" missing") {
			t.Errorf("%s %s: not in the contract", method, path)
		}
		return
	}
	asked := target.Query().Get("paginated")
	if (asked == "true" || asked == "" && name == "GET /clients") && excepted(name+" page") {
		var page struct {
			Data  json.RawMessage `json:"data"`
			Total *int            `json:"total_count"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil || page.Data == nil || page.Total == nil {
			t.Errorf("%s: no page: %s", name, a.body)
		}
		a.body = page.Data
	}
	req := &http.Request{Method: method, URL: target, Header: header.Clone(), Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: parts, QueryParams: target.Query(),
		Route:   &routers.Route{Spec: contract, Path: template, PathItem: item, Method: method, Operation: op},
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	if len(body) > 0 { // clients send no body at all where nothing is needed
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil && !excepted(name+" request") {
			t.Errorf("%s: request against the contract: %v", name, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.header, Options: in.Options}
	out.SetBodyBytes(a.body)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s: answer against the contract: %v\n%s", name, err, a.body)
	}
}

// checkEnvelope validates a refusal.
func checkEnvelope(t testing.TB, name string, a answer) {
	t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Errorf("%s: refusal is no JSON: %s", name, a.body)
		return
	}
	if err := contract.Components.Schemas["ClerkErrors"].Value.VisitJSON(v); err != nil {
		t.Errorf("%s: envelope against the contract: %v\n%s", name, err, a.body)
	}
	if m := v.(map[string]any); m["clerk_trace_id"] == "" || len(m["errors"].([]any)) == 0 {
		t.Errorf("%s: refusal without trace or errors: %s", name, a.body)
	}
}

// TestContract_routes: every route is in the contract, or an exception.
func TestContract_routes(t *testing.T) {
	needContract(t)
	for _, p := range patterns() {
		method, path := fill(p, nil)
		path = strings.TrimPrefix(path, "/v1")
		template, op, _, _ := operation(method, path)
		if op == nil && !own(path) && exceptions[method+" "+template+" missing"] == "" {
			t.Errorf("%s is not in the contract", p)
		}
	}
}
