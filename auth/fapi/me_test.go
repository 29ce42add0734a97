package fapi_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
)

func TestProfile(t *testing.T) {
	r := newRig(t)
	r.browser().get("/v1/me").refused(401, "authentication_invalid")
	b := r.browser()
	sid, uid := b.signUp(ada, good)
	if _, err := r.e.Users().Update(t.Context(), uid, engine.UpdateUserParams{PrivateMetadata: []byte(`{"secret":"hush-hush"}`)}); err != nil {
		t.Fatal(err)
	}
	a := b.get("/v1/me").ok().is("response.id", uid).is("response.password_enabled", true).is("response.delete_self_enabled", true).
		is("response.has_image", false).is("response.organization_memberships", []any{}).is("client", nil)
	if strings.Contains(string(a.raw), "hush-hush") || strings.Contains(string(a.raw), "private_metadata") {
		t.Error("private metadata left the server")
	}
	b.patch("/v1/me", "first_name", "Ada", "last_name", "Lovelace").ok().is("response.first_name", "Ada").
		is("client.sessions.0.user.last_name", "Lovelace").is("client.sessions.0.id", sid)
	b.patch("/v1/me", "first_name", "").ok().is("response.first_name", nil).is("response.last_name", "Lovelace")
	b.patch("/v1/me", "username", "ada").refused(422, "form_param_unknown", "username")
	b.patch("/v1/me", "first_name", strings.Repeat("x", 300)).refused(422, "form_param_format_invalid", "first_name")
	b.patch("/v1/me", "primary_email_address_id", "idn_unknown").refused(422, "form_resource_not_found", "primary_email_address_id")
	b.patch("/v1/me", "unsafe_metadata", `{"a":1,"b":{"c":2}}`).ok().is("response.unsafe_metadata", map[string]any{"a": 1, "b": map[string]any{"c": 2}})

	b.patch("/v1/me/metadata").refused(422, "form_param_missing", "unsafe_metadata")
	b.patch("/v1/me/metadata", "unsafe_metadata", "rubbish").refused(422, "form_param_format_invalid", "unsafe_metadata")
	b.patch("/v1/me/metadata", "unsafe_metadata", `{"a":null,"b":{"d":3}}`).ok().
		is("response.unsafe_metadata", map[string]any{"b": map[string]any{"c": 2, "d": 3}})
	b.patch("/v1/me/metadata", "unsafe_metadata", `{"big":"`+strings.Repeat("x", 9000)+`"}`).refused(422, "form_param_exceeds_allowed_size", "unsafe_metadata")

	b.get("/v1/me/organization_memberships?paginated=true&limit=10&offset=0").ok().is("response", map[string]any{"data": []any{}, "total_count": 0})
	b.get("/v1/me/organization_memberships").ok().is("response", []any{})
	b.get("/v1/me/organization_invitations?status=pending&limit=10&offset=0").ok().is("response.total_count", 0)
	b.get("/v1/me/organization_suggestions?status=pending&status=accepted").ok().is("response.data", []any{})
	b.send("GET", "/v1/me/organization_invitations?limit=-1", b.header, nil, false).refused(400, "invalid_query_parameter_value", "limit")

	b.delete("/v1/me").ok().is("response", map[string]any{"object": "user", "id": uid, "deleted": true}).is("client.sessions", []any{})
	b.get("/v1/me").refused(401, "authentication_invalid")
	if b.cookie("__client_uat") != "0" {
		t.Error("deleted, and signed in")
	}
	b.session = ""
	b.signUp(ada, good) // the address is free again
}

func TestDeleteSelfDisabled(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.DeleteSelf = false })
	b := r.browser()
	b.signUp(ada, good)
	b.delete("/v1/me").refused(403, "user_delete_self_not_enabled")
	b.get("/v1/environment").ok().is("user_settings.actions.delete_self", false)
}

func TestPasswords(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Password.Required, s.settings.Reverification.Enabled = false, false })
	b, other := r.browser(), r.browser()
	b.signUp(ada, good)
	other.signIn(ada, good)
	p := "/v1/me/change_password"
	b.post(p, "current_password", good).refused(422, "form_param_missing", "new_password")
	b.post(p, "new_password", better).refused(422, "form_param_missing", "current_password")
	b.post(p, "current_password", "wrong", "new_password", better).refused(422, "form_password_validation_failed", "current_password")
	b.post(p, "current_password", good, "new_password", "short").refused(422, "form_password_length_too_short", "new_password")
	b.post(p, "current_password", good, "new_password", good).refused(422, "form_new_password_matches_current", "new_password")
	b.post(p, "current_password", good, "new_password", better, "sign_out_of_other_sessions", "false").ok().is("response.password_enabled", true)
	other.get("/v1/me").ok()
	b.post(p, "current_password", better, "new_password", good, "sign_out_of_other_sessions", "true").ok()
	other.get("/v1/me").refused(401, "authentication_invalid")
	b.get("/v1/me").ok()

	b.post("/v1/me/remove_password").refused(422, "form_param_missing", "current_password")
	b.post("/v1/me/remove_password", "current_password", better).refused(422, "form_password_validation_failed", "current_password")
	b.post("/v1/me/remove_password", "current_password", good).ok().is("response.password_enabled", false)
	b.post("/v1/me/remove_password", "current_password", good).refused(400, "no_password_set")
	b.post(p, "new_password", better).ok().is("response.password_enabled", true)

	strict := newRig(t).browser()
	strict.signUp(ada, good)
	strict.post("/v1/me/remove_password", "current_password", good).refused(400, "password_required")
}

