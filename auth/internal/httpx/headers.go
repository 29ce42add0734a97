package httpx

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
)

// Page is the security headers of an HTML page (OWASP ASVS 5.0, 3.4). The zero
// value allows nothing but the page's own images, styles from its own origin
// and forms to its own origin: no script, no frame around it, no referrer.
//
// The lists add sources to a directive. A source with a space, comma,
// semicolon, quote or control character is left out: it could end the policy.
type Page struct {
	// Nonce allows inline scripts and styles that carry it; see [NewNonce].
	Nonce string
	// Scripts, Styles, Images, Connect, Frames and Forms are origins or paths
	// that the page may use besides its own.
	Scripts, Styles, Images, Connect, Frames, Forms []string
	// SelfScripts allows script files of the page's own origin, SelfConnect its
	// own API, SelfFrames its own pages inside of it.
	SelfScripts, SelfConnect, SelfFrames bool
	// Ancestors may put the page in a frame; empty: nobody.
	Ancestors []string
	// Referrer is the Referrer-Policy; empty: no-referrer. A form on such a page
	// sends "Origin: null", which [Origins.Protect] understands.
	Referrer string
	// Opener is the Cross-Origin-Opener-Policy; empty: same-origin.
	Opener string
	// TrustedTypes makes browsers refuse text where script could be made of it.
	TrustedTypes bool
}

// NewNonce returns 128 random bits for one answer's Content-Security-Policy.
func NewNonce() string { return rand.Text() }

// Policy returns the Content-Security-Policy.
func (p Page) Policy() string {
	nonce := ""
	if p.Nonce != "" {
		nonce = "'nonce-" + p.Nonce + "'"
		if !cspSource(p.Nonce) {
			nonce = ""
		}
	}
	var b strings.Builder
	add := func(directive string, first []string, more []string) {
		list := slices.DeleteFunc(slices.Clone(first), func(s string) bool { return s == "" })
		for _, s := range more {
			if cspSource(s) {
				list = append(list, s)
			}
		}
		if len(list) == 0 {
			list = []string{"'none'"}
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(directive + " " + strings.Join(list, " "))
	}
	own := func(yes bool) string {
		if yes {
			return "'self'"
		}
		return ""
	}
	add("default-src", nil, nil)
	add("script-src", []string{own(p.SelfScripts), nonce}, p.Scripts)
	add("style-src", []string{"'self'", nonce}, p.Styles)
	add("img-src", []string{"'self'", "data:"}, p.Images)
	add("font-src", []string{"'self'"}, nil)
	add("connect-src", []string{own(p.SelfConnect)}, p.Connect)
	add("frame-src", []string{own(p.SelfFrames)}, p.Frames)
	add("form-action", []string{"'self'"}, p.Forms)
	add("frame-ancestors", nil, p.Ancestors)
	add("base-uri", nil, nil)
	if p.TrustedTypes {
		b.WriteString("; require-trusted-types-for 'script'")
	}
	return b.String()
}

// Set writes all headers of the page, including no-store.
func (p Page) Set(h http.Header) {
	h.Set("Content-Security-Policy", p.Policy())
	if len(p.Ancestors) == 0 {
		h.Set("X-Frame-Options", "DENY")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", or(p.Referrer, "no-referrer"))
	h.Set("Cross-Origin-Opener-Policy", or(p.Opener, "same-origin"))
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
	NoStore(h)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// cspSource reports whether s can stand in a policy without ending it.
func cspSource(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7F || strings.ContainsRune(";,'\"<>", r)
	}) < 0
}

// NoStore marks an answer that holds an identity or a secret: kept by no cache,
// and different for each caller should one look at it nevertheless.
func NoStore(h http.Header) {
	if len(h["Vary"]) == 0 { // the usual case, at one allocation
		v := []string{"no-store", "Cookie, Authorization, Origin"}
		h["Cache-Control"], h["Vary"] = v[:1:1], v[1:]
		return
	}
	h.Set("Cache-Control", "no-store")
	AddVary(h, "Cookie", "Authorization", "Origin")
}

// AddVary adds names to Vary that are not there yet, in one line.
func AddVary(h http.Header, names ...string) {
	have := h["Vary"]
	if varies(have, "*") {
		return
	}
	missing := make([]string, 0, 4)
	for _, name := range names {
		if !varies(have, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		h["Vary"] = append(have, strings.Join(missing, ", "))
	}
}

// varies reports whether one of the lines of a Vary header names name.
func varies(lines []string, name string) bool {
	for _, line := range lines {
		for more := true; more; {
			var one string
			one, line, more = strings.Cut(line, ",")
			if strings.EqualFold(strings.TrimSpace(one), name) {
				return true
			}
		}
	}
	return false
}
