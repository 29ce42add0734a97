package password

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	argonPrefix  = "$argon2id$"
	argonVersion = "v=19"
	maxHash      = 1024 // bytes of a stored hash of any format
	maxPepperID  = 32
)

var b64 = base64.RawStdEncoding.Strict()

// A PHC is an argon2id hash in parts, written as the PHC string format has it:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
//
// with ",keyid=<base64>" behind p when a pepper is in it.
type PHC struct {
	Params Params // with SaltLength and KeyLength of the two fields below
	Pepper string // ID of the pepper, "" for none
	Salt   []byte
	Key    []byte
}

// String encodes h.
func (h PHC) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s$m=%d,t=%d,p=%d", argonPrefix, argonVersion, h.Params.Memory, h.Params.Time, h.Params.Parallelism)
	if h.Pepper != "" {
		b.WriteString(",keyid=" + b64.EncodeToString([]byte(h.Pepper)))
	}
	return b.String() + "$" + b64.EncodeToString(h.Salt) + "$" + b64.EncodeToString(h.Key)
}

// ParsePHC decodes an argon2id hash. It takes exactly what [PHC.String]
// writes, in that order, without leading zeros or padding: an error is
// [ErrMalformed], [ErrParams] or, for another format, [ErrUnknownFormat].
func ParsePHC(s string) (PHC, error) {
	if !strings.HasPrefix(s, argonPrefix) {
		return PHC{}, ErrUnknownFormat
	}
	if len(s) > maxHash {
		return PHC{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(s))
	}
	part := strings.Split(s[1:], "$")
	if len(part) != 5 || part[1] != argonVersion {
		return PHC{}, fmt.Errorf("%w: want argon2id, version 19 and three fields", ErrMalformed)
	}
	var h PHC
	if err := h.parseParams(part[2]); err != nil {
		return PHC{}, err
	}
	var err1, err2 error
	h.Salt, err1 = b64.DecodeString(part[3])
	h.Key, err2 = b64.DecodeString(part[4])
	if err1 != nil || err2 != nil || strings.ContainsAny(s, "\r\n") {
		return PHC{}, fmt.Errorf("%w: base64", ErrMalformed)
	}
	if len(h.Salt) < minSalt || len(h.Key) < minKey {
		return PHC{}, fmt.Errorf("%w: salt or key too short", ErrParams)
	}
	h.Params.SaltLength, h.Params.KeyLength = uint32(len(h.Salt)), uint32(len(h.Key))
	return h, h.Params.Validate()
}

func (h *PHC) parseParams(s string) error {
	field := strings.Split(s, ",")
	if len(field) != 3 && len(field) != 4 {
		return fmt.Errorf("%w: parameters", ErrMalformed)
	}
	var m, t, p uint64
	for i, want := range []struct {
		name string
		to   *uint64
		bits int
	}{{"m=", &m, 32}, {"t=", &t, 32}, {"p=", &p, 8}} {
		digits, ok := strings.CutPrefix(field[i], want.name)
		n, err := strconv.ParseUint(digits, 10, want.bits)
		// The second test refuses signs and leading zeros: one hash, one spelling.
		if !ok || err != nil || n == 0 || strconv.FormatUint(n, 10) != digits {
			return fmt.Errorf("%w: parameter %s", ErrMalformed, want.name)
		}
		*want.to = n
	}
	h.Params = Params{Memory: uint32(m), Time: uint32(t), Parallelism: uint8(p)}
	if len(field) == 4 {
		id, ok := strings.CutPrefix(field[3], "keyid=")
		raw, err := b64.DecodeString(id)
		if !ok || err != nil || len(raw) == 0 || len(raw) > maxPepperID {
			return fmt.Errorf("%w: keyid", ErrMalformed)
		}
		h.Pepper = string(raw)
	}
	return nil
}
