package httpx_test

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

const (
	urlencoded = "application/x-www-form-urlencoded"
	appJSON    = "application/json"
)

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/v1/x", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func form(t *testing.T, body string) *httpx.Form {
	t.Helper()
	f, err := httpx.ParseForm(httptest.NewRecorder(), post(urlencoded, body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func jsonForm(t *testing.T, body string) *httpx.Form {
	t.Helper()
	f, err := httpx.ParseJSON(httptest.NewRecorder(), post(appJSON, body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// wantErr checks code, status and field of the first error.
func wantErr(t *testing.T, err error, code string, status int, param string) {
	t.Helper()
	all := httpx.AsFieldErrors(err)
	if len(all) == 0 {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e := all[0]; e.Code != code || e.Status != status || e.Param != param {
		t.Errorf("got %s %d %q, want %s %d %q", e.Code, e.Status, e.Param, code, status, param)
	}
}

func TestFormGetters(t *testing.T) {
	f := form(t, "email_address=a%40x.y&email_address=b%40x.y&name=Ada+L&on=true&off=0&n=-12&at=1700000000000"+
		"&iso=2024-05-06T07:08:09%2B02:00&active_organization_id=&unsafe_metadata=%7B%22theme%22%3A%22dark%22%7D&nil=null")
	j := jsonForm(t, `{"email_address":["a@x.y","b@x.y"],"name":"Ada L","on":true,"off":false,"n":-12,"at":1700000000000,
		"iso":"2024-05-06T07:08:09+02:00","active_organization_id":null,"unsafe_metadata":{"theme":"dark"},"nil":null}`)
	for name, f := range map[string]*httpx.Form{"form": f, "json": j} {
		t.Run(name, func(t *testing.T) {
			if v, ok := f.Strings("email_address"); !ok || !slices.Equal(v, []string{"a@x.y", "b@x.y"}) {
				t.Errorf("strings %v %v", v, ok)
			}
			if v, ok := f.String("name"); !ok || v != "Ada L" {
				t.Errorf("string %q %v", v, ok)
			}
			if v, ok := f.Bool("on"); !ok || !v {
				t.Errorf("bool on %v %v", v, ok)
			}
			if v, ok := f.Bool("off"); !ok || v {
				t.Errorf("bool off %v %v", v, ok)
			}
			if v, ok := f.Int("n"); !ok || v != -12 {
				t.Errorf("int %v %v", v, ok)
			}
			if v, ok := f.Time("at"); !ok || !v.Equal(time.UnixMilli(1700000000000)) {
				t.Errorf("time %v %v", v, ok)
			}
			if v, ok := f.Time("iso"); !ok || !v.Equal(time.Date(2024, 5, 6, 5, 8, 9, 0, time.UTC)) || v.Location() != time.UTC {
				t.Errorf("time %v %v", v, ok)
			}
			if v, ok := f.String("active_organization_id"); !ok || v != "" || !f.Null("active_organization_id") {
				t.Errorf("null %q %v", v, ok)
			}
			if v, ok := f.JSONObject("unsafe_metadata"); !ok || string(v) != `{"theme":"dark"}` {
				t.Errorf("object %s %v", v, ok)
			}
			if v, ok := f.JSONObject("nil"); !ok || v != nil {
				t.Errorf("null object %s %v", v, ok)
			}
			for _, absent := range []func() bool{
				func() bool { _, ok := f.String("x"); return ok },
				func() bool { _, ok := f.Strings("x"); return ok },
				func() bool { _, ok := f.Bool("x"); return ok },
				func() bool { _, ok := f.Int("x"); return ok },
				func() bool { _, ok := f.Time("x"); return ok },
				func() bool { _, ok := f.JSONObject("x"); return ok },
				func() bool { _, ok := f.File("x"); return ok },
				func() bool { return f.Has("x") || f.Null("x") },
			} {
				if absent() {
					t.Error("an absent field is reported as present")
				}
			}
			if err := f.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFormFieldErrors(t *testing.T) {
	long := strings.Repeat("x", 17<<10)
	tests := []struct {
		name, form, json string
		get              func(f *httpx.Form)
		code             string
	}{
		{"missing", "", `{}`, func(f *httpx.Form) { f.Require("p") }, httpx.CodeMissing},
		{"nil", "p=", `{"p":null}`, func(f *httpx.Form) { f.Require("p") }, httpx.CodeNil},
		{"long", "p=" + long, `{"p":"` + long + `"}`, func(f *httpx.Form) { f.String("p") }, httpx.CodeTooLarge},
		{"long for its field", "p=abcd", `{"p":"abcd"}`, func(f *httpx.Form) { f.StringMax("p", 3) }, httpx.CodeTooLarge},
		{"long list entry", "p=a&p=" + long, `{"p":["` + long + `"]}`, func(f *httpx.Form) { f.Strings("p") }, httpx.CodeTooLarge},
		{"bool", "p=yes", `{"p":"true"}`, func(f *httpx.Form) { f.Bool("p") }, httpx.CodeType},
		{"bool from number", "p=2", `{"p":1}`, func(f *httpx.Form) { f.Bool("p") }, httpx.CodeType},
		{"int", "p=1e3", `{"p":1e3}`, func(f *httpx.Form) { f.Int("p") }, httpx.CodeType},
		{"int from text", "p=%2B5", `{"p":"5"}`, func(f *httpx.Form) { f.Int("p") }, httpx.CodeType},
		{"int too big", "p=9223372036854775808", `{"p":9223372036854775808}`, func(f *httpx.Form) { f.Int("p") }, httpx.CodeType},
		{"time", "p=yesterday", `{"p":"yesterday"}`, func(f *httpx.Form) { f.Time("p") }, httpx.CodeTime},
		{"time too far", "p=9223372036854775807", `{"p":9223372036854775807}`, func(f *httpx.Form) { f.Time("p") }, httpx.CodeTime},
		{"time of another type", "p=true", `{"p":{}}`, func(f *httpx.Form) { f.Time("p") }, httpx.CodeTime},
		{"object", "p=%5B%5D", `{"p":[]}`, func(f *httpx.Form) { f.JSONObject("p") }, httpx.CodeType},
		{"object from text", "p=%22%22", `{"p":"{}"}`, func(f *httpx.Form) { f.JSONObject("p") }, httpx.CodeType},
		{"unknown", "p=1", `{"p":1}`, func(f *httpx.Form) { f.Only("q") }, httpx.CodeUnknown},
		{"file", "p=1", `{"p":1}`, func(f *httpx.Form) { f.File("p") }, httpx.CodeType},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, f := range []*httpx.Form{form(t, tt.form), jsonForm(t, tt.json)} {
				tt.get(f)
				wantErr(t, f.Err(), tt.code, 422, "p")
				if n := len(httpx.AsFieldErrors(f.Err())); n != 1 {
					t.Errorf("%d errors: %v", n, f.Err())
				}
			}
		})
	}
	f := jsonForm(t, `{"p":5,"list":["a",1]}`)
	f.String("p")
	f.String("p") // noted once
	f.Strings("list")
	f.Fail("form_identifier_exists", "email_address", "is taken")
	all := httpx.AsFieldErrors(f.Err())
	if len(all) != 3 || all[0].Code != httpx.CodeType || all[1].Param != "list" || all[2].Status != 422 {
		t.Errorf("got %v", f.Err())
	}
	if one, ok := errors.AsType[*httpx.FieldError](f.Err()); !ok || one != all[0] {
		t.Error("FieldErrors does not unwrap")
	}
}

func TestAttack_W05_Text(t *testing.T) {
	bad := map[string]string{
		"NUL": "a\x00b", "invalid UTF-8": "a\xffb", "overlong slash": "\xc0\xaf", "cut rune": "\xe2\x82",
		"surrogate in UTF-8": "\xed\xa0\x80", "non-character": "\ufffe", "non-character of plane 1": "\U0001ffff",
		"FDD0": "\ufdd0",
	}
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := httpx.ParseForm(httptest.NewRecorder(), post(urlencoded, "ok=1&first_name="+url.QueryEscape(text)))
			wantErr(t, err, httpx.CodeFormat, 422, "first_name")

			var b bytes.Buffer
			m := multipart.NewWriter(&b)
			m.WriteField("first_name", text)
			m.Close()
			_, err = httpx.ParseForm(httptest.NewRecorder(), post(m.FormDataContentType(), b.String()))
			wantErr(t, err, httpx.CodeFormat, 422, "first_name")

			r := httptest.NewRequest("GET", "/", nil)
			r.URL.RawQuery = "first_name=" + url.QueryEscape(text)
			_, err = httpx.ParseQuery(r)
			wantErr(t, err, httpx.CodeQueryValue, 400, "first_name")

			if text != "a\x00b" { // raw NUL in JSON is a syntax error
				_, err = httpx.ParseJSON(httptest.NewRecorder(), post(appJSON, `{"a":{"first_name":"`+text+`"}}`))
				wantErr(t, err, httpx.CodeFormat, 422, "a.first_name")
			}
		})
	}
	for _, text := range []string{`\u0000`, `\ud800`, `\udc00\ud800`, `\ud800x`, `\ud800\u0041`, `\ufffe`, `x\\\ud800`} {
		_, err := httpx.ParseJSON(httptest.NewRecorder(), post(appJSON, `{"p":"`+text+`"}`))
		wantErr(t, err, httpx.CodeFormat, 422, "p")
		f := form(t, "meta="+url.QueryEscape(`{"p":"`+text+`"}`))
		f.JSONObject("meta")
		wantErr(t, f.Err(), httpx.CodeFormat, 422, "meta.p")
	}
	f := jsonForm(t, `{"p":"\ud83d\ude00 \\u0000 é \"","q":"\ufffd"}`)
	if v, _ := f.String("p"); v != "😀 \\u0000 é \"" {
		t.Errorf("got %q", v)
	}
	if _, err := httpx.ParseForm(httptest.NewRecorder(), post(urlencoded, "a%00=1")); err == nil {
		t.Error("a key with NUL was taken")
	}
}

func TestAttack_W15_ParameterPollution(t *testing.T) {
	t.Run("scalars refuse doubles", func(t *testing.T) {
		for name, get := range map[string]func(*httpx.Form){
			"string": func(f *httpx.Form) { f.String("p") }, "bool": func(f *httpx.Form) { f.Bool("p") },
			"int": func(f *httpx.Form) { f.Int("p") }, "time": func(f *httpx.Form) { f.Time("p") },
			"object": func(f *httpx.Form) { f.JSONObject("p") }, "require": func(f *httpx.Form) { f.Require("p") },
		} {
			f := form(t, "p=1&x=2&p=1")
			get(f)
			if all := httpx.AsFieldErrors(f.Err()); len(all) != 1 || all[0].Code != httpx.CodeDuplicate || all[0].Status != 422 {
				t.Errorf("%s: got %v", name, f.Err())
			}
		}
	})
	t.Run("the body is the body", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/?p=query&q=query", strings.NewReader("p=body"))
		r.Header.Set("Content-Type", urlencoded)
		f, err := httpx.ParseForm(httptest.NewRecorder(), r)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := f.String("p"); v != "body" || f.Has("q") {
			t.Errorf("got %q, %v", v, f.Names())
		}
	})
	t.Run("steering keys count in the query only", func(t *testing.T) {
		for _, f := range []*httpx.Form{
			form(t, "_method=DELETE&_clerk_session_id=x&__clerk_api_version=y&a=1"),
			jsonForm(t, `{"_method":"DELETE","_clerk_session_id":"x","__clerk_api_version":"y","a":1}`),
		} {
			if got := f.Names(); !slices.Equal(got, []string{"a"}) {
				t.Errorf("got %v", got)
			}
		}
		q, err := httpx.ParseQuery(httptest.NewRequest("GET", "/?_clerk_session_id=sess_1", nil))
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := q.String("_clerk_session_id"); !ok || v != "sess_1" {
			t.Errorf("got %q", v)
		}
	})
	t.Run("brackets are another name", func(t *testing.T) {
		f := form(t, "a%5B%5D=1&a%5B0%5D=2")
		if f.Has("a") {
			t.Error("a[] was read as a")
		}
	})
	t.Run("JSON keys twice", func(t *testing.T) {
		for body, param := range map[string]string{
			`{"p":1,"p":2}`: "p", `{"p":1,"\u0070":2}`: "p", `{"a":[{"p":1,"p":1}]}`: "a.p",
		} {
			_, err := httpx.ParseJSON(httptest.NewRecorder(), post(appJSON, body))
			wantErr(t, err, httpx.CodeDuplicate, 422, param)
		}
		f := form(t, "m="+url.QueryEscape(`{"p":1,"p":2}`))
		f.JSONObject("m")
		wantErr(t, f.Err(), httpx.CodeDuplicate, 422, "m.p")
	})
	t.Run("query", func(t *testing.T) {
		q, err := httpx.ParseQuery(httptest.NewRequest("GET", "/?limit=1&limit=2&status=a&status=b", nil))
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := q.Strings("status"); !ok || len(v) != 2 {
			t.Errorf("got %v", v)
		}
		q.Int("limit")
		wantErr(t, q.Err(), httpx.CodeQueryValue, 400, "limit")
		q.Require("absent")
		if all := httpx.AsFieldErrors(q.Err()); all[1].Code != httpx.CodeQueryMissing || all[1].Status != 400 {
			t.Errorf("got %v", all[1])
		}
	})
}

// A form never prints its values, and no error does.
func TestAttack_W10_FormSecrets(t *testing.T) {
	f := form(t, "password=hunter2&password=hunter2&code=%22424242")
	f.String("password")
	f.JSONObject("code")
	f.Int("code")
	out := fmt.Sprintf("%v %+v %#v %s %d %q", f, f, f, f, f, f.LogValue()) + f.Err().Error()
	if strings.Contains(out, "hunter2") || strings.Contains(out, "424242") || !strings.Contains(out, "password") {
		t.Errorf("printed %s", out)
	}
}

// W19: the worst that the decoders accept is done in 50 ms. The test fails at
// ten times that: the machine may be busy, and what is not linear takes minutes.
func TestAttack_W19_DecodersAreLinear(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is slower by a factor that says nothing")
	}
	worst := map[string]string{
		"keys":    "{" + manyKeys(1000) + "}",
		"nested":  `{"a":` + strings.Repeat("[", 30) + strings.TrimSuffix(strings.Repeat("[],", 80000), ",") + strings.Repeat("]", 30) + "}",
		"escapes": `{"a":"` + strings.Repeat(`\u00e9`, 40000) + `"}`,
		"array":   `{"a":[` + strings.TrimSuffix(strings.Repeat(`"",`, 80000), ",") + `]}`,
		"quotes":  `{"a":"` + strings.Repeat(`\"`, 120000) + `"}`,
		"number":  `{"a":` + strings.Repeat("9", 250<<10) + `}`,
	}
	for name, body := range worst {
		best := time.Hour
		for try := 0; try < 10 && (try < 3 || best > 50*time.Millisecond); try++ {
			start := time.Now()
			f := jsonForm(t, body)
			f.String("a")
			f.Strings("a")
			f.Int("a")
			f.Time("a")
			best = min(best, time.Since(start))
		}
		if best > 500*time.Millisecond {
			t.Errorf("%s took %v", name, best)
		}
		t.Logf("%s: %v", name, best)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%0200d":1`, i)
	}
	return b.String()[1:]
}

func ExampleParseForm() {
	r := httptest.NewRequest("POST", "/v1/me", strings.NewReader("first_name=Ada&first_name=Eve&primary="))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f, err := httpx.ParseForm(httptest.NewRecorder(), r)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, present := f.String("primary")
	fmt.Println(present, f.Null("primary"))
	f.String("first_name")
	fmt.Println(f.Err())
	// Output:
	// true true
	// form_param_duplicate (first_name): is given more than once
}
