package picture_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/picture"
)

func TestDefault(t *testing.T) {
	a := picture.Default("user_1", "AL")
	if !bytes.Equal(a, picture.Default("user_1", "AL")) {
		t.Error("not the same twice")
	}
	if bytes.Equal(a, picture.Default("user_2", "AL")) {
		t.Error("the same for everybody")
	}
	if !bytes.Contains(a, []byte(">AL</text>")) || bytes.Contains(picture.Default("user_1", ""), []byte("<text")) {
		t.Error("initials")
	}
}

func TestAttack_W07_DefaultIsAlwaysWellFormed(t *testing.T) {
	for _, in := range []string{
		"", "AL", "a b c d", "<script>alert(1)</script>", "\"><svg onload=x>", "&amp;", "]]>", "\x00\x01", "\xff\xfe", "\u202eab",
		"\U0001f511", "é", "e\u0301", "\u4e2d\u6587", "ß", "\ufffe", strings.Repeat("W", 1<<20),
	} {
		svg := picture.Default(in, in)
		dec := xml.NewDecoder(bytes.NewReader(svg))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%.20q: %v in %s", in, err, svg)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Errorf("%.20q: script", in)
			}
		}
		if len(svg) > 2048 || bytes.Contains(svg, []byte("onload")) {
			t.Errorf("%.20q: %s", in, svg)
		}
	}
}

func TestInitials(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{nil, ""}, {[]string{"", ""}, ""}, {[]string{"Ada", "Lovelace"}, "AL"}, {[]string{"ada"}, "A"}, {[]string{"ada lovelace"}, "AL"},
		{[]string{"AL"}, "AL"}, {[]string{"Ada", ""}, "A"}, {[]string{"  ", "Lovelace"}, "L"}, {[]string{"Ada Augusta", "King"}, "AA"},
		{[]string{"ßeta"}, "ß"}, {[]string{"\u00e9mile", "zola"}, "\u00c9Z"}, {[]string{"7of9"}, "7"}, {[]string{"\u738b", "\u5c0f\u660e"}, "\u738b\u5c0f"},
	} {
		if got := picture.Initials(c.in...); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func ExampleDefault() {
	svg := picture.Default("user_2x", picture.Initials("Ada", "Lovelace"))
	fmt.Println(strings.Contains(string(svg), ">AL</text>"))
	// Output: true
}
