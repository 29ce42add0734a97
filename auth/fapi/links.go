package fapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// returnTo reads where the browser goes on after a proof that is given
// elsewhere, and says what is wrong with the form.
func (c *call) returnTo() error {
	raw, _ := c.form.String("redirect_url")
	if err := c.form.Err(); err != nil || raw == "" {
		return err
	}
	var err error
	c.b.ReturnTo, err = c.site.Redirects.Check(c.r, "redirect_url", raw)
	return err
}

// verifyLink is where a mailed link leads. In the browser in which it was asked
// for, a person who opens it is done; this is a read that writes. Everybody
// else, a mail scanner above all, is sent to a page with a button, or back with
// what is wrong: opening a link there uses up nothing.
func (c *call) verifyLink() (any, error) {
	token, ok := c.query.String("token")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	if !ok || token == "" {
		return nil, fault.New("missing_query_parameter", "token")
	}
	v, err := c.e.Link(c.ctx(), c.b, token)
	if err != nil {
		if fault.From(err).Status() < 500 && c.asksForPage() {
			return c.leave(c.site.PagesPath + "/link")
		}
		return nil, err
	}
	if v.Refused == nil && (!v.Here || !c.opened()) {
		return c.leave(c.site.PagesPath + "/link?token=" + url.QueryEscape(token))
	}
	used := &engine.UsedLink{ReturnTo: v.ReturnTo, Refused: v.Refused}
	if v.Refused == nil {
		if used, err = c.e.UseLink(c.ctx(), c.b, token); err != nil {
			return nil, err
		}
	}
	return c.leave(engine.AfterLink(used))
}

// opened reports whether a person has opened the link: not HEAD, no prefetch,
// no script, no picture.
func (c *call) opened() bool {
	h := c.r.Header
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(strings.ToLower(h.Get(name)), "pre") { // prefetch, prerender, preview
			return false
		}
	}
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	return c.r.Method == http.MethodGet && (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

func (c *call) asksForPage() bool {
	return c.r.Header.Get("Sec-Fetch-Dest") == "document" || strings.Contains(c.r.Header.Get("Accept"), "text/html")
}

// leave sends the browser elsewhere, and tells nobody where it comes from.
func (c *call) leave(to string) (any, error) {
	c.cookies()
	httpx.NoStore(c.w.Header())
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	c.w.Header().Set("X-Content-Type-Options", "nosniff")
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return answered{}, nil
}

// touchClient is where clients navigate when the cookie that they know of ends
// soon, as that of a browser in which another device has signed somebody in:
// they come back with the one that is theirs by then.
func (c *call) touchClient() (any, error) {
	raw, _ := c.query.String("redirect_url")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	target, err := c.site.Redirects.Check(c.r, "redirect_url", raw)
	if err != nil {
		return nil, err
	}
	if err := c.e.TakeSecret(c.ctx(), c.b); err != nil {
		return nil, err
	}
	return c.leave(target)
}
