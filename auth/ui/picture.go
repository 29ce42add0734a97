package ui

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/store"
)

// getPicture shows the person's own picture, or one made of the initials. It
// needs no ID in its URL, and no other site or person can fetch it.
func getPicture(x *exchange) error {
	a, err := x.actor()
	if err != nil && fault.From(err).Status() == http.StatusUnauthorized {
		return fault.New("resource_not_found", "") // nobody signs in inside an image
	}
	if err != nil {
		return err
	}
	return x.image(a.User.ImageID, func() []byte {
		return picture.Default(a.User.ID, picture.Initials(a.User.FirstName, a.User.LastName))
	})
}

// image answers with a stored image, or with otherwise if there is none.
func (x *exchange) image(id string, otherwise func() []byte) error {
	kind, data := "image/svg+xml", []byte(nil)
	if id != "" {
		im, err := x.p.engine.Image(x.ctx(), id)
		switch {
		case err == nil:
			kind, data = im.ContentType, im.Bytes
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	if data == nil {
		data = otherwise()
	}
	h := x.w.Header()
	x.cookies()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	x.w.WriteHeader(http.StatusOK)
	if _, err := x.w.Write(data); err != nil {
		x.p.engine.Log().DebugContext(x.ctx(), "pages: picture not sent", "err", err)
	}
	return nil
}

// uploaded is the picture in the form, decoded and encoded anew.
func (x *exchange) uploaded() (im picture.Image, err error) {
	f, err := httpx.ParseUpload(x.w, x.r)
	if err != nil {
		return im, err
	}
	file, _ := f.File("file")
	if err := f.Err(); err != nil {
		return im, err
	}
	if file == nil || len(file.Data) == 0 {
		return im, empty("file")
	}
	im, err = x.p.pictures.Decode(x.ctx(), bytes.NewReader(file.Data))
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		err = fault.Wrap("image_too_large", "file", err)
	case errors.Is(err, picture.ErrUnsupported), errors.Is(err, picture.ErrBroken):
		err = fault.Wrap("image_type_invalid", "file", err)
	}
	return im, err
}

func postPicture(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	im, err := x.uploaded()
	if err == nil {
		err = x.p.engine.SetProfileImage(x.ctx(), a, im.ContentType, im.Data)
	}
	if err != nil {
		return x.refuseUser(a, "profile", nil, err, "file")
	}
	return x.redirect("/user", "picture")
}

func postPictureRemove(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	if err := x.p.engine.SetProfileImage(x.ctx(), a, "", nil); err != nil {
		return x.refuseUser(a, "profile", nil, err)
	}
	return x.redirect("/user", "no-picture")
}
