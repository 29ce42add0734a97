package inbox

import (
	_ "embed"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/usherauth/usher/auth/internal/httpx"
)

//go:embed page.html
var pageSource string

// Handler serves GET /dev/mail (the page, of one address with ?email=, or of one
// number with ?phone=), /dev/mail/code with the same (the newest code as plain
// text, 404 when there is none) and /dev/mail/html?number= (the HTML part of one mail, sandboxed). It
// answers 403 to anybody who is not on this machine.
func (b *Inbox) Handler() http.Handler {
	page := template.Must(template.New("page").Parse(pageSource))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/mail", func(w http.ResponseWriter, r *http.Request) { b.servePage(w, r, page) })
	mux.HandleFunc("GET /dev/mail/{$}", func(w http.ResponseWriter, r *http.Request) { b.servePage(w, r, page) })
	mux.HandleFunc("GET /dev/mail/code", b.serveCode)
	mux.HandleFunc("GET /dev/mail/html", b.serveHTML)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.Page{}.Set(w.Header())
		if !local(r) {
			http.Error(w, "the development inbox answers this machine only", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// local reports a request from this machine to a name of this machine.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && (*httpx.Origins)(nil).CheckHost(r) == nil
}

func (b *Inbox) servePage(w http.ResponseWriter, r *http.Request, page *template.Template) {
	to := asked(r)
	nonce := httpx.NewNonce()
	httpx.Page{Nonce: nonce, SelfFrames: true}.Set(w.Header())
	var out strings.Builder
	err := page.Execute(&out, map[string]any{"Mails": b.Messages(to), "To": to, "Nonce": nonce})
	if err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, out.String())
}

// asked is the address or number that a query names. A number comes with or
// without its +, which a query turns into a space; whatever people write between
// the digits is left out. The page has one field for both.
func asked(r *http.Request) string {
	q := r.URL.Query()
	email, phone := strings.TrimSpace(q.Get("email")), q.Get("phone")
	if phone == "" && strings.Trim(email, "0123456789+ ()-.") == "" {
		phone = email
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, phone)
	if digits != "" {
		return "+" + digits
	}
	return email
}

func (b *Inbox) serveCode(w http.ResponseWriter, r *http.Request) {
	code, ok := b.Code(asked(r))
	if !ok {
		http.Error(w, "no code for this address or number", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, code)
}

// serveHTML shows a mail as a mail program would, in a document that may do
// nothing: no script, no origin, no outside images, in a frame of the page only.
// Its links open in a tab of their own, for no page lets itself be framed.
func (b *Inbox) serveHTML(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.URL.Query().Get("number"))
	m, ok := b.mail(number)
	if !ok || m.HTML == "" {
		http.Error(w, "no such mail", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, m.HTML+`<base target="_blank">`)
}
