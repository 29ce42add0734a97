package ui

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// texts say it better than the table of codes, which knows no pages. The key is
// a code with the field, or with none for every field.
var texts = map[[2]string]string{
	{"form_param_nil", "organization_name"}:                        "Enter a name.",
	{"form_param_format_invalid", "organization_name"}:             "Names have 1 to 256 characters, without links and angle brackets.",
	{"form_param_nil", "team_name"}:                                "Enter a name.",
	{"form_param_format_invalid", "team_name"}:                     "Names have 1 to 256 characters.",
	{"form_param_value_invalid", "team_role"}:                      "A role is one word of small letters, digits, hyphens and underscores.",
	{"form_resource_not_found", "identifier"}:                      "Nobody in the organization is called that.",
	{"form_param_format_invalid", "slug"}:                          "Use small letters, digits and single hyphens, and no reserved word.",
	{"form_identifier_exists", "slug"}:                             "That name in links is taken.",
	{"form_param_nil", "identifier"}:                               "Enter your email address.",
	{"form_param_nil", "email_address"}:                            "Enter your email address.",
	{"form_param_nil", "phone_number"}:                             "Enter your phone number.",
	{"form_param_nil", "username"}:                                 "Choose a username.",
	{"form_param_nil", "email_address_or_phone_number"}:            "Enter your email address or phone number.",
	{"form_param_format_invalid", "phone_number"}:                  "Enter a phone number with its country code, such as +1 415 555 0100.",
	{"form_param_format_invalid", "email_address_or_phone_number"}: "Enter an email address, or a phone number with its country code.",
	{"form_param_nil", "password"}:                                 "Enter your password.",
	{"form_param_nil", "current_password"}:                         "Enter your current password.",
	{"form_param_nil", "new_password"}:                             "Enter a new password.",
	{"form_param_nil", "code"}:                                     "Enter the code that we sent.",
	{"form_param_nil", "first_name"}:                               "Enter your first name.",
	{"form_param_nil", "last_name"}:                                "Enter your last name.",
	{"form_param_nil", "file"}:                                     "Choose a picture first.",
	{"form_param_nil", "confirm"}:                                  "Tick the box to go on.",
	{"form_param_format_invalid", "email_address"}:                 "Enter an email address such as ada@example.com.",
	{"form_param_format_invalid", "first_name"}:                    "That name is too long or has characters that are not allowed.",
	{"form_param_format_invalid", "last_name"}:                     "That name is too long or has characters that are not allowed.",
	{"form_identifier_not_found", ""}:                              "We could not find an account with that email address.",
	{"form_password_incorrect", ""}:                                "That password is not right. Try again or use another way.",
	{"form_code_incorrect", ""}:                                    "That code is not right. Check the newest message and try again.",
	{"verification_expired", ""}:                                   "That code has expired. Ask for a new one.",
	{"verification_failed", ""}:                                    "Too many wrong codes. Ask for a new one.",
	{"verification_missing", ""}:                                   "Ask for a code first.",
	{"invitation_account_exists", ""}:                              "You have an account already. Sign in instead.",
	{"form_identifier_exists", ""}:                                 "That email address is taken. Sign in instead, or use another one.",
	{"identification_exists", ""}:                                  "That is yours already.",
	{"identification_deletion_failed", ""}:                         "You cannot remove the last thing that you sign in with.",
	{"conflict", ""}:                                               "Something changed in another window. Please try again.",
	{"form_password_validation_failed", ""}:                        "That is not your current password.",
	{"strategy_for_user_invalid", ""}:                              "This way does not work for this account. Use another one.",
	{"legal_not_accepted", ""}:                                     "Tick the box to go on.",
	{"captcha_missing_token", ""}:                                  "Your browser has not shown yet that you are no program. Please try again.",
	{"form_password_or_identifier_incorrect", ""}:                  "That address or password is not right. Try again or use another way.",
}

// params are other names of fields in errors.
var params = map[string]string{"name": "first_name"}

// ownPage reports the refusals that no field can mend: they get a page of
// their own.
func ownPage(f *fault.Error) bool {
	return f.Status() >= 500 || f.Status() == http.StatusUnauthorized ||
		f.Status() == http.StatusTooManyRequests && f.Code != "verification_code_too_many_requests"
}

