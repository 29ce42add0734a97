package httpx

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxRedirect bounds a redirect target, in bytes.
const maxRedirect = 4096

// Redirects decides where a browser may be sent. It is the only place that
// does, for every parameter that takes a URL.
type Redirects struct {
	// Origins are the http and https origins that an absolute URL may have;
	// nil is the loopback mode, see [Origins].
	Origins *Origins
}

// Check parses raw once and returns it written anew, which is what must be
// used: what was checked is then what is followed. Allowed are an absolute http
// or https URL of a listed origin, and a path that starts with exactly one
// slash. Anything that programs read differently is refused: backslashes,
// control characters, white space, user information, dot segments, an encoded
// slash or backslash where a host could begin.
//
// r is the request that asks, for the loopback mode; it may be nil. param names
// the parameter in the error, a [*FieldError] with status 422.
func (c Redirects) Check(r *http.Request, param, raw string) (string, error) {
	refused := fail(unprocessable, CodeRedirectRefused, param, "is not a URL that can be redirected to")
	if raw == "" || len(raw) > maxRedirect || !plainURL(raw) {
		return "", refused
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || !plainPath(u.Path) {
		return "", refused
	}
	tail := rebuild(u)
	if u.Scheme == "" && u.Host == "" {
		if raw[0] != '/' {
			return "", refused
		}
		return tail, nil
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Host, "%") {
		return "", refused
	}
	origin, err := ParseOrigin(u.Scheme + "://" + u.Host)
	if err != nil {
		return "", refused
	}
	if !c.Origins.AllowedFor(r, origin) {
		return "", fail(unprocessable, CodeRedirectForeign, param, "is not on a domain of this application")
	}
	return origin + tail, nil
}

// plainURL refuses what a URL has no right to hold unescaped.
func plainURL(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r == '\\' || r >= 0x7F && r <= 0xA0 || r >= 0x2000 && r <= 0x200F || r >= 0x2028 && r <= 0x202F || r == 0xFEFF
	}) < 0
}

// plainPath refuses decoded paths that could become a host or leave their
// place: // and /\ at the start, control characters, backslashes, . and ..
func plainPath(path string) bool {
	if path == "" {
		return true
	}
	if path[0] != '/' || strings.HasPrefix(path, "//") || !utf8.ValidString(path) {
		return false
	}
	if strings.IndexFunc(path, func(r rune) bool { return r < ' ' || r == 0x7F || r == '\\' }) >= 0 {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// rebuild writes path, query and fragment of u.
func rebuild(u *url.URL) string {
	s := u.EscapedPath()
	if s == "" {
		s = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		s += "?" + escapeRest(u.RawQuery)
	}
	if u.Fragment != "" {
		s += "#" + escapeRest(u.EscapedFragment())
	}
	return s
}

// escapeRest percent-encodes what browsers encode in a query, and keeps escapes
// that are there.
func escapeRest(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7F || strings.IndexByte("\"'<>`{}|^\\#", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
