package httpx

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	maxString = 16 << 10 // bytes of one text field, unless the caller says otherwise
	maxItems  = 1000     // entries of one array
)

// source says where a form came from: the same field is written and refused
// differently in each.
type source int

const (
	fromForm source = iota
	fromQuery
	fromJSON
)

// field is one key of a form: the texts of a urlencoded, multipart or query
// key, or the raw value of a JSON key.
type field struct {
	texts []string
	raw   json.RawMessage
	files []*File
}

// File is one uploaded file, whole in memory.
type File struct {
	// Name and ContentType are what the client claimed. Trust neither.
	Name, ContentType string
	Data              []byte
}

// Form is a decoded request body or query. The getters report whether the
// field was there; a field that cannot be read as asked counts as absent and
// is noted, so a caller reads all fields and then returns [Form.Err] before it
// acts. A null is an empty value: the getter says present with a zero value.
//
// A Form holds passwords. Printing one prints the names of its fields only.
type Form struct {
	fields map[string]field
	from   source
	errs   FieldErrors
}

// Has reports whether the field was given, empty or not.
func (f *Form) Has(name string) bool {
	_, ok := f.fields[name]
	return ok
}

// Null reports whether the field was given without a value: empty in a form,
// null in JSON.
func (f *Form) Null(name string) bool {
	v, ok := f.fields[name]
	if !ok || len(v.files) > 0 {
		return false
	}
	if f.from == fromJSON {
		return isNull(v.raw)
	}
	return len(v.texts) == 1 && v.texts[0] == ""
}

