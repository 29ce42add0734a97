package httpx

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Origins is the one list of origins that may use usher from a browser. It is
// compared exactly, as RFC 6454 serialises an origin: no suffixes, no patterns,
// no folding.
//
// The zero value, and a nil one, is the loopback mode of a host without a
// configured URL: an origin is allowed when it is http or https on a loopback
// host and is the very host that the request was sent to.
type Origins struct {
	list []string
}

// NewOrigins takes the origins of absolute URLs; path and query are ignored.
// Besides http and https any scheme with a host will do, as those of browser
// extensions and app shells. All errors are joined.
func NewOrigins(urls ...string) (*Origins, error) {
	o := &Origins{}
	var errs []error
	for _, raw := range urls {
		origin, err := ParseOrigin(raw)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !slices.Contains(o.list, origin) {
			o.list = append(o.list, origin)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return o, nil
}

// ParseOrigin returns the origin of an absolute URL as a browser writes it:
// lower case, default port left out. A host name must be ASCII (punycode).
func ParseOrigin(raw string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("%q is no origin: %s", Clean(raw, 200), why)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Scheme == "" || u.Host == "" {
		return bad("not an absolute URL with a host")
	}
	if u.User != nil {
		return bad("it has user information")
	}
	switch u.Scheme {
	case "file", "data", "blob", "javascript", "about":
		return bad("the scheme has no origin")
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return bad(err.Error())
	}
	port := u.Port()
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case port == "":
		return u.Scheme + "://" + host, nil
	case err != nil || port[0] == '0':
		return bad("the port is not a number from 1 to 65535")
	case u.Scheme == "http" && n == 80, u.Scheme == "https" && n == 443:
		return u.Scheme + "://" + host, nil
	}
	return u.Scheme + "://" + host + ":" + port, nil
}

// canonicalHost returns a host in lower case, an IPv6 address in brackets.
func canonicalHost(host string) (string, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		switch {
		case a.Zone() != "":
			return "", errors.New("the address has a zone")
		case a.Is6():
			return "[" + a.String() + "]", nil
		}
		return a.String(), nil
	}
	host = strings.ToLower(host)
	labels := strings.Split(host, ".")
	if len(host) > 253 {
		return "", errors.New("the host name is too long")
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errors.New("the host name is not made of letters, digits and hyphens")
		}
	}
	// Browsers read a host whose last label is a number as an IPv4 address.
	last := labels[len(labels)-1]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" {
		return "", errors.New("the host is a number that is no IP address")
	}
	return host, nil
}

// IsLoopback reports whether a host name, without a port, always means this
// machine: localhost and names below it, 127.0.0.0/8, ::1.
func IsLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") && len(host) > len(".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Zone() == "" && a.Unmap().IsLoopback()
}

// List returns the origins in the order given.
func (o *Origins) List() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.list)
}

// Loopback reports the loopback mode: nothing is configured.
func (o *Origins) Loopback() bool { return o == nil || len(o.list) == 0 }

// Allowed reports whether origin is on the list, byte for byte. In loopback
// mode nothing is.
func (o *Origins) Allowed(origin string) bool {
	return o != nil && slices.Contains(o.list, origin)
}

// AllowedFor is Allowed, and in loopback mode reports whether origin is the
// loopback host that r was sent to.
func (o *Origins) AllowedFor(r *http.Request, origin string) bool {
	if !o.Loopback() {
		return o.Allowed(origin)
	}
	scheme, _, _ := strings.Cut(origin, "://")
	if r == nil || scheme != "http" && scheme != "https" {
		return false
	}
	own, err := ParseOrigin(scheme + "://" + r.Host)
	return err == nil && own == origin && IsLoopback(hostOf(own))
}

// CheckHost refuses a request whose Host is not that of a listed origin, or in
// loopback mode not a loopback one, as after DNS rebinding. Links must not be
// made from a Host that has not passed. The error is a [*FieldError].
func (o *Origins) CheckHost(r *http.Request) error {
	for _, scheme := range []string{"https://", "http://"} {
		own, err := ParseOrigin(scheme + r.Host)
		if err != nil || strings.ContainsAny(r.Host, "/?#@\\") {
			break
		}
		if o.Allowed(own) || o.Loopback() && IsLoopback(hostOf(own)) {
			return nil
		}
	}
	if o.Loopback() {
		return fail(badRequest, CodeHostInvalid, "", "This application has no URL configured, so that it answers at loopback addresses only.")
	}
	return fail(badRequest, CodeHostInvalid, "", "The host of the request is not one of this application.")
}

// IsForeign reports whether code refuses a request for where it came from, or
// was sent to.
func IsForeign(code string) bool {
	return code == CodeHostInvalid || code == CodeOriginInvalid || code == CodeOriginMultiple || code == "csrf_token_invalid"
}

// LogForeign tells operators of such a request: what is wrong is often their own
// configuration, which the person in front of the browser knows nothing of.
func LogForeign(log *slog.Logger, r *http.Request, code string) {
	log.InfoContext(r.Context(), "refused: neither Config.URL nor in Config.AllowedOrigins", "code", code, "host", Clean(r.Host, 256),
		"origin", Clean(r.Header.Get("Origin"), 256), "path", Clean(r.URL.Path, 1024))
}

// hostOf cuts the host name out of a canonical origin.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host
}

// Safe reports the methods that never write (RFC 9110 9.2.1, without TRACE).
func Safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Check decides whether a browser may send this request. An Origin must be
// single and allowed, whatever the method; "null" never is. An unsafe request
// without one is judged by Sec-Fetch-Site, else by Referer; one with none of
// the three comes from no browser of this decade and passes. The method is the
// one on the wire. The error is a [*FieldError] with status 400.
func (o *Origins) Check(r *http.Request) error {
	foreign := fail(badRequest, CodeOriginInvalid, "", "The origin of the request is not allowed.")
	if o.Loopback() {
		if err := o.CheckHost(r); err != nil {
			return err
		}
	}
	switch origins := r.Header["Origin"]; {
	case len(origins) > 1:
		return fail(badRequest, CodeOriginMultiple, "", "The request has more than one Origin header.")
	case len(origins) == 1:
		if !o.AllowedFor(r, origins[0]) {
			return foreign
		}
		return nil
	}
	if Safe(r.Method) {
		return nil
	}
	if sites, ok := r.Header["Sec-Fetch-Site"]; ok {
		if len(sites) == 1 && (sites[0] == "same-origin" || sites[0] == "none") {
			return nil
		}
		return foreign
	}
	for _, referer := range r.Header["Referer"] {
		if from, err := ParseOrigin(referer); err != nil || !o.AllowedFor(r, from) {
			return foreign
		}
	}
	return nil
}

// CheckAuthorization refuses a request with both Origin and Authorization: a
// browser is known by its cookie, an app by its token, and one that is both
// has two identities.
func CheckAuthorization(r *http.Request) error {
	if len(r.Header["Origin"]) > 0 && len(r.Header["Authorization"]) > 0 {
		return fail(badRequest, CodeOriginConflict, "", "The request has both an Origin and an Authorization header.")
	}
	return nil
}
