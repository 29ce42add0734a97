package httpx_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func FuzzParseForm(f *testing.F) {
	f.Add(urlencoded, []byte("a=1&b=%zz&a=2"))
	f.Add("multipart/form-data; boundary=B", []byte("--B\r\nContent-Disposition: form-data; name=\"k\"; filename=\"f\"\r\n\r\n1\r\n--B--"))
	f.Add("application/octet-stream", []byte("data:image/png;base64,AAAA"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		for _, parse := range []func(http.ResponseWriter, *http.Request) (*httpx.Form, error){httpx.ParseForm, httpx.ParseUpload} {
			r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
			r.Header["Content-Type"] = []string{contentType}
			checkForm(t, parse, r)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x",null,true]},"c":"\ud83d\ude00"}`))
	f.Add([]byte(`{"a":"\ud800","a":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", appJSON)
		checkForm(t, httpx.ParseJSON, r)
	})
}

// checkForm: an error is typed and clean, and whatever was accepted is clean
// text by every getter.
func checkForm(t *testing.T, parse func(http.ResponseWriter, *http.Request) (*httpx.Form, error), r *http.Request) {
	f, err := parse(httptest.NewRecorder(), r)
	if err == nil {
		for _, name := range f.Names() {
			s, _ := f.String(name)
			all, _ := f.Strings(name)
			f.Bool(name)
			f.Int(name)
			f.Time(name)
			f.JSONObject(name)
			f.File(name)
			for _, v := range append(all, s, name) {
				if httpx.CheckText(v) != "" {
					t.Fatalf("accepted %q", v)
				}
			}
		}
		if err = f.Err(); err == nil {
			return
		}
	}
	all := httpx.AsFieldErrors(err)
	if len(all) == 0 {
		t.Fatalf("untyped error %v", err)
	}
	for _, e := range all {
		if e.Code == "" || e.Status < 400 || len(e.Param) > 3*64 || !utf8.ValidString(e.Param) {
			t.Fatalf("bad error %+v", e)
		}
	}
}
