package picture

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"html"
	"strings"
	"unicode"
)

// Default draws the picture of somebody who has none, as an SVG document: two
// colours that depend on seed alone, and the initials in white, or a head if
// there are none. Of initials the first two letters or digits are taken.
func Default(seed, initials string) []byte {
	sum := sha256.Sum256([]byte(seed))
	hue := (int(sum[0])<<8 | int(sum[1])) % 360
	second := (hue + 30 + int(sum[2])%60) % 360
	angle := int(sum[3]) % 360
	id := fmt.Sprintf("g%x", sum[4:8]) // several may stand in one page

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512" role="img">`)
	fmt.Fprintf(&b, `<defs><linearGradient id="%s" gradientTransform="rotate(%d .5 .5)">`, id, angle)
	fmt.Fprintf(&b, `<stop offset="0" stop-color="hsl(%d,68%%,52%%)"/><stop offset="1" stop-color="hsl(%d,72%%,38%%)"/>`, hue, second)
	fmt.Fprintf(&b, `</linearGradient></defs><rect width="512" height="512" fill="url(#%s)"/>`, id)
	if text := Initials(initials); text != "" {
		fmt.Fprintf(&b, `<text x="256" y="256" dy=".35em" text-anchor="middle" fill="#fff" font-size="208" font-weight="500" `+
			`font-family="system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">%s</text>`, html.EscapeString(text))
	} else {
		b.WriteString(`<g fill="#fff" fill-opacity=".88"><circle cx="256" cy="204" r="84"/><path d="M96 448c0-92 70-140 160-140s160 48 160 140v64H96z"/></g>`)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// Initials are the first letters of up to two names, in capitals; of a single
// argument with one word, its first two letters stand if they are both
// capitals (AL), else the first.
func Initials(names ...string) string {
	var words []string
	for _, n := range names {
		n = n[:min(len(n), 256)]
		words = append(words, strings.FieldsFunc(n, func(r rune) bool {
			return r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		})...)
	}
	var out []rune
	for _, w := range words {
		r := []rune(strings.ToUpper(w))
		raw := []rune(w)
		if out = append(out, r[0]); len(words) == 1 && len(raw) > 1 && raw[0] == r[0] && unicode.IsUpper(raw[1]) {
			out = append(out, raw[1])
		}
		if len(out) == 2 {
			break
		}
	}
	return string(out)
}
