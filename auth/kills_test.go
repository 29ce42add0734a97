package auth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

const adasPassword = "correct horse battery 9"

// scene is a user with two browsers: one whose credentials are looked at, and
// one from which the user acts. A code for signing in has been mailed to a
// third.
type scene struct {
	*authtest.Instance
	t                     *testing.T
	ada                   *user.User
	victim, other, third  *http.Client
	fourth                *http.Client
	tok, session, attempt string
	code, ticket, link    string
}

func newScene(t *testing.T, event auth.Event) *scene {
	i := start(t, func(c *auth.Config) {
		s := authtest.Settings()
		s.Password.Required = false
		s.EmailAddress.Strategies = append(s.EmailAddress.Strategies, "email_link")
		c.Settings = s
		c.KeySchedule = token.Schedule{Algorithm: token.ES256, Every: 48 * time.Hour}
	})
	if event == auth.KeyRotated {
		beforeRotation(t, i)
	}
	s := &scene{Instance: i, t: t}
	var err error
	s.ada, err = i.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: adasPassword})
	if err != nil {
		t.Fatal(err)
	}
	s.victim, s.other, s.third = i.SignedIn(t, s.ada), i.SignedIn(t, s.ada), authtest.NewClient(t)
	at, _ := url.Parse(i.Server.URL)
	s.tok = cookie(s.victim, at, "__session")
	claims, err := i.Verifier().Verify(t.Context(), s.tok)
	if err != nil {
		t.Fatal(err)
	}
	s.session = claims.SessionID
	s.attempt = s.api(s.third, "/v1/client/sign_ins", "identifier=ada@example.com").id()
	s.api(s.third, "/v1/client/sign_ins/"+s.attempt+"/prepare_first_factor", "strategy=email_code")
	s.code = i.Mail.Code(t, "ada@example.com", 1)
	s.fourth = authtest.NewClient(t)
	attempt := s.api(s.fourth, "/v1/client/sign_ins", "identifier=ada@example.com").id()
	s.api(s.fourth, "/v1/client/sign_ins/"+attempt+"/prepare_first_factor", "strategy=email_link&redirect_url=/")
	s.link = i.Mail.Wait(t, "ada@example.com", 2).Data.ActionURL
	_, issued, err := i.SignInTokens().Create(t.Context(), s.ada.ID, 72*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.ticket = issued.Token
	return s
}

type answer struct {
	Status   int
	Response struct{ ID, Status string }
}

func (a answer) id() string { return a.Response.ID }

// api posts a form to the Frontend API.
func (s *scene) api(c *http.Client, path, form string) answer {
	s.t.Helper()
	res, body := do(s.t, c, "POST", s.Server.URL+"/__clerk"+path, form, "Content-Type", "application/x-www-form-urlencoded", "Origin", s.Server.URL)
	a := answer{Status: res.StatusCode}
	_ = json.Unmarshal([]byte(body), &a)
	return a
}

// events make each event of auth.Kills happen to the victim's session or user.
var events = map[auth.Event]func(s *scene){
	auth.SignOut: func(s *scene) {
		c := &http.Client{Jar: s.victim.Jar}
		// The cookies of before stay in the victim's hands: an attacker's copy.
		at, _ := url.Parse(s.Server.URL)
		copied := authtest.NewClient(s.t)
		copied.Jar.SetCookies(at, s.victim.Jar.Cookies(at))
		s.api(c, "/v1/client/sessions/"+s.session+"/remove", "")
		s.victim = copied
	},
	auth.SignOutElsewhere: func(s *scene) { s.api(s.other, "/v1/me/sessions/"+s.session+"/revoke", "") },
	auth.SignOutAll: func(s *scene) {
		if n, err := s.Sessions().RevokeUser(s.t.Context(), s.ada.ID); err != nil || n != 2 {
			s.t.Fatal(n, err)
		}
	},
	auth.Ban:    func(s *scene) { must(s.t)(s.Users().Ban(s.t.Context(), s.ada.ID)) },
	auth.Lock:   func(s *scene) { must(s.t)(s.Users().Lock(s.t.Context(), s.ada.ID, 0)) },
	auth.Delete: func(s *scene) { must(s.t)(nil, s.Users().Delete(s.t.Context(), s.ada.ID)) },
	auth.PasswordChange: func(s *scene) {
		a := s.api(s.other, "/v1/me/change_password", "current_password="+url.QueryEscape(adasPassword)+"&new_password=another+good+passphrase+7")
		if a.Status != 200 {
			s.t.Fatalf("change_password: %d", a.Status)
		}
	},
	auth.FactorRemoved: func(s *scene) {
		if a := s.api(s.other, "/v1/me/remove_password", "current_password="+url.QueryEscape(adasPassword)); a.Status != 200 {
			s.t.Fatalf("remove_password: %d", a.Status)
		}
	},
	auth.KeyRotated: func(s *scene) { s.rotateKeys() },
}

// beforeRotation moves an instance to ten seconds before the next key takes
// over, when that key has long been public.
func beforeRotation(t *testing.T, i *authtest.Instance) {
	i.Clock.Advance(25 * time.Hour)
	issuer := i.Verifier().Keys.(*token.Issuer)
	tick, deadline := time.NewTicker(50*time.Millisecond), time.Now().Add(10*time.Second)
	defer tick.Stop()
	for len(issuer.KeySet().Keys()) < 2 { // Run makes it
		if time.Now().After(deadline) {
			t.Fatal("the next key is not published")
		}
		<-tick.C
	}
	i.Clock.Advance(24*time.Hour - 10*time.Second)
}

