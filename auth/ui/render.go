package ui

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/usherauth/usher/auth/internal/fault"
)

// names are the templates, one per page. Each defines "title" and "content".
var names = []string{"sign_in", "sign_in_password", "sign_in_code", "sign_in_link", "link", "link_done", "verify", "tasks", "sign_in_new_password", "signed_in",
	"sign_in_trust",
	"sign_up_passkey", "sign_in_app", "sign_in_sms", "sign_in_backup_code", "user_app", "user_codes",
	"away", "transfer", "sign_up", "sign_up_continue", "sign_up_verify", "sign_out", "unlock", "ticket", "waitlist", "waitlist_done", "user", "user_email_verify", "user_delete", "error",
	"organizations", "create_organization", "organization", "organization_delete", "organization_teams", "organization_team", "organization_invitation"}

// parseTemplates reads all templates.
func parseTemplates(files overlay) (map[string]*template.Template, error) {
	var errs []error
	base := template.New("").Funcs(template.FuncMap{"input": input, "plural": plural, "social": socialForm}).Option("missingkey=error")
	for _, name := range []string{"layout.html", "parts.html"} {
		errs = append(errs, parse(base, files, name))
	}
	views := map[string]*template.Template{}
	for _, name := range names {
		t, err := base.Clone()
		if err == nil {
			err = parse(t, files, name+".html")
		}
		if err == nil {
			for _, part := range []string{"layout", "title", "content"} {
				if t.Lookup(part) == nil {
					err = errors.Join(err, fmt.Errorf("ui: %s.html: %q is not defined", name, part))
				}
			}
		}
		errs = append(errs, err)
		views[name] = t
	}
	return views, errors.Join(errs...)
}

func parse(t *template.Template, files overlay, name string) error {
	text, err := files.read("templates", name)
	if err != nil {
		return err
	}
	if _, err := t.New(name).Parse(text); err != nil {
		return fmt.Errorf("ui: %w", err)
	}
	return nil
}

// tryTemplates runs each template once on a made-up page, so that a broken
// overlay is found when the host starts and not by a visitor.
func (p *pages) tryTemplates() error {
	views, err := p.views()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if err := views[name].ExecuteTemplate(io.Discard, "layout", p.sample()); err != nil {
			errs = append(errs, fmt.Errorf("ui: %w", err))
		}
	}
	return errors.Join(errs...)
}

