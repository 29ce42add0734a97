package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/user"
)

// A host's own row and a user are kept together, or not at all.
func TestUsersInTheHostsTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ring, err := store.KeyringFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	i := authtest.New(t, func(c *auth.Config) { c.Store, c.Keyring = st, ring })
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, `CREATE TABLE account (user_id TEXT PRIMARY KEY REFERENCES usher_user(id), plan TEXT)`); err != nil {
		t.Fatal(err)
	}
	signUp := func(email string, fail error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		users, err := i.UsersIn(sqlite.Join(tx))
		if err != nil {
			return err
		}
		u, err := users.Create(ctx, user.CreateParams{EmailAddresses: []string{email}, Password: adasPassword})
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO account VALUES (?, 'free')`, u.ID); err != nil {
			return err
		}
		if fail != nil {
			return fail
		}
		return tx.Commit()
	}
	if err := signUp("ada@example.com", nil); err != nil {
		t.Fatal(err)
	}
	oops := errors.New("oops")
	if err := signUp("bob@example.com", oops); !errors.Is(err, oops) {
		t.Fatal(err)
	}
	var accounts int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM account JOIN usher_user ON usher_user.id = user_id`).Scan(&accounts); err != nil || accounts != 1 {
		t.Errorf("%d accounts, %v", accounts, err)
	}
	if _, err := i.Users().ByIdentifier(ctx, "bob@example.com"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("bob outlived the rollback: %v", err)
	}
	ada, err := i.Users().ByIdentifier(ctx, "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := i.Users().CheckPassword(ctx, ada.ID, adasPassword); !ok || err != nil {
		t.Errorf("the sealed password of a joined user: %v %v", ok, err)
	}
}

// The host's hook runs in the transaction in which a user is born: if it
// fails, nobody is.
func TestOnUserUndoesEverything(t *testing.T) {
	fail := errors.New("no seats left")
	i := authtest.New(t, func(c *auth.Config) {
		c.OnUser = func(_ context.Context, _ store.Tx, u *user.User) error {
			if u.PrimaryEmailAddress().Value == "bob@example.com" {
				return fail
			}
			return nil
		}
	})
	i.Serve(nil)
	if _, err := i.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{"bob@example.com"}, SkipPasswordRequirement: true}); !errors.Is(err, fail) {
		t.Errorf("by the host: %v", err)
	}
	for email, status := range map[string]int{"ada@example.com": 200, "bob@example.com": 500} {
		s := &scene{Instance: i, t: t}
		c := authtest.NewClient(t)
		id := s.api(c, "/v1/client/sign_ups", "email_address="+email+"&password=correct+horse+battery+9").id()
		s.api(c, "/v1/client/sign_ups/"+id+"/prepare_verification", "strategy=email_code")
		a := s.api(c, "/v1/client/sign_ups/"+id+"/attempt_verification", "strategy=email_code&code="+i.Mail.Code(t, email, 1))
		if a.Status != status {
			t.Errorf("%s signs up: %d, want %d", email, a.Status, status)
		}
	}
	if n, err := i.Users().Count(t.Context(), user.Filter{}); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

// A row of the host's is written in the transaction in which a user is born,
// however that is, or there is no user.
func TestOnUserWritesTheHostsRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ring, err := store.KeyringFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	i := authtest.New(t, func(c *auth.Config) {
		c.Store, c.Keyring = st, ring
		c.OnUser = func(ctx context.Context, tx store.Tx, u *user.User) error {
			_, err := sqlite.Exec(ctx, tx, `INSERT INTO account (user_id, email) VALUES (?, ?)`, u.ID, u.PrimaryEmailAddress().Value)
			return err
		}
	})
	i.Serve(nil)
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE account (user_id TEXT PRIMARY KEY REFERENCES usher_user(id), email TEXT CHECK (email <> 'bob@example.com'))`); err != nil {
		t.Fatal(err)
	}
	signUp := func(email string) bool {
		s := &scene{Instance: i, t: t}
		c := authtest.NewClient(t)
		id := s.api(c, "/v1/client/sign_ups", "email_address="+email+"&password=correct+horse+battery+9").id()
		s.api(c, "/v1/client/sign_ups/"+id+"/prepare_verification", "strategy=email_code")
		return s.api(c, "/v1/client/sign_ups/"+id+"/attempt_verification", "strategy=email_code&code="+i.Mail.Code(t, email, 1)).Status == 200
	}
	create := func(email string) bool {
		_, err := i.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{email}, SkipPasswordRequirement: true})
		return err == nil
	}
	if !signUp("ada@example.com") || !create("eve@example.com") || signUp("bob@example.com") || create("bob@example.com") {
		t.Error("ada and eve are to be users, and bob is not")
	}
	var both, rows int
	if err := db.QueryRow(`SELECT count(u.id), count(*) FROM account a LEFT JOIN usher_user u ON u.id = a.user_id`).Scan(&both, &rows); err != nil {
		t.Fatal(err)
	}
	if n, err := i.Users().Count(t.Context(), user.Filter{}); n != 2 || both != 2 || rows != 2 || err != nil {
		t.Errorf("%d users, %d rows, %d of them with a user, %v", n, rows, both, err)
	}
}