// rotateKeys moves on to where the next key signs.
func (s *scene) rotateKeys() {
	issuer := s.Verifier().Keys.(*token.Issuer)
	before, err := issuer.SigningKey()
	if err != nil {
		s.t.Fatal(err)
	}
	s.Clock.Advance(20 * time.Second)
	if after, err := issuer.SigningKey(); err != nil || after.ID() == before.ID() {
		s.t.Fatal("the key did not change")
	}
}

func must(t *testing.T) func(*user.User, error) {
	return func(_ *user.User, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// credentials say what each credential still opens.
var credentials = map[auth.Credential]func(s *scene) auth.Fate{
	auth.SessionToken: func(s *scene) auth.Fate {
		_, body := do(s.t, authtest.NewClient(s.t), "GET", s.Server.URL+"/open", "", "Cookie", "__session="+s.tok)
		return alive(body == s.ada.ID+"|")
	},
	auth.Bearer: func(s *scene) auth.Fate {
		_, body := do(s.t, authtest.NewClient(s.t), "GET", s.Server.URL+"/open", "", "Authorization", "Bearer "+s.tok)
		return alive(body == s.ada.ID+"|")
	},
	auth.ClientCookie: func(s *scene) auth.Fate {
		at, _ := url.Parse(s.Server.URL)
		client := "__client=" + cookie(s.victim, at, "__client")
		if _, body := do(s.t, authtest.NewClient(s.t), "GET", s.Server.URL+"/open", "", "Cookie", client); body == s.ada.ID+"|" {
			return auth.Lives
		}
		// It may still name the browser: then it can begin anew.
		if res, _ := do(s.t, authtest.NewClient(s.t), "POST", s.Server.URL+"/__clerk/v1/client/sign_ins", "identifier=nobody@example.com",
			"Content-Type", "application/x-www-form-urlencoded", "Origin", s.Server.URL, "Cookie", client); res.StatusCode == 409 {
			return auth.Dies
		}
		return auth.Empty
	},
	auth.Code: func(s *scene) auth.Fate {
		a := s.api(s.third, "/v1/client/sign_ins/"+s.attempt+"/attempt_first_factor", "strategy=email_code&code="+s.code)
		return alive(a.Response.Status == "complete")
	},
	auth.SecretKey: func(s *scene) auth.Fate {
		res, _ := do(s.t, authtest.NewClient(s.t), "GET", s.Server.URL+"/bapi/v1/users", "", "Authorization", "Bearer "+s.Instance.SecretKey())
		return alive(res.StatusCode == 200)
	},
	auth.Link: func(s *scene) auth.Fate {
		link, err := url.Parse(s.link)
		if err != nil || link.RawQuery == "" {
			s.t.Fatalf("link %q: %v", s.link, err)
		}
		res, _ := do(s.t, s.fourth, "GET", s.Server.URL+link.RequestURI(), "")
		return alive(strings.Contains(res.Header.Get("Location"), "__clerk_status=verified"))
	},
	auth.Ticket: func(s *scene) auth.Fate {
		a := s.api(authtest.NewClient(s.t), "/v1/client/sign_ins", "strategy=ticket&ticket="+s.ticket)
		return alive(a.Response.Status == "complete")
	},
}

func alive(ok bool) auth.Fate {
	if ok {
		return auth.Lives
	}
	return auth.Dies
}

// Each event is made to happen for each credential, and what becomes of it is
// what the table says. Before the event everything works.
func TestAttack_S04_WhatEndsWhat(t *testing.T) {
	if len(auth.Kills) != len(events) || len(auth.Kills) != len(auth.Events) || len(auth.Credentials) != len(credentials) {
		t.Errorf("%d events in the table, %d listed, %d tested; %d credentials listed, %d tested",
			len(auth.Kills), len(auth.Events), len(events), len(auth.Credentials), len(credentials))
	}
	for event, fates := range auth.Kills {
		if len(fates) != len(credentials) {
			t.Errorf("%s: %d credentials in the table, %d tested", event, len(fates), len(credentials))
		}
		for credential, fate := range fates {
			t.Run(string(event)+"/"+string(credential), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, event)
				if credential != auth.Code && credential != auth.Ticket && credential != auth.Link { // these work once
					if got := credentials[credential](s); got != auth.Lives {
						t.Fatalf("before: %s", got)
					}
				}
				events[event](s)
				if got := credentials[credential](s); got != fate {
					t.Errorf("%s, the table says %s", got, fate)
				}
			})
		}
	}
}

// The session in which a password is changed or removed lives.
func TestPasswordChangeKeepsItsOwnSession(t *testing.T) {
	for _, event := range []auth.Event{auth.PasswordChange, auth.FactorRemoved} {
		s := newScene(t, event)
		events[event](s)
		if _, body := do(t, s.other, "GET", s.Server.URL+"/open", ""); body != s.ada.ID+"|" {
			t.Errorf("%s: got %q", event, body)
		}
	}
}
