package httpx

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The bounds of a request body.
const (
	MaxBody   = 256 << 10 // bytes of a form or JSON body
	MaxUpload = 10 << 20  // bytes of a body that carries a file

	maxKeys    = 1000 // keys or parts, counting repetitions
	maxKeyName = 256  // bytes of a key
	// A body must arrive within these, whatever timeouts the host's server has.
	bodyTime   = 30 * time.Second
	uploadTime = 2 * time.Minute
)

const (
	typeForm      = "application/x-www-form-urlencoded"
	typeMultipart = "multipart/form-data"
	typeJSON      = "application/json"
	typeOctets    = "application/octet-stream"
)

// ParseForm decodes a urlencoded or multipart body of at most [MaxBody] bytes.
// The query is not looked at; keys that belong there (_method, _clerk_…,
// __clerk_…) are ignored in a body. An empty body of any type is an empty
// form. The error is a [*FieldError].
func ParseForm(w http.ResponseWriter, r *http.Request) (*Form, error) {
	return parse(w, r, MaxBody, bodyTime, map[string]decoder{
		typeForm: decodeURLEncoded, typeMultipart: decodeMultipart,
	})
}

// ParseUpload decodes the body of a route that takes a file, of at most
// [MaxUpload] bytes. Besides multipart it takes an octet stream, which holds
// the file as base64 text or a data URL, or as it is; it becomes the field
// "file".
func ParseUpload(w http.ResponseWriter, r *http.Request) (*Form, error) {
	return parse(w, r, MaxUpload, uploadTime, map[string]decoder{
		typeMultipart: decodeMultipart, typeOctets: decodeOctets,
	})
}

// ParseJSON decodes a JSON object of at most [MaxBody] bytes. An empty body is
// an empty form. The error is a [*FieldError].
func ParseJSON(w http.ResponseWriter, r *http.Request) (*Form, error) {
	return parse(w, r, MaxBody, bodyTime, map[string]decoder{typeJSON: decodeJSON})
}

// ParseJSONList decodes a JSON array of objects, together at most [MaxBody]
// bytes, one form each. An empty body is an empty list. The error is a
// [*FieldError].
func ParseJSONList(w http.ResponseWriter, r *http.Request) ([]*Form, error) {
	var list []*Form
	_, err := parse(w, r, MaxBody, bodyTime, map[string]decoder{typeJSON: func(body io.Reader, _ map[string]string, _ *Form) error {
		b, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if err := scanJSON(b, ""); err != nil {
			return err
		}
		var items []json.RawMessage
		if err := json.Unmarshal(b, &items); err != nil || items == nil {
			return fail(badRequest, CodeBodyInvalid, "", "The request body must be a JSON array.")
		}
		for _, item := range items {
			f := &Form{fields: map[string]field{}, from: fromJSON}
			if err := f.addObject(item); err != nil {
				return err
			}
			list = append(list, f)
		}
		return nil
	}})
	return list, err
}

// ParseQuery decodes the query of a request, with the bounds of a form. Its
// errors have status 400 and speak of query parameters.
func ParseQuery(r *http.Request) (*Form, error) {
	f := &Form{fields: map[string]field{}, from: fromQuery}
	if len(r.URL.RawQuery) > MaxBody {
		return nil, fail(badRequest, CodeMalformed, "", "The query is too long.")
	}
	if err := f.addPairs(r.URL.RawQuery); err != nil {
		return nil, err
	}
	return f, nil
}

// A decoder reads a body of one content type into f.
type decoder func(body io.Reader, params map[string]string, f *Form) error

func parse(w http.ResponseWriter, r *http.Request, max int64, wait time.Duration, types map[string]decoder) (*Form, error) {
	f := &Form{fields: map[string]field{}}
	if r.Body == nil || r.Body == http.NoBody {
		return f, nil
	}
	if r.ContentLength > max {
		return nil, fail(http.StatusRequestEntityTooLarge, CodeBodyTooLarge, "", "The request body is too large.")
	}
	defer slowBody(w, wait)()
	body := http.MaxBytesReader(w, r.Body, max)
	// One byte decides whether there is a body at all: a request without one
	// may name any content type.
	first := make([]byte, 1)
	switch _, err := io.ReadFull(body, first); {
	case err == io.EOF:
		return f, nil
	case err != nil:
		return nil, bodyError(err)
	}
	decode, params, err := pick(r.Header, types)
	if err != nil {
		return nil, err
	}
	if err := decode(io.MultiReader(bytes.NewReader(first), body), params, f); err != nil {
		return nil, bodyError(err)
	}
	return f, nil
}

// slowBody gives the body a time to arrive in and returns what takes the limit
// off again. Writers without deadlines (in tests) have none.
func slowBody(w http.ResponseWriter, wait time.Duration) func() {
	c := http.NewResponseController(w)
	if c.SetReadDeadline(time.Now().Add(wait)) != nil {
		return func() {}
	}
	return func() { c.SetReadDeadline(time.Time{}) }
}

