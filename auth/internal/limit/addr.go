package limit

import (
	"net/netip"
	"strings"
)

// ParseAddr reads an address as people and proxies write it: with or without
// port, brackets, zone and surrounding spaces. The result is canonical, see
// [Canonical]; what is no address is the zero Addr, and all such share a key.
func ParseAddr(s string) netip.Addr {
	s = strings.TrimSpace(s)
	if len(s) > 128 {
		return netip.Addr{}
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return Canonical(ap.Addr())
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return Canonical(a)
}

// Canonical is the one form of an address: without zone, and IPv4 where an
// IPv6 address (mapped, NAT64's well-known prefix, 6to4) only wraps one, so
// that a client cannot count twice.
func Canonical(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b}: // NAT64, RFC 6052: 64:ff9b::/96
		return netip.AddrFrom4([4]byte(b[12:16]))
	case b[0] == 0x20 && b[1] == 0x02: // 6to4, RFC 3056: 2002::/16
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// AddrKey is the key of one client: its IPv4 address, or the /64 that an IPv6
// customer has to choose addresses in.
func AddrKey(a netip.Addr) string {
	a = Canonical(a)
	if !a.IsValid() {
		return "unknown"
	}
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// NetworkKeys are the keys of the network that a client is part of, the
// narrowest first: the /24 of an IPv4 address; of an IPv6 address the /56 that
// one customer has, and the /48 that a larger one can spread over.
func NetworkKeys(a netip.Addr) []string {
	a = Canonical(a)
	if !a.IsValid() {
		return []string{"unknown"}
	}
	bits := []int{56, 48}
	if a.Is4() {
		bits = []int{24}
	}
	out := make([]string, 0, len(bits))
	for _, n := range bits {
		p, err := a.Prefix(n)
		if err != nil {
			return []string{"unknown"}
		}
		out = append(out, p.String())
	}
	return out
}
