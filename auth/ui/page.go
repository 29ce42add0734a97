package ui

import (
	"time"
)

// A Page is what a template sees. Texts from people are plain: html/template
// escapes them.
type Page struct {
	AppName string
	// Stylesheet and Home are URLs; the other pages are at [Page.URL].
	Stylesheet, Home string
	// Notice says what has just been done; empty: nothing.
	Notice string
	// Problems are what was refused, for the summary; each is beside its field
	// as well.
	Problems []Problem
	// Attempt is the ID of the sign-in or sign-up that a form goes on with.
	Attempt string
	// Identifier is who signs in, as typed. IdentifierLabel is what it can be, and
	// IdentifierMode the keyboard for it.
	Identifier, IdentifierLabel, IdentifierMode string
	// Account is who is signed in, Accounts are all in this browser.
	Account  *Account
	Accounts []Account
	// Continue is where somebody goes who is signed in already.
	Continue string
	// Methods are the other ways to sign in.
	Methods Methods
	// MustReset: the password cannot be used any more, only replaced.
	MustReset bool
	// Code is the code that was sent, on pages that ask for one.
	Code *Code
	// Link is a mailed link that was opened, on the pages that ask about it.
	Link *Link
	// Task is what a pending session has to do next, such as setup-mfa.
	Task string
	// StepUp is what can be shown once more, on the page that asks for it.
	StepUp *StepUp
	// Fields are what a sign-up asks for, in order.
	Fields []FieldSpec
	// PasskeySignUp: people can sign up with a passkey in place of a password.
	PasskeySignUp bool
	// SignUpClosed: nobody can sign up here without an invitation.
	SignUpClosed bool
	// HasPassword: the person has one; on pages that set one.
	HasPassword bool
	// MinPassword is the least length of a new password in characters.
	MinPassword int
	// Profile is what /user shows.
	Profile *Profile
	// Open names the section of /user to be shown opened.
	Open string
	// Token is what a mailed link brought along; empty: it is used up.
	Token string
	// Second says with what a second factor can be shown.
	Second SecondMethods
	// Numbers are the telephones that are second factors.
	Numbers []Address
	// App is an authenticator app that is being set up, Codes are new backup
	// codes; both on pages of their own.
	App   *NewApp
	Codes []string
	// Passkey is the ceremony that the page can run, with the script at the URL
	// Script, which Nonce allows; nil: none.
	Passkey       *PasskeyForm
	Script, Nonce string
	// Ticket is a link of the host's, on the page that asks about it; Invitation
	// is the one that a sign-up goes on; empty: none.
	Ticket     *Ticket
	Invitation string
	// Work is what the browser does before its form is taken; nil: nothing.
	Work *Work
	// Social are the services that people can sign in with; Away is the one that
	// the browser is sent to, Transfer who came back from one.
	Social   []Provider
	Away     *Away
	Transfer *Transfer
	// Legal is what a sign-up accepts; nil: nothing.
	Legal *Legal
	// Organizations are those that the person can choose of, Organization is the
	// one that is shown, Joining the one that a link invites to.
	Organizations *OrganizationList
	Organization  *OrganizationPage
	Joining       *OrganizationInvitation
	// Failure is what an error page says.
	Failure *Failure

	x       *exchange
	values  map[string]string
	focused bool
}

// A Problem is something that was refused.
type Problem struct {
	// Field is the name of the field to blame; empty: none.
	Field string
	Text  string
}

// ID is the element that the summary links to; empty: none.
func (p Problem) ID() string {
	if p.Field == "" {
		return ""
	}
	return "f-" + p.Field
}

// An Account is a session of this browser and whose it is.
type Account struct {
	SessionID  string
	Name       string // as the person is to be greeted
	Identifier string // address or username
	Current    bool
}

// Methods say how else a person can go on with signing in: Code is one by mail,
// SMS one by text message.
type Methods struct {
	Password, Code, Link, SMS, Reset, Passkey bool
	// OrPassword: where nothing may tell yet if there is an account, a password
	// is for who says to have one.
	OrPassword bool
	// ResetBy is the strategy of Reset.
	ResetBy string
}

// A Code is a code on its way.
type Code struct {
	To string // where it was sent, masked if need be
	// ID names the address in a profile; empty in a sign-in or sign-up.
	ID string
	// Wait is how many seconds to wait before another can be asked for.
	Wait int
	// Reset: it leads to a new password.
	Reset bool
	// SMS: it was sent as a text message.
	SMS bool
	// Strategy is what sends another one.
	Strategy string
	// Link: it is no code to type in but a link to open.
	Link bool
	// Unsent: nothing is on its way yet.
	Unsent bool
}

// A Link is a mailed link that somebody has opened.
type Link struct {
	// Token is what the button sends; empty: there is nothing to do.
	Token string
	// Purpose is what the link does: sign_in, sign_up, address or device.
	Purpose string
	// Outcome is verified, or why it came to nothing: expired, failed,
	// client_mismatch.
	Outcome string
	// Device, Place and Address are those of who asked for it, At is when.
	Device, Place, Address string
	At                     time.Time
}

// A FieldSpec is a field of the sign-up form.
type FieldSpec struct {
	Name     string
	Required bool
}