// Names returns the names of all fields, sorted.
func (f *Form) Names() []string {
	names := make([]string, 0, len(f.fields))
	for name := range f.fields {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// String returns a text of at most 16 KiB.
func (f *Form) String(name string) (value string, present bool) {
	return f.StringMax(name, maxString)
}

// StringMax returns a text of at most max bytes; a longer one is noted as
// form_param_value_too_large, without being looked at.
func (f *Form) StringMax(name string, max int) (value string, present bool) {
	v, ok := f.scalar(name)
	if !ok {
		return "", false
	}
	switch {
	case f.from != fromJSON:
		value = v.texts[0]
	case isNull(v.raw):
		return "", true
	case len(v.raw) > 6*max+2: // 6 bytes is the longest way to escape one
		return f.tooLarge(name, max)
	case v.raw[0] != '"' || json.Unmarshal(v.raw, &value) != nil:
		f.note(CodeType, name, "must be a string")
		return "", false
	}
	if len(value) > max {
		return f.tooLarge(name, max)
	}
	return value, true
}

func (f *Form) tooLarge(name string, max int) (string, bool) {
	f.note(CodeTooLarge, name, "must be at most "+strconv.Itoa(max)+" bytes long")
	return "", false
}

// Require returns a text that must be there and not empty. Absent is noted as
// form_param_missing, empty as form_param_nil.
func (f *Form) Require(name string) string {
	before := len(f.errs)
	value, ok := f.String(name)
	switch {
	case len(f.errs) > before:
	case !ok:
		f.note(CodeMissing, name, "must be included")
	case value == "":
		f.note(CodeNil, name, "must not be empty")
	}
	return value
}

// Strings returns the values of a repeated key, or of a JSON array of strings.
// A null is an empty list.
func (f *Form) Strings(name string) (values []string, present bool) {
	v, ok := f.fields[name]
	if !ok || len(v.files) > 0 || f.Null(name) {
		return nil, ok
	}
	if f.from == fromJSON {
		if v.raw[0] != '[' || json.Unmarshal(v.raw, &values) != nil {
			f.note(CodeType, name, "must be an array of strings")
			return nil, false
		}
	} else {
		values = slices.Clone(v.texts)
	}
	if len(values) > maxItems {
		f.note(CodeArraySize, name, "has too many entries")
		return nil, false
	}
	for _, s := range values {
		if len(s) > maxString {
			f.tooLarge(name, maxString)
			return nil, false
		}
	}
	return values, true
}

// Bool reads true or false; in a form or query also 1 or 0. A null is false.
func (f *Form) Bool(name string) (value, present bool) {
	text, null, ok := f.literal(name)
	switch {
	case !ok:
		return false, false
	case null:
		return false, true
	case text == "true", text == "1" && f.from != fromJSON:
		return true, true
	case text == "false", text == "0" && f.from != fromJSON:
		return false, true
	}
	f.note(CodeType, name, "must be true or false")
	return false, false
}

// Int reads a decimal integer without sign tricks, exponent or fraction.
func (f *Form) Int(name string) (value int64, present bool) {
	text, null, ok := f.literal(name)
	if !ok || null {
		return 0, ok
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '+' {
		f.note(CodeType, name, "must be an integer")
		return 0, false
	}
	return value, true
}

// The times that are accepted: the years 1 to 9999, as RFC 3339 can write them.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Time reads an RFC 3339 time or Unix milliseconds, and answers in UTC.
func (f *Form) Time(name string) (value time.Time, present bool) {
	v, ok := f.scalar(name)
	if !ok || f.Null(name) {
		return time.Time{}, ok
	}
	text := string(v.raw)
	if f.from != fromJSON {
		text = v.texts[0]
	} else if text[0] == '"' && len(text) < 256 {
		json.Unmarshal(v.raw, &text) // a string: scanJSON has read it
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		value = time.UnixMilli(ms).UTC()
	} else if value, err = time.Parse(time.RFC3339, text); err != nil {
		value = maxTime
	}
	if value.Before(minTime) || !value.Before(maxTime) {
		f.note(CodeTime, name, "must be an RFC 3339 time or Unix milliseconds")
		return time.Time{}, false
	}
	return value.UTC(), true
}

// JSONObject returns a JSON object: JSON text in a form, a value in JSON. It
// has been checked for depth, duplicate keys and clean text. A null is nil.
func (f *Form) JSONObject(name string) (value json.RawMessage, present bool) {
	v, ok := f.scalar(name)
	if !ok || f.Null(name) {
		return nil, ok
	}
	raw := v.raw
	if f.from != fromJSON {
		raw = json.RawMessage(strings.TrimSpace(v.texts[0]))
		if err := scanJSON(raw, name); err != nil {
			f.add(err)
			return nil, false
		}
		if isNull(raw) {
			return nil, true
		}
	}
	if len(raw) == 0 || raw[0] != '{' {
		f.note(CodeType, name, "must be a JSON object")
		return nil, false
	}
	return slices.Clone(raw), true
}

// File returns an uploaded file.
func (f *Form) File(name string) (file *File, present bool) {
	v, ok := f.fields[name]
	switch {
	case !ok:
		return nil, false
	case len(v.files) == 0:
		f.note(CodeType, name, "must be a file")
		return nil, false
	case len(v.files)+len(v.texts) > 1:
		f.note(CodeDuplicate, name, "is given more than once")
		return nil, false
	}
	return v.files[0], true
}

// Only notes form_param_unknown for every field that is not listed.
func (f *Form) Only(names ...string) {
	for _, name := range f.Names() {
		if !slices.Contains(names, name) {
			f.note(CodeUnknown, name, "is not a known parameter")
		}
	}
}

// Fail notes an error of the caller's own, so that [Form.Err] answers it with
// the others. The message must not hold the value.
func (f *Form) Fail(code, param, message string) { f.note(code, param, message) }

// Err returns everything noted so far as [FieldErrors], or nil.
func (f *Form) Err() error {
	if len(f.errs) == 0 {
		return nil
	}
	return slices.Clone(f.errs)
}

// Format prints the names of the fields and none of their values, whatever the
// verb.
func (f *Form) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "httpx.Form%q", f.Names())
}

// LogValue is the names of the fields.
func (f *Form) LogValue() slog.Value { return slog.AnyValue(f.Names()) }

// scalar returns a field that may be given once only.
func (f *Form) scalar(name string) (field, bool) {
	v, ok := f.fields[name]
	switch {
	case !ok:
		return field{}, false
	case len(v.texts)+len(v.files) > 1:
		f.note(CodeDuplicate, name, "is given more than once")
		return field{}, false
	case len(v.files) > 0:
		f.note(CodeType, name, "must not be a file")
		return field{}, false
	}
	return v, true
}

// literal returns a number or truth value as it was written.
func (f *Form) literal(name string) (text string, null, ok bool) {
	v, ok := f.scalar(name)
	if !ok {
		return "", false, false
	}
	if f.from == fromJSON {
		return string(v.raw), isNull(v.raw), true
	}
	return v.texts[0], v.texts[0] == "", true
}

func (f *Form) note(code, param, message string) {
	status := unprocessable
	if f.from == fromQuery {
		status, code = badRequest, queryCode(code)
	}
	f.add(fail(status, code, param, message))
}

// add keeps the first error of each field, and not endlessly many.
func (f *Form) add(err *FieldError) {
	same := func(e *FieldError) bool { return e.Param == err.Param && e.Code == err.Code }
	if len(f.errs) < maxFieldErrors && !slices.ContainsFunc(f.errs, same) {
		f.errs = append(f.errs, err)
	}
}

// queryCode is the code for a fault in the query instead of the body.
func queryCode(code string) string {
	switch code {
	case CodeMissing, CodeNil:
		return CodeQueryMissing
	case CodeDuplicate, CodeFormat, CodeType, CodeTooLarge, CodeArraySize, CodeTime, CodeUnknown:
		return CodeQueryValue
	}
	return code
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }
