package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL server.
type Server struct {
	dsn  string // of the database postgres
	dir  string
	bin  string
	cmd  *exec.Cmd // nil: not ours, or stopped
	done chan error
	log  bytes.Buffer
	as   *account // nil: who runs the test
}

// An account is the user that a server runs as.
type account struct{ uid, gid uint32 }

// findBin returns the directory of initdb and postgres.
func findBin() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(p), "postgres")); err == nil {
			return filepath.Dir(p), nil
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		dirs, _ := filepath.Glob(pattern)
		for i := len(dirs) - 1; i >= 0; i-- {
			if _, err := os.Stat(filepath.Join(dirs[i], "initdb")); err == nil {
				return dirs[i], nil
			}
		}
	}
	return "", errNone
}

// startServer makes a cluster in a temporary directory and starts it.
func startServer(bin string) (_ *Server, err error) {
	// The path of a Unix socket has room for about a hundred bytes.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, fmt.Errorf("postgrestest: %w", err)
	}
	s := &Server{dir: dir, bin: bin}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := s.unprivileged(); err != nil {
		return nil, err
	}
	initdb := s.command("initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("postgrestest: initdb: %w\n%s", err, out)
	}
	s.dsn = (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "port": {"5432"}}.Encode()}).String()
	return s, s.Start()
}

// unprivileged finds a user to run as: the server refuses to run as root.
func (s *Server) unprivileged() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &account{uint32(uid), uint32(gid)}
		return os.Chown(s.dir, uid, gid)
	}
	return errors.New("postgrestest: running as root, and there is no user to run the server as")
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	// A server of its own group does not get the terminal's interrupt; it dies
	// with the test process all the same.
	cmd.SysProcAttr = procAttr(s.as)
	return cmd
}

// Start starts a server that was stopped.
func (s *Server) Start() error {
	cmd := s.command("postgres", "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "jit=off", "-c", "max_wal_size=2GB")
	s.log.Reset()
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	started := make(chan error, 1)
	s.cmd, s.done = cmd, make(chan error, 1)
	go func() {
		// The signal at the death of the parent is tied to this thread.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		s.cmd = nil
		return fmt.Errorf("postgrestest: %w", err)
	}
	return s.wait()
}

// wait waits until the server answers.
func (s *Server) wait() error {
	deadline := time.After(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		c, err := pgx.Connect(ctx, s.dsn)
		if err == nil {
			err = c.Ping(ctx)
			c.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case exit := <-s.done:
			s.cmd = nil
			return fmt.Errorf("postgrestest: the server ended: %v\n%s", exit, s.log.String())
		case <-deadline:
			s.Kill()
			return fmt.Errorf("postgrestest: the server does not answer: %w\n%s", err, s.log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// DSN names the server's own database, postgres.
func (s *Server) DSN() string { return s.dsn }

// Signal stops the server as the signal says: SIGINT at once, ending all
// transactions, SIGQUIT and SIGKILL as a crash does. The data stay, so that
// Start goes on from there.
func (s *Server) Signal(sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("postgrestest: %w", err)
	}
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.cmd.Process.Kill()
		<-s.done
	}
	s.cmd = nil
	return nil
}

// Kill ends the server as a crash does.
func (s *Server) Kill() error { return s.Signal(syscall.SIGQUIT) }

// Stop ends the server and removes its data.
func (s *Server) Stop() error {
	if s.dir == "" {
		return nil
	}
	err := s.Signal(syscall.SIGINT)
	return errors.Join(err, os.RemoveAll(s.dir))
}

func (s *Server) stopped() bool { return s.dir != "" && s.cmd == nil }
