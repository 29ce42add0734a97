package httpx_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func TestAttack_W04_Bodies(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	keys := func(n int) string { return strings.TrimSuffix(strings.Repeat("k=1&", n), "&") }
	var object strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&object, `,"k%d":1`, i)
	}
	parts := strings.Repeat("--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n1\r\n", 1001) + "--B--\r\n"
	tests := []struct {
		name, contentType, body string
		json                    bool
		code                    string
		status                  int
	}{
		{"form of the greatest size", urlencoded, "a=" + strings.Repeat("x", httpx.MaxBody-2), false, "", 0},
		{"form one byte over", urlencoded, "a=" + strings.Repeat("x", httpx.MaxBody-1), false, httpx.CodeBodyTooLarge, 413},
		{"JSON too large", appJSON, `{"a":"` + strings.Repeat("x", httpx.MaxBody) + `"}`, true, httpx.CodeBodyTooLarge, 413},
		{"ten megabytes of password", urlencoded, "password=" + strings.Repeat("x", 10<<20), false, httpx.CodeBodyTooLarge, 413},
		{"1000 keys", urlencoded, keys(1000), false, "", 0},
		{"1001 keys", urlencoded, keys(1001), false, httpx.CodeMalformed, 400},
		{"1001 JSON keys", appJSON, "{" + object.String()[1:] + "}", true, httpx.CodeBodyInvalid, 400},
		{"1001 parts", "multipart/form-data; boundary=B", parts, false, httpx.CodeMalformed, 400},
		{"depth 32", appJSON, deep(32), true, "", 0},
		{"depth 33", appJSON, deep(33), true, httpx.CodeBodyInvalid, 400},
		{"depth 50000", appJSON, strings.Repeat("[", 50000) + strings.Repeat("]", 50000), true, httpx.CodeBodyInvalid, 400},
		{"truncated JSON", appJSON, `{"a":`, true, httpx.CodeBodyInvalid, 400},
		{"two JSON values", appJSON, `{} {}`, true, httpx.CodeBodyInvalid, 400},
		{"JSON array", appJSON, `[]`, true, httpx.CodeBodyInvalid, 400},
		{"JSON null", appJSON, `null`, true, httpx.CodeBodyInvalid, 400},
		{"JSON with a BOM", appJSON, "\ufeff{}", true, httpx.CodeBodyInvalid, 400},
		{"truncated multipart", "multipart/form-data; boundary=B", parts[:80], false, httpx.CodeBodyInvalid, 400},
		{"multipart without boundary", "multipart/form-data", "x", false, httpx.CodeBodyInvalid, 400},
		{"multipart part without name", "multipart/form-data; boundary=B", "--B\r\n\r\n1\r\n--B--", false, httpx.CodeBodyInvalid, 400},
		{"broken escape", urlencoded, "a=%zz", false, httpx.CodeMalformed, 400},
		{"semicolon", urlencoded, "a=1;b=2", false, httpx.CodeMalformed, 400},
		{"long key", urlencoded, strings.Repeat("k", 257) + "=1", false, httpx.CodeMalformed, 400},
		{"JSON for a form", appJSON, `{}`, false, httpx.CodeContentType, 415},
		{"form for JSON", urlencoded, `a=1`, true, httpx.CodeContentType, 415},
		{"text", "text/plain", `a=1`, false, httpx.CodeContentType, 415},
		{"no type", "", `a=1`, false, httpx.CodeContentType, 415},
		{"type that is no type", ";;", `a=1`, false, httpx.CodeContentType, 415},
		{"UTF-7", urlencoded + "; charset=utf-7", `a=1`, false, httpx.CodeContentType, 415},
		{"UTF-8 named", urlencoded + "; charset=UTF-8", `a=1`, false, "", 0},
		{"octets without upload", "application/octet-stream", `a`, false, httpx.CodeContentType, 415},
		{"no body, any type", "text/plain", ``, false, "", 0},
		{"no JSON body", appJSON, ``, true, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, chunked := range []bool{false, true} {
				r := post(tt.contentType, tt.body)
				if chunked {
					r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(tt.body))
				}
				parse := httpx.ParseForm
				if tt.json {
					parse = httpx.ParseJSON
				}
				_, err := parse(httptest.NewRecorder(), r)
				if tt.code == "" && err != nil {
					t.Fatal(err)
				}
				if tt.code != "" {
					wantErr(t, err, tt.code, tt.status, "")
				}
			}
		})
	}
	t.Run("compressed", func(t *testing.T) {
		for _, coding := range []string{"gzip", "deflate, gzip", "br", "GZIP"} {
			r := post(urlencoded, "a=1")
			r.Header.Set("Content-Encoding", coding)
			_, err := httpx.ParseForm(httptest.NewRecorder(), r)
			wantErr(t, err, httpx.CodeContentType, 415, "")
		}
	})
	t.Run("two content types", func(t *testing.T) {
		r := post(urlencoded, "a=1")
		r.Header.Add("Content-Type", appJSON)
		_, err := httpx.ParseForm(httptest.NewRecorder(), r)
		wantErr(t, err, httpx.CodeContentType, 415, "")
	})
	t.Run("read error", func(t *testing.T) {
		r := post(urlencoded, "")
		r.ContentLength, r.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader("a=1"), errReader{}))
		_, err := httpx.ParseForm(httptest.NewRecorder(), r)
		wantErr(t, err, httpx.CodeBodyInvalid, 400, "")
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUpload(t *testing.T) {
	png := append([]byte("\x89PNG\r\n"), bytes.Repeat([]byte{0, 0xff}, 1000)...)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("note", "hi")
	p, _ := m.CreateFormFile("file", "../../a\u202eb.png")
	p.Write(png)
	m.Close()
	std := base64.StdEncoding.EncodeToString(png)
	for name, r := range map[string]*http.Request{
		"multipart": post(m.FormDataContentType(), b.String()),
		"base64":    post("application/octet-stream", std),
		"data URL":  post("application/octet-stream", "data:image/png;base64,"+std),
		"raw":       post("application/octet-stream", string(png)),
	} {
		f, err := httpx.ParseUpload(httptest.NewRecorder(), r)
		if err != nil {
			t.Fatal(name, err)
		}
		file, ok := f.File("file")
		if !ok || !bytes.Equal(file.Data, png) || strings.ContainsRune(file.Name, 0x202e) {
			t.Errorf("%s: got %v %v", name, ok, f.Err())
		}
		if _, ok := f.String("file"); ok || f.Err() == nil {
			t.Errorf("%s: a file was read as text", name)
		}
	}
	big := post("application/octet-stream", strings.Repeat("\x00", httpx.MaxUpload+1))
	_, err := httpx.ParseUpload(httptest.NewRecorder(), big)
	wantErr(t, err, httpx.CodeBodyTooLarge, 413, "")

	b.Reset()
	m = multipart.NewWriter(&b)
	m.CreateFormFile("file", "a")
	m.CreateFormFile("file", "b")
	m.Close()
	f, err := httpx.ParseUpload(httptest.NewRecorder(), post(m.FormDataContentType(), b.String()))
	if err != nil {
		t.Fatal(err)
	}
	f.File("file")
	wantErr(t, f.Err(), httpx.CodeDuplicate, 422, "file")
}

// W12: a body that drips does not hold a handler for ever, and the deadline is
// gone when the handler goes on.
func TestAttack_W12_SlowBody(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	if _, err := httpx.ParseForm(w, post(urlencoded, "a=1")); err != nil {
		t.Fatal(err)
	}
	if len(w.set) != 2 || w.set[0].IsZero() || time.Until(w.set[0]) > time.Minute || !w.set[1].IsZero() {
		t.Errorf("deadlines %v", w.set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.set = append(d.set, t); return nil }
