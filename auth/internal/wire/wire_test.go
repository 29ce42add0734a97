package wire_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/user"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestTimes(t *testing.T) {
	if wire.Millis(time.Time{}) != 0 || wire.MillisOrNull(time.Time{}) != nil {
		t.Error("the zero time is a time")
	}
	if wire.Millis(noon) != 1767355200000 || *wire.MillisOrNull(noon) != 1767355200000 {
		t.Error("not in milliseconds")
	}
}

func TestWriteError(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
		has    string
	}{
		{fault.New("form_password_incorrect", "password"), 422, "", `"param_name":"password"`},
		{errors.Join(fault.New("form_param_missing", "a"), fault.New("form_param_nil", "b")), 422, "", `"param_name":"b"`},
		{fault.New("too_many_requests", "").After(1500 * time.Millisecond), 429, "2", "too_many_requests"},
		{fault.New("verification_code_too_many_requests", ""), 429, "1", "verification_code_too_many_requests"},
		{fault.New("service_unavailable", ""), 503, "1", "service_unavailable"},
		{errors.New("dial tcp 10.0.0.1: refused"), 500, "", `"code":"internal_clerk_error"`},
		{fault.Wrap("conflict", "", errors.New("version 7")), 409, "", `"code":"conflict"`},
	} {
		var log strings.Builder
		w := httptest.NewRecorder()
		wire.WriteError(w, httptest.NewRequest("GET", "/x?secret=1", nil), c.err, slog.New(slog.NewTextHandler(&log, nil)), nil)
		body := w.Body.String()
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retry || !strings.Contains(body, c.has) {
			t.Errorf("%v: %d, Retry-After %q, %s", c.err, w.Code, w.Header().Get("Retry-After"), body)
		}
		if strings.Contains(body, "10.0.0.1") || strings.Contains(body, "version 7") {
			t.Errorf("%v: the cause is told: %s", c.err, body)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%v: %v", c.err, w.Header())
		}
		if logged := log.Len() > 0; logged != (c.status >= 500) || strings.Contains(log.String(), "secret") {
			t.Errorf("%v: log %q", c.err, log.String())
		}
	}
}

func TestAddressVerification(t *testing.T) {
	open := &factor.Verification{Strategy: "email_code", Status: factor.Unverified, ExpireAt: noon.Add(time.Minute), Attempts: 2}
	for _, c := range []struct {
		name   string
		id     user.Identification
		v      *factor.Verification
		at     time.Time
		object string
		status string
	}{
		{"nothing under way", user.Identification{}, nil, noon, "", ""},
		{"reserved", user.Identification{Reserved: true}, nil, noon, "", ""},
		{"under way", user.Identification{}, open, noon, "verification_otp", "unverified"},
		{"too late", user.Identification{}, open, noon.Add(time.Hour), "verification_otp", "expired"},
		{"verified by code", user.Identification{Verified: true, Strategy: "email_code", VerifiedAt: noon}, open, noon, "verification_otp", "verified"},
		{"verified by the host", user.Identification{Verified: true, Strategy: "admin"}, nil, noon, "verification_admin", "verified"},
	} {
		v := wire.AddressVerification(&c.id, c.v, c.at)
		if (v == nil) != (c.object == "") {
			t.Errorf("%s: %+v", c.name, v)
			continue
		}
		if v != nil && (v.Object != c.object || v.Status != c.status || (v.Object == "verification_otp") != (v.ExpireAt != nil)) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestImages(t *testing.T) {
	im := wire.Images{Base: "/__clerk"}
	u := &user.User{FirstName: "Ada", LastName: "Lovelace"}
	u.ID = "user_1"
	if got := im.User(u); got != "/__clerk/img/default/user_1.AL.svg" {
		t.Errorf("default: %q", got)
	}
	u.FirstName, u.LastName = "Ørsted", "<script>"
	if got := im.User(u); got != "/__clerk/img/default/user_1.%C3%98S.svg" {
		t.Errorf("default: %q", got)
	}
	if u.ImageID = "img_1"; im.User(u) != "/__clerk/img/img_1" {
		t.Errorf("stored: %q", im.User(u))
	}
}
