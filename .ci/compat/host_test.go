package compat

import (
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

//go:embed testdata
var files embed.FS

const modules = "node_modules"

// A host is an application with usher in it, on 127.0.0.1.
type host struct {
	*authtest.Instance
	url string
	// behind is how far the clock of the host is behind the real one.
	behind atomic.Int64
	clock  sync.Mutex // held while behind is not 0
	// bundle is what /react.js answers.
	bundle []byte
}

// newHost starts a host with real signing keys, real time and Clerk's bundles.
func newHost(t *testing.T, changes ...func(*auth.Config)) *host {
	t.Helper()
	need(t, "node_modules (run .ci/compat/install)", filepath.Join(modules, "@clerk"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{url: "http://" + l.Addr().String()}
	h.Instance = authtest.New(t, append([]func(*auth.Config){func(c *auth.Config) {
		c.URL = h.url
		c.KeySchedule = token.Schedule{} // RS256, the only one that all clients take
		c.Now = h.now
		c.ClerkJS = os.DirFS(modules)
		c.Settings.Codes.ResendAfter = 0
	}}, changes...)...)
	h.Clock.Advance(time.Since(authtest.Start))
	h.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: h.Wrap(h.app())}}
	h.Server.Start()
	t.Cleanup(h.Server.Close)
	return h
}

// now is the host's clock.
func (h *host) now() time.Time { return time.Now().Add(-time.Duration(h.behind.Load())) }

// app is what the host itself serves.
func (h *host) app() http.Handler {
	pages := template.Must(template.ParseFS(files, "testdata/*.html"))
	page := func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if pages.Lookup(name+".html") == nil {
			name = "home"
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := pages.ExecuteTemplate(w, name+".html", map[string]any{"Key": h.PublishableKey(), "Who": auth.From(r.Context())}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", page)
	mux.Handle("/private", h.Require(http.HandlerFunc(page)))
	mux.Handle("/api/me", h.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := auth.From(r.Context())
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"user_id": id.UserID, "session_id": id.SessionID})
	})))
	mux.Handle("POST /secret", h.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"secret": "for " + auth.From(r.Context()).UserID})
	}), auth.Fresh(auth.Strict)))
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/react.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(h.bundle)
	})
	return mux
}

// password is everybody's.
const password = "correct horse battery"

// person makes a user with a verified address and a password.
func (h *host) person(t *testing.T, email string) *user.User {
	t.Helper()
	u, err := h.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{email}, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// cookies are those of a browser in which somebody signed in some time ago.
func (h *host) cookies(t *testing.T, userID string, ago time.Duration, userAgent string) []*http.Cookie {
	t.Helper()
	h.clock.Lock()
	defer h.clock.Unlock()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", h.url, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("User-Agent", userAgent)
	h.behind.Store(int64(ago))
	err := h.SignIn(w, r, userID)
	h.behind.Store(0)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

// onSQLite keeps everything in a file, as quickstart does, instead of memory.
func onSQLite(t *testing.T) func(*auth.Config) {
	return func(c *auth.Config) {
		st, err := sqlite.Open(filepath.Join(t.TempDir(), "usher.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		c.Store = st
	}
}

// anywhere leaves the host without a URL: it answers on any loopback address.
func anywhere(c *auth.Config) { c.URL = "" }

// set changes the settings a host begins with.
func set(fn func(*settings.Settings)) func(*auth.Config) {
	return func(c *auth.Config) { fn(c.Settings) }
}

// need skips the test if a file is missing.
func need(t *testing.T, what, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		skip(t, what)
	}
}

// tool returns the path of a program that goes by one of names, or skips the test.
func tool(t *testing.T, what string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, what)
	return ""
}

func skip(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("USHER_NO_SKIP") == "1" {
		t.Fatalf("%s is missing, and USHER_NO_SKIP forbids to skip", what)
	}
	t.Skipf("%s is missing", what)
}
