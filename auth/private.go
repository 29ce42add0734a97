package auth

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// private is the writer of an answer that carries cookies of ours: whatever the
// host's handler says of caching, nobody may keep it. The host has every other
// ability of the writer below, by [http.ResponseController] or by assertion.
type private struct {
	http.ResponseWriter
	sent bool // the header has left
}

// seal makes the header private, as long as it has not left.
func (p *private) seal() {
	if p.sent {
		return
	}
	h := p.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Del("CDN-Cache-Control") // RFC 9213: goes before Cache-Control
	h.Del("Surrogate-Control")
}

func (p *private) WriteHeader(status int) {
	p.seal()
	p.sent = p.sent || status >= 200 || status == http.StatusSwitchingProtocols
	p.ResponseWriter.WriteHeader(status)
}

func (p *private) Write(b []byte) (int, error) {
	p.send()
	return p.ResponseWriter.Write(b)
}

// ReadFrom lets files take the short way.
func (p *private) ReadFrom(r io.Reader) (int64, error) {
	p.send()
	return io.Copy(p.ResponseWriter, r)
}

func (p *private) Flush() { _ = p.FlushError() }

func (p *private) FlushError() error {
	p.send()
	return http.NewResponseController(p.ResponseWriter).Flush()
}

func (p *private) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(p.ResponseWriter).Hijack()
}

func (p *private) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// send is called by what sends the header without being asked to.
func (p *private) send() {
	p.seal()
	p.sent = true
}
