package fapi

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/picture"
)

// immutable is for what never changes under its URL.
const immutable = "public, max-age=31536000, immutable"

// image serves a profile picture. Its URL changes with it.
func (c *call) image() (any, error) {
	id := c.id("image")
	if !strings.HasPrefix(id, "img_") || len(id) > 64 {
		return nil, fault.New("resource_not_found", "")
	}
	im, err := c.e.Image(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	return c.picture(im.ContentType, im.Bytes)
}

// defaultNames are a seed and up to two letters or digits to show.
var defaultNames = regexp.MustCompile(`^([A-Za-z0-9_-]{1,64})(?:\.([\p{L}\p{M}\p{N}]{1,4}))?\.svg$`)

// defaultImage draws the picture of somebody who has none. It depends on its
// URL alone, and anybody can ask for any.
func (c *call) defaultImage() (any, error) {
	m := defaultNames.FindStringSubmatch(c.id("name"))
	if m == nil {
		return nil, fault.New("resource_not_found", "")
	}
	return c.picture("image/svg+xml", picture.Default(m[1], m[2]))
}

// picture writes an image that runs nothing, wherever it is opened, and that
// pages of other origins may show.
func (c *call) picture(contentType string, data []byte) (any, error) {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Cache-Control", immutable)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		c.w.Write(data)
	}
	return answered{}, nil
}
