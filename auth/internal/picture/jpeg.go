package picture

import (
	"encoding/binary"
	"fmt"
)

// maxScans of a JPEG. Encoders make about ten; each costs a pass over all
// pixels and may be a dozen bytes.
const maxScans = 100

// JPEG markers (ITU-T T.81, table B.1).
const (
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP1 = 0xe1
	markerTEM  = 0x01
)

// walk calls segment for each marker segment of a JPEG with what it holds, as
// the decoder meets them, until segment returns false or the picture ends.
func walk(data []byte, segment func(marker byte, body []byte) bool) {
	for i := 2; i+1 < len(data); {
		// Compressed data follows a scan and strangers' bytes may follow
		// anything: the next marker is the next 0xff with no 0 behind it.
		if data[i] != 0xff || data[i+1] == 0 || data[i+1] == 0xff {
			i++
			continue
		}
		marker := data[i+1]
		i += 2
		switch {
		case marker == markerEOI:
			return
		case marker >= markerRST0 && marker <= markerSOI, marker == markerTEM:
			continue
		}
		if i+2 > len(data) {
			return
		}
		n := int(binary.BigEndian.Uint16(data[i:]))
		if n < 2 || i+n > len(data) || !segment(marker, data[i+2:i+n]) {
			return
		}
		i += n
	}
}

func checkScans(data []byte) error {
	scans := 0
	walk(data, func(marker byte, _ []byte) bool {
		if marker == markerSOS {
			scans++
		}
		return scans <= maxScans
	})
	if scans > maxScans {
		return fmt.Errorf("%w: over %d scans", ErrTooLarge, maxScans)
	}
	return nil
}

// jpegOrientation is the value of EXIF's tag 0x0112, 1 to 8; 0 if there is none.
func jpegOrientation(data []byte) (orientation int) {
	walk(data, func(marker byte, body []byte) bool {
		if marker != markerAPP1 || len(body) < 6 || string(body[:6]) != "Exif\x00\x00" {
			return marker != markerSOS
		}
		orientation = tiffOrientation(body[6:])
		return false
	})
	return orientation
}

// tiffOrientation reads the first directory of a TIFF file, of 64 KiB at most.
func tiffOrientation(b []byte) int {
	const tagOrientation, typeShort, entrySize = 0x0112, 3, 12
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 0
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < entrySize {
			return 0
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 0
		}
		entries = entries[entrySize:]
	}
	return 0
}
