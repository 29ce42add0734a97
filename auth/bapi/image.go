package bapi

import (
	"bytes"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/user"
)

// setProfileImage stores a picture that is decoded and encoded anew. The user
// is looked for first: decoding is dear.
func setProfileImage(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		if _, err := c.engine.Users().Get(c.r.Context(), id); err != nil {
			return nil, err
		}
		f, err := httpx.ParseUpload(c.w, c.r)
		if err != nil {
			return nil, err
		}
		file, ok := f.File("file")
		if !ok && f.Err() == nil {
			f.Fail(httpx.CodeMissing, "file", "must be included")
		}
		if err := f.Err(); err != nil {
			return nil, err
		}
		im, err := c.pictures.Decode(c.r.Context(), bytes.NewReader(file.Data))
		if err != nil {
			return nil, pictureError(err)
		}
		return c.engine.Users().SetProfileImage(c.r.Context(), id, im.ContentType, im.Data)
	})
}

func deleteProfileImage(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		return c.engine.Users().SetProfileImage(c.r.Context(), id, "", nil)
	})
}

// pictureError is what is told of a picture that was not taken.
func pictureError(err error) error {
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		return fault.Wrap("image_too_large", "file", err)
	case errors.Is(err, picture.ErrUnsupported), errors.Is(err, picture.ErrBroken):
		return fault.Wrap("image_type_invalid", "file", err)
	}
	return err
}
