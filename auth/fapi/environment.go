package fapi

import (
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

// paths are where the pages are that clients link to.
func (a *API) paths() frontend.Paths {
	p := a.site.PagesPath
	return frontend.Paths{Home: "/", SignIn: p + "/sign-in", SignUp: p + "/sign-up", User: p + "/user",
		Organization: p + "/organization", CreateOrganization: p + "/create-organization",
		Waitlist: p + "/waitlist", Consent: p + "/oauth-consent"}
}

// environment says what the instance offers. It is the same for everybody, and
// never kept: settings change.
func (c *call) environment() (any, error) {
	httpx.NoStore(c.w.Header())
	env := frontend.NewEnvironment(c.e.Settings(c.ctx()), c.e.Social(c.ctx()), c.paths(), c.e.Captcha())
	if org := &env.OrganizationSettings; org.Enabled {
		v, err := c.e.Organizations().Roles(c.ctx())
		if err != nil {
			return nil, err
		}
		org.CreatorRole, org.Domains.DefaultRole = v.Roles.Creator(), v.Roles.Default()
	}
	return bare{env}, nil
}

// portal says where hosted pages are, and that they are the instance's own.
type portal struct {
	Object                     string        `json:"object"`
	Allowed                    bool          `json:"allowed"`
	Enabled                    bool          `json:"enabled"`
	InternalLinking            bool          `json:"internal_linking"`
	AfterSignInURL             string        `json:"after_sign_in_url"`
	AfterSignUpURL             string        `json:"after_sign_up_url"`
	AfterJoinWaitlistURL       string        `json:"after_join_waitlist_url"`
	AfterCreateOrganizationURL string        `json:"after_create_organization_url"`
	AfterLeaveOrganizationURL  string        `json:"after_leave_organization_url"`
	LogoLinkURL                string        `json:"logo_link_url"`
	Customization              customization `json:"customization"`
}

type customization struct {
	Appearance           *string `json:"appearance"`
	BackgroundColorDark  *string `json:"background_color_dark"`
	BackgroundColorLight *string `json:"background_color_light"`
	PrimaryColorDark     *string `json:"primary_color_dark"`
	PrimaryColorLight    *string `json:"primary_color_light"`
}

func (c *call) accountPortal() (any, error) {
	httpx.NoStore(c.w.Header())
	home := c.paths().Home
	return bare{portal{Object: "account_portal", Allowed: true, Enabled: true, AfterSignInURL: home, AfterSignUpURL: home,
		AfterJoinWaitlistURL: home, AfterCreateOrganizationURL: home, AfterLeaveOrganizationURL: home, LogoLinkURL: home}}, nil
}
