package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
)

const (
	crowdAccounts = 5
	crowdBrowsers = 3 // of each account
	crowdDeeds    = 60
	testCode      = "424242"
)

// A crowd are people who do what they like, all at once, on two instances that
// share a store.
type crowd struct {
	test *testing.T
	mu   sync.Mutex
	orgs []string
}

// A passerby is one browser of a crowd.
type passerby struct {
	*crowd
	*visitor
	random           *rand.Rand
	email, session   string
	organization     string
	password, change string
}

// TestFault_R10_Crowd: whatever people do at once to the same accounts and
// organizations, no request fails inside, and nothing is half in the end.
func TestFault_R10_Crowd(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (store.Store, error){
		"memory": func(*testing.T) (store.Store, error) { return memory.New(), nil },
		"sqlite": func(t *testing.T) (store.Store, error) {
			return sqlite.Open(filepath.Join(t.TempDir(), "usher.db"))
		},
		"postgres": func(t *testing.T) (store.Store, error) { return postgres.Open(t.Context(), postgrestest.New(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			st, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			change := withSettings(func(s *settings.Settings) {
				*s = settings.Everything()
				s.Limits, s.Protection.Lockout, s.Reverification.Enabled = settings.Limits{}, settings.Lockout{}, false
				s.Passkeys = settings.Passkeys{}
				s.Sessions.Multi, s.TestMode = true, true
			})
			one, other := newRig(t, withStore(st), change), newRig(t, withStore(st), change)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				[]http.Handler{one.Server.Config.Handler, other.Server.Config.Handler}[rand.N(2)].ServeHTTP(w, r)
			}))
			t.Cleanup(srv.Close)
			c := &crowd{test: t}
			seed := uint64(time.Now().UnixNano())
			var wg sync.WaitGroup
			for n := range crowdAccounts * crowdBrowsers {
				p := &passerby{crowd: c, visitor: newVisitor(t, srv.URL), random: rand.New(rand.NewPCG(seed, uint64(n))),
					email: fmt.Sprintf("p%d+clerk_test@example.com", n%crowdAccounts), password: good, change: better}
				wg.Go(func() {
					if n < crowdAccounts {
						p.signUp()
					}
					for i := range crowdDeeds {
						if i%10 == 9 && n == 0 { // so that uses are written
							one.Clock.Advance(session.TouchEvery)
							other.Clock.Advance(session.TouchEvery)
						}
						p.deed()
					}
				})
			}
			wg.Wait()
			for _, problem := range broken(dump(t, st)) {
				if !strings.HasPrefix(problem, "sign_up ") { // its user may have deleted the account
					t.Error(problem)
				}
			}
			for _, r := range []*rig{one, other} {
				for line := range strings.Lines(r.log.String()) {
					if strings.Contains(line, "level=ERROR") {
						t.Errorf("logged: %.600s", line)
					}
				}
			}
		})
	}
}

// call sends what a deed is about, and returns the answer.
func (p *passerby) call(method, path string, pairs ...string) *answer {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	a := p.api(method, path+sep+"_clerk_session_id="+p.session, pairs...)
	if a.status == 0 || a.status >= 500 {
		p.test.Errorf("%s: %d %v %.200s", a.what, a.status, a.err, a.raw)
	}
	return a
}

func (p *passerby) one(of ...string) string {
	if len(of) == 0 {
		return "unknown"
	}
	return of[p.random.IntN(len(of))]
}

// ids are those of a list that is answered.
func (a *answer) ids(list, id string) (ids []string) {
	items, _ := a.at(list).([]any)
	for i := range items {
		ids = append(ids, a.str(fmt.Sprint(list, ".", i, ".", id)))
	}
	return ids
}

func (p *passerby) begun(a *answer) {
	if id := a.str("response.created_session_id"); id != "" {
		p.session = id
	}
}

