package faults_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user/totp"
)

func faultyBy(st store.Store, f *switchable) store.Store {
	return storetest.Faulty(st, storetest.Plan{Before: f.before})
}

func renamed(s *settings.Settings) error {
	s.AppName = "Renamed"
	return nil
}

func tokenParams() authtest.TokenParams { return authtest.TokenParams{UserID: "user_x"} }

func maxSeq(t *testing.T, st store.Store) (top int) {
	for _, d := range dump(t, st)["signing_key"] {
		if n, _ := d.fields["seq"].(float64); int(n) > top {
			top = int(n)
		}
	}
	return top
}

// newest is the ID of the last key that was made.
func newest(t *testing.T, st store.Store) (id string) {
	top := -1
	for _, d := range dump(t, st)["signing_key"] {
		if n, _ := d.fields["seq"].(float64); int(n) > top {
			top, id = int(n), d.ID
		}
	}
	return id
}

// kidOf reads the key's ID off a token.
func kidOf(t *testing.T, tok string) string {
	t.Helper()
	head, _, _ := strings.Cut(tok, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

// writeGolden makes a record of every kind by using them, and writes them.
func writeGolden(t *testing.T) {
	p := &post{}
	var fake *oauthtest.Server
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fake.ServeHTTP(w, r) }))
	defer srv.Close()
	fake, err := oauthtest.New(srv.URL + "/fake")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, withMailer(p), withSettings(func(s *settings.Settings) {
		s.EmailAddress.Strategies = []string{"email_code", "email_link"}
		s.PhoneNumber = settings.PhoneCodes()
		s.Limits.AttemptCode = settings.Default().Limits.AttemptCode
	}), goldenOffers, func(c *auth.Config) { c.Social = []oauth.Provider{fake.Provider()} })
	fake.Now = r.Clock.Now
	leave := func(v *visitor, path string) string {
		a := v.post(path, "strategy", "oauth_custom_fake", "redirect_url", "/x").ok()
		_, rest, _ := strings.Cut(string(a.raw), `"external_verification_redirect_url":`)
		var to string
		if err := json.NewDecoder(strings.NewReader(rest)).Decode(&to); err != nil {
			t.Fatal(err)
		}
		return to
	}
	leave(r.visitor(), "/client/sign_ins")
	dora := r.visitor()
	back, err := fake.Answer(leave(dora, "/client/sign_ups"), &oauthtest.Person{EmailAddress: "dora@example.com", EmailVerified: true, Name: "Dora Doe"})
	if err != nil {
		t.Fatal(err)
	}
	dora.do("GET", strings.TrimPrefix(back, r.Server.URL), nil, "")
	v := r.visitor()
	r.account(ada, good)
	g := golden{Session: v.signIn(ada, good), Cookie: ""}
	id := v.post("/me/email_addresses", "email_address", "second@example.com").ok().id()
	v.post("/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
	v.upload("/me/profile_image", picture(t)).ok()
	r.visitor().post("/client/sign_ins", "identifier", ada).ok()
	w := r.visitor()
	g.SignUp = signUpPrepared(r, w, bob)
	eventually(t, "the code", func() bool { return len(p.to(bob)) == 1 && len(dump(t, r.Store)["outbox"]) == 0 })
	g.Code = p.to(bob)[0].Data.OTPCode
	p.set(func(context.Context, notify.Message) error { return errors.New("down") })
	signUpPrepared(r, r.visitor(), "carl@example.com")
	if err := r.UpdateSettings(t.Context(), renamed); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a mail that waits", func() bool {
		for _, d := range dump(t, r.Store)["outbox"] {
			return d.str("last_error") != ""
		}
		return false
	})
	// A handshake from a development host leaves its payload for the backend.
	v.do("GET", "/__clerk/v1/client/handshake?format=nonce&redirect_url="+r.Server.URL+"/private", nil, "")
	goldenFactors(t, r, v, g.Session)
	goldenTickets(t, r)
	goldenOrganizations(t, r, v)
	g.Cookie, g.BobsOwn = v.cookie("__client"), w.cookie("__client")
	for kind, records := range dump(t, r.Store) {
		if len(records) == 0 {
			t.Errorf("no record of kind %s", kind)
		}
		for _, d := range records {
			g.Records = append(g.Records, goldenRecord{Kind: kind, ID: d.ID, Version: d.Version, Expires: d.Expires, Entries: d.Entries, Data: d.Data})
		}
	}
	raw, err := json.MarshalIndent(g, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenFactors leaves what comes of links, text messages, second factors,
// wrong tries and of showing once more who one is. v is ada's browser.
func goldenFactors(t *testing.T, r *rig, v *visitor, session string) {
	v.post("/client/sessions/"+session+"/verify", "level", "first_factor").ok()
	w := r.visitor()
	id := w.post("/client/sign_ins", "identifier", ada).ok().id()
	w.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_link", "redirect_url", "/private").ok()
	w = r.visitor()
	id = w.post("/client/sign_ups", "phone_number", "+1 415 555 2671").ok().id()
	w.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "phone_code").ok()
	goldenFailures(r)
	r.account("erin@example.com", good)
	w = r.visitor()
	w.signIn("erin@example.com", good)
	text := w.post("/me/totp").ok().str("response.secret")
	secret, ok := totp.Parse(text)
	if !ok {
		t.Fatalf("no secret: %q", text)
	}
	code, err := totp.Code(secret, totp.Step(r.Clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	w.post("/me/totp/attempt_verification", "code", code).ok() // gives backup codes too
	v.post("/me/totp").ok()
}

// goldenFailures leaves wrong tries at ada's password, by a stranger and by a
// browser that she has used, and at a code.
func goldenFailures(r *rig) {
	known, stranger := r.visitor(), r.visitor()
	known.post("/client/sessions/" + known.signIn(ada, good) + "/end").ok()
	for _, w := range []*visitor{known, stranger, stranger} {
		w.post("/client/sign_ins", "identifier", ada, "password", better).refused(422, "form_password_incorrect")
	}
	id := stranger.post("/client/sign_ins", "identifier", ada).ok().id()
	stranger.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_code").ok()
	stranger.post("/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", "000000").refused(422, "form_code_incorrect")
}

// goldenTickets leaves a record of each kind of ticket, list and guard.
func goldenTickets(t *testing.T, r *rig) {
	ctx := t.Context()
	u, err := r.Users().ByIdentifier(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err1 := r.SignInTokens().Create(ctx, u.ID, 0)
	_, _, err2 := r.ActorTokens().Create(ctx, u.ID, json.RawMessage(`{"sub":"user_support"}`), 0, 0)
	_, issued, err3 := r.Invitations().Create(ctx, auth.InvitationParams{EmailAddress: "guest@example.com", Quiet: true})
	_, _, err4 := r.Invitations().Create(ctx, auth.InvitationParams{EmailAddress: "late@example.com", Quiet: true})
	_, err5 := r.Waitlist().Add(ctx, "waits@example.com", true)
	_, err6 := r.Allowlist().Add(ctx, "*@example.com")
	_, err7 := r.Blocklist().Add(ctx, "*@*.example.net")
	err8 := r.UpdateSettings(ctx, func(s *settings.Settings) error {
		s.Access.BlockSubaddresses = true
		return nil
	})
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		t.Fatal(err)
	}
	v := r.visitor()
	v.post("/client/sign_ups", "strategy", "ticket", "ticket", issued.Token, "password", good).ok()
	var task struct{ Challenge string }
	if err := json.Unmarshal(v.do("GET", "/__clerk/v1/captcha_challenge", nil, "").raw, &task); err != nil {
		t.Fatal(err)
	}
	token, err := captcha.Solve(ctx, task.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	v.post("/client/verify", "captcha_token", token).ok()
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// upload posts a picture.
func (v *visitor) upload(path string, data []byte) *answer {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a.png"`}, "Content-Type": {"image/png"}})
	if err != nil {
		v.t.Fatal(err)
	}
	part.Write(data)
	m.Close()
	return v.do("POST", "/__clerk/v1"+path, http.Header{"Origin": {v.base}, "Content-Type": {m.FormDataContentType()}}, b.String())
}
