package wire

import (
	"net/url"
	"strings"

	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/user"
)

// Images makes the URLs of pictures.
type Images struct {
	// Base is what stands before /img: the path of the Frontend API for
	// browsers, with the origin before it for everybody else.
	Base string
}

// Image is the URL of a stored picture.
func (i Images) Image(id string) string { return i.Base + "/img/" + url.PathEscape(id) }

// Default is the URL of the picture of somebody who has none: its colours
// depend on seed, and it shows the initials of the names.
func (i Images) Default(seed string, names ...string) string {
	name := seed
	if letters := picture.Initials(names...); letters != "" {
		name += "." + letters
	}
	return i.Base + "/img/default/" + url.PathEscape(name) + ".svg"
}

// User is the URL of a user's picture, or of the default one.
func (i Images) User(u *user.User) string {
	if u.ImageID != "" {
		return i.Image(u.ImageID)
	}
	return i.Default(u.ID, u.FirstName, u.LastName)
}

// Organization is the URL of an organization's logo, or of the default one.
func (i Images) Organization(o *organization.Organization) string {
	if o.ImageID != "" {
		return i.Image(o.ImageID)
	}
	first, _, _ := strings.Cut(o.Name, " ")
	return i.Default(o.ID, first)
}
