package fapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// answer is what came back.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	raw    []byte
	json   any
}

// ok fails the test unless the request went well.
func (a *answer) ok() *answer {
	a.t.Helper()
	if a.status != 200 {
		a.t.Fatalf("%s: %d %s", a.what, a.status, a.raw)
	}
	return a
}

// refused fails the test unless the answer is the given refusal, and checks
// the field that it blames if one is named.
func (a *answer) refused(status int, code string, param ...string) *answer {
	a.t.Helper()
	if a.status != status || a.str("errors.0.code") != code {
		a.t.Fatalf("%s: want %d %s, have %d %s", a.what, status, code, a.status, a.raw)
	}
	if len(param) > 0 && a.str("errors.0.meta.param_name") != param[0] {
		a.t.Errorf("%s: blames %q, not %q", a.what, a.str("errors.0.meta.param_name"), param[0])
	}
	if a.str("errors.0.message") == "" || a.str("errors.0.long_message") == "" || a.str("clerk_trace_id") == "" {
		a.t.Errorf("%s: refusal without text or trace: %s", a.what, a.raw)
	}
	return a
}

// at finds a value by the names and numbers on the way to it.
func (a *answer) at(path string) any {
	v := a.json
	for key := range strings.SplitSeq(path, ".") {
		switch have := v.(type) {
		case map[string]any:
			v = have[key]
		case []any:
			i := 0
			for _, c := range key {
				i = i*10 + int(c-'0')
			}
			if i >= len(have) {
				return nil
			}
			v = have[i]
		default:
			return nil
		}
	}
	return v
}

// blames reports whether one of the refusals has the code and names the field.
func (a *answer) blames(code, field string) bool {
	for i := range a.list("errors") {
		at := "errors." + strconv.Itoa(i) + "."
		if a.str(at+"code") == code && a.str(at+"meta.param_name") == field {
			return true
		}
	}
	return false
}

func (a *answer) str(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a *answer) list(path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

// is fails the test unless the value at path is want; numbers are float64.
func (a *answer) is(path string, want any) *answer {
	a.t.Helper()
	have, _ := json.Marshal(a.at(path))
	exp, _ := json.Marshal(want)
	if !bytes.Equal(have, exp) {
		a.t.Errorf("%s: %s is %s, want %s", a.what, path, have, exp)
	}
	return a
}
