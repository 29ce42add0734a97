package auth_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sqlitedriver "modernc.org/sqlite"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

// A statementLog is a driver of SQLite that notes every statement executed.
type statementLog struct {
	dsn  string
	mu   sync.Mutex
	seen []string
}

func (l *statementLog) note(query string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, query)
}

// take returns what was executed since the last time.
func (l *statementLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

func (l *statementLog) Driver() driver.Driver { return &sqlitedriver.Driver{} }

func (l *statementLog) Connect(context.Context) (driver.Conn, error) {
	c, err := l.Driver().Open(l.dsn)
	return &loggedConn{c, l}, err
}

type loggedConn struct {
	driver.Conn
	log *statementLog
}

func (c *loggedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return &loggedStmt{s, c.log, query}, err
}

func (c *loggedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.log.note(query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *loggedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.log.note(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

type loggedStmt struct {
	driver.Stmt
	log   *statementLog
	query string
}

func (s *loggedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.log.note(s.query)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *loggedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.log.note(s.query)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// refreshOnce asks for a token as the browser of p does, and returns it.
func refreshOnce(t *testing.T, h http.Handler, p person) string {
	t.Helper()
	r := httptest.NewRequest("POST", "/__clerk/v1/client/sessions/"+p.sessionID+"/tokens?_clerk_js_version=5", strings.NewReader("organization_id="))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://127.0.0.1")
	r.Header.Set("Cookie", p.cookies)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer struct{ JWT string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || answer.JWT == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.JWT
}

// countedInstance is an instance on SQLite whose statements are noted. Nothing
// runs in the background, so that every one of them belongs to a request.
func countedInstance(t *testing.T) (*auth.Auth, *authtest.Clock, *storetest.Counter, *statementLog, person) {
	t.Helper()
	log := &statementLog{dsn: "file://" + filepath.Join(t.TempDir(), "usher.db")}
	db := sql.OpenDB(log)
	t.Cleanup(func() { db.Close() })
	file := sqlite.Options{}.New(db, db)
	t.Cleanup(func() { file.Close() })
	counter, clock := storetest.Counting(file), authtest.NewClock()
	a, err := auth.New(t.Context(), auth.Config{Store: counter, Settings: authtest.Settings(), LockSettings: true,
		KeySchedule: token.Schedule{Algorithm: token.ES256}, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	u, err := a.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{"ada@example.com"}, SkipPasswordRequirement: true})
	if err != nil {
		t.Fatal(err)
	}
	return a, clock, counter, log, browser(t, a, u.ID)
}

// TestRefreshStatements: a refresh that notes the use of its session is at most
// three statements and no transaction: the client, the session, the
// compare-and-swap. A request with a live token is none.
func TestRefreshStatements(t *testing.T) {
	a, clock, counter, log, ada := countedInstance(t)
	h := a.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.From(r.Context()).UserID != ada.userID {
			t.Error("nobody")
		}
	}))
	log.take()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", ada.cookies)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got := log.take(); len(got) != 0 {
		t.Errorf("a request with a live token: %q", got)
	}

	refreshOnce(t, h, ada) // tables and statements are known from here on
	clock.Advance(session.TouchEvery)
	before := counter.Calls()
	log.take()
	refreshOnce(t, h, ada)
	got, after := log.take(), counter.Calls()
	updates := 0
	for _, q := range got {
		if strings.HasPrefix(q, "UPDATE") {
			updates++
		}
	}
	if len(got) > 3 || updates != 1 {
		t.Errorf("%d statements, %d of them updates: %q", len(got), updates, got)
	}
	if n := after.Statements() - before.Statements(); n > 3 || after.Put-before.Put != 1 {
		t.Errorf("the store was asked %d times: %+v, then %+v", n, before, after)
	}
}

// TestRefreshTogetherIsOneSignature: any number of tabs that refresh one
// session at once get one token.
func TestRefreshTogetherIsOneSignature(t *testing.T) {
	a, clock, _, _, ada := countedInstance(t)
	clock.Advance(session.TouchEvery)
	var mu sync.Mutex
	var wg sync.WaitGroup
	tokens := map[string]int{}
	for range 32 {
		wg.Go(func() {
			jwt := refreshOnce(t, a.Handler(), ada)
			mu.Lock()
			defer mu.Unlock()
			tokens[jwt]++
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d tokens for 32 requests at once", len(tokens))
	}
	clock.Advance(2 * time.Second)
	if jwt := refreshOnce(t, a.Handler(), ada); tokens[jwt] > 0 {
		t.Error("two seconds later it is the same token")
	}
}
