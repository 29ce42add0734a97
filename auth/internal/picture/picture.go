package picture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"sync"
	"time"
)

var (
	// ErrTooLarge: too many bytes or pixels.
	ErrTooLarge = errors.New("picture: too large")
	// ErrUnsupported: not a JPEG, PNG, GIF or WebP picture.
	ErrUnsupported = errors.New("picture: format is not supported")
	// ErrBroken: begins as a picture and cannot be decoded.
	ErrBroken = errors.New("picture: cannot be decoded")
)

const (
	// Side is the most pixels of an edge of the result.
	Side = 512

	defaultMaxBytes  = 10 << 20
	defaultMaxPixels = 25_000_000
	decodeTimeout    = 10 * time.Second
	jpegQuality      = 88
)

// An Image is a picture ready to be stored and served.
type Image struct {
	Data        []byte // PNG if it has transparency, else JPEG
	ContentType string // image/png or image/jpeg
	Hash        string // of Data: 32 hexadecimal digits of its SHA-256, fit for a URL
	Side        int    // width and height in pixels
}

// A Decoder takes in pictures. The zero value is ready; it is safe for
// concurrent use, and its fields are not changed after first use.
type Decoder struct {
	MaxBytes  int64 // of an upload. 0: 10 MiB
	MaxPixels int   // width times height. 0: 25 million
	Slots     int   // pictures decoded at the same time. 0: 1

	once  sync.Once
	slots chan struct{}
}

// Decode reads one picture from r and returns its middle as a square, scaled
// down to at most [Side]; it is never scaled up. Errors: [ErrTooLarge],
// [ErrUnsupported], [ErrBroken], what reading r gave, and the context's: a
// cancelled request leaves the line before it is decoded.
func (d *Decoder) Decode(ctx context.Context, r io.Reader) (Image, error) {
	limit := d.MaxBytes
	if limit <= 0 {
		limit = defaultMaxBytes
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return Image{}, fmt.Errorf("picture: %w", err)
	}
	if int64(len(data)) > limit {
		return Image{}, fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	}
	f, err := recognise(data)
	if err != nil {
		return Image{}, err
	}
	if err := d.measure(f, data); err != nil {
		return Image{}, err
	}
	d.once.Do(func() { d.slots = make(chan struct{}, max(d.Slots, 1)) })
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return Image{}, ctx.Err()
	}
	src, err := f.read(ctx, data)
	if err != nil {
		return Image{}, err
	}
	var orientation int
	if f.orientation != nil {
		orientation = f.orientation(data)
	}
	return encode(turn(shrink(src), orientation))
}

// measure reads the header alone.
func (d *Decoder) measure(f format, data []byte) error {
	limit := d.MaxPixels
	if limit <= 0 {
		limit = defaultMaxPixels
	}
	c, err := safely(func() (image.Config, error) { return f.config(bytes.NewReader(data)) })
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return ErrBroken
	}
	if int64(c.Width)*int64(c.Height) > int64(limit) {
		return fmt.Errorf("%w: %d × %d pixels", ErrTooLarge, c.Width, c.Height)
	}
	if f.check != nil {
		return f.check(data)
	}
	return nil
}

// read decodes, for ten seconds at most.
func (f format) read(ctx context.Context, data []byte) (image.Image, error) {
	limited, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	src, err := safely(func() (image.Image, error) { return f.decode(&reader{limited, data}) })
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	case src.Bounds().Empty():
		return nil, ErrBroken
	}
	return src, nil
}

// safely contains a panic of a decoder.
func safely[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("picture: decoder panicked: %v", p)
		}
	}()
	return f()
}

// A reader gives the data in small pieces, as long as the context lives, so
// that a decoder that is kept busy by few bytes ends.
type reader struct {
	ctx  context.Context
	data []byte
}

// Read never returns more than 256 bytes.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 256)], r.data)
	r.data = r.data[n:]
	return n, nil
}

func encode(m *image.RGBA) (Image, error) {
	var b bytes.Buffer
	img := Image{ContentType: "image/jpeg", Side: m.Bounds().Dx()}
	var err error
	if m.Opaque() {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: jpegQuality})
	} else {
		img.ContentType = "image/png"
		err = png.Encode(&b, m)
	}
	if err != nil {
		return Image{}, fmt.Errorf("picture: %w", err)
	}
	img.Data = b.Bytes()
	sum := sha256.Sum256(img.Data)
	img.Hash = hex.EncodeToString(sum[:16])
	return img, nil
}
