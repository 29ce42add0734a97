package picture

import (
	"errors"
	"image"
	"io"
	"testing"
)

func TestFault_R30_DecoderPanicIsContained(t *testing.T) {
	f := format{
		config: func(io.Reader) (image.Config, error) { panic("boom") },
		decode: func(io.Reader) (image.Image, error) { panic("boom") },
	}
	if _, err := f.read(t.Context(), nil); !errors.Is(err, ErrBroken) {
		t.Errorf("decode: %v", err)
	}
	var d Decoder
	if err := d.measure(f, nil); !errors.Is(err, ErrBroken) {
		t.Errorf("config: %v", err)
	}
}
