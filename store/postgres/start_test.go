package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
)

// envChild makes the test program a child that works on the database envDSN.
const (
	envChild = "USHER_TEST_CHILD"
	envDSN   = "USHER_TEST_CHILD_DSN"
)

func TestMain(m *testing.M) {
	if os.Getenv(envChild) == "" {
		os.Exit(postgrestest.Main(m))
	}
	if err := childOpens(os.Getenv(envDSN)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestContextErrors(t *testing.T) {
	s := open(t)
	if err := put(t.Context(), s, sess("a")); err != nil {
		t.Fatal(err)
	}
	entered, held := make(chan bool), make(chan bool)
	go s.Update(t.Context(), func(tx store.Tx) error { // holds the row
		ctx := t.Context()
		defer close(held)
		if err := tx.Delete(ctx, sessKind, "a", 1); err != nil {
			return err
		}
		close(entered)
		<-held
		return nil
	})
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := sess("a")
	r.Version = 1
	if err := put(ctx, s, r); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	held <- true
	<-held
}

func TestClosed(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := put(ctx, s, sess("a")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := put(ctx, s, sess("b")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Update: %v", err)
	}
	if _, err := get(ctx, s, sessKind, "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("View: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := postgres.Open(t.Context(), "port=no"); !errors.Is(err, store.ErrInvalid) {
		t.Error(err)
	}
	dsn := postgrestest.New(t)
	c := host(t, dsn)
	if _, err := c.Exec(t.Context(), "CREATE DATABASE "+latin(c)+" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		t.Fatal(err)
	}
	defer c.Exec(context.Background(), "DROP DATABASE "+latin(c)+" WITH (FORCE)")
	if _, err := postgres.Open(t.Context(), with(t, dsn, "dbname", latin(c))); !errors.Is(err, store.ErrInvalid) {
		t.Error(err)
	}
}

func latin(c *pgx.Conn) string { return c.Config().Database + "_latin" }

// childOpens is one of many programs that start at once on an empty database.
func childOpens(dsn string) error {
	ctx := context.Background()
	s, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Prepare(ctx, userKind); err != nil {
		return err
	}
	// One of them wins the settings; sessions are prepared by the first use.
	err = put(ctx, s, user("settings"))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return put(ctx, s, sess(strconv.Itoa(os.Getpid())))
}

func TestFault_R13_PostgresStartTogether(t *testing.T) {
	const processes = 8
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		dsn := postgrestest.New(t)
		var wg sync.WaitGroup
		for range processes {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), envChild+"=open", envDSN+"="+dsn)
			wg.Go(func() {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, strings.TrimSpace(string(out)))
				}
			})
		}
		wg.Wait()
		s := openAt(t, dsn)
		if n, m := count(t, s, sessKind), count(t, s, userKind); n != processes || m != 1 {
			t.Errorf("%d sessions, %d settings", n, m)
		}
	}
}