// sample is a page on which everything can be seen.
func (p *pages) sample() *Page {
	me := Account{SessionID: "sess_1", Name: "Ada", Identifier: "ada@example.com", Current: true}
	return &Page{AppName: "Acme", Stylesheet: "/auth/x.css", Home: "/", Notice: "Done.", Attempt: "sia_1",
		Problems: []Problem{{Field: "password", Text: "Wrong."}}, Identifier: me.Identifier, IdentifierLabel: "Email address", Account: &me,
		Accounts: []Account{me}, Continue: "/", Methods: Methods{Password: true, Code: true, Link: true, SMS: true, Reset: true, Passkey: true, ResetBy: byReset},
		StepUp:  &StepUp{Password: true, Typed: []string{"totp", "backup_code"}, Sent: []string{"email_code"}},
		Numbers: []Address{{ID: "idn_3", Value: "+14155550100", Primary: true}},
		Link:    &Link{Token: "t", Purpose: "sign_in", Outcome: "failed", Device: "Firefox on Linux", Place: "Turin", Address: "192.0.2.1"},
		Code:    &Code{To: me.Identifier, ID: "idn_1", Wait: 30}, HasPassword: true, MinPassword: 8,
		Fields: []FieldSpec{{"first_name", false}, {"last_name", false}, {"username", true}, {"email_address", true}, {"phone_number", true}, {"email_address_or_phone_number", true}, {"password", true}},
		Profile: &Profile{Factors: Factors{true, true, true, true, true, true, []PasskeyItem{{ID: "idn_3", Name: "Phone", Used: "just now"}}}, FirstNameOn: true, LastNameOn: true, PictureURL: "/p", HasPicture: true, CanAddAddress: true,
			CanVerify: true, PasswordOn: true, Connected: []Connected{{ID: "eac_1", Provider: "Google", Who: me.Identifier, Problem: "No."}}, HasPassword: true, CanDelete: true,
			Addresses:  []Address{{ID: "idn_1", Value: me.Identifier, Primary: true, Verified: true}, {ID: "idn_2", Value: "a@b.c"}},
			UsernameOn: true, PhonesOn: true, CanVerifyPhone: true, SecondByPhone: true,
			Phones:  []PhoneNumber{{Address: Address{ID: "idn_3", Value: "+14155550100", Verified: true}, SecondFactor: true}, {Address: Address{ID: "idn_4", Value: "+14155550101"}}},
			Devices: []Device{{ID: "sess_1", Name: "Firefox", This: true}, {ID: "sess_2", Name: "Chrome", Address: "192.0.2.1", Ago: "just now"}}},
		PasskeySignUp: true, Second: SecondMethods{true, true, true}, App: &NewApp{QR: "<svg></svg>", Secret: "ABCD EFGH"}, Codes: []string{"0abc defg hjkm"},
		Passkey: &PasskeyForm{Action: "/a", Options: "/o", Kind: "get", Label: "Passkey", Autofill: true}, Script: "/auth/x.js", Nonce: "n",
		Ticket: &Ticket{Token: "t", Account: me, Impersonates: true}, Invitation: "t", Work: &Work{Challenge: "1", Bits: 16, Script: "/auth/w.js"},
		Social: []Provider{{"google", "Google"}}, Away: &Away{"Google", "https://accounts.example.com/"},
		Transfer: &Transfer{Provider: "Google", Who: me.Identifier, SignUp: true, CanSignUp: true},
		Legal:    &Legal{TermsURL: "/terms", PrivacyURL: "/privacy"},
		Failure:  &Failure{Title: "Error", Text: "Sorry.", Retry: "/", Wait: 3, TraceID: "1"},
		Organization: &OrganizationPage{ID: "org_1", Name: "Acme", Slug: "acme", Role: "Admin", SlugsOn: true, CanRename: true, CanDelete: true, CanRead: true, CanManage: true,
			Members: []OrganizationMember{{UserID: "user_1", Name: "Ada", Role: "org:admin", RoleName: "Admin", Self: true}, {UserID: "user_2", Name: "Bob", Identifier: "b@c.d"}},
			Roles:   []OrganizationRole{{"org:member", "Member"}}, Invitations: []OrganizationInvitation{{ID: "orginv_1", Address: "a@b.c", RoleName: "Member"}},
			Requests: []OrganizationRequest{{ID: "orgreq_1", Identifier: "a@b.c"}}, Before: 1, After: 2, TeamsOn: true, LogoURL: "/l", HasLogo: true,
			Teams: []OrganizationTeam{{ID: "team_1", Name: "Core", Count: 1}}, Team: &OrganizationTeam{ID: "team_1", Name: "Core", Count: 1, Before: 1, After: 2,
				Members: []OrganizationTeamMember{{"user_2", "Bob", "b@c.d", "lead"}}}},
		Organizations: &OrganizationList{Entries: []OrganizationEntry{{ID: "org_1", Name: "Acme", Current: true}, {ID: "org_2", Name: "B"}}, Personal: true, CanCreate: true, Before: 1, After: 2,
			Invitations: []OrganizationInvitation{{ID: "orginv_1", Organization: "Acme"}}, Suggestions: []OrganizationSuggestion{{ID: "orgsug_1"}, {ID: "orgsug_2", Asked: true}}},
		Joining: &OrganizationInvitation{ID: "orginv_1", Address: "a@b.c", Organization: "Acme", RoleName: "Member"},
		x:       &exchange{p: p, r: &http.Request{URL: &url.URL{}}}, values: map[string]string{}}
}

// A SocialForm is the buttons of the providers on a page.
type SocialForm struct {
	Page   *Page
	Action string
}

func socialForm(pg *Page, action string) SocialForm { return SocialForm{pg, action} }

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// render answers with a page, whole or not at all.
func (x *exchange) render(status int, name string, pg *Page) error {
	var b bytes.Buffer
	views, err := x.p.views()
	if err == nil {
		err = views[name].ExecuteTemplate(&b, "layout", pg)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, "", fmt.Errorf("template %s: %w", name, err))
	}
	x.cookies()
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	x.w.WriteHeader(status)
	if _, err := x.w.Write(b.Bytes()); err != nil {
		x.p.engine.Log().DebugContext(x.ctx(), "pages: answer not sent", "err", err)
	}
	return nil
}
