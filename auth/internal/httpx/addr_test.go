package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func networks(cidrs ...string) (out []netip.Prefix) {
	for _, n := range cidrs {
		out = append(out, netip.MustParsePrefix(n))
	}
	return out
}

func TestAttack_S15_SpoofedAddresses(t *testing.T) {
	trusted := networks("10.0.0.0/8", "::ffff:192.168.0.0/112", "2001:db8:1::/48", "172.16.0.1/32")
	type hdr = http.Header
	xff := func(lines ...string) hdr { return hdr{"X-Forwarded-For": lines} }
	fwd := func(lines ...string) hdr { return hdr{"Forwarded": lines} }
	tests := []struct {
		name, peer string
		header     hdr
		want       string // empty: the zero Addr
	}{
		{"no proxy", "203.0.113.9:1", nil, "203.0.113.9"},
		{"header from anybody", "203.0.113.9:1", xff("1.1.1.1"), "203.0.113.9"},
		{"standard header from anybody", "203.0.113.9:1", fwd("for=1.1.1.1"), "203.0.113.9"},
		{"X-Real-IP from anybody", "203.0.113.9:1", hdr{"X-Real-Ip": {"1.1.1.1"}}, "203.0.113.9"},
		{"X-Real-IP from a proxy", "10.0.0.1:1", hdr{"X-Real-Ip": {"1.1.1.1"}}, "10.0.0.1"},
		{"kin from a proxy", "10.0.0.1:1", hdr{"X-Client-Ip": {"1.1.1.1"}, "True-Client-Ip": {"1.1.1.1"}, "Cf-Connecting-Ip": {"1.1.1.1"}}, "10.0.0.1"},
		{"loopback claimed by anybody", "203.0.113.9:1", xff("127.0.0.1"), "203.0.113.9"},
		{"proxy without header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"one hop", "10.0.0.1:1", xff("198.51.100.7"), "198.51.100.7"},
		{"client wrote the left", "10.0.0.1:1", xff("1.1.1.1, 198.51.100.7"), "198.51.100.7"},
		{"client claims a proxy on the left", "10.0.0.1:1", xff("10.9.9.9, 198.51.100.7"), "198.51.100.7"},
		{"two proxies", "10.0.0.1:1", xff("1.1.1.1, 198.51.100.7, 10.0.0.2"), "198.51.100.7"},
		{"client's header line first", "10.0.0.1:1", xff("1.1.1.1", "198.51.100.7"), "198.51.100.7"},
		{"all trusted", "10.0.0.1:1", xff("10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		{"garbage on the left", "10.0.0.1:1", xff("<script>, 198.51.100.7"), "198.51.100.7"},
		{"garbage on the right", "10.0.0.1:1", xff("198.51.100.7, unknown"), "10.0.0.1"},
		{"garbage behind a proxy", "10.0.0.1:1", xff("x, 10.0.0.2"), "10.0.0.2"},
		{"empty", "10.0.0.1:1", xff(""), "10.0.0.1"},
		{"comma at the end", "10.0.0.1:1", xff("198.51.100.7,"), "10.0.0.1"},
		{"IPv4 in IPv6", "10.0.0.1:1", xff("::ffff:198.51.100.7"), "198.51.100.7"},
		{"proxy as IPv4 in IPv6", "[::ffff:10.0.0.1]:1", xff("198.51.100.7"), "198.51.100.7"},
		{"network given as IPv4 in IPv6", "192.168.0.5:1", xff("198.51.100.7"), "198.51.100.7"},
		{"single trusted address", "172.16.0.1:1", xff("198.51.100.7"), "198.51.100.7"},
		{"neighbour of a single trusted address", "172.16.0.2:1", xff("198.51.100.7"), "172.16.0.2"},
		{"port", "10.0.0.1:1", xff("198.51.100.7:4711"), "198.51.100.7"},
		{"IPv6 with port", "10.0.0.1:1", xff("[2001:db8::7]:4711"), "2001:db8::7"},
		{"IPv6 in brackets", "10.0.0.1:1", xff("[2001:db8::7]"), "2001:db8::7"},
		{"IPv4 in brackets", "10.0.0.1:1", xff("[198.51.100.7]"), "10.0.0.1"},
		{"IPv6 with zone", "10.0.0.1:1", xff("fe80::1%eth0"), "fe80::1"},
		{"peer with zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"octal", "10.0.0.1:1", xff("0198.51.100.7"), "10.0.0.1"},
		{"decimal", "10.0.0.1:1", xff("3325256711"), "10.0.0.1"},
		{"unspecified", "10.0.0.1:1", xff("0.0.0.0"), "10.0.0.1"},
		{"unspecified, mapped", "10.0.0.1:1", xff("::ffff:0.0.0.0"), "10.0.0.1"},
		{"unspecified, with a zone", "10.0.0.1:1", xff("::%eth0"), "10.0.0.1"},
		{"unspecified peer with a zone", "[::%eth0]:1", xff("198.51.100.7"), ""},
		{"newline", "10.0.0.1:1", xff("1.1.1.1\n198.51.100.7"), "10.0.0.1"},
		{"flood", "10.0.0.1:1", xff(strings.Repeat("1.1.1.1,", 400) + "198.51.100.7"), "198.51.100.7"},
		{"flood of proxies", "10.0.0.1:1", xff("1.1.1.1," + strings.Repeat("10.0.0.2,", 100) + "10.0.0.3"), "10.0.0.2"},
		{"endless line", "10.0.0.1:1", xff(strings.Repeat("1", 5000) + ",198.51.100.7"), "10.0.0.1"},
		{"Forwarded", "10.0.0.1:1", fwd("for=198.51.100.7;proto=https;by=10.0.0.1"), "198.51.100.7"},
		{"Forwarded, letters", "10.0.0.1:1", fwd("By=1.1.1.1; FOR=198.51.100.7"), "198.51.100.7"},
		{"Forwarded, IPv6", "10.0.0.1:1", fwd(`for="[2001:db8::7]:4711"`), "2001:db8::7"},
		{"Forwarded, chain", "10.0.0.1:1", fwd("for=1.1.1.1, for=198.51.100.7, for=10.0.0.2"), "198.51.100.7"},
		{"Forwarded, obfuscated", "10.0.0.1:1", fwd("for=1.1.1.1, for=_hidden"), "10.0.0.1"},
		{"Forwarded, no for", "10.0.0.1:1", fwd("for=1.1.1.1, proto=https"), "10.0.0.1"},
		{"Forwarded, for twice", "10.0.0.1:1", fwd("for=198.51.100.7;for=1.1.1.1"), "10.0.0.1"},
		{"Forwarded, open quote hides the proxy's entry", "10.0.0.1:1", fwd(`for="1.1.1.1, for=198.51.100.7`), "10.0.0.1"},
		{"Forwarded, open quote in the client's line", "10.0.0.1:1", fwd(`for="1.1.1.1`, `for=198.51.100.7`), "198.51.100.7"},
		{"Forwarded, comma in quotes", "10.0.0.1:1", fwd(`for="1.1.1.1, for=2.2.2.2";x="a,b", for=198.51.100.7`), "198.51.100.7"},
		{"Forwarded, escape in quotes", "10.0.0.1:1", fwd(`for="1.1.1.\1"`), "10.0.0.1"},
		{"both agree", "10.0.0.1:1", hdr{"X-Forwarded-For": {"198.51.100.7"}, "Forwarded": {"for=198.51.100.7"}}, "198.51.100.7"},
		{"client sent the other header", "10.0.0.1:1", hdr{"X-Forwarded-For": {"198.51.100.7"}, "Forwarded": {"for=1.1.1.1"}}, "10.0.0.1"},
		{"client sent the other header, empty", "10.0.0.1:1", hdr{"X-Forwarded-For": {"198.51.100.7"}, "Forwarded": {""}}, "10.0.0.1"},
		{"trusted IPv6 proxy", "[2001:db8:1::1]:1", xff("198.51.100.7"), "198.51.100.7"},
		{"unix socket", "@", xff("198.51.100.7"), ""},
		{"no peer", "", xff("198.51.100.7"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			for k, v := range tt.header {
				r.Header[k] = v
			}
			got := httpx.ClientAddr(r, trusted)
			if tt.want == "" {
				if got.IsValid() {
					t.Errorf("got %v", got)
				}
				return
			}
			if got != netip.MustParseAddr(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			// Nobody trusted: the headers change nothing.
			if alone := httpx.ClientAddr(r, nil); alone.IsValid() && !strings.Contains(tt.peer, alone.String()) {
				t.Errorf("without proxies: got %v for %s", alone, tt.peer)
			}
		})
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:1", "1.1.1.1, 2.2.2.2", `for="[::1]:2";by=x`)
	f.Add("::%eth0", "::ffff:0.0.0.0", "")
	f.Fuzz(func(t *testing.T, peer, plain, std string) {
		trusted := networks("10.0.0.0/8")
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {plain}, "Forwarded": {std}}}
		a := httpx.ClientAddr(r, trusted)
		if a.Is4In6() || a.Zone() != "" || a.IsValid() && a.IsUnspecified() {
			t.Fatalf("got %v", a)
		}
		// What a proxy appends last decides, whatever the client wrote before.
		r.RemoteAddr = "10.0.0.1:1"
		r.Header = http.Header{"X-Forwarded-For": {plain, "198.51.100.7"}}
		if got := httpx.ClientAddr(r, trusted); got.String() != "198.51.100.7" {
			t.Fatalf("spoofed: %v by %q", got, plain)
		}
	})
}
