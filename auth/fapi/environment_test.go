package fapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/usherauth/usher/auth/settings"
)

func TestEnvironment(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	a := b.get("/v1/environment").ok().is("response", nil).
		is("display_config.application_name", "My Application").is("display_config.sign_in_url", "/auth/sign-in").
		is("display_config.after_sign_in_url", "/").is("display_config.branded", false).is("display_config.captcha_public_key", nil).
		is("display_config.instance_environment_type", "production").is("display_config.preferred_sign_in_strategy", "password").
		is("auth_config.single_session_mode", false).is("auth_config.reverification", true).
		is("auth_config.first_factors", []string{"email_code", "password"}).is("auth_config.email_address", "required").is("auth_config.first_name", "on").
		is("organization_settings.enabled", false).is("user_settings.actions.create_organization", false).is("user_settings.actions.delete_self", true).
		is("user_settings.sign_up.captcha_enabled", false).is("user_settings.sign_up.progressive", true).
		is("user_settings.password_settings.min_length", 8).is("user_settings.password_settings.max_length", 256).
		is("user_settings.password_settings.disable_hibp", true).is("user_settings.password_settings.show_zxcvbn", false).
		is("user_settings.attributes.email_address.used_for_first_factor", true).
		is("user_settings.attributes.email_address.first_factors", []string{"email_code"}).
		is("user_settings.attributes.password.enabled", true).is("user_settings.attributes.phone_number.enabled", false).
		is("user_settings.attributes.passkey.first_factors", []string{}).is("commerce_settings.billing.user.enabled", false)
	// Test keys ask for it by POST.
	h := http.Header{"Origin": {r.server.URL}}
	if p := b.send("POST", "/v1/environment?_method=PATCH&__clerk_api_version=2026-08-20&_clerk_js_version=6.40.0", h, nil, true).ok(); string(p.raw) != string(a.raw) {
		t.Error("PATCH differs from GET")
	}
	if err := r.e.UpdateSettings(context.Background(), func(s *settings.Settings) error {
		s.Password.MinStrength, s.Password.MinLength, s.EmailAddress.Strategies = 3, 12, nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.get("/v1/environment").ok().is("user_settings.password_settings.show_zxcvbn", true).is("user_settings.password_settings.min_length", 12).
		is("user_settings.attributes.email_address.first_factors", []string{}).is("user_settings.attributes.email_address.used_for_first_factor", true)

	b.get("/v1/account_portal").ok().is("object", "account_portal")
}

func TestHealth(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.get("/v1/health").ok().is("status", "healthy")
	h := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Clerk-Proxy-Url": {"x"}, "Clerk-Secret-Key": {"x"}}
	b.send("GET", "/v1/proxy-health?domain_id=dmn_1", h, nil, true).ok().is("status", "healthy").is("x_forwarded_for", "127.0.0.1")
	if a := b.get("/v1/clear-site-data").ok(); a.header.Get("Clear-Site-Data") != `"*"` {
		t.Error("no Clear-Site-Data")
	}
	b.send("GET", "/v1/clear-site-data", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil, false).refused(400, "origin_invalid")
	a := b.get("/.well-known/jwks.json").ok()
	if len(a.list("keys")) == 0 || a.header.Get("Cache-Control") == "no-store" {
		t.Errorf("keys: %s %v", a.raw, a.header)
	}
}
