package picture

import (
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"
)

// shrink cuts the middle square out of src and scales it down to Side, in two
// steps so that little memory is needed: blocks of pixels are averaged until
// fewer than four times Side are left, and those are interpolated.
func shrink(src image.Image) *image.RGBA {
	b := src.Bounds()
	side := min(b.Dx(), b.Dy())
	from := image.Pt(b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2)
	square := average(src, from, side, max(1, side/(2*Side)))
	if square.Bounds().Dx() <= Side {
		return square
	}
	dst := image.NewRGBA(image.Rect(0, 0, Side, Side))
	xdraw.CatmullRom.Scale(dst, dst.Bounds(), square, square.Bounds(), draw.Src, nil)
	return dst
}

// average copies the square at from, one pixel for n × n of them. Edges that do
// not fill a block are cut off.
func average(src image.Image, from image.Point, side, n int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, side/n, side/n))
	strip := image.NewRGBA(image.Rect(0, 0, side/n*n, n))
	for y := range side / n {
		draw.Draw(strip, strip.Bounds(), src, from.Add(image.Pt(0, y*n)), draw.Src)
		for x := range side / n {
			var sum [4]int
			for dy := range n {
				row := strip.Pix[dy*strip.Stride+x*n*4:][: n*4 : n*4]
				for i, v := range row {
					sum[i&3] += int(v)
				}
			}
			for c := range sum {
				dst.Pix[y*dst.Stride+x*4+c] = uint8((sum[c] + n*n/2) / (n * n))
			}
		}
	}
	return dst
}

// turn carries out an EXIF orientation, 1 to 8, on a square.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	last := src.Bounds().Dx() - 1
	from := map[int]func(x, y int) (int, int){ // where a pixel of the result comes from
		2: func(x, y int) (int, int) { return last - x, y },
		3: func(x, y int) (int, int) { return last - x, last - y },
		4: func(x, y int) (int, int) { return x, last - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, last - x },
		7: func(x, y int) (int, int) { return last - y, last - x },
		8: func(x, y int) (int, int) { return last - y, x },
	}[orientation]
	dst := image.NewRGBA(src.Bounds())
	for y := range last + 1 {
		for x := range last + 1 {
			dst.SetRGBA(x, y, src.RGBAAt(from(x, y)))
		}
	}
	return dst
}
