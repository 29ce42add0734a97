package auth_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/notify/smtp"
	"github.com/usherauth/usher/auth/notify/twilio"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
)

// What cannot work is refused by New, with the name of the field, and never by
// a panic or in the middle of the night.
func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*auth.Config)
		want   string // in the error; empty: none
	}{
		"all fine": {func(*auth.Config) {}, ""},
		"nested": {func(c *auth.Config) {
			c.FrontendPath, c.BackendPath, c.PagesPath = "/auth/client", "/auth/server", "/auth"
		}, ""},
		"empty settings":   {func(c *auth.Config) { c.Settings = &settings.Settings{} }, "settings.Default"},
		"an origin":        {func(c *auth.Config) { c.URL, c.AllowedOrigins = "http://localhost:1", []string{"x"} }, `AllowedOrigins: "x" is no origin`},
		"two the same":     {func(c *auth.Config) { c.FrontendPath, c.BackendPath = "/x", "/x" }, `BackendPath: "/x" is the place of FrontendPath`},
		"as a default":     {func(c *auth.Config) { c.PagesPath = "/__clerk" }, "PagesPath"},
		"the inbox":        {func(c *auth.Config) { c.PagesPath = "/dev/mail" }, "PagesPath"},
		"no inbox":         {func(c *auth.Config) { c.PagesPath, c.Mailer = "/dev/mail", &authtest.Mailbox{} }, ""},
		"the key set":      {func(c *auth.Config) { c.FrontendPath = "/.well-known/jwks.json" }, "FrontendPath"},
		"dot segments":     {func(c *auth.Config) { c.BackendPath = "/a/../b" }, "BackendPath"},
		"a dot":            {func(c *auth.Config) { c.BackendPath = "/a/." }, "BackendPath"},
		"two slashes":      {func(c *auth.Config) { c.BackendPath = "//a" }, "BackendPath"},
		"the root":         {func(c *auth.Config) { c.PagesPath = "/" }, "PagesPath"},
		"a tab":            {func(c *auth.Config) { c.PagesPath = "/a\tb" }, "PagesPath"},
		"a wildcard":       {func(c *auth.Config) { c.PagesPath = "/{x}" }, "PagesPath"},
		"URL without host": {func(c *auth.Config) { c.URL = "http://:4010" }, `URL: "http://:4010" is not the origin of a site`},
		"algorithm":        {func(c *auth.Config) { c.KeySchedule.Algorithm = "HS256" }, "KeySchedule: Algorithm"},
		"for ever":         {func(c *auth.Config) { c.KeySchedule.Every = -1 }, ""},
		"too often":        {func(c *auth.Config) { c.KeySchedule.Every = time.Hour }, "KeySchedule: Every"},
		"often, in time": {func(c *auth.Config) {
			c.KeySchedule.Every, c.KeySchedule.PublishAhead = time.Hour, 2*token.JWKSMaxAge
		}, ""},
		"negative ahead":       {func(c *auth.Config) { c.KeySchedule.PublishAhead = -time.Hour }, "KeySchedule: PublishAhead"},
		"published too late":   {func(c *auth.Config) { c.KeySchedule.PublishAhead = time.Minute }, "KeySchedule: PublishAhead"},
		"negative keep":        {func(c *auth.Config) { c.KeySchedule.KeepAfter = -time.Hour }, "KeySchedule: KeepAfter"},
		"kept shorter than it": {func(c *auth.Config) { c.KeySchedule.KeepAfter = time.Minute }, "KeySchedule: KeepAfter"},
		"mailer":               {func(c *auth.Config) { c.Mailer = &smtp.Mailer{Addr: "mail.example.com"} }, "Mailer: smtp: bad configuration: From"},
		"text messages":        {func(c *auth.Config) { c.SMS = &twilio.Sender{} }, "SMS: twilio: bad configuration"},
		"sender":               {func(c *auth.Config) { c.MailFrom = "nobody" }, "MailFrom"},
		"a good sender":        {func(c *auth.Config) { c.MailFrom = "App <no-reply@example.com>" }, ""},
		"mail templates": {func(c *auth.Config) {
			c.MailTemplates = fstest.MapFS{"verification_code.txt": {Data: []byte(`{{define "subject"}}{{.Nothing}}{{end}}{{define "body"}}x{{end}}`)}}
		}, "MailTemplates"},
		"page templates": {func(c *auth.Config) { c.PageTemplates = fstest.MapFS{"sign_in.html": {Data: []byte(`{{`)}} }, "PageTemplates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := auth.Config{Store: memory.New(), KeySchedule: token.Schedule{Algorithm: token.ES256}}
			x.change(&c)
			_, err := auth.New(t.Context(), c)
			if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
				t.Errorf("%v, want %q", err, x.want)
			}
		})
	}
	_, err := auth.New(t.Context(), auth.Config{Store: memory.New(), FrontendPath: "/x", BackendPath: "/x", MailFrom: "nobody", KeySchedule: token.Schedule{KeepAfter: -1}})
	for _, want := range []string{"BackendPath", "MailFrom", "KeySchedule"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// Who has forgotten the keyring is told so.
func TestNewWithoutItsKeyring(t *testing.T) {
	st := memory.New()
	ring, err := store.KeyringFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	c := auth.Config{Store: st, Keyring: ring, KeySchedule: token.Schedule{Algorithm: token.ES256}}
	if _, err := auth.New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Keyring = store.Keyring{}
	if _, err := auth.New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "Keyring") {
		t.Error(err)
	}
}
