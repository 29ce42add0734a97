package httpx

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	maxHops      = 32   // forwarded addresses that are looked at, from the right
	maxForwarded = 4096 // bytes of one header line
)

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// ClientAddr returns the address of the client: that of the peer, unless the
// peer is a trusted proxy. Then it is the right-most address in
// X-Forwarded-For, or in Forwarded (RFC 7239), that is not itself a trusted
// proxy. Whatever stands further left was written by that client and says
// nothing. X-Real-IP and kin are never read.
//
// When an entry cannot be read, the last hop that is known for certain is the
// answer. When both headers are there and disagree, one of them came through
// from the client, and the peer is the answer. The result is unmapped and
// without a zone; it is the zero Addr when the peer is not an IP address.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, ok := parseHop(r.RemoteAddr)
	if !ok || !isTrusted(peer, trusted) {
		return peer
	}
	plain, hasPlain := r.Header["X-Forwarded-For"]
	std, hasStd := r.Header["Forwarded"]
	switch {
	case hasPlain && hasStd:
		a := lastUntrusted(peer, plain, splitPlain, trusted)
		if b := lastUntrusted(peer, std, splitForwarded, trusted); a != b {
			return peer
		}
		return a
	case hasPlain:
		return lastUntrusted(peer, plain, splitPlain, trusted)
	case hasStd:
		return lastUntrusted(peer, std, splitForwarded, trusted)
	}
	return peer
}

// ForwardedByStranger reports whether the peer says that it forwards for somebody
// and is no trusted proxy.
func ForwardedByStranger(r *http.Request, trusted []netip.Prefix) bool {
	if len(r.Header["X-Forwarded-For"]) == 0 && len(r.Header["Forwarded"]) == 0 {
		return false
	}
	peer, ok := parseHop(r.RemoteAddr)
	return !ok || !isTrusted(peer, trusted)
}

// lastUntrusted walks the hops from the right, beginning at peer.
func lastUntrusted(peer netip.Addr, lines []string, split func(string) []string, trusted []netip.Prefix) netip.Addr {
	known, hops := peer, 0
	for _, line := range slices.Backward(lines) {
		if len(line) > maxForwarded {
			return known
		}
		for _, entry := range slices.Backward(split(line)) {
			addr, ok := parseHop(entry)
			if hops++; !ok || hops > maxHops {
				return known
			}
			if known = addr; !isTrusted(addr, trusted) {
				return known
			}
		}
	}
	return known
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return unmapPrefix(p).Contains(a) })
}

// parseHop reads an address with or without a port and brackets.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	a, err := netip.ParseAddr(s)
	if err != nil {
		if ap, perr := netip.ParseAddrPort(s); perr == nil {
			a, err = ap.Addr(), nil
		} else if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
			if a, err = netip.ParseAddr(s[1 : len(s)-1]); err == nil && !a.Is6() {
				return netip.Addr{}, false
			}
		}
	}
	// First unmapped and without its zone: neither ::ffff:0.0.0.0 nor ::%eth0
	// calls itself unspecified.
	if a = a.Unmap().WithZone(""); err != nil || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	return a, true
}

func splitPlain(line string) []string { return strings.Split(line, ",") }

// splitForwarded returns the for= of each element, empty where there is none.
// A line with an open quote yields one entry that cannot be read, so that a
// client cannot hide behind it what a proxy appended.
func splitForwarded(line string) []string {
	elements, ok := splitQuoted(line, ',')
	if !ok {
		return []string{""}
	}
	out := make([]string, len(elements))
	for i, element := range elements {
		params, _ := splitQuoted(element, ';')
		seen := false
		for _, param := range params {
			key, value, _ := strings.Cut(strings.Trim(param, " \t"), "=")
			if !strings.EqualFold(key, "for") {
				continue
			}
			if seen { // twice: refused
				out[i] = ""
				break
			}
			seen = true
			out[i] = unquote(value)
		}
	}
	return out
}

// splitQuoted splits at sep outside of quoted strings; not ok when a quote
// stays open.
func splitQuoted(s string, sep byte) (parts []string, ok bool) {
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:]), !quoted
}

// unquote takes the quotes off; an address needs no escapes, so one with a
// backslash stays unreadable.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