func TestDevices(t *testing.T) {
	r := newRig(t)
	b, other := r.browser(), r.browser()
	sid, uid := b.signUp(ada, good)
	r.advance(time.Second)
	far := other.signIn(ada, good)
	a := b.get("/v1/me/sessions/active").ok()
	if ss, _ := a.json.([]any); len(ss) != 2 {
		t.Fatalf("%s", a.raw)
	}
	a.is("0.id", far).is("1.id", sid).is("0.latest_activity.browser_name", "Firefox").is("0.latest_activity.device_type", "Linux").
		is("0.latest_activity.ip_address", "127.0.0.1").is("0.latest_activity.is_mobile", false)
	b.get("/v1/me/sessions").ok().is("0.id", far).is("1.user.id", uid).is("1.status", "active")

	b.post("/v1/me/sessions/"+far+"/revoke").ok().is("response.id", far).is("response.status", "revoked").is("client.last_active_session_id", sid)
	b.post("/v1/me/sessions/"+far+"/revoke").refused(400, "invalid_action_for_session")
	b.post("/v1/me/sessions/sess_unknown/revoke").refused(404, "resource_not_found")
	other.get("/v1/me").refused(401, "authentication_invalid")
	other.get("/v1/client").ok().is("response.sessions", []any{})
	b.post("/v1/me/sessions/"+sid+"/revoke").ok().is("client.sessions", []any{})
	if b.cookie("__client_uat") != "0" {
		t.Error("the browser was not told that it has signed itself out")
	}
}

