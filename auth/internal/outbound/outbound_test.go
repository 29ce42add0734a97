package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usherauth/usher/auth/internal/outbound"
)

// Whatever a name leads to, the address that is dialled must be public.
func TestAttack_W01_OnlyPublicAddresses(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
		"fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
	} {
		if err := (outbound.Policy{}).Check(netip.MustParseAddr(a)); !errors.Is(err, outbound.ErrAddress) {
			t.Errorf("%s may be called", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "142.250.74.206", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1", "100.128.0.1"} {
		if err := (outbound.Policy{}).Check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	p := outbound.Policy{Loopback: true, Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	for a, ok := range map[string]bool{"127.0.0.1": true, "::1": true, "10.1.2.3": true, "10.2.0.1": false, "169.254.169.254": false} {
		if err := p.Check(netip.MustParseAddr(a)); (err == nil) != ok {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// The check is on what is dialled: names, octal and decimal spellings end up
// there, whatever was looked at before.
func TestAttack_W01_DialledAddress(t *testing.T) {
	reached := false
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer srv.Close()
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ap := netip.MustParseAddrPort(srv.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1", "0x7f.1", "127.1"} {
		res, err := outbound.Client(outbound.Policy{Ports: []uint16{ap.Port()}}).Get("https://" + host + ":" + port + "/")
		if err == nil {
			res.Body.Close()
			t.Errorf("%s was called", host)
		}
	}
	if reached {
		t.Error("the server saw a request")
	}
}

func TestCheckURL(t *testing.T) {
	for s, ok := range map[string]bool{
		"https://id.example.com/x": true, "https://id.example.com:443/": true, "https://id.example.com:8443/": true,
		"http://id.example.com/": false, "https://id.example.com:22/": false, "https://u:p@id.example.com/": false,
		"ftp://id.example.com/": false, "https:///x": false, "http://127.0.0.1/": false, "file:///etc/passwd": false,
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := (outbound.Policy{Ports: []uint16{8443}}).CheckURL(u); (err == nil) != ok {
			t.Errorf("%s: %v", s, err)
		}
	}
	u, _ := url.Parse("http://127.0.0.1:9000/")
	if err := (outbound.Policy{Loopback: true}).CheckURL(u); err != nil {
		t.Error(err)
	}
}

type answer func(*http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// Answers that are too large, also once decompressed, too deep or endless are
// given up.
func TestAttack_O10_AnswersAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(bytes.Repeat([]byte(" "), 100<<20))
	z.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			io.WriteString(w, `{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"{{{"}`)
		case "/large":
			w.Write(bytes.Repeat([]byte("x"), outbound.MaxBody+1))
		case "/deep":
			io.WriteString(w, strings.Repeat("[", outbound.MaxDepth+1)+strings.Repeat("]", outbound.MaxDepth+1))
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		case "/redirect":
			http.Redirect(w, r, "/ok", http.StatusFound)
		}
	}))
	defer srv.Close()
	c := outbound.Client(outbound.Policy{Loopback: true})
	for path, want := range map[string]error{"/ok": nil, "/large": outbound.ErrTooLarge, "/deep": outbound.ErrTooDeep, "/gzip": outbound.ErrTooLarge} {
		res, err := c.Get(srv.URL + path)
		if !errors.Is(err, want) || want == nil && res.StatusCode != 200 {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			res.Body.Close()
		}
	}
	res, err := c.Get(srv.URL + "/redirect")
	if err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("a redirect was followed: %v %v", res, err)
	}
}

// A server that never ends its answer is left after ten seconds.
func TestAttack_O10_SlowAnswersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := outbound.Bounded(outbound.Policy{}, answer(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(drip{r.Context()})}, nil
		}))
		start := time.Now()
		_, err := c.Get("https://slow.example.com/")
		if err == nil || time.Since(start) > outbound.Timeout+time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// drip gives a byte a second until its request ends.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}
