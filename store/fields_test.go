package store

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type embedded struct {
	Inner string `json:"inner"`
}

type Pointed struct {
	Deep int `json:"deep"`
}

// sample has a field of every sort that fieldsOf tells apart.
type sample struct {
	Meta
	embedded
	*Pointed
	Name   string          `json:"name"`
	Kelvin string          `json:"k_s"`
	Count  int             `json:"count,omitempty"`
	Plain  json.RawMessage // no tag
	//lint:ignore SA5008 a field that is really called "-"
	Dash    string `json:"-,"`
	Skipped string `json:"-"`
	//lint:ignore U1000 what decoding does with it is tested
	hidden string
}

func (s *sample) StoreEntries() []Entry { return nil }

func TestUnknownFields(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		want       map[string]json.RawMessage
	}{
		{"empty", `{}`, nil},
		{"all known", `{"name":"a","inner":"b","deep":1,"count":2,"Plain":{"x":[1]},"-":"d"}`, nil},
		{"other case", `{"NAME":"a","iNNer":"b","plain":1,"COUNT":2}`, nil},
		{"folded letters", "{\"\u212a_\u017f\":\"a\"}", map[string]json.RawMessage{}},
		{"escaped name", `{"n\u0061me":"a"}`, map[string]json.RawMessage{}},
		{"escaped unknown", `{"\u0078":1}`, map[string]json.RawMessage{"x": []byte("1")}},
		{"one unknown", `{"name":"a","new":{"name":[1,2]}}`, map[string]json.RawMessage{"new": []byte(`{"name":[1,2]}`)}},
		{"nested names do not count", `{"Plain":{"new":1,"x":{"y":2}},"name":"{\"z\":1}"}`, nil},
		{"skipped and hidden are unknown", `{"Skipped":1,"hidden":2}`, map[string]json.RawMessage{"Skipped": []byte("1"), "hidden": []byte("2")}},
		{"meta is unknown", `{"ID":1,"Version":2}`, map[string]json.RawMessage{"ID": []byte("1"), "Version": []byte("2")}},
		{"spaces", " {\n\"name\" : \"a\" ,\t\"new\" : null } ", map[string]json.RawMessage{"new": []byte("null")}},
		{"empty name", `{"":1}`, map[string]json.RawMessage{"": []byte("1")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := unknownFields([]byte(tt.data), new(sample))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzUnknownFields compares unknownFields with what encoding/json does: a
// member is unknown if a struct decoded from it alone stays empty and strict
// decoding refuses it; and what survives a round trip is all there was.
func FuzzUnknownFields(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"a"}`, `{"NAME":"a","new":1}`, `{"n\u0061me":"a","\u0078":[{"name":1}]}`,
		"{\"\u212a_\u017f\":\"a\"}", `{"Plain":{"a":"\"}"},"z":{"name":[]}}`, `{"deep":1,"-":"x","ID":3}`,
		`{"a":1,"a":{"b":"\\"},"name":"\\\""}`,
	} {
		f.Add([]byte(seed))
	}
	table := Table[sample, *sample]{Kind: &Kind{Name: "sample"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := table.decode(Record{Kind: table.Kind, ID: "a", Data: data})
		if err != nil {
			return // not a document of this type
		}
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for name, value := range members {
			alone, err := json.Marshal(map[string]json.RawMessage{name: value})
			if err != nil {
				t.Fatal(err)
			}
			if _, unknown := v.rest[name]; unknown != strictlyUnknown(t, alone) {
				t.Errorf("%q unknown: %v", name, unknown)
			}
		}
		again, err := table.encode(v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := table.decode(Record{Kind: table.Kind, ID: "a", Data: again.Data})
		if err != nil {
			t.Fatalf("%s does not decode: %v", again.Data, err)
		}
		if !slices.Equal(names(v), names(w)) {
			t.Errorf("%s became %s", data, again.Data)
		}
	})
}

// strictlyUnknown asks encoding/json about a document with one member.
func strictlyUnknown(t *testing.T, data []byte) bool {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(new(sample))
	if err != nil && !strings.HasPrefix(err.Error(), "json: unknown field") {
		t.Fatal(err)
	}
	return err != nil
}

func names(s *sample) []string {
	return slices.Sorted(maps.Keys(s.rest))
}
