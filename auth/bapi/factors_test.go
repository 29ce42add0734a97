package bapi_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/totp"
)

// withFactors gives a user an authenticator app, backup codes and a passkey, as
// if they had been set up.
func (r *rig) withFactors(id string) (secret []byte, codes []string, passkey string) {
	r.Helper()
	secret, codes, passkey = totp.NewSecret(), backupcode.Draw(), user.NewPasskeyID(r.Now())
	stored, err := backupcode.Hash(r.Context(), &password.Hasher{Params: backupcode.Params()}, codes)
	if err != nil {
		r.Fatal(err)
	}
	err = r.store.Update(r.Context(), func(tx store.Tx) error {
		u, err := user.Get(r.Context(), tx, id)
		if err != nil {
			return err
		}
		f, err := user.SecondFactorsOf(r.Context(), tx, id)
		if err != nil {
			return err
		}
		f.TOTP, f.BackupCodes = &user.TOTP{ID: "totp_1", Secret: secret, CreatedAt: r.Now(), VerifiedAt: r.Now()}, stored
		if err := user.PutSecondFactors(r.Context(), tx, u, f, r.Now()); err != nil {
			return err
		}
		u.Passkeys = []user.Passkey{{ID: passkey, Name: "Phone", CredentialID: []byte(id), CreatedAt: r.Now(), UpdatedAt: r.Now()}}
		return user.Put(r.Context(), tx, u, r.Now())
	})
	if err != nil {
		r.Fatal(err)
	}
	return secret, codes, passkey
}

