// Multitenant is a small application whose users share notes inside
// organizations: each note belongs to an organization and has an author, by
// foreign keys to usher's own tables. Who may do what is in the token.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

// schema is the application's own. Notes go with their organization, and stay
// when their author goes.
const schema = `
CREATE TABLE IF NOT EXISTS note (
	id           INTEGER PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES usher_organization(id) ON DELETE CASCADE,
	author       TEXT REFERENCES usher_user(id) ON DELETE SET NULL,
	text         TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 1000)
);
CREATE INDEX IF NOT EXISTS note_organization ON note (organization, id)`

// What people can do, and which roles may. Admins may everything.
const (
	read   = "org:notes:read"
	write  = "org:notes:write"
	remove = "org:notes:remove"
)

var catalogue = organization.Catalogue{
	Permissions: []organization.PermissionDefinition{{Key: read, Name: "Read notes"}, {Key: write, Name: "Write notes"}, {Key: remove, Name: "Remove anybody's notes"}},
	Roles: []organization.RoleDefinition{
		{Key: organization.Member, Permissions: []string{organization.ReadMemberships, read, write}},
		{Key: "org:guest", Name: "Guest", Permissions: []string{read}},
	},
}

//go:embed pages.html
var pages string

type app struct {
	auth *auth.Auth
	db   *sql.DB
	page *template.Template
}

// open makes the application on a file.
func open(ctx context.Context, file, addr string) (*app, error) {
	st, err := sqlite.Open(file)
	if err != nil {
		return nil, err
	}
	keys, err := store.LoadKeyring(os.Getenv("USHER_SEALING_KEYS"), file+".key")
	if err != nil {
		return nil, err
	}
	s := settings.Default()
	s.AppName = "Notes"
	s.Organizations.Enabled, s.Organizations.Slugs, s.Organizations.MaxMemberships = true, true, 0
	a, err := auth.New(ctx, auth.Config{Store: st, Keyring: keys, URL: "http://" + addr, Settings: &s, Organizations: catalogue})
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)") // the driver that the store brings along
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	return &app{a, db, template.Must(template.New("").Parse(pages))}, nil
}

// handler is everything that is served.
func (p *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	in := func(pattern string, h http.HandlerFunc, rules ...auth.Rule) {
		mux.Handle(pattern, p.auth.RequireOrganization("org", h, rules...))
	}
	in("GET /orgs/{org}/notes", p.list, auth.Permission(read))
	in("POST /orgs/{org}/notes", p.add, auth.Permission(write))
	in("POST /orgs/{org}/notes/{id}/remove", p.remove, auth.Any(auth.Permission(write), auth.Permission(remove)))
	return p.auth.Wrap(mux)
}

// home leads to the notes of the active organization, if there is one.
func (p *app) home(w http.ResponseWriter, r *http.Request) {
	if id := auth.From(r.Context()).OrganizationID(); id != "" {
		http.Redirect(w, r, "/orgs/"+id+"/notes", http.StatusSeeOther)
		return
	}
	p.show(w, r, "home", nil)
}

type note struct {
	ID           int64
	Text, Author string
	Mine         bool
}

// list shows the notes of one organization. Every query names it.
func (p *app) list(w http.ResponseWriter, r *http.Request) {
	who := auth.From(r.Context())
	rows, err := p.db.QueryContext(r.Context(), `SELECT n.id, n.text, coalesce(u.primary_email, 'somebody who left'), n.author IS ?
		FROM note n LEFT JOIN usher_user u ON u.id = n.author WHERE n.organization = ? ORDER BY n.id DESC LIMIT 100`, who.UserID, who.OrganizationID())
	if err != nil {
		p.fail(w, err)
		return
	}
	defer rows.Close()
	var notes []note
	for rows.Next() {
		var n note
		if err := rows.Scan(&n.ID, &n.Text, &n.Author, &n.Mine); err != nil {
			p.fail(w, err)
			return
		}
		notes = append(notes, n)
	}
	if err := rows.Err(); err != nil {
		p.fail(w, err)
		return
	}
	p.show(w, r, "notes", notes)
}

func (p *app) add(w http.ResponseWriter, r *http.Request) {
	who, text := auth.From(r.Context()), strings.TrimSpace(r.PostFormValue("text"))
	if text == "" || len(text) > 1000 {
		http.Error(w, "A note has 1 to 1000 characters.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := p.db.ExecContext(r.Context(), `INSERT INTO note (organization, author, text) VALUES (?, ?, ?)`, who.OrganizationID(), who.UserID, text); err != nil {
		p.fail(w, err)
		return
	}
	http.Redirect(w, r, "/orgs/"+r.PathValue("org")+"/notes", http.StatusSeeOther)
}

// remove takes a note away: one's own, or anybody's with the permission.
func (p *app) remove(w http.ResponseWriter, r *http.Request) {
	who := auth.From(r.Context())
	if _, err := p.db.ExecContext(r.Context(), `DELETE FROM note WHERE id = ? AND organization = ? AND (author = ? OR ?)`,
		r.PathValue("id"), who.OrganizationID(), who.UserID, who.HasPermission(remove)); err != nil {
		p.fail(w, err)
		return
	}
	http.Redirect(w, r, "/orgs/"+r.PathValue("org")+"/notes", http.StatusSeeOther)
}

func (p *app) show(w http.ResponseWriter, r *http.Request, name string, notes []note) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := p.page.ExecuteTemplate(w, name, map[string]any{"Who": auth.From(r.Context()), "Org": r.PathValue("org"), "Notes": notes, "Write": write, "Remove": remove})
	if err != nil {
		log.Print(err)
	}
}

func (p *app) fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "Something went wrong.", http.StatusInternalServerError)
}

func main() {
	addr := flag.String("addr", "127.0.0.1:4020", "address to listen on, as browsers write it")
	file := flag.String("db", "notes.db", "SQLite file")
	flag.Parse()
	p, err := open(context.Background(), *file, *addr)
	if err != nil {
		log.Fatal(err)
	}
	go p.auth.Run(context.Background())
	log.Printf("http://%s (mail: /dev/mail)\nsecret key %s", *addr, p.auth.SecretKey())
	log.Fatal((&http.Server{Addr: *addr, Handler: p.handler(), ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}).ListenAndServe())
}
