package limit_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/limit"
)

func TestAttack_C20_SpellingsOfOneAddressAreOneKey(t *testing.T) {
	for want, spellings := range map[string][]string{
		"203.0.113.9/32": {
			"203.0.113.9", " 203.0.113.9 ", "203.0.113.9:443", "203.0.113.9:1", "\t203.0.113.9\n",
			"::ffff:203.0.113.9", "::FFFF:203.0.113.9", "[::ffff:203.0.113.9]", "[::ffff:203.0.113.9]:80",
			"::ffff:cb00:7109", "::ffff:CB00:7109", "0:0:0:0:0:ffff:cb00:7109", "0000:0000:0000:0000:0000:ffff:203.0.113.9",
			"::ffff:cb00:7109%eth0", "64:ff9b::203.0.113.9", "64:ff9b::cb00:7109", "2002:cb00:7109::1", "2002:cb00:7109:ffff::1",
		},
		"2001:db8:1:2::/64": {
			"2001:db8:1:2::1", "2001:DB8:1:2::1", "2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2:0:0:0:1",
			"[2001:db8:1:2::1]", "[2001:db8:1:2::1]:443", "2001:db8:1:2::1%eth0", "[2001:db8:1:2::1%25eth0]:443",
			"2001:db8:1:2::0.0.0.1", "2001:db8:1:2::ffff", "2001:db8:1:2:ffff:ffff:ffff:ffff", " 2001:db8:1:2::1",
			"2001:db8:1:2::%a", "2001:db8:1:2:dead:beef:cafe:f00d",
		},
		"unknown": {"", "nonsense", "203.0.113.009", "0xcb.0.113.9", "3405803785", "203.0.113", "[203.0.113.9", "1.2.3.4.5", "::ffff:203.0.113.9.1"},
	} {
		for _, s := range spellings {
			if got := limit.AddrKey(limit.ParseAddr(s)); got != want {
				t.Errorf("%q: %s, want %s", s, got, want)
			}
		}
	}
}

func TestAttack_C20_OneNetworkIsOneBudget(t *testing.T) {
	l, _ := newLimiter(0)
	rule := limit.Rule{Burst: 5, Per: time.Minute}
	allowed := 0
	for i := range 10_000 {
		a := netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2:%x::%x", i%256, i))
		if ok, _ := l.Allow(limit.AddrKey(a), rule, 1); ok {
			allowed++
		}
	}
	if allowed != 5 {
		t.Errorf("%d of 5 allowed for a /64", allowed)
	}
}

func TestTwoAddressesAreTwoKeys(t *testing.T) {
	if limit.AddrKey(netip.MustParseAddr("203.0.113.9")) == limit.AddrKey(netip.MustParseAddr("203.0.113.10")) {
		t.Error("two IPv4 addresses share a key")
	}
}

// Whoever moves within a network stays in it: thirty spellings and places are
// one key.
func TestAttack_C20_NetworksOfAnAddress(t *testing.T) {
	for want, spellings := range map[string][]string{
		"203.0.113.0/24": {"203.0.113.9", "203.0.113.255", "203.0.113.0:80", "::ffff:203.0.113.77", "64:ff9b::203.0.113.1", "2002:cb00:7109::1",
			"[::ffff:203.0.113.9]:443", " 203.0.113.8 ", "::ffff:cb00:7109%eth0", "0:0:0:0:0:ffff:cb00:71ff"},
		"2001:db8:1:200::/56 2001:db8:1::/48": {"2001:db8:1:200::1", "2001:db8:1:2ff::1", "2001:DB8:1:201:dead::1", "[2001:db8:1:234::]:1", "2001:db8:1:2aa::%eth0",
			"2001:0db8:0001:0200:0000:0000:0000:0001", "2001:db8:1:2fe::0.0.0.1", " 2001:db8:1:200::f", "2001:db8:1:200:ffff:ffff:ffff:ffff", "[2001:db8:1:25c::9]"},
		"2001:db8:1:300::/56 2001:db8:1::/48": {"2001:db8:1:300::1", "2001:db8:1:3ff::1"},
		"unknown":                             {"", "nonsense", "203.0.113.009", "1.2.3.4.5"},
	} {
		for _, s := range spellings {
			if got := strings.Join(limit.NetworkKeys(limit.ParseAddr(s)), " "); got != want {
				t.Errorf("%q: %s, want %s", s, got, want)
			}
		}
	}
}
