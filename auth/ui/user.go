package ui

import (
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/session"
)

// actor is who acts on /user: the account last active in this browser. Nobody
// is a 401, which leads to the sign-in, or to what is to be done first.
func (x *exchange) actor() (*engine.Actor, error) {
	return x.p.engine.ActorFor(x.ctx(), x.b, "", taskPages[x.path]...)
}

// userPage shows the whole account.
func (x *exchange) userPage(a *engine.Actor) (*Page, error) {
	pg, u, s := x.page(), a.User, x.settings
	pg.Account = &Account{SessionID: a.Session.ID, Name: u.Name(), Identifier: u.Identifier(), Current: true}
	if pg.Account.Name == "" {
		pg.Account.Name = pg.Account.Identifier
	}
	pg.values["first_name"], pg.values["last_name"], pg.values["username"] = u.FirstName, u.LastName, u.Username
	pg.HasPassword = u.PasswordEnabled
	p := &Profile{UsernameOn: s.Username.Enabled, UsernameMust: s.Username.Required, FirstNameOn: s.FirstName.Enabled, LastNameOn: s.LastName.Enabled,
		PictureURL: x.p.site.PagesPath + "/user/picture?v=" + u.ImageID, HasPicture: u.ImageID != "",
		CanAddAddress: s.EmailAddress.Enabled, CanVerify: x.verification("email_address") != "",
		PasswordOn: s.Password.Enabled, HasPassword: u.PasswordEnabled, OrganizationsOn: s.Organizations.Enabled, CanRemovePassword: u.PasswordEnabled && !s.Password.Required, CanDelete: s.DeleteSelf && !u.DeleteSelfDisabled}
	for _, id := range u.EmailAddresses {
		p.Addresses = append(p.Addresses, Address{ID: id.ID, Value: id.Value,
			Primary: id.ID == u.PrimaryEmailAddressID, Verified: id.Verified})
	}
	x.phones(p, a)
	p.Factors = x.factors(u)
	p.Connected, pg.Social = x.connected(u), x.providers()
	if p.Factors.PasskeysOn && p.Factors.CanMore {
		x.passkeyForm(pg, PasskeyForm{Kind: "create", Action: x.url("/user/passkeys"), Options: x.url("/user/passkeys/options"), Label: "Add a passkey"})
	}
	ss, err := x.p.engine.MySessions(x.ctx(), a)
	if err != nil {
		return nil, err
	}
	for _, s := range ss {
		p.Devices = append(p.Devices, device(s, a.Session.ID, x.p.engine.Now()))
	}
	pg.Profile = p
	return pg, nil
}

// device describes a session as its owner would know it.
func device(s *session.Session, current string, now time.Time) Device {
	act := s.Activity
	name := act.BrowserName
	if name == "" {
		name = "Unknown browser"
	}
	if major, _, _ := strings.Cut(act.BrowserVersion, "."); act.BrowserName != "" && major != "" {
		name += " " + major
	}
	if act.DeviceType != "" {
		name += " on " + act.DeviceType
	}
	place := act.City
	if place != "" && act.Country != "" {
		place += ", "
	}
	return Device{ID: s.ID, Name: name, Address: act.IPAddress, Place: place + act.Country, Mobile: act.IsMobile,
		This: s.ID == current, LastActive: s.LastActiveAt.UTC(), Ago: ago(now.Sub(s.LastActiveAt))}
}

// ago says roughly how long something is past.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d/time.Hour), "hour") + " ago"
	}
	return plural(int(d/(24*time.Hour)), "day") + " ago"
}

func getUser(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	pg, err := x.userPage(a)
	if err != nil {
		return err
	}
	return x.render(200, "user", pg)
}

// refuseUser shows /user again with what was wrong in one of its sections.
func (x *exchange) refuseUser(a *engine.Actor, section string, values map[string]string, err error, fields ...string) error {
	if a.Session.StatusAt(x.p.engine.Now()) == session.Pending {
		return x.redirect("/tasks", "restart")
	}
	pg, err2 := x.userPage(a)
	if err2 != nil {
		return err2
	}
	for name, value := range values {
		pg.values[name] = value
	}
	pg.Open = section
	return x.refuse("user", pg, err, fields...)
}

