package ui

import (
	"fmt"
	"strings"
)

// A Field is one input of a form, as the template "field" draws it.
type Field struct {
	Name, ID, Label, Type, Value    string
	Autocomplete, InputMode, Hint   string
	Pattern, MaxLength, Accept      string
	Error                           string
	Required, ReadOnly, Focus, Code bool
	// Optional is said beside the label.
	Optional bool
}

// DescribedBy lists the elements that explain the field, for
// aria-describedby.
func (f *Field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	return strings.Join(ids, " ")
}

// input makes a field for a template. After name and label come pairs of
// attribute and value: type, value, autocomplete, inputmode, hint, pattern,
// maxlength, accept, and readonly, focus and code, which any text switches on.
// required is yes, or no to have it said that the field is optional.
//
// The focus goes to the first field that was refused, else to the one that asks
// for it.
func input(pg *Page, name, label string, pairs ...string) (*Field, error) {
	f := &Field{Name: name, ID: "f-" + name, Label: label, Type: "text", Value: pg.values[name]}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("input %s: an attribute without value", name)
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := f.set(pairs[i], pairs[i+1]); err != nil {
			return nil, err
		}
	}
	if f.Type == "password" {
		f.Value = "" // never sent back
	}
	for _, p := range pg.Problems {
		if p.Field == name && f.Error == "" {
			f.Error = p.Text
		}
	}
	if len(pg.Problems) > 0 {
		f.Focus = f.Error != "" || f.Focus && !pg.anyField()
	}
	f.Focus = f.Focus && !pg.focused
	pg.focused = pg.focused || f.Focus
	return f, nil
}

func (f *Field) set(key, value string) error {
	texts := map[string]*string{"type": &f.Type, "value": &f.Value, "autocomplete": &f.Autocomplete, "inputmode": &f.InputMode,
		"hint": &f.Hint, "pattern": &f.Pattern, "maxlength": &f.MaxLength, "accept": &f.Accept}
	switches := map[string]*bool{"readonly": &f.ReadOnly, "focus": &f.Focus, "code": &f.Code}
	if key == "required" {
		f.Required, f.Optional = value == "yes", value == "no"
	} else if s, ok := texts[key]; ok {
		*s = value
	} else if b, ok := switches[key]; ok {
		*b = value != ""
	} else {
		return fmt.Errorf("input %s: no attribute %q", f.Name, key)
	}
	return nil
}

// anyField reports whether a problem is one of a field.
func (pg *Page) anyField() bool {
	for _, p := range pg.Problems {
		if p.Field != "" {
			return true
		}
	}
	return false
}
