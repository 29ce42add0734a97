// Package outbound makes the HTTP client that usher calls others with. What it
// is told to call may come from somebody else (a discovery document, a setting
// of an administrator), so it reaches public addresses only, and what it reads
// is bounded.
//
//	c := outbound.Client(outbound.Policy{})
//	res, err := c.Get("https://issuer.example.com/.well-known/openid-configuration")
//
// The address is checked when it is dialled, after the name was looked up: a
// name that changes its mind between a check and the call gains nothing.
package outbound

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	// Timeout bounds a whole call, from the name to the last byte.
	Timeout = 10 * time.Second
	// MaxBody is how much of an answer is read, after it was decompressed.
	MaxBody = 1 << 20
	// MaxDepth is how deep JSON of an answer may be nested.
	MaxDepth = 32
)

// A Policy says what may be called besides public addresses on port 443.
type Policy struct {
	// Loopback lets loopback addresses be called, on every port and without TLS:
	// for instances that are themselves on one.
	Loopback bool
	// Ports are further ports.
	Ports []uint16
	// Networks are private networks that may be called.
	Networks []netip.Prefix
}

// Errors of calls that the policy forbids or that give too much.
var (
	ErrAddress  = errors.New("outbound: the address is not a public one")
	ErrURL      = errors.New("outbound: only https on a usual port is called")
	ErrTooLarge = errors.New("outbound: the answer is larger than 1 MiB")
	ErrTooDeep  = errors.New("outbound: the answer is nested too deep")
)

// Client returns a client that keeps to p. It follows no redirects: the answer
// that would redirect is returned as it is.
func Client(p Policy) *http.Client {
	d := &net.Dialer{Timeout: Timeout / 2, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrAddress, address)
		}
		return p.Check(ap.Addr())
	}}
	t := &http.Transport{
		DialContext: d.DialContext, TLSHandshakeTimeout: Timeout / 2, ResponseHeaderTimeout: Timeout,
		MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	return Bounded(p, t)
}

// Bounded returns a client that keeps to p but for the addresses, which are
// left to t. Tests use it to answer without a network.
func Bounded(p Policy, t http.RoundTripper) *http.Client {
	return &http.Client{Timeout: Timeout, Transport: bounded{p, t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Check refuses addresses that are not public, unless the policy names them.
func (p Policy) Check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
	case a.IsLoopback() && p.Loopback, public(a):
		return nil
	case slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(a) }):
		return nil
	}
	return fmt.Errorf("%w: %s", ErrAddress, a)
}

// reserved are the networks that netip has no name for, and that lead
// somewhere else than to a public host.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", // IPv4: this network, CGNAT, protocols, tests, 6to4 relay
	"168.63.129.16/32", // the metadata service of Azure, on a public address
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() &&
		!slices.ContainsFunc(reserved, func(n netip.Prefix) bool { return n.Contains(a) })
}

// CheckURL refuses what is not https on a usual port.
func (p Policy) CheckURL(u *url.URL) error {
	if p.Loopback && isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	port := 443
	if s := u.Port(); s != "" {
		port, _ = strconv.Atoi(s)
	}
	if u.Scheme != "https" || u.Host == "" || u.User != nil || port != 443 && (port <= 0 || port > 65535 || !slices.Contains(p.Ports, uint16(port))) {
		return fmt.Errorf("%w: %s://%s", ErrURL, u.Scheme, u.Host)
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// bounded checks the URL before, and reads the whole answer within the limits.
type bounded struct {
	p    Policy
	next http.RoundTripper
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := b.p.CheckURL(r.URL); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "usher")
	}
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > MaxBody:
		return nil, ErrTooLarge
	case tooDeep(body):
		return nil, ErrTooDeep
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// tooDeep counts brackets outside of texts. What is no JSON may be refused as
// well: nobody asks for anything else.
func tooDeep(body []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
