package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// client sets up go-mail for one delivery; conn receives the connection, which
// is cut when ctx ends.
func (m *Mailer) client(ctx context.Context, conn **guarded) (*gomail.Client, error) {
	host, port, err := m.address()
	if err != nil {
		return nil, err
	}
	dial := func(dialCtx context.Context, network, _ string) (net.Conn, error) {
		g, err := m.dial(dialCtx, network, net.JoinHostPort(host, port))
		if err != nil {
			return nil, err
		}
		g.release = context.AfterFunc(ctx, func() { g.Conn.Close() })
		*conn = g
		if m.TLS != ImplicitTLS {
			return g, nil
		}
		t := tls.Client(g, m.tlsConfig(host))
		return t, t.HandshakeContext(dialCtx)
	}
	options := []gomail.Option{
		gomail.WithDialContextFunc(dial),
		gomail.WithTimeout(cmp.Or(m.Timeout, DefaultTimeout)),
		gomail.WithTLSConfig(m.tlsConfig(host)),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithoutNoop(),
		gomail.WithoutRset(), // its failure would be taken for the mail's
	}
	auth := []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin}
	switch m.TLS {
	case ImplicitTLS:
		options = append(options, gomail.WithSSL())
	case InsecureAllowPlain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
		auth = []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc}
	}
	if m.Username != "" {
		options = append(options, gomail.WithUsername(m.Username), gomail.WithPassword(m.Password),
			gomail.WithOpportunisticSMTPAuth(auth...))
	}
	if m.Hello != "" {
		options = append(options, gomail.WithHELO(m.Hello))
	}
	return gomail.NewClient(host, options...)
}

func (m *Mailer) tlsConfig(host string) *tls.Config {
	c := &tls.Config{}
	if m.TLSConfig != nil {
		c = m.TLSConfig.Clone()
	}
	c.ServerName = cmp.Or(c.ServerName, host)
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.InsecureSkipVerify = false
	return c
}

var (
	errNotLoopback = errors.New("plain text is for servers on this machine only")
	errTooMuch     = fmt.Errorf("the server sent more than %d bytes", maxReplies)
)

// dial connects. Whether the server is on this machine is decided by the
// address that was reached, not by its name.
func (m *Mailer) dial(ctx context.Context, network, addr string) (*guarded, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if m.TLS == InsecureAllowPlain {
		peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if err != nil || !peer.Addr().Unmap().IsLoopback() {
			conn.Close()
			return nil, errNotLoopback
		}
	}
	return &guarded{Conn: conn, left: maxReplies}, nil
}

// guarded is a connection that reads a bounded number of bytes.
type guarded struct {
	net.Conn
	left    int
	release func() bool // unties the connection from its context
}

func (g *guarded) Close() error {
	if g.release != nil {
		g.release()
	}
	return g.Conn.Close()
}

// SetDeadline does nothing: the context of the delivery is its one clock, and
// an error then always says which it was, time or cancellation.
func (g *guarded) SetDeadline(time.Time) error { return nil }

func (g *guarded) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errTooMuch
	}
	n, err := g.Conn.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}