func pngOf(w, h int) []byte {
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// upload sends a file as browsers do.
func (b *browser) upload(path, name string, data []byte) *answer {
	b.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	part, err := m.CreateFormFile("file", name)
	if err != nil {
		b.t.Fatal(err)
	}
	part.Write(data)
	m.Close()
	h := b.header.Clone()
	h.Set("Origin", b.server.URL)
	h.Set("Content-Type", m.FormDataContentType())
	return b.send("POST", path+sep(path)+"_clerk_session_id="+b.session, h, body.Bytes(), true)
}

func TestProfileImage(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	a := b.get("/v1/me").ok()
	none := a.str("response.image_url")
	if !strings.HasPrefix(none, "/__clerk/img/default/user_") {
		t.Fatalf("default image %q", none)
	}
	img := r.browser().get(strings.TrimPrefix(none, prefix))
	if img.status != 200 || img.header.Get("Content-Type") != "image/svg+xml" || !bytes.HasPrefix(img.raw, []byte("<svg")) {
		t.Errorf("default image: %d %v", img.status, img.header)
	}
	b.delete("/v1/me/profile_image").refused(404, "resource_not_found")
	b.upload("/v1/me/profile_image", "x.png", []byte("no picture")).refused(422, "image_type_invalid", "file")
	b.upload("/v1/me/profile_image", "x.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)).refused(422, "image_type_invalid")
	b.upload("/v1/me/profile_image", "x.png", nil).refused(422, "form_param_missing", "file")
	b.post("/v1/me/profile_image", "file", "text").refused(415, "unsupported_content_type")

	a = b.upload("/v1/me/profile_image", "me.png", pngOf(600, 400)).ok().is("response.object", "image").is("client.sessions.0.user.has_image", true)
	url := a.str("response.public_url")
	if a.str("client.sessions.0.user.image_url") != url || !strings.HasPrefix(url, "/__clerk/img/img_") {
		t.Errorf("image %s", a.raw)
	}
	img = r.browser().get(strings.TrimPrefix(url, prefix))
	for name, want := range map[string]string{"Content-Type": "image/png", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'; sandbox"} {
		if have := img.header.Get(name); have != want && !(name == "Content-Type" && have == "image/jpeg") {
			t.Errorf("%s: %q", name, have)
		}
	}
	if _, _, err := image.Decode(bytes.NewReader(img.raw)); err != nil {
		t.Error(err)
	}
	b.delete("/v1/me/profile_image").ok().is("response.deleted", true).is("client.sessions.0.user.has_image", false)
	r.browser().get(strings.TrimPrefix(url, prefix)).refused(404, "resource_not_found")

	// As base64 text, as native clients send it.
	h := b.header.Clone()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Origin", b.server.URL)
	b.send("POST", "/v1/me/profile_image?_clerk_session_id="+b.session, h, []byte(base64.StdEncoding.EncodeToString(pngOf(10, 10))), false).ok()

	for _, bad := range []string{"/img/x", "/img/default/x.png", "/img/default/..svg", "/img/default/" + strings.Repeat("x", 65) + ".svg",
		"/img/default/x.ABCDE.svg", "/img/default/%3Cscript%3E.svg", "/img/img_0"} {
		if a := r.browser().send("GET", bad, http.Header{}, nil, false); a.status != 404 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

func TestEmailAddresses(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	p := "/v1/me/email_addresses"
	const second = "ada@lovelace.example"
	b.post(p).refused(422, "form_param_missing", "email_address")
	b.post(p, "email_address", "rubbish").refused(422, "form_param_format_invalid", "email_address")
	b.post(p, "email_address", "ADA@example.com").refused(400, "identification_exists")
	a := b.post(p+"/", "email_address", second).ok().is("response.email_address", second).is("response.verification", nil).is("response.reserved", false)
	id := a.str("response.id")
	first := b.get("/v1/me").ok().str("response.primary_email_address_id")

	b.patch("/v1/me", "primary_email_address_id", id).refused(422, "form_verification_needed")
	b.post(p+"/"+id+"/attempt_verification", "code", "123456").refused(400, "verification_missing")
	b.post(p+"/"+id+"/prepare_verification").refused(422, "form_param_missing", "strategy")
	b.post(p+"/"+id+"/prepare_verification", "strategy", "phone_code").refused(400, "verification_strategy_invalid")
	b.post(p+"/"+id+"/prepare_verification", "strategy", "email_code").ok().is("response.verification.status", "unverified").
		is("response.verification.strategy", "email_code")
	b.post(p+"/"+id+"/prepare_verification", "strategy", "email_code").refused(429, "verification_code_too_many_requests")
	b.post(p+"/"+id+"/attempt_verification").refused(422, "form_param_missing", "code")
	b.post(p+"/"+id+"/attempt_verification", "code", "00000x").refused(422, "form_code_incorrect", "code")
	b.get(p+"/"+id).ok().is("response.verification.attempts", 1)
	code := b.lastCode()
	b.post(p+"/"+id+"/attempt_verification", "code", code).ok().is("response.verification.status", "verified").
		is("client.sessions.0.user.email_addresses.1.verification.status", "verified")
	b.post(p+"/"+id+"/attempt_verification", "code", code).refused(400, "verification_already_verified")
	b.post(p+"/"+id+"/prepare_verification", "strategy", "email_code").refused(400, "verification_already_verified")
	b.get(p).ok().is("0.id", first).is("1.id", id)

	b.patch("/v1/me", "primary_email_address_id", id).ok().is("response.primary_email_address_id", id)
	if m := r.lastMail(); m.Slug != "primary_email_address_changed" {
		t.Errorf("last mail is %q", m.Slug)
	}
	b.delete(p+"/"+first).ok().is("response", map[string]any{"object": "email_address", "id": first, "deleted": true})
	b.delete(p+"/"+first).refused(404, "resource_not_found")
	b.get(p+"/"+first).refused(404, "resource_not_found")
	b.delete(p+"/"+id).refused(400, "identification_deletion_failed")
	r.browser().signIn(second, good)

	// An address that is somebody else's.
	other := r.browser()
	other.signUp(bob, good)
	other.post(p, "email_address", second).refused(422, "form_identifier_exists", "email_address")
	other.get(p+"/"+id).refused(404, "resource_not_found")
	other.delete(p+"/"+id).refused(404, "resource_not_found")
	other.post(p+"/"+id+"/prepare_verification", "strategy", "email_code").refused(404, "resource_not_found")
}

// Two users want the same address: whoever proves it first has it.
func TestEmailAddressClaimedMeanwhile(t *testing.T) {
	r := newRig(t)
	const wanted = "both@example.com"
	p := "/v1/me/email_addresses"
	users := []*browser{r.browser(), r.browser()}
	var ids, codes []string
	for i, b := range users {
		b.signUp([]string{ada, bob}[i], good)
		id := b.post(p, "email_address", wanted).ok().str("response.id")
		b.post(p+"/"+id+"/prepare_verification", "strategy", "email_code").ok()
		ids, codes = append(ids, id), append(codes, r.lastCode())
		r.advance(time.Minute)
	}
	users[1].post(p+"/"+ids[1]+"/attempt_verification", "code", codes[1]).ok()
	users[0].post(p+"/"+ids[0]+"/attempt_verification", "code", codes[0]).refused(400, "identification_claimed")
}

// Who has shown lately who they are need not type the password to take it away;
// everybody else is asked to show it first.
func TestRemovePasswordByStepUp(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Password.Required = false })
	b, other := r.browser(), r.browser()
	b.signUp(ada, good)
	other.signIn(ada, good)
	r.advance(11 * time.Minute)
	b.post("/v1/me/remove_password").refused(403, "session_reverification_required")
	b.post("/v1/me/remove_password", "current_password", good).refused(403, "session_reverification_required")
	p := "/v1/client/sessions/" + b.client().str("response.last_active_session_id") + "/verify"
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok()
	b.post("/v1/me/remove_password", "current_password", better).refused(422, "form_password_validation_failed", "current_password")
	b.post("/v1/me/remove_password", "current_password", "").ok().is("response.password_enabled", false)
	b.post("/v1/me/remove_password").refused(400, "no_password_set")
	other.get("/v1/me").refused(401, "authentication_invalid")
}
