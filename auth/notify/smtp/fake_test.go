package smtp_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// mood is how the fake server behaves.
type mood int

const (
	ok       mood = iota // takes everything
	down                 // nobody listens
	hanging              // accepts the connection and says nothing
	refusing             // refuses one address for good, another for now
	dripping             // answers one byte at a time, for ever
	sealed               // speaks TLS from the first byte
	naked                // offers no STARTTLS
	silent               // takes the mail and never answers to it
	chatty               // answers without end
	injected             // puts a reply into the plain text before TLS
)

// fakeSMTP is an SMTP server in this process.
type fakeSMTP struct {
	addr  string
	roots *x509.CertPool

	mood mood
	tls  *tls.Config
	done chan struct{}
	wg   sync.WaitGroup

	accepted, got chan struct{} // tell of the first connection and mail

	mu    sync.Mutex
	mails []fakeMail
}

type fakeMail struct {
	from, to, data, user string
	encrypted            bool
}

func newFake(t *testing.T, m mood) *fakeSMTP {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate
	f := &fakeSMTP{mood: m, roots: x509.NewCertPool(), done: make(chan struct{}), accepted: make(chan struct{}, 1), got: make(chan struct{}, 1),
		tls: &tls.Config{Certificates: web.TLS.Certificates}}
	f.roots.AddCert(web.Certificate())
	web.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	if m == down {
		l.Close()
		return f
	}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(f.done)
		f.wg.Wait()
	})
	return f
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (f *fakeSMTP) received() []fakeMail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]fakeMail(nil), f.mails...)
}

// serve speaks to one client until it goes away or the test ends.
func (f *fakeSMTP) serve(c net.Conn) {
	tell(f.accepted)
	defer c.Close()
	gone := make(chan struct{})
	defer close(gone)
	f.wg.Go(func() {
		select {
		case <-f.done:
			c.Close()
		case <-gone:
		}
	})
	switch f.mood {
	case hanging:
		io.Copy(io.Discard, c)
		return
	case dripping:
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-f.done:
				return
			case <-tick.C:
			}
			if _, err := c.Write([]byte("2")); err != nil {
				return
			}
		}
	case chatty:
		line := []byte("220-" + strings.Repeat("x", 1000) + "\r\n")
		for {
			if _, err := c.Write(line); err != nil {
				return
			}
		}
	case sealed:
		t := tls.Server(c, f.tls)
		if t.Handshake() != nil {
			return
		}
		c = t
	}
	f.talk(c)
}

func (f *fakeSMTP) talk(c net.Conn) {
	in := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	mail := fakeMail{encrypted: f.mood == sealed}
	say("220 fake ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-fake")
			if !mail.encrypted && f.mood != naked {
				say("250-STARTTLS")
			}
			say("250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN")
		case "STARTTLS":
			if f.mood == injected {
				say("220 go\r\n250 2.1.0 injected")
			} else {
				say("220 go")
			}
			t := tls.Server(c, f.tls)
			if t.Handshake() != nil {
				return
			}
			c, in = t, bufio.NewReader(t)
			mail.encrypted = true
		case "AUTH":
			_, secret, _ := strings.Cut(rest, " ")
			b, _ := base64.StdEncoding.DecodeString(secret)
			parts := strings.Split(string(b), "\x00")
			if len(parts) != 3 || parts[2] != "correct horse" {
				say("535 5.7.8 no: %s", b)
				continue
			}
			mail.user = parts[1]
			say("235 2.7.0 yes")
		case "MAIL":
			mail.from = rest
			say("250 2.1.0 ok")
		case "RCPT":
			mail.to = rest
			switch {
			case f.mood == refusing && strings.Contains(rest, "gone@"):
				say("550 5.1.1 <gone@example.com> no such user\x1b[31m")
			case f.mood == refusing && strings.Contains(rest, "busy@"):
				say("451 4.2.1 try later")
			default:
				say("250 2.1.5 ok")
			}
		case "DATA":
			say("354 go")
			var data strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(strings.TrimPrefix(line, "."))
			}
			mail.data = data.String()
			f.mu.Lock()
			f.mails = append(f.mails, mail)
			f.mu.Unlock()
			tell(f.got)
			if f.mood == silent {
				in.ReadByte()
				return
			}
			say("250 2.0.0 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