// Must is yes or no, as input wants it for required.
func (f FieldSpec) Must() string {
	if f.Required {
		return "yes"
	}
	return "no"
}

// A Profile is what a person sees of the own account.
type Profile struct {
	FirstNameOn, LastNameOn  bool
	PictureURL               string
	HasPicture               bool
	UsernameOn, UsernameMust bool
	Addresses                []Address
	CanAddAddress, CanVerify bool
	// PhonesOn shows the phone numbers; SecondByPhone: they can be second factors.
	PhonesOn, CanVerifyPhone, SecondByPhone bool
	Phones                                  []PhoneNumber
	PasswordOn, HasPassword                 bool
	CanRemovePassword                       bool
	Devices                                 []Device
	CanDelete                               bool
	Factors                                 Factors
	Connected                               []Connected
	OrganizationsOn                         bool
}

// An Address is an e-mail address of a profile.
type Address struct {
	ID, Value         string
	Primary, Verified bool
}

// A PhoneNumber is a telephone number of a profile.
type PhoneNumber struct {
	Address
	SecondFactor, Default bool
}

// A Device is a session of a person, on any browser.
type Device struct {
	ID, Name, Address, Place string
	This, Mobile             bool
	// LastActive is when it was last used, and Ago the same in words.
	LastActive time.Time
	Ago        string
}

// A Failure is what an error page says.
type Failure struct {
	Title, Text string
	// Retry is where to try again; empty: nowhere.
	Retry string
	// Wait is how many seconds to wait first; 0 is not said.
	Wait int
	// TraceID names the request in the log; empty: it was the person's fault.
	TraceID string
}

// URL is a page of ours with the redirect_url that is carried along, such as
// {{.URL "/sign-up"}}.
func (pg *Page) URL(path string, more ...string) string { return pg.x.url(path, more...) }

// page returns what all pages have.
func (x *exchange) page() *Page {
	return &Page{AppName: x.settings.AppName, Home: x.p.opts.Home, Notice: notices[x.notice],
		IdentifierLabel: identifierLabel(x.settings), IdentifierMode: identifierMode(x.settings),
		Stylesheet: x.p.site.PagesPath + x.p.style.path, MinPassword: x.settings.Password.MinLength,
		x: x, values: map[string]string{}}
}

// notices are what can be said of a thing that was done. The code travels in
// the URL; one that is not here says nothing.
var notices = map[string]string{
	"org-personal":    "You are in your personal account.",
	"org-switched":    "You have switched the organization.",
	"org-joined":      "You have joined the organization.",
	"org-asked":       "You have asked to join.",
	"org-created":     "The organization has been created.",
	"org-saved":       "The organization has been saved.",
	"org-invited":     "The invitations have been sent.",
	"org-revoked":     "The invitation has been revoked.",
	"org-let-in":      "There is a new member.",
	"org-turned-down": "The request has been turned down.",
	"org-role":        "The role has been changed.",
	"org-removed":     "The member has been removed.",
	"org-left":        "You have left the organization.",
	"org-deleted":     "The organization has been deleted.",
	"org-logo":        "The logo has been changed.",
	"org-no-logo":     "The logo has been removed.",
	"team-created":    "The team has been created.",
	"team-renamed":    "The team has its new name.",
	"team-deleted":    "The team has been deleted.",
	"team-added":      "The member is in the team.",
	"team-role":       "The role in the team has been changed.",
	"team-removed":    "The member has left the team.",
	"sent":            "We sent you another one.",
	"sent-code":       "We sent you a code.",
	"step-up":         "Please confirm first, then do it again.",
	"restart":         "That took too long or went on in another window. Please start again.",
	"unlocked":        "Your account is unlocked.",
	"signed-out":      "You are signed out.",
	"deleted":         "Your account has been deleted.",
	"saved":           "Your profile has been saved.",
	"password":        "Your password has been changed.",
	"no-password":     "Your password has been removed.",
	"picture":         "Your picture has been changed.",
	"no-picture":      "Your picture has been removed.",
	"email":           "The email address is verified.",
	"email-added":     "The email address has been added.",
	"email-primary":   "Your primary email address has been changed.",
	"email-removed":   "The email address has been removed.",
	"device":          "That device is signed out.",
	"connected":       "The account has been connected.",
	"disconnected":    "The account has been removed.",
	"prove":           "Please confirm that the account here is yours. Then you can sign in both ways.",
	"app-on":          "Your authenticator app is set up. You will be asked for its codes when you sign in.",
	"app-off":         "Your authenticator app has been removed.",
	"passkey-added":   "The passkey has been added.",
	"passkey-renamed": "The passkey has its new name.",
	"passkey-removed": "The passkey has been removed.",
	"phone":           "The phone number is verified.",
	"phone-added":     "The phone number has been added.",
	"phone-primary":   "Your primary phone number has been changed.",
	"phone-removed":   "The phone number has been removed.",
	"phone-second":    "From now on we ask for a code by text message when you sign in.",
	"phone-first":     "We no longer ask for a code by text message when you sign in.",
	"phone-default":   "Codes go to that number from now on.",
}
