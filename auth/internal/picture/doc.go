// Package picture takes in profile pictures from strangers and draws the ones
// that nobody sent.
//
//	var d picture.Decoder
//	img, err := d.Decode(ctx, upload)
//	if errors.Is(err, picture.ErrTooLarge) { // 413, or 422 with the limit
//	}
//	// img.Data is a PNG or JPEG of at most 512 × 512, named by img.Hash
//	svg := picture.Default(user.ID, picture.Initials("Ada", "Lovelace"))
//
// Every picture is decoded and encoded anew, so nothing of the upload but its
// pixels is kept: no EXIF place or comment, no second file behind the first,
// no second frame. A rotation that EXIF asks for is carried out first.
//
// # What it refuses
//
// SVG and all formats but JPEG, PNG, GIF and WebP (animated WebP too), more
// than 10 MiB, more than 25 million pixels by the header, before any is
// decoded, and JPEGs of more than 100 scans, which take hours in few bytes.
// One picture of the largest size takes 230 MiB while it is decoded (measured
// with a 16-bit PNG), and a progressive JPEG up to 400 MiB (calculated), so
// they are decoded one at a time.
package picture
