package picture

import (
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// A format is one kind of picture. It is recognised by how it begins and never
// by what the sender calls it.
type format struct {
	magic       string // '?' is any byte
	config      func(io.Reader) (image.Config, error)
	decode      func(io.Reader) (image.Image, error)
	check       func(data []byte) error // nil: nothing more to check
	orientation func(data []byte) int   // nil: always upright
}

func formats() []format {
	return []format{
		{magic: "\xff\xd8\xff", config: jpeg.DecodeConfig, decode: jpeg.Decode, check: checkScans, orientation: jpegOrientation},
		{magic: "\x89PNG\r\n\x1a\n", config: png.DecodeConfig, decode: png.Decode},
		{magic: "GIF8?a", config: gif.DecodeConfig, decode: gif.Decode}, // the first frame alone
		{magic: "RIFF????WEBP", config: webp.DecodeConfig, decode: webp.Decode},
	}
}

func recognise(data []byte) (format, error) {
	for _, f := range formats() {
		if len(data) >= len(f.magic) && begins(data, f.magic) {
			return f, nil
		}
	}
	return format{}, ErrUnsupported
}

func begins(data []byte, magic string) bool {
	for i := range len(magic) {
		if magic[i] != '?' && data[i] != magic[i] {
			return false
		}
	}
	return true
}
