package picture_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/picture"
)

var (
	red, green = color.RGBA{220, 20, 20, 255}, color.RGBA{20, 200, 20, 255}
	blue, gold = color.RGBA{20, 20, 220, 255}, color.RGBA{220, 200, 20, 255}
)

// quarters is a picture with a colour in each corner: red and green above,
// blue and gold below.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, [2][2]color.RGBA{{red, green}, {blue, gold}}[2*y/h][2*x/w])
		}
	}
	return m
}

func encoded(t testing.TB, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	return encoded(t, func(w io.Writer) error { return png.Encode(w, m) })
}

func jpegOf(t testing.TB, m image.Image) []byte {
	return encoded(t, func(w io.Writer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) })
}

func gifOf(t testing.TB, side int) []byte {
	m := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{red, green, blue, gold})
	draw.Draw(m, m.Bounds(), quarters(side, side), image.Point{}, draw.Src)
	return encoded(t, func(w io.Writer) error { return gif.Encode(w, m, nil) })
}

func webpOf(t testing.TB, base64Text string) []byte {
	b, err := base64.StdEncoding.DecodeString(base64Text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// take decodes in and decodes the result again.
func take(t testing.TB, in []byte) (picture.Image, image.Image) {
	t.Helper()
	var d picture.Decoder
	img, err := d.Decode(t.Context(), bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	m, kind, err := image.Decode(bytes.NewReader(img.Data))
	if err != nil || "image/"+kind != img.ContentType || len(img.Hash) != 32 {
		t.Fatalf("%s %q: %v", img.ContentType, img.Hash, err)
	}
	if b := m.Bounds(); b.Dx() != img.Side || b.Dy() != img.Side || img.Side > picture.Side {
		t.Fatalf("bounds %v, side %d", b, img.Side)
	}
	return img, m
}

// near allows for what JPEG loses.
func near(a, b color.Color) bool {
	r1, g1, b1, a1 := a.RGBA()
	r2, g2, b2, a2 := b.RGBA()
	for _, d := range []int{int(r1) - int(r2), int(g1) - int(g2), int(b1) - int(b2), int(a1) - int(a2)} {
		if d > 0x2000 || d < -0x2000 {
			return false
		}
	}
	return true
}

// corners checks the colours at the middle of each quarter, row by row.
func corners(t *testing.T, name string, m image.Image, want ...color.RGBA) {
	t.Helper()
	n := m.Bounds().Dx()
	for i, c := range want {
		x, y := n/4+i%2*n/2, n/4+i/2*n/2
		if !near(m.At(x, y), c) {
			t.Errorf("%s: %v at quarter %d, want %v", name, m.At(x, y), i, c)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		kind string
		side int
	}{
		{"png", pngOf(t, quarters(300, 300)), "image/jpeg", 300},
		{"jpeg", jpegOf(t, quarters(700, 700)), "image/jpeg", 512},
		{"gif", gifOf(t, 64), "image/jpeg", 64},
		{"large", jpegOf(t, quarters(3001, 3001)), "image/jpeg", 512},
		{"tiny", pngOf(t, quarters(4, 4)), "image/jpeg", 4},
	} {
		img, m := take(t, c.in)
		if img.ContentType != c.kind || img.Side != c.side {
			t.Errorf("%s: %s of %d", c.name, img.ContentType, img.Side)
		}
		if c.side > 4 {
			corners(t, c.name, m, red, green, blue, gold)
		}
	}
}

func TestDecodeWebP(t *testing.T) {
	for name, text := range map[string]string{
		"lossless": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
		"lossy":    "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
	} {
		if img, _ := take(t, webpOf(t, text)); img.Side != 1 {
			t.Errorf("%s: side %d", name, img.Side)
		}
	}
}

func TestDecodeCropsTheMiddle(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 3000, 1000))
	for y := range 1000 {
		for x := range 3000 {
			m.Set(x, y, []color.RGBA{red, blue, gold}[x/1000])
		}
	}
	img, out := take(t, pngOf(t, m))
	if img.Side != 512 {
		t.Errorf("side %d", img.Side)
	}
	corners(t, "middle", out, blue, blue, blue, blue)
}

func TestDecodeKeepsTransparency(t *testing.T) {
	m := quarters(1200, 1200)
	for i := range 600 * m.Stride {
		m.Pix[i] = 0
	}
	img, out := take(t, pngOf(t, m))
	if img.ContentType != "image/png" {
		t.Fatal(img.ContentType)
	}
	corners(t, "half", out, color.RGBA{}, color.RGBA{}, blue, gold)
}

func TestDecodeNamesByContent(t *testing.T) {
	a, _ := take(t, pngOf(t, quarters(64, 64)))
	b, _ := take(t, append(pngOf(t, quarters(64, 64)), "tail"...))
	c, _ := take(t, pngOf(t, quarters(65, 65)))
	if a.Hash != b.Hash || a.Hash == c.Hash {
		t.Errorf("hashes %s %s %s", a.Hash, b.Hash, c.Hash)
	}
}

func TestAttack_W07_NothingButPixelsIsKept(t *testing.T) {
	const payload = "<script>alert(1)</script>"
	j, p := jpegOf(t, quarters(64, 64)), pngOf(t, quarters(64, 64))
	comment := append([]byte{0xff, 0xfe, 0, byte(len(payload) + 2)}, payload...)
	text := pngChunk("tEXt", append([]byte("Comment\x00"), payload...))
	g := gifOf(t, 64)
	gifComment := append(append([]byte{0x21, 0xfe, byte(len(payload))}, payload...), 0)
	at := bytes.IndexByte(g, 0x2c) // the first frame; a palette without commas comes before it
	for name, in := range map[string][]byte{
		"jpeg comment": slicesInsert(j, 2, comment),
		"jpeg tail":    append(bytes.Clone(j), payload...),
		"jpeg exif":    slicesInsert(j, 2, exif(binary.BigEndian, 1, payload)),
		"png text":     slicesInsert(p, 33, text),
		"png tail":     append(bytes.Clone(p), payload...),
		"png zip":      append(bytes.Clone(p), "PK\x03\x04"+payload...),
		"gif comment":  slicesInsert(g, at, gifComment),
		"gif tail":     append(bytes.Clone(g), payload...),
	} {
		if !bytes.Contains(in, []byte(payload)) {
			t.Fatalf("%s: no payload in the vector", name)
		}
		img, m := take(t, in)
		for _, left := range []string{"script", "Exif", "tEXt", "PK\x03\x04"} {
			if bytes.Contains(img.Data, []byte(left)) {
				t.Errorf("%s: %q is kept", name, left)
			}
		}
		corners(t, name, m, red, green, blue, gold)
	}
}

func TestAttack_W07_OrientationIsCarriedOut(t *testing.T) {
	j := jpegOf(t, quarters(64, 64))
	for i, want := range [][]color.RGBA{
		{red, green, blue, gold}, {green, red, gold, blue}, {gold, blue, green, red}, {blue, gold, red, green},
		{red, blue, green, gold}, {blue, red, gold, green}, {gold, green, blue, red}, {green, gold, red, blue},
	} {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			_, m := take(t, slicesInsert(j, 2, exif(order, i+1, "")))
			corners(t, fmt.Sprint("orientation ", i+1, order), m, want...)
		}
	}
	// Broken ones are no orientation, and no fault.
	good := exif(binary.BigEndian, 3, "")
	for n := 4; n < len(good); n++ {
		cut := bytes.Clone(good[:n])
		binary.BigEndian.PutUint16(cut[2:], uint16(n-2))
		take(t, slicesInsert(j, 2, cut))
	}
	_, m := take(t, slicesInsert(j, 2, exif(binary.BigEndian, 9, "")))
	corners(t, "orientation 9", m, red, green, blue, gold)
}

// exif is an APP1 segment with an orientation and a text behind it.
func exif(order binary.AppendByteOrder, orientation int, text string) []byte {
	tiff := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II*\x00")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, uint16(orientation))
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	body := "Exif\x00\x00" + string(tiff) + text
	return append([]byte{0xff, 0xe1, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

func slicesInsert(b []byte, at int, more []byte) []byte {
	return append(append(bytes.Clone(b[:at]), more...), b[at:]...)
}

func pngChunk(kind string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func TestAttack_W07_AnimatedIsItsFirstFrame(t *testing.T) {
	frame := func(c color.RGBA) *image.Paletted {
		return image.NewPaletted(image.Rect(0, 0, 32, 32), color.Palette{c, color.Black})
	}
	in := encoded(t, func(w io.Writer) error {
		return gif.EncodeAll(w, &gif.GIF{Image: []*image.Paletted{frame(blue), frame(red), frame(gold)}, Delay: []int{5, 5, 5}})
	})
	_, m := take(t, in)
	corners(t, "first frame", m, blue, blue, blue, blue)
}

func TestAttack_W07_RefusedByHeaderAlone(t *testing.T) {
	ihdr := func(w, h uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, w)
		b = append(binary.BigEndian.AppendUint32(b, h), 8, 6, 0, 0, 0)
		return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", b)...)
	}
	j := jpegOf(t, quarters(8, 8))
	sof := bytes.Index(j, []byte{0xff, 0xc0})
	bigJPEG := bytes.Clone(j)
	binary.BigEndian.PutUint16(bigJPEG[sof+5:], 65000)
	binary.BigEndian.PutUint16(bigJPEG[sof+7:], 65000)
	g := gifOf(t, 8)
	bigGIF := bytes.Clone(g)
	copy(bigGIF[6:], "\xff\xff\xff\xff")
	scans := bytes.Clone(j[:len(j)-2])
	sos := scans[bytes.Index(scans, []byte{0xff, 0xda}):]
	for range 200 {
		scans = append(scans, sos...)
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name string
		in   string
		want error
	}{
		{"png bomb", string(ihdr(50_000, 50_000)), picture.ErrTooLarge},
		{"png just over", string(ihdr(5001, 5000)), picture.ErrTooLarge},
		{"png ribbon", string(ihdr(1<<31-1, 1)), picture.ErrTooLarge},
		{"png empty", string(ihdr(0, 10)), picture.ErrBroken},
		{"jpeg bomb", string(bigJPEG), picture.ErrTooLarge},
		{"gif bomb", string(bigGIF), picture.ErrTooLarge},
		{"webp bomb", "RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x3f\x00\xff\x3f\x00", picture.ErrTooLarge},
		{"jpeg scans", string(scans), picture.ErrTooLarge},
		{"bytes", string(jpegOf(t, quarters(8, 8))) + strings.Repeat("x", 10<<20), picture.ErrTooLarge},
		{"svg", svg, picture.ErrUnsupported},
		{"svg with declaration", "\ufeff<?xml version=\"1.0\"?>" + svg, picture.ErrUnsupported},
		{"svgz", "\x1f\x8b\x08", picture.ErrUnsupported},
		{"html", "<!doctype html><img>", picture.ErrUnsupported},
		{"bmp", "BM" + strings.Repeat("\x00", 100), picture.ErrUnsupported},
		{"pdf", "%PDF-1.7", picture.ErrUnsupported},
		{"empty", "", picture.ErrUnsupported},
		{"short", "\xff\xd8", picture.ErrUnsupported},
		{"gif and svg", "GIF89a" + svg, picture.ErrTooLarge}, // "<svg" read as a size
		{"riff and not webp", "RIFF\x00\x00\x00\x00WAVEfmt ", picture.ErrUnsupported},
		{"cut png", string(pngOf(t, quarters(64, 64))[:60]), picture.ErrBroken},
		{"cut webp", "RIFF\x1a\x00\x00\x00WEBPVP8L", picture.ErrBroken},
	} {
		var d picture.Decoder
		img, err := d.Decode(t.Context(), strings.NewReader(c.in))
		if !errors.Is(err, c.want) || img.Data != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
		t.Errorf("refusals allocated %d MiB", used>>20)
	}
}

func TestFault_R24_DecodeOfCancelled(t *testing.T) {
	var d picture.Decoder
	in := pngOf(t, quarters(64, 64))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Decode(ctx, bytes.NewReader(in)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	cut := errors.New("connection lost")
	if _, err := d.Decode(t.Context(), io.MultiReader(bytes.NewReader(in[:40]), failing{cut})); !errors.Is(err, cut) {
		t.Errorf("broken upload: %v", err)
	}
	if _, err := d.Decode(t.Context(), bytes.NewReader(in)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzDecode(f *testing.F) {
	f.Add(pngOf(f, quarters(9, 7)))
	f.Add(slicesInsert(jpegOf(f, quarters(9, 7)), 2, exif(binary.BigEndian, 6, "")))
	f.Add(gifOf(f, 9))
	f.Add(webpOf(f, "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="))
	d := picture.Decoder{MaxPixels: 1 << 16}
	f.Fuzz(func(t *testing.T, in []byte) {
		img, err := d.Decode(t.Context(), bytes.NewReader(in))
		if err == nil && (img.Side < 1 || img.Side > picture.Side || len(img.Data) == 0) {
			t.Fatalf("side %d", img.Side)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := jpegOf(b, quarters(4000, 3000))
	var d picture.Decoder
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(b.Context(), bytes.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecoder_Decode() {
	var d picture.Decoder
	_, err := d.Decode(context.Background(), strings.NewReader("<svg/>"))
	fmt.Println(errors.Is(err, picture.ErrUnsupported))
	// Output: true
}
