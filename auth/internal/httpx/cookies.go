package httpx

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxCookiePairs  = 512  // pairs of one request that are looked at
	maxCookieValues = 32   // different values of one name that are returned
	maxCookieBytes  = 4096 // name, value and attributes, as browsers allow
	maxCookieLife   = 400 * 24 * time.Hour
)

// All returns every different value that the request has for a cookie name, in
// the order sent. There can be several, from paths and parent domains, and the
// order says nothing about which is ours: a caller verifies each.
//
// Only what a browser sends for a cookie of ours counts: name and value as
// RFC 6265 4.1.1 writes them, unquoted. A quoted value, a nameless pair, a
// $Version and a name in other letters are no cookies of this name.
func All(r *http.Request, name string) []string {
	var values []string
	pairs := 0
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if pairs++; pairs > maxCookiePairs {
				return values
			}
			key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !ok || key != name || !cookieValue(value) || slices.Contains(values, value) {
				continue
			}
			if values = append(values, value); len(values) == maxCookieValues {
				return values
			}
		}
	}
	return values
}

// cookieValue reports whether s is made of cookie octets (RFC 6265 4.1.1).
func cookieValue(s string) bool {
	if s == "" || len(s) > maxCookieBytes {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}

// Cookie is a cookie to set. The zero value of each field is the safe choice:
// host-only, HttpOnly, SameSite=Lax, for the browser's session. The path is
// always the root.
type Cookie struct {
	Name, Value string
	// MaxAge is how long it lives, in whole seconds, at most 400 days (browsers
	// cut it there). 0 is until the browser closes; negative deletes it.
	MaxAge time.Duration
	// Domain widens the cookie to a domain and all of its hosts.
	Domain string
	// Secure keeps it off plain http: set on every https origin.
	Secure bool
	// Readable lets scripts read it (no HttpOnly).
	Readable bool
	// SameSite is Lax when zero. None needs Secure.
	SameSite http.SameSite
	// Partitioned keeps it apart by top-level site (CHIPS). Needs Secure.
	Partitioned bool
}

// ErrCookie is a cookie that browsers would refuse or cut.
var ErrCookie = errors.New("httpx: cookie refused")

// Header returns the value of the Set-Cookie header.
func (c Cookie) Header() (string, error) {
	if c.Value != "" && !cookieValue(c.Value) {
		return "", fmt.Errorf("%w: value of %q", ErrCookie, c.Name)
	}
	if c.Value == "" && c.MaxAge >= 0 {
		return "", fmt.Errorf("%w: %q has no value", ErrCookie, c.Name)
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	host := strings.HasPrefix(c.Name, "__Host-")
	switch {
	case !c.Secure && (host || strings.HasPrefix(c.Name, "__Secure-") || c.Partitioned || c.SameSite == http.SameSiteNoneMode):
		return "", fmt.Errorf("%w: %q needs Secure", ErrCookie, c.Name)
	case host && c.Domain != "":
		return "", fmt.Errorf("%w: %q must not have a Domain", ErrCookie, c.Name)
	}
	h := http.Cookie{
		Name: c.Name, Value: c.Value, Path: "/", Domain: c.Domain, Secure: c.Secure,
		HttpOnly: !c.Readable, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
	switch {
	case c.MaxAge < 0:
		h.MaxAge = -1
	case c.MaxAge > 0:
		h.MaxAge = max(1, int(min(c.MaxAge, maxCookieLife)/time.Second))
	}
	if err := h.Valid(); err != nil {
		return "", fmt.Errorf("%w: %w", ErrCookie, err)
	}
	s := h.String()
	if len(s) > maxCookieBytes {
		return "", fmt.Errorf("%w: %q is %s bytes long", ErrCookie, c.Name, strconv.Itoa(len(s)))
	}
	return s, nil
}

// Set adds the cookie to an answer, which becomes one that nobody may cache.
func (c Cookie) Set(h http.Header) error {
	s, err := c.Header()
	if err != nil {
		return err
	}
	h.Add("Set-Cookie", s)
	NoStore(h)
	return nil
}
