package store

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"time"
)

// idEpoch is the second that IDs count from: it leaves room until 2156.
const idEpoch = 1_700_000_000

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID returns prefix followed by "_" and 27 base62 characters: 32 bits of
// the second now and 128 random bits. IDs of one prefix sort by time of birth,
// to the second. An ID is a name and never a secret.
func NewID(prefix string, now time.Time) string {
	var b [20]byte
	binary.BigEndian.PutUint32(b[:4], uint32(max(0, now.Unix()-idEpoch)))
	rand.Read(b[4:])
	var n, m, base big.Int
	n.SetBytes(b[:])
	base.SetInt64(62)
	out := make([]byte, len(prefix)+28)
	copy(out, prefix)
	out[len(prefix)] = '_'
	for i := len(out) - 1; i > len(prefix); i-- {
		n.DivMod(&n, &base, &m)
		out[i] = base62[m.Int64()]
	}
	return string(out)
}