func TestFactors(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	none := r.newUser("bob@example.com", nil)
	secret, codes, passkey := r.withFactors(id)
	now := func() string {
		c, err := totp.Code(secret, totp.Step(r.Now()))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	u := r.must("GET", "/v1/users/"+id, nil).json(t)
	for field, want := range map[string]any{"totp_enabled": true, "two_factor_enabled": true, "backup_code_enabled": true, "mfa_enabled_at": float64(r.Now().UnixMilli())} {
		if u[field] != want {
			t.Errorf("%s is %v", field, u[field])
		}
	}
	if list := u["passkeys"].([]any); len(list) != 1 || list[0].(map[string]any)["name"] != "Phone" {
		t.Errorf("passkeys %v", list)
	}
	verify := func(id string) string { return "/v1/users/" + id + "/verify_totp" }
	if a := r.must("POST", verify(id), fields{"code": now()}).json(t); a["verified"] != true || a["code_type"] != "totp" {
		t.Errorf("totp: %v", a)
	}
	r.refused("POST", verify(id), fields{"code": now()}, 422, "totp_incorrect_code") // it is used up
	if a := r.must("POST", verify(id), fields{"code": codes[2]}).json(t); a["code_type"] != "backup_code" {
		t.Errorf("backup code: %v", a)
	}
	r.refused("POST", verify(id), fields{"code": codes[2]}, 422, "totp_incorrect_code")
	r.refused("POST", verify(id), fields{"code": "000000"}, 422, "totp_incorrect_code")
	r.refused("POST", verify(id), fields{"code": "12345"}, 422, "totp_invalid_length")
	r.refused("POST", verify(id), fields{}, 422, "form_param_missing")
	r.refused("POST", verify(none), fields{"code": "123456"}, 400, "totp_disabled")
	r.refused("POST", verify("user_none"), fields{"code": "123456"}, 404, "resource_not_found")

	session, _ := r.newSession(id)
	r.refused("DELETE", "/v1/users/"+none+"/passkeys/"+passkey, nil, 404, "resource_not_found")
	if a := r.must("DELETE", "/v1/users/"+id+"/passkeys/"+passkey, nil).json(t); a["deleted"] != true || a["id"] != passkey {
		t.Errorf("passkey: %v", a)
	}
	r.refused("DELETE", "/v1/users/"+id+"/passkeys/"+passkey, nil, 404, "resource_not_found")
	if a := r.must("DELETE", "/v1/users/"+id+"/backup_code", nil).json(t); a["user_id"] != id {
		t.Errorf("backup codes: %v", a)
	}
	r.must("DELETE", "/v1/users/"+id+"/backup_code", nil) // once more changes nothing
	r.refused("POST", verify(id), fields{"code": codes[3]}, 422, "totp_incorrect_code")
	if a := r.must("DELETE", "/v1/users/"+id+"/totp", nil).json(t); a["user_id"] != id {
		t.Errorf("totp: %v", a)
	}
	r.must("DELETE", "/v1/users/"+id+"/totp", nil)
	r.withFactors(id)
	r.must("DELETE", "/v1/users/"+id+"/mfa", nil)
	u = r.must("GET", "/v1/users/"+id, nil).json(t)
	if u["totp_enabled"] != false || u["backup_code_enabled"] != false || u["two_factor_enabled"] != false || u["mfa_disabled_at"] == nil || len(u["passkeys"].([]any)) != 1 {
		t.Errorf("after the reset: %v", u)
	}
	r.must("DELETE", "/v1/users/"+id+"/mfa", nil) // once more changes nothing
	if s := r.must("GET", "/v1/sessions/"+session, nil).json(t); s["status"] != "active" {
		t.Errorf("session is %v", s["status"])
	}
	if _, _, err := r.engine.Deliver(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range r.mails {
		got[m.Slug+" "+m.Data.Method]++
	}
	if got[notify.PasskeyRemoved+" Phone"] != 1 || got[notify.FactorRemoved+" Backup codes"] != 1 || got[notify.FactorRemoved+" Authenticator app"] != 2 {
		t.Errorf("mails %v", got)
	}
}

// Of many hosts' requests with one backup code at once, one is right.
func TestAttack_P09_BackupCodeRace(t *testing.T) {
	r := newRig(t, rigConfig{store: memory.New()})
	id := r.newUser("ada@example.com", nil)
	_, codes, _ := r.withFactors(id)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 16 {
		wg.Go(func() {
			a := r.do("POST", "/v1/users/"+id+"/verify_totp", fields{"code": codes[0]})
			mu.Lock()
			defer mu.Unlock()
			if a.status == 200 {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d were right", won)
	}
}

// An authenticator app moves over from another system.
func TestImportTOTP(t *testing.T) {
	r := newRig(t, rigConfig{})
	secret := totp.NewSecret()
	text := strings.ToLower(totp.Text(secret)[:16]) + " " + totp.Text(secret)[16:]
	id := r.newUser("ada@example.com", fields{"totp_secret": text})
	code := func(secret []byte) string {
		c, err := totp.Code(secret, totp.Step(r.Now()))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if u := r.must("GET", "/v1/users/"+id, nil).json(t); u["totp_enabled"] != true || u["two_factor_enabled"] != true {
		t.Errorf("%v", u)
	}
	r.must("POST", "/v1/users/"+id+"/verify_totp", fields{"code": code(secret)})
	other := totp.NewSecret()
	r.must("PATCH", "/v1/users/"+id, fields{"totp_secret": totp.Text(other)})
	r.advance(totp.Period)
	r.refused("POST", "/v1/users/"+id+"/verify_totp", fields{"code": code(secret)}, 422, "totp_incorrect_code")
	r.must("POST", "/v1/users/"+id+"/verify_totp", fields{"code": code(other)})
	for _, bad := range []string{"MFRGG", "not base32!", strings.Repeat("A", 200)} {
		r.refused("PATCH", "/v1/users/"+id, fields{"totp_secret": bad}, 422, "invalid_totp_secret_code")
	}
}

// Backup codes move over from another system, plain or as bcrypt digests. Each
// is good once.
func TestImportBackupCodes(t *testing.T) {
	r := newRig(t, rigConfig{})
	digest, err := bcrypt.GenerateFromPassword([]byte("wxyz-9876"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	secret := totp.Text(totp.NewSecret())
	list := []string{"abcd-efgh", "k3k3k3k3", string(digest)}
	id := r.newUser("ada@example.com", fields{"totp_secret": secret, "backup_codes": list})
	if u := r.must("GET", "/v1/users/"+id, nil).json(t); u["backup_code_enabled"] != true {
		t.Errorf("%v", u)
	}
	verify := "/v1/users/" + id + "/verify_totp"
	r.refused("POST", verify, fields{"code": "abcd-efgi"}, 422, "totp_incorrect_code")
	for _, code := range []string{"ABCD EFGH", "wxyz-9876"} {
		if a := r.must("POST", verify, fields{"code": code}).json(t); a["code_type"] != "backup_code" {
			t.Errorf("%s: %v", code, a)
		}
		r.refused("POST", verify, fields{"code": code}, 422, "totp_incorrect_code")
	}
	r.must("PATCH", "/v1/users/"+id, fields{"backup_codes": []string{"another-one"}})
	r.refused("POST", verify, fields{"code": "k3k3k3k3"}, 422, "totp_incorrect_code") // they are replaced
	r.must("POST", verify, fields{"code": "anotherone"})

	for _, bad := range [][]string{{"short1"}, {strings.Repeat("x", 65)}, {"abcd-efgh", "ABCDEFGH"}, {"$2b$04$nonsense"}, strings.Split(strings.Repeat("abcdefg,", 10)+"a", ",")} {
		r.refused("POST", "/v1/users", fields{"email_address": []string{"bob@example.com"}, "skip_password_requirement": true, "backup_codes": bad}, 422, "form_param_value_invalid")
	}
	if err := r.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.SecondFactors.BackupCodes = false; return nil }); err != nil {
		t.Fatal(err)
	}
	r.refused("POST", "/v1/users", fields{"email_address": []string{"bob@example.com"}, "skip_password_requirement": true, "backup_codes": list}, 400, "form_param_value_disabled")
}
