package fapi

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// scripts are the paths that are answered: two packages, a version that is a
// major one or exact, a file below dist whose name begins with no dot.
var scripts = regexp.MustCompile(`^(clerk-js|ui)@([0-9]{1,4}(?:\.[0-9]{1,4}\.[0-9]{1,4}(?:-[0-9A-Za-z]{1,16}(?:\.[0-9A-Za-z]{1,32}){0,4})?)?)/(dist(?:/[A-Za-z0-9_][A-Za-z0-9_@.-]{0,127}){1,4})$`)

// scriptTypes are the files that are served, by extension.
var scriptTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".map": "application/json", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2",
}

const (
	scriptFresh   = time.Hour        // a file of a folder that may be replaced
	redirectFresh = 10 * time.Minute // which version a major one means may change
)

// script serves a client script from the folder, whatever version is asked
// for, or redirects to the CDN. The query is not looked at and not passed on.
func (c *call) script() (any, error) {
	m := scripts.FindStringSubmatch(c.id("file"))
	if m == nil {
		return nil, fault.New("resource_not_found", "")
	}
	pkg, version, file := m[1], m[2], m[3]
	contentType, ok := scriptTypes[path.Ext(file)]
	if !ok {
		return nil, fault.New("resource_not_found", "")
	}
	h := c.w.Header()
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if c.options.ClerkJS == nil {
		h.Set("Cache-Control", "public, max-age="+seconds(redirectFresh))
		h.Set("Location", c.options.CDN+"/@clerk/"+pkg+"@"+version+"/"+file)
		c.w.WriteHeader(http.StatusTemporaryRedirect)
		return answered{}, nil
	}
	body, err := fs.ReadFile(c.options.ClerkJS, "@clerk/"+pkg+"/"+file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			err = fault.New("resource_not_found", "")
		}
		return nil, err
	}
	httpx.WriteCached(c.w, c.r, contentType, body, scriptFresh)
	return answered{}, nil
}
