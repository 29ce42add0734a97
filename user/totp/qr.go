package totp

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the white border that readers need, in modules.
const quiet = 4

// QR draws text as a QR code: an SVG image of one path, black on white, without
// a script, a style or anything that is fetched. It scales.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("totp: QR code: %w", err)
	}
	box := code.Bounds()
	size := box.Dx() + 2*quiet
	var path strings.Builder
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y != 0 {
				x++
				continue
			}
			run := 0
			for x+run < box.Max.X && color.GrayModel.Convert(code.At(x+run, y)).(color.Gray).Y == 0 {
				run++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x-box.Min.X+quiet, y-box.Min.Y+quiet, run, run)
			x += run
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`, size, size, size, size, path.String()), nil
}
