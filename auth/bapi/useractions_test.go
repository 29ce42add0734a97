package bapi_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
)

func TestPasswords(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	none := r.newUser("bob@example.com", fields{"password": nil, "skip_password_requirement": true})
	verify := func(id string) string { return "/v1/users/" + id + "/verify_password" }
	r.must("POST", verify(id), fields{"password": goodPassword})
	r.refused("POST", verify(id), fields{"password": goodPassword + "x"}, 422, "incorrect_password")
	r.refused("POST", verify(id), fields{"password": ""}, 422, "incorrect_password")
	r.refused("POST", verify(id), fields{}, 422, "form_param_missing")
	r.refused("POST", verify(id), nil, 422, "form_param_missing")
	r.refused("POST", verify(id), fields{"password": 7}, 422, "form_param_type_invalid")
	r.refused("POST", verify(id), fields{"password": strings.Repeat("x", 5000)}, 422, "form_param_value_too_large")
	r.refused("POST", verify(none), fields{"password": goodPassword}, 400, "no_password_set")

	r.must("POST", "/v1/users/"+id+"/password/set_compromised", nil)
	r.must("POST", "/v1/users/"+id+"/password/unset_compromised", nil)
	r.refused("POST", "/v1/users/"+none+"/password/set_compromised", fields{"revoke_all_sessions": true}, 400, "no_password_set")
	r.refused("POST", "/v1/users/"+none+"/password/unset_compromised", nil, 400, "no_password_set")
	r.refused("POST", "/v1/users/"+id+"/password/set_compromised", fields{"revoke_all_sessions": "all"}, 422, "form_param_type_invalid")

	if u := r.must("POST", "/v1/users/"+id+"/remove_password", nil).json(t); u["password_enabled"] != false || u["password_last_updated_at"] != nil {
		t.Errorf("after removal: %v", u)
	}
	r.refused("POST", verify(id), fields{"password": goodPassword}, 400, "no_password_set")
	before := r.user(none).Version
	r.must("POST", "/v1/users/"+none+"/remove_password", fields{"sign_out_of_other_sessions": true})
	if r.user(none).Version != before {
		t.Error("a user without a password was written")
	}
}

func TestBanAndLock(t *testing.T) {
	r := newRig(t, rigConfig{})
	id, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
	field := func(verb string, field string) any {
		t.Helper()
		return r.must("POST", "/v1/users/"+id+"/"+verb, nil).json(t)[field]
	}
	if field("ban", "banned") != true || field("unban", "banned") != false {
		t.Error("ban and unban")
	}
	if got := field("lock", "lockout_expires_in_seconds"); got != 3600.0 {
		t.Errorf("lock: %v seconds", got)
	}
	r.advance(61 * time.Minute)
	if u := r.must("GET", "/v1/users/"+id, nil).json(t); u["locked"] != false || u["lockout_expires_in_seconds"] != nil {
		t.Errorf("lock after its time: %v", u["locked"])
	}
	if field("lock", "locked") != true || field("unlock", "locked") != false {
		t.Error("lock and unlock")
	}
	list := r.must("POST", "/v1/users/ban", fields{"user_ids": []string{bob, id}}).list(t)
	if !reflect.DeepEqual(ids(list), []string{bob, id}) || list[0]["banned"] != true {
		t.Errorf("banned: %v", list)
	}
	r.must("POST", "/v1/users/unban", fields{"user_ids": []string{bob}})
	if r.user(bob).Banned || !r.user(id).Banned {
		t.Error("unban of one")
	}
	// All or none.
	r.refused("POST", "/v1/users/ban", fields{"user_ids": []string{bob, "user_none"}}, 404, "resource_not_found")
	if r.user(bob).Banned {
		t.Error("a refused request has banned somebody")
	}
	for _, c := range []struct {
		body   any
		status int
		code   string
	}{
		{fields{}, 422, "form_param_missing"}, {nil, 422, "form_param_missing"}, {fields{"user_ids": nil}, 422, "form_param_nil"},
		{fields{"user_ids": []string{}}, 422, "form_param_nil"}, {fields{"user_ids": id}, 422, "form_param_type_invalid"},
		{fields{"user_ids": []int{1}}, 422, "form_param_type_invalid"}, {fields{"user_ids": []string{bob, bob}}, 422, "form_param_duplicate"},
		{fields{"user_ids": many(51)}, 400, "bulk_size_exceeded"},
	} {
		r.refused("POST", "/v1/users/ban", c.body, c.status, c.code)
	}
}

func TestProfileImage(t *testing.T) {
	r := newRig(t, rigConfig{url: "https://app.example.com"})
	id := r.newUser("ada@example.com", nil)
	path := "/v1/users/" + id + "/profile_image"
	a := r.send("POST", path, authorized(pictureType), pictureBody)
	u := a.json(t)
	if a.status != 200 || u["has_image"] != true || !strings.HasPrefix(u["image_url"].(string), "https://app.example.com/__clerk/img/img_") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	im, err := r.engine.Image(context.Background(), r.user(id).ImageID)
	if err != nil || !strings.HasPrefix(im.ContentType, "image/") || len(im.Bytes) == 0 {
		t.Fatalf("stored picture: %v", err)
	}
	for _, c := range []struct {
		name, contentType string
		body              []byte
		status            int
		code              string
	}{
		{"JSON", "application/json", []byte(`{"file":"x"}`), 415, "unsupported_content_type"},
		{"no body", pictureType, nil, 422, "form_param_missing"},
		{"another field", pictureType, bytesReplace(pictureBody, `name="file"`, `name="fish"`), 422, "form_param_missing"},
		{"no picture", pictureType, bytesReplace(pictureBody, "PNG", "GNP"), 422, "image_type_invalid"},
		{"script", "", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 422, "image_type_invalid"},
		{"900 million pixels", "", bomb(), 413, "image_too_large"},
	} {
		if c.contentType == "" {
			c.body, c.contentType = upload("file", c.body)
		}
		if a := r.send("POST", path, authorized(c.contentType), c.body); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.status, a.code(), c.status, c.code)
		}
	}
	big, contentType := upload("file", make([]byte, 11<<20))
	if a := r.send("POST", path, authorized(contentType), big); a.status != 413 {
		t.Errorf("11 MiB: %d", a.status)
	}
	if u := r.must("DELETE", path, nil).json(t); u["has_image"] != false || !strings.Contains(u["image_url"].(string), "/default/") {
		t.Errorf("after removal: %v", u["image_url"])
	}
	if _, err := r.engine.Image(context.Background(), im.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the picture is still there: %v", err)
	}
	r.must("DELETE", path, nil)
}

// bomb is a small PNG that says it is huge.
func bomb() []byte {
	b := bytes.Clone(drawing())
	binary.BigEndian.PutUint32(b[16:], 30000)
	binary.BigEndian.PutUint32(b[20:], 30000)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

func bytesReplace(b []byte, old, new string) []byte {
	return []byte(strings.Replace(string(b), old, new, 1))
}