// pick chooses the decoder by Content-Type and refuses compressed bodies.
func pick(h http.Header, types map[string]decoder) (decoder, map[string]string, error) {
	for _, v := range h.Values("Content-Encoding") {
		if !strings.EqualFold(v, "identity") && v != "" {
			return nil, nil, fail(unsupportedMediaType, CodeContentType, "", "Compressed request bodies are not supported.")
		}
	}
	refused := fail(unsupportedMediaType, CodeContentType, "", "The content type of the request is not supported.")
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return nil, nil, refused
	}
	name, params, err := mime.ParseMediaType(values[0])
	if err != nil {
		return nil, nil, refused
	}
	if c, ok := params["charset"]; ok && !strings.EqualFold(c, "utf-8") {
		return nil, nil, refused
	}
	decode, ok := types[name]
	if !ok {
		return nil, nil, refused
	}
	return decode, params, nil
}

// bodyError turns a failure to read into a FieldError.
func bodyError(err error) error {
	if fe, ok := errors.AsType[*FieldError](err); ok {
		return fe
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fail(http.StatusRequestEntityTooLarge, CodeBodyTooLarge, "", "The request body is too large.")
	}
	return fail(badRequest, CodeBodyInvalid, "", "The request body could not be read.")
}

func decodeURLEncoded(body io.Reader, _ map[string]string, f *Form) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return f.addPairs(string(b))
}

// addPairs reads key=value pairs joined by &. Unlike net/url it stops at the
// first bad pair.
func (f *Form) addPairs(s string) error {
	if strings.Count(s, "&") >= maxKeys {
		return fail(badRequest, CodeMalformed, "", "The request has too many keys.")
	}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			return fail(badRequest, CodeMalformed, "", "The request has a semicolon between parameters.")
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return fail(badRequest, CodeMalformed, "", "The request has a broken percent escape.")
		}
		if err := f.addText(key, value); err != nil {
			return err
		}
	}
	return nil
}

// addText keeps one value of one key.
func (f *Form) addText(key, value string) error {
	if len(key) > maxKeyName || CheckText(key) != "" {
		return fail(badRequest, CodeMalformed, "", "The request has a key that is too long or not clean text.")
	}
	if f.from != fromQuery && queryOnly(key) {
		return nil
	}
	if reason := CheckText(value); reason != "" {
		if f.from == fromQuery {
			return fail(badRequest, CodeQueryValue, key, reason)
		}
		return fail(unprocessable, CodeFormat, key, reason)
	}
	v := f.fields[key]
	v.texts = append(v.texts, value)
	f.fields[key] = v
	return nil
}

// queryOnly reports the keys that steer a request and count in the query only,
// where they cannot be hidden from logs and routes.
func queryOnly(key string) bool {
	return key == "_method" || strings.HasPrefix(key, "_clerk_") || strings.HasPrefix(key, "__clerk_")
}

func decodeMultipart(body io.Reader, params map[string]string, f *Form) error {
	if params["boundary"] == "" {
		return fail(badRequest, CodeBodyInvalid, "", "The multipart body has no boundary.")
	}
	end := &tail{r: body}
	parts := multipart.NewReader(end, params["boundary"])
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if err == io.EOF && end.has("--"+params["boundary"]+"--") {
			return nil
		}
		if err != nil {
			return err
		}
		if n >= maxKeys {
			return fail(badRequest, CodeMalformed, "", "The request has too many keys.")
		}
		if err := f.addPart(part); err != nil {
			return err
		}
	}
}

// tail remembers the end of what was read: mime/multipart answers io.EOF for a
// body that stops in a part's header, too.
type tail struct {
	r    io.Reader
	last []byte
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.last = append(t.last, p[:n]...)
	if over := len(t.last) - 16<<10; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return n, err
}

func (t *tail) has(s string) bool { return bytes.Contains(t.last, []byte(s)) }

func (f *Form) addPart(part *multipart.Part) error {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || len(part.Header.Values("Content-Disposition")) > 1 || part.FormName() == "" {
		return fail(badRequest, CodeBodyInvalid, "", "The multipart body has a part without a name.")
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	key := part.FormName()
	name, isFile := params["filename"]
	if !isFile {
		return f.addText(key, string(data))
	}
	if len(key) > maxKeyName || CheckText(key) != "" {
		return fail(badRequest, CodeMalformed, "", "The request has a key that is too long or not clean text.")
	}
	v := f.fields[key]
	v.files = append(v.files, &File{
		Name:        Clean(name, maxKeyName),
		ContentType: Clean(part.Header.Get("Content-Type"), maxKeyName),
		Data:        data,
	})
	f.fields[key] = v
	return nil
}

// decodeOctets reads one file, base64 or raw.
func decodeOctets(body io.Reader, _ map[string]string, f *Form) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	text := b
	if bytes.HasPrefix(text, []byte("data:")) {
		if i := bytes.Index(text[:min(len(text), 256)], []byte(";base64,")); i > 0 {
			text = text[i+len(";base64,"):]
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		b = raw
	}
	f.fields["file"] = field{files: []*File{{ContentType: typeOctets, Data: b}}}
	return nil
}

func decodeJSON(body io.Reader, _ map[string]string, f *Form) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	f.from = fromJSON
	if err := scanJSON(b, ""); err != nil {
		return err
	}
	return f.addObject(b)
}

func (f *Form) addObject(b []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil || object == nil {
		return fail(badRequest, CodeBodyInvalid, "", "The request body must be a JSON object.")
	}
	for key, raw := range object {
		if len(key) > maxKeyName {
			return fail(badRequest, CodeMalformed, "", "The request has a key that is too long or not clean text.")
		}
		if !queryOnly(key) {
			f.fields[key] = field{raw: raw}
		}
	}
	return nil
}
