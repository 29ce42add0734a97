package password

import "fmt"

// Bounds of [Params]. They hold for new and for stored hashes, so that a row
// that somebody wrote into the database cannot exhaust memory or time.
const (
	// MaxMemory is the most memory of one hash, in KiB: 128 MiB.
	MaxMemory = 128 << 10
	// MaxCost is the most memory times passes of one hash, in KiB: 1 GiB,
	// about a second of one core.
	MaxCost = 1 << 20

	maxParallelism = 16
	minSalt        = 8
	maxSalt        = 64
	minKey         = 16
	maxKey         = 64
)

// Params are the parameters of argon2id (RFC 9106). A zero field has the
// default stated at it; together these are OWASP's second recommendation,
// 21 ms of a core. RFC 9106's 2 GiB variant is outside the bounds.
type Params struct {
	// Memory in KiB, from 8 times Parallelism to [MaxMemory]. 0 is 19456 (19 MiB).
	Memory uint32 `json:"memory,omitempty"`
	// Time is the number of passes; Time times Memory is at most [MaxCost]. 0 is 2.
	Time uint32 `json:"time,omitempty"`
	// Parallelism is the number of lanes, at most 16. 0 is 1.
	Parallelism uint8 `json:"parallelism,omitempty"`
	// SaltLength in bytes, 8 to 64. 0 is 16.
	SaltLength uint32 `json:"salt_length,omitempty"`
	// KeyLength in bytes, 16 to 64. 0 is 32.
	KeyLength uint32 `json:"key_length,omitempty"`
}

func (p Params) withDefaults() Params {
	set := func(v *uint32, d uint32) {
		if *v == 0 {
			*v = d
		}
	}
	set(&p.Memory, 19456)
	set(&p.Time, 2)
	set(&p.SaltLength, 16)
	set(&p.KeyLength, 32)
	if p.Parallelism == 0 {
		p.Parallelism = 1
	}
	return p
}

// Validate reports whether p, with its defaults, is within bounds. The error
// is [ErrParams].
func (p Params) Validate() error {
	p = p.withDefaults()
	cost := uint64(p.Memory) * uint64(p.Time)
	switch {
	case p.Memory > MaxMemory || p.Memory < 8*uint32(p.Parallelism):
		return fmt.Errorf("%w: memory of %d KiB", ErrParams, p.Memory)
	case cost > MaxCost:
		return fmt.Errorf("%w: %d passes over %d KiB", ErrParams, p.Time, p.Memory)
	case p.Parallelism > maxParallelism:
		return fmt.Errorf("%w: %d lanes", ErrParams, p.Parallelism)
	case p.SaltLength < minSalt || p.SaltLength > maxSalt:
		return fmt.Errorf("%w: salt of %d bytes", ErrParams, p.SaltLength)
	case p.KeyLength < minKey || p.KeyLength > maxKey:
		return fmt.Errorf("%w: key of %d bytes", ErrParams, p.KeyLength)
	}
	return nil
}

// memory is what one hash allocates, in bytes.
func (p Params) memory() int64 { return int64(p.Memory) << 10 }