func (p *passerby) signUp() {
	a := p.call("POST", "/client/sign_ups", "email_address", p.email, "password", p.password)
	id := a.id()
	p.call("POST", "/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
	p.begun(p.call("POST", "/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", testCode))
}

func (p *passerby) signIn() {
	if p.random.IntN(2) == 0 {
		p.begun(p.call("POST", "/client/sign_ins", "identifier", p.email, "password", p.password))
		return
	}
	a := p.call("POST", "/client/sign_ins", "identifier", p.email, "strategy", "email_code")
	p.begun(p.call("POST", "/client/sign_ins/"+a.id()+"/attempt_first_factor", "strategy", "email_code", "code", testCode))
}

// deed does one thing that people do.
func (p *passerby) deed() {
	if p.session == "" {
		p.signIn()
		return
	}
	p.mu.Lock()
	known := slices.Clone(p.orgs)
	p.mu.Unlock()
	if p.organization == "" || p.random.IntN(10) == 0 {
		p.organization = p.one(known...)
	}
	deeds[p.random.IntN(len(deeds))](p)
}

var deeds = []func(p *passerby){
	(*passerby).refresh, (*passerby).refresh, (*passerby).tabs, (*passerby).signIn,
	func(p *passerby) { p.call("GET", "/client") },
	func(p *passerby) {
		p.call("POST", "/client/sessions/"+p.session+"/touch", "active_organization_id", "")
	},
	func(p *passerby) { p.call("PATCH", "/me", "first_name", fmt.Sprint("N", p.random.IntN(100))) },
	func(p *passerby) { p.call("GET", "/me/sessions/active") },
	func(p *passerby) { p.call("POST", "/me/totp"); p.call("DELETE", "/me/totp") },
	func(p *passerby) { p.do("GET", "/private", http.Header{"Accept": {"application/json"}}, "") },

	(*passerby).found, (*passerby).found,
	func(p *passerby) {
		p.call("POST", "/organizations/"+p.organization+"/invitations", "role", p.one("org:admin", "org:member"),
			"email_address", fmt.Sprintf("p%d+clerk_test@example.com", p.random.IntN(crowdAccounts)))
	},
	func(p *passerby) {
		invited := p.call("GET", "/me/organization_invitations?status=pending").ids("response.data", "id")
		p.call("POST", "/me/organization_invitations/"+p.one(invited...)+"/accept")
	},
	func(p *passerby) {
		who := p.one(p.members()...)
		p.call("PATCH", "/organizations/"+p.organization+"/memberships/"+who, "role", p.one("org:admin", "org:member"))
	},
	func(p *passerby) {
		p.call("DELETE", "/organizations/"+p.organization+"/memberships/"+p.one(p.members()...))
	},
	func(p *passerby) { p.call("DELETE", "/me/organization_memberships/"+p.organization) },
	func(p *passerby) {
		p.call("PATCH", "/organizations/"+p.organization, "name", "Renamed", "slug", fmt.Sprint("slug-", p.random.IntN(9)))
	},
	func(p *passerby) {
		made := p.call("POST", "/organizations/"+p.organization+"/domains", "name", fmt.Sprintf("d%d.example.org", p.random.IntN(4)))
		if id := made.id(); id != "" {
			p.call("DELETE", "/organizations/"+p.organization+"/domains/"+id)
		}
	},
	(*passerby).seldom,

	(*passerby).address,
	func(p *passerby) {
		p.call("POST", "/me/change_password", "current_password", p.password, "new_password", p.change)
		p.password, p.change = p.change, p.password
	},
	func(p *passerby) {
		p.call("POST", "/me/sessions/"+p.one(p.call("GET", "/me/sessions").ids("response", "id")...)+"/revoke")
	},
	func(p *passerby) { p.call("POST", "/client/sessions/"+p.session+"/end"); p.session = "" },
	func(p *passerby) { p.call("DELETE", "/client/sessions"); p.session = "" },
}

func (p *passerby) refresh() {
	a := p.call("POST", "/client/sessions/"+p.session+"/tokens", "organization_id", p.one("", p.organization))
	if a.status == http.StatusUnauthorized {
		p.session = ""
	}
}

// tabs are many that act at once.
func (p *passerby) tabs() {
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { p.call("POST", "/client/sessions/"+p.session+"/tokens") })
		wg.Go(func() {
			p.call("POST", "/client/sessions/"+p.session+"/touch", "active_organization_id", p.organization)
		})
	}
	wg.Wait()
}

func (p *passerby) found() {
	if id := p.call("POST", "/organizations", "name", "Acme").id(); id != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.orgs = append(p.orgs, id)
		p.organization = id
	}
}

func (p *passerby) members() []string {
	return p.call("GET", "/organizations/"+p.organization+"/memberships?paginated=true").ids("response.data", "public_user_data.user_id")
}

// address adds an address that others want too, and perhaps drops it.
func (p *passerby) address() {
	id := p.call("POST", "/me/email_addresses", "email_address", fmt.Sprintf("x%d+clerk_test@example.com", p.random.IntN(5))).id()
	p.call("POST", "/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code")
	p.call("POST", "/me/email_addresses/"+id+"/attempt_verification", "code", testCode)
	if p.random.IntN(2) == 0 {
		p.call("DELETE", "/me/email_addresses/"+id)
	}
}

// seldom is what ends a lot.
func (p *passerby) seldom() {
	switch p.random.IntN(4) {
	case 0:
		p.call("DELETE", "/organizations/"+p.organization)
	case 1:
		p.call("DELETE", "/me")
		p.session, p.password, p.change = "", good, better
		p.signUp()
	}
}
