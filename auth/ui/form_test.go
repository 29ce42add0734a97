package ui_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A visitor is a browser without JavaScript: it keeps cookies, reads pages and
// sends the forms it finds on them.
type visitor struct {
	t    testing.TB
	http *http.Client
	base string
	// What was answered last.
	status int
	header http.Header
	url    *url.URL
	body   string
	doc    *html.Node
	trail  []string // Location of each redirect since the last act
}

func (w *world) visitor(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, base: w.srv.URL}
	c := *w.srv.Client()
	c.Jar = jar
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		v.trail = append(v.trail, r.Response.Header.Get("Location"))
		if !strings.HasPrefix(r.URL.String(), v.base) || len(via) > 8 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	v.http = &c
	return v
}

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

func (v *visitor) do(r *http.Request) {
	v.t.Helper()
	v.trail = nil
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", agent)
	}
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.status, v.header, v.url, v.body, v.doc = res.StatusCode, res.Header, res.Request.URL, string(b), nil
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		if v.doc, err = html.Parse(strings.NewReader(v.body)); err != nil {
			v.t.Fatal(err)
		}
	}
}

func (v *visitor) get(path string) {
	v.t.Helper()
	r, err := http.NewRequest("GET", v.abs(path), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	v.do(r)
}

func (v *visitor) abs(ref string) string {
	base, _ := url.Parse(v.base)
	if v.url != nil {
		base = v.url
	}
	u, err := base.Parse(ref)
	if err != nil {
		v.t.Fatal(err)
	}
	return u.String()
}

// post sends fields as a form of a page of ours with no referrer does.
func (v *visitor) post(path string, fields url.Values) {
	v.t.Helper()
	r, err := http.NewRequest("POST", v.abs(path), strings.NewReader(fields.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	v.do(r)
}

// submit fills in the form that has the button and sends it by that button.
// Filling in a field that the form has not is an error of the test.
func (v *visitor) submit(button string, fill ...string) {
	v.t.Helper()
	form, pressed := v.button(button)
	fields := url.Values{}
	for _, in := range all(form, "input") {
		name, typ := attr(in, "name"), attr(in, "type")
		if typ == "checkbox" && !has(in, "checked") || typ == "file" {
			continue
		}
		fields.Add(name, attr(in, "value"))
	}
	for _, sel := range all(form, "select") {
		for i, o := range all(sel, "option") {
			if has(o, "selected") || i == 0 {
				fields.Set(attr(sel, "name"), attr(o, "value"))
			}
		}
	}
	if name := attr(pressed, "name"); name != "" {
		fields.Add(name, attr(pressed, "value"))
	}
	for i := 0; i+1 < len(fill); i += 2 {
		in := v.input(form, fill[i])
		switch {
		case has(in, "readonly"):
			v.t.Fatalf("%s is read-only", fill[i])
		case fill[i+1] == "off":
			fields.Del(fill[i])
		default:
			fields.Set(fill[i], fill[i+1])
		}
	}
	action := attr(form, "action")
	if own := attr(pressed, "formaction"); own != "" {
		action = own
	}
	v.post(action, fields)
}

// upload sends a file by the form that has the button.
func (v *visitor) upload(button, name string, data []byte) {
	v.t.Helper()
	form, _ := v.button(button)
	if attr(form, "enctype") != "multipart/form-data" {
		v.t.Fatalf("%q is no upload", button)
	}
	v.input(form, name)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="me.png"`, name)}, "Content-Type": {"image/png"}})
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", v.abs(attr(form, "action")), &b)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	v.do(r)
}

// button finds a form and its button by the button's text.
func (v *visitor) button(label string) (form, button *html.Node) {
	v.t.Helper()
	for _, f := range all(v.doc, "form") {
		for _, b := range all(f, "button") {
			if text(b) == label {
				return f, b
			}
		}
	}
	v.t.Fatalf("no button %q on %s (%d):\n%s", label, v.url, v.status, v.body)
	return nil, nil
}

func (v *visitor) input(form *html.Node, name string) *html.Node {
	v.t.Helper()
	for _, in := range slices.Concat(all(form, "input"), all(form, "select")) {
		if attr(in, "name") == name {
			return in
		}
	}
	v.t.Fatalf("no field %q on %s", name, v.url)
	return nil
}

// follow goes where a link with the text leads.
func (v *visitor) follow(label string) {
	v.t.Helper()
	for _, a := range all(v.doc, "a") {
		if text(a) == label {
			v.get(attr(a, "href"))
			return
		}
	}
	v.t.Fatalf("no link %q on %s", label, v.url)
}

// at fails unless the last answer is the page at path with the status.
func (v *visitor) at(path string, status int) {
	v.t.Helper()
	if v.url.Path != path || v.status != status {
		v.t.Fatalf("at %s with %d, want %s with %d; problems: %s\ntrail %q", v.url, v.status, path, status, v.alert(), v.trail)
	}
}

// alert is the text of the summary, or empty.
func (v *visitor) alert() string {
	if n := find(v.doc, func(n *html.Node) bool { return attr(n, "role") == "alert" }); n != nil {
		return text(n)
	}
	return ""
}

// notice is what the page says was done, or empty.
func (v *visitor) notice() string {
	if n := find(v.doc, func(n *html.Node) bool { return attr(n, "role") == "status" }); n != nil {
		return text(n)
	}
	return ""
}

// fieldError is what stands beside a field, found as a screen reader does.
func (v *visitor) fieldError(name string) string {
	in := find(v.doc, func(n *html.Node) bool { return n.Data == "input" && attr(n, "name") == name })
	if in == nil || attr(in, "aria-invalid") != "true" {
		return ""
	}
	for id := range strings.FieldsSeq(attr(in, "aria-describedby")) {
		if strings.HasSuffix(id, "-error") {
			return text(byID(v.doc, id))
		}
	}
	return ""
}

// cookie is the value of a cookie that the browser holds.
func (v *visitor) cookie(name string) string {
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	cs := v.http.Jar.Cookies(u)
	if i := slices.IndexFunc(cs, func(c *http.Cookie) bool { return c.Name == name }); i >= 0 {
		return cs[i].Value
	}
	return ""
}

func find(n *html.Node, ok func(*html.Node) bool) *html.Node {
	if n == nil || n.Type == html.ElementNode && ok(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if f := find(c, ok); f != nil {
			return f
		}
	}
	return nil
}

func byID(n *html.Node, id string) *html.Node {
	return find(n, func(n *html.Node) bool { return attr(n, "id") == id })
}

func all(n *html.Node, tag string) (list []*html.Node) {
	find(n, func(n *html.Node) bool {
		if n.Data == tag {
			list = append(list, n)
		}
		return false
	})
	return list
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// text is what can be read in n, with single spaces.
func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		} else if n.Data == "br" {
			b.WriteByte(' ')
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}
