package token_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

func TestAttack_T07_Duplicates(t *testing.T) {
	w := newWorld(t)
	h := head(w.key)
	signed := func(header, payload string) string { return forge(t, w.key, header, payload) }
	inHeader := func(member string) string { return signed(strings.TrimSuffix(h, "}")+","+member+"}", body()) }
	inBody := func(member string) string { return signed(h, strings.TrimSuffix(body(), "}")+","+member+"}") }
	list := []refusal{
		{"header alg", inHeader(`"alg":"RS256"`), token.ErrMalformed},
		{"header alg escaped", inHeader(`"\u0061lg":"none"`), token.ErrMalformed},
		{"header alg folded", inHeader(`"ALG":"none"`), token.ErrMalformed},
		{"header kid folded by Kelvin", inHeader("\"\u212aid\":\"x\""), token.ErrMalformed},
		{"header kid alone in other case", signed(`{"alg":"RS256","KID":"x"}`, body()), token.ErrMalformed},
		{"header unknown twice", inHeader(`"a":1,"a":2`), token.ErrMalformed},
		{"header unknown folded", inHeader(`"a":1,"A":2`), token.ErrMalformed},
		{"header nested", inHeader(`"a":{"b":1,"b":2}`), token.ErrMalformed},
		{"claims sub", inBody(`"sub":"user_2"`), token.ErrMalformed},
		{"claims sub escaped", inBody(`"\u0073ub":"user_2"`), token.ErrMalformed},
		{"claims sub escaped in part", inBody(`"s\u0075b":"user_2"`), token.ErrMalformed},
		{"claims sub folded", inBody(`"Sub":"user_2"`), token.ErrMalformed},
		{"claims sub folded by long s", inBody("\"\u017fub\":\"user_2\""), token.ErrMalformed},
		{"claims exp escaped", inBody(`"ex\u0070":9999999999`), token.ErrMalformed},
		{"claims azp alone in other case", inBody(`"AZP":"https://app.example.com"`), token.ErrMalformed},
		{"claims o twice", inBody(`"o":{"id":"a"},"o":{"id":"b"}`), token.ErrMalformed},
		{"claims o.rol", inBody(`"o":{"id":"a","rol":"member","rol":"admin"}`), token.ErrMalformed},
		{"claims o.rol escaped", inBody(`"o":{"id":"a","rol":"member","\u0072ol":"admin"}`), token.ErrMalformed},
		{"claims o.rol folded", inBody(`"o":{"id":"a","rol":"member","Rol":"admin"}`), token.ErrMalformed},
		{"claims custom", inBody(`"x":1,"x":2`), token.ErrMalformed},
		{"claims custom folded", inBody(`"x":1,"X":2`), token.ErrMalformed},
		{"claims custom nested", inBody(`"x":[{"a":{"b":1,"\u0062":1}}]`), token.ErrMalformed},
		{"claims act nested", inBody(`"act":{"sub":"a","sub":"b"}`), token.ErrMalformed},
	}
	// Behind many other names, where a different search begins.
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, `"n%d":%d,`, i, i)
	}
	list = append(list,
		refusal{"claims late", inBody(many.String() + `"sub":"user_2"`), token.ErrMalformed},
		refusal{"claims late folded", inBody(many.String() + `"SUB":"user_2"`), token.ErrMalformed},
		refusal{"claims late custom", inBody(many.String() + `"n39":1`), token.ErrMalformed},
		refusal{"claims late custom folded", inBody(many.String() + `"N3":1`), token.ErrMalformed},
		refusal{"claims late nested", inBody(`"x":{` + many.String() + `"n7":1}`), token.ErrMalformed},
	)
	refuseAll(t, w.v, list)
	// Letter case may make a difference inside of custom claims.
	if err := verify(w.v, inBody(many.String()+`"x":{"a":1,"A":2}`)); err != nil {
		t.Errorf("names of other data: %v", err)
	}
}