// refuse shows a form again with what was wrong with it. fields are the ones
// that it has.
func (x *exchange) refuse(name string, pg *Page, err error, fields ...string) error {
	list := fault.List(err)
	for _, f := range list {
		if ownPage(f) {
			return err
		}
	}
	for _, f := range list {
		p := Problem{Field: f.Param, Text: text(f)}
		if other, ok := params[p.Field]; ok {
			p.Field = other
		}
		if !slices.Contains(fields, p.Field) {
			p.Field = ""
		}
		pg.Problems = append(pg.Problems, p)
	}
	pg.Notice = ""
	x.retryAfter(list[0].RetryAfter)
	return x.render(list[0].Status(), name, pg)
}

func text(f *fault.Error) string {
	if f.LongMessage != fault.New(f.Code, f.Param).LongMessage {
		return f.LongMessage // said for the occasion
	}
	for _, key := range [][2]string{{f.Code, f.Param}, {f.Code, ""}} {
		if t, ok := texts[key]; ok {
			return t
		}
	}
	if f.Code == "verification_code_too_many_requests" && f.RetryAfter > 0 {
		return "We sent a code a moment ago. Please wait " + plural(seconds(f.RetryAfter), "second") + " before asking for another."
	}
	return f.LongMessage
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func (x *exchange) retryAfter(d time.Duration) {
	if d > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(seconds(d)))
	}
}

// empty is the refusal of a field that was left empty.
func empty(field string) error { return fault.New("form_param_nil", field) }

// failures are the titles and texts of error pages, by status.
var failures = map[int][2]string{
	http.StatusBadRequest:            {"That did not work", "The request could not be understood. Please go back and try again."},
	http.StatusForbidden:             {"Not allowed", "You cannot do this with this account."},
	http.StatusNotFound:              {"Page not found", "There is nothing at this address."},
	http.StatusMethodNotAllowed:      {"That did not work", "This page cannot be used in this way."},
	http.StatusConflict:              {"Please try again", "Something changed in another window while you were here."},
	http.StatusRequestEntityTooLarge: {"Too large", "What you sent is larger than we can take."},
	http.StatusUnsupportedMediaType:  {"That did not work", "The form was sent in a way that we do not understand."},
	http.StatusTooManyRequests:       {"One moment, please", "There were too many tries in a short time."},
	http.StatusInternalServerError:   {"Something went wrong", "This is our fault, not yours. Please try again."},
	http.StatusServiceUnavailable:    {"We are very busy", "We cannot answer right now. Please try again in a moment."},
}

// fail answers with an error page, or leads somebody who must sign in first to
// do so.
func (x *exchange) fail(err error) {
	f := fault.From(err)
	status := f.Status()
	if status == http.StatusUnauthorized && x.b != nil {
		if x.next == "" && (x.home == "/user" || x.home == "/user/delete" || strings.HasPrefix(x.home, "/organization") || x.home == "/create-organization") {
			x.next = x.p.site.PagesPath + x.home
		}
		to := "/sign-in"
		if _, pending := x.pending(); pending {
			to = "/tasks"
		}
		_ = x.redirect(to, "")
		return
	}
	if f.Code == "form_param_type_invalid" || status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a form that no page of ours has sent
	}
	words, ok := failures[status]
	if !ok {
		words = failures[http.StatusBadRequest]
	}
	show := &Failure{Title: words[0], Text: words[1], Wait: seconds(f.RetryAfter)}
	switch {
	case status == http.StatusForbidden || f.Code == httpx.CodeHostInvalid:
		show.Text = f.LongMessage
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusConflict:
		show.Retry = x.url(x.home)
	}
	if httpx.IsForeign(f.Code) {
		httpx.LogForeign(x.p.engine.Log(), x.r, f.Code)
		if f.Code != httpx.CodeHostInvalid {
			show.Text = "The request came from another site, so it was not carried out."
		}
	}
	if f.Code == fault.Internal {
		show.TraceID = httpx.TraceID(x.ctx())
		if f.Err != nil {
			x.p.engine.Log().ErrorContext(x.ctx(), "pages: internal error", "trace_id", show.TraceID, "path", x.path, "err", f.Err)
		}
	}
	x.retryAfter(f.RetryAfter)
	pg := x.page()
	pg.Notice, pg.Failure = "", show
	if err := x.render(status, "error", pg); err != nil { // a template of the host
		x.p.engine.Log().ErrorContext(x.ctx(), "pages: error page failed", "trace_id", httpx.TraceID(x.ctx()), "err", err)
		http.Error(x.w, "Something went wrong. Please try again.", http.StatusInternalServerError)
	}
}
