package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

// A child is the test program run again as a server, so that it can be killed.
const (
	envChild = "USHER_FAULTS_CHILD" // what to do
	envDB    = "USHER_FAULTS_DB"    // path of an SQLite file, or DSN
	envReal  = "USHER_FAULTS_REAL"  // real argon2id, as users have it
	envAlone = "USHER_FAULTS_ALONE" // in a network of its own
)

var children = map[string]func() error{"serve": childServes, "start": childStarts, "offline": childOffline}

func openChildStore() (store.Store, error) {
	db := os.Getenv(envDB)
	if strings.HasPrefix(db, "postgres") {
		return postgres.Open(context.Background(), db)
	}
	return sqlite.Open(db)
}

func childConfig() (auth.Config, error) {
	st, err := openChildStore()
	if err != nil {
		return auth.Config{}, err
	}
	s := authtest.Settings()
	s.Sessions.Multi = true
	c := auth.Config{Store: st, Settings: s, DevInbox: true, KeySchedule: token.Schedule{Algorithm: token.ES256},
		Passwords: authtest.CheapPasswords(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if os.Getenv(envReal) != "" {
		c.Passwords = nil
	}
	return c, nil
}

// childServes runs a whole usher with a private page until it is killed.
func childServes() error {
	c, err := childConfig()
	if err != nil {
		return err
	}
	a, err := auth.New(context.Background(), c)
	if err != nil {
		return err
	}
	go a.Run(context.Background())
	if _, err := a.Users().ByIdentifier(context.Background(), ada); errors.Is(err, store.ErrNotFound) {
		if _, err := a.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{ada}, Password: good}); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready http://" + l.Addr().String())
	srv := &http.Server{Handler: a.Wrap(a.Require(http.HandlerFunc(whoami))), ReadTimeout: time.Minute}
	return srv.Serve(l)
}

// childStarts makes an instance on the store and says what it agreed on. It
// begins when its input ends, so that several begin together.
func childStarts() error {
	fmt.Println("waiting")
	io.Copy(io.Discard, os.Stdin)
	c, err := childConfig()
	if err != nil {
		return err
	}
	a, err := auth.New(context.Background(), c)
	if err != nil {
		return err
	}
	var kids []string
	for _, k := range a.Verifier().Keys.(*token.Issuer).KeySet().Keys() {
		kids = append(kids, k.ID())
	}
	fmt.Println("agreed", a.SecretKey(), strings.Join(kids, ","))
	return c.Store.Close()
}

// A server is a child that serves.
type server struct {
	cmd *exec.Cmd
	url string
	err *buffer
}

// child prepares the test program to run as a child; env is names and values.
func child(t testing.TB, what, db string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), append(env, envChild+"="+what, envDB+"="+db)...)
	return cmd
}

// serve starts a child and waits until it listens.
func serve(t testing.TB, db string, env ...string) *server {
	t.Helper()
	s := &server{cmd: child(t, "serve", db, env...), err: &buffer{}}
	s.cmd.Stderr = s.err
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if s.url = strings.TrimSpace(strings.TrimPrefix(line, "ready ")); err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("child did not start: %q %v\n%s", line, err, s.err)
	}
	return s
}

// kill is kill -9: nothing is flushed, nothing is closed.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Signal(syscall.SIGKILL)
		s.cmd.Wait()
	}
}

// memory reads a size in KiB from a child's status in /proc, such as VmHWM.
func (s *server) memory(t testing.TB, name string) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			var kib int
			fmt.Sscan(rest, &kib)
			return kib
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
