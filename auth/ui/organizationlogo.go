package ui

import (
	"net/http"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/picture"
)

// getLogo shows the logo of the active organization, or one made of its
// initial.
func getLogo(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil && fault.From(err).Status() == http.StatusUnauthorized {
		return fault.New("resource_not_found", "") // nobody signs in inside an image
	}
	if err != nil {
		return err
	}
	own, err := x.ownMembership(a)
	if err != nil {
		return err
	}
	if own == nil {
		return fault.New("resource_not_found", "")
	}
	o := own.Organization
	return x.image(o.ImageID, func() []byte { return picture.Default(o.ID, picture.Initials(o.Name, "")) })
}

func postLogo(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	im, err := x.uploaded()
	if err == nil {
		_, err = x.p.engine.SetOrganizationImage(x.ctx(), a, a.Session.LastActiveOrganizationID, im.ContentType, im.Data)
	}
	if err != nil {
		return x.refuseOrganization(a, "", nil, err, "file")
	}
	return x.redirect("/organization", "org-logo")
}

func postLogoRemove(x *exchange) error {
	return inOrganization("", nil, func(x *exchange, a *engine.Actor, id string, _ map[string]string) error {
		if _, err := x.p.engine.SetOrganizationImage(x.ctx(), a, id, "", nil); err != nil {
			return err
		}
		return x.redirect("/organization", "org-no-logo")
	})(x)
}