func TestAttack_T07_Strictness(t *testing.T) {
	w := newWorld(t)
	h := head(w.key)
	payload := func(p string) string { return forge(t, w.key, h, p) }
	good := payload(body())
	hs, ps, ss := segments(good)
	list := []refusal{
		{"second document", payload(body() + body()), token.ErrMalformed},
		{"trailing comma", payload(strings.TrimSuffix(body(), "}") + ",}"), token.ErrMalformed},
		{"trailing bytes", payload(body() + "x"), token.ErrMalformed},
		{"trailing NUL", payload(body() + "\x00"), token.ErrMalformed},
		{"header trailing", forge(t, w.key, h+"{}", body()), token.ErrMalformed},
		{"BOM", payload("\ufeff" + body()), token.ErrMalformed},
		{"header BOM", forge(t, w.key, "\ufeff"+h, body()), token.ErrMalformed},
		{"invalid UTF-8", payload(body("x", "\"\xff\"")), token.ErrMalformed},
		{"invalid UTF-8 in a name", payload(body("x", "{\"\xc0\x80\":1}")), token.ErrMalformed},
		{"surrogate", payload(body("x", "\"\xed\xa0\x80\"")), token.ErrMalformed},
		{"lone escape", payload(body("x", `"\ud800"`)), token.ErrMalformed},
		{"wrong pair", payload(body("x", `"\ud800\u0041"`)), token.ErrMalformed},
		{"low first", payload(body("x", `"\udc00\ud800"`)), token.ErrMalformed},
		{"bad escape", payload(body("x", `"\x41"`)), token.ErrMalformed},
		{"cut escape", payload(body("x", `"\u00"`)), token.ErrMalformed},
		{"control in string", payload(body("x", "\"a\nb\"")), token.ErrMalformed},
		{"control behind escape", payload(body("x", "\"\\n\n\"")), token.ErrMalformed},
		{"comment", payload(body("x", `1/**/`)), token.ErrMalformed},
		{"single quotes", payload(body("x", `'a'`)), token.ErrMalformed},
		{"word", payload(body("x", `undefined`)), token.ErrMalformed},
		{"word in capitals", payload(body("x", `True`)), token.ErrMalformed},
		{"form feed", payload("\f" + body()), token.ErrMalformed},
		{"no-break space", payload("\u00a0" + body()), token.ErrMalformed},
		{"list", payload("[" + body() + "]"), token.ErrMalformed},
		{"string", payload(`"x"`), token.ErrMalformed},
		{"null", payload(`null`), token.ErrMalformed},
		{"empty object", payload(`{}`), token.ErrClaims},
		{"header list", forge(t, w.key, "["+h+"]", body()), token.ErrMalformed},
		{"cut", payload(strings.TrimSuffix(body(), "}")), token.ErrMalformed},
		{"fva of one", payload(body("fva", "[1]")), token.ErrMalformed},
		{"fva of three", payload(body("fva", "[1,2,3]")), token.ErrMalformed},
		{"fva of floats", payload(body("fva", "[1.0,2]")), token.ErrMalformed},
		{"fva below -1", payload(body("fva", "[-2,0]")), token.ErrMalformed},
		{"o without id", payload(body("o", `{"rol":"admin"}`)), token.ErrMalformed},
		{"o null", payload(body("o", `null`)), token.ErrMalformed},
		{"o.rol number", payload(body("o", `{"id":"a","rol":1}`)), token.ErrMalformed},
		{"act string", payload(body("act", `"a"`)), token.ErrMalformed},
		{"sts number", payload(body("sts", `1`)), token.ErrMalformed},
		{"v string", payload(body("v", `"2"`)), token.ErrMalformed},
		{"padding", hs + "=." + ps + "." + ss, token.ErrMalformed},
		{"padded signature", good + "==", token.ErrMalformed},
		{"space before", " " + good, token.ErrMalformed},
		{"space behind", good + " ", token.ErrMalformed},
		{"line break behind", good + "\n", token.ErrMalformed},
		{"line break in signature", good[:len(good)-4] + "\r\n" + good[len(good)-4:], token.ErrMalformed},
		{"line break in payload", hs + "." + ps[:8] + "\n" + ps[8:] + "." + ss, token.ErrMalformed},
		{"tab", hs + ".\t" + ps + "." + ss, token.ErrSignature},
		{"NUL", hs + "\x00." + ps + "." + ss, token.ErrMalformed},
		{"standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(good), nil},
		{"four segments", good + ".", token.ErrMalformed},
		{"JSON serialization", `{"payload":"` + ps + `","protected":"` + hs + `","signature":"` + ss + `"}`, token.ErrMalformed},
	}
	for i := range list { // a token may happen to lack both letters
		if list[i].want == nil && list[i].tok != good {
			list[i].want = token.ErrMalformed
			if _, p, _ := segments(list[i].tok); p != ps {
				list[i].want = token.ErrSignature
			}
		}
	}
	refuseAll(t, w.v, list)
	if err := verify(w.v, payload(" \t\r\n"+strings.ReplaceAll(body(), ",", " ,\n ")+" ")); err != nil {
		t.Errorf("space between: %v", err)
	}
	if err := verify(w.v, payload(body("x", `"\ud83d\ude00\u0000\/\"\\\b"`))); err != nil {
		t.Errorf("escapes: %v", err)
	}
}

// TestAttack_T07_CanonicalBase64 changes bits that do not count.
func TestAttack_T07_CanonicalBase64(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	w := newWorld(t)
	for pad := range 3 { // payloads of each length modulo 3
		tok := forge(t, w.key, head(w.key)+strings.Repeat(" ", pad), body()+strings.Repeat(" ", pad))
		if err := verify(w.v, tok); err != nil {
			t.Fatal(err)
		}
		h, p, s := segments(tok)
		for n, seg := range []string{h, p, s} {
			last := strings.IndexByte(alphabet, seg[len(seg)-1])
			for bits := 1; bits < 64; bits++ {
				parts := []string{h, p, s}
				parts[n] = seg[:len(seg)-1] + alphabet[last^bits:last^bits+1]
				if err := verify(w.v, strings.Join(parts, ".")); err == nil {
					t.Fatalf("segment %d with another last letter is accepted", n)
				}
			}
		}
	}
}

func TestAttack_T08_Size(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	good := w.mint(t)
	h, p, s := segments(good)
	var deep strings.Builder
	deep.WriteString(strings.Repeat(`{"a":`, 3000))
	deep.WriteString("1" + strings.Repeat("}", 3000))
	for name, tok := range map[string]string{
		"1 MB":           h + "." + strings.Repeat("A", 1<<20) + "." + s,
		"1 MB of junk":   strings.Repeat("A", 1<<20),
		"1e5 dots":       strings.Repeat(".", 100000),
		"dots behind":    good + strings.Repeat(".", 10000),
		"16 KiB and one": h + "." + strings.Repeat("A", 16<<10+1-len(h)-len(s)-2) + "." + s,
		"deep header":    b64(deep.String()[:9000]) + "." + p + "." + s,
		"header of dots": "." + p + "." + s,
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(w.v, tok); !errors.Is(err, token.ErrMalformed) {
				t.Fatalf("got %v", err)
			}
			// What is refused costs next to nothing.
			if n := testing.AllocsPerRun(20, func() { _, _ = w.v.Verify(ctx, tok) }); n > 40 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	list := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	object := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, nested := range []func(int) string{list, object} {
		if err := verify(w.v, forge(t, w.key, head(w.key), body("x", nested(15)))); err != nil {
			t.Errorf("depth 16: %v", err)
		}
		for _, n := range []int{16, 17, 1000} {
			if err := verify(w.v, forge(t, w.key, head(w.key), body("x", nested(n)))); !errors.Is(err, token.ErrMalformed) {
				t.Errorf("depth %d: %v", n+1, err)
			}
		}
	}
	// As many claims as fit are read in linear time; one more byte is refused.
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `,"c%d":%d`, i, i%10)
	}
	if err := verify(w.v, forge(t, w.key, head(w.key), strings.TrimSuffix(body(), "}")+many.String()+"}")); err != nil {
		t.Errorf("a thousand claims: %v", err)
	}
	for i := range 100000 {
		fmt.Fprintf(&many, `,"d%d":%d`, i, i%10)
	}
	if err := verify(w.v, forge(t, w.key, head(w.key), strings.TrimSuffix(body(), "}")+many.String()+"}")); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("a hundred thousand claims: %v", err)
	}
}