func postProfile(x *exchange, a *engine.Actor, f *httpx.Form) error {
	var p engine.ProfileParams
	values := map[string]string{}
	for _, n := range []struct {
		name string
		on   bool
		to   **string
	}{{"first_name", x.settings.FirstName.Enabled, &p.FirstName}, {"last_name", x.settings.LastName.Enabled, &p.LastName},
		{"username", x.settings.Username.Enabled, &p.Username}} {
		if v, ok := f.String(n.name); ok && n.on {
			values[n.name], *n.to = v, &v
		}
	}
	if p.Username != nil && *p.Username != a.User.Username { // people sign in with it
		if ok, err := x.stepUp(); !ok || err != nil {
			return err
		}
	}
	err := f.Err()
	if err == nil {
		err = x.p.engine.UpdateProfile(x.ctx(), a, p)
	}
	if err != nil {
		return x.refuseUser(a, "profile", values, err, "first_name", "last_name", "username")
	}
	return x.redirect("/user", "saved")
}

func postUserPassword(x *exchange, a *engine.Actor, f *httpx.Form) error {
	current, _ := f.String("current_password")
	plain, _ := f.String("new_password")
	others, _ := f.Bool("sign_out_others")
	err := f.Err()
	switch {
	case err != nil:
	case a.User.PasswordEnabled && current == "":
		err = empty("current_password")
	case plain == "":
		err = empty("new_password")
	default:
		err = x.p.engine.ChangePassword(x.ctx(), a, current, plain, others)
	}
	if err != nil {
		return x.refuseUser(a, "password", nil, err, "current_password", "new_password")
	}
	return x.redirect("/user", "password")
}

// postPasswordRemove takes the password away. Who has just shown who they are
// need not type it.
func postPasswordRemove(x *exchange, a *engine.Actor, f *httpx.Form) error {
	current, _ := f.String("current_password")
	err := f.Err()
	if err == nil && current == "" && !x.settings.Reverification.Enabled {
		err = empty("current_password")
	}
	if err == nil {
		err = x.p.engine.RemovePassword(x.ctx(), a, current)
	}
	if err != nil {
		return x.refuseUser(a, "password", nil, err, "current_password")
	}
	return x.redirect("/user", "no-password")
}

// postDeviceEnd signs out another device. This one is asked first, like
// everybody who signs out.
func postDeviceEnd(x *exchange, a *engine.Actor, f *httpx.Form) error {
	id, _ := f.String("session")
	if err := f.Err(); err != nil {
		return err
	}
	if id == a.Session.ID {
		return x.redirect("/sign-out", "")
	}
	if _, err := x.p.engine.RevokeMySession(x.ctx(), a, id); err != nil && fault.From(err).Code != "invalid_action_for_session" {
		return x.refuseUser(a, "devices", nil, err)
	}
	return x.redirect("/user", "device")
}

func getDelete(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	if !x.settings.DeleteSelf || a.User.DeleteSelfDisabled {
		return fault.New("user_delete_self_not_enabled", "")
	}
	return x.render(200, "user_delete", x.deletePage(a))
}

func (x *exchange) deletePage(a *engine.Actor) *Page {
	pg := x.page()
	pg.Account = &Account{SessionID: a.Session.ID, Name: a.User.Name(), Identifier: a.User.Identifier(), Current: true}
	return pg
}

func postDelete(x *exchange, a *engine.Actor, f *httpx.Form) error {
	sure, _ := f.Bool("confirm")
	err := f.Err()
	if err == nil && !sure {
		err = empty("confirm")
	}
	if err == nil {
		err = x.p.engine.DeleteSelf(x.ctx(), a)
	}
	if err != nil {
		return x.refuse("user_delete", x.deletePage(a), err, "confirm")
	}
	x.w.Header().Set("Clear-Site-Data", `"cache"`)
	return x.redirect("/sign-in", "deleted")
}
