package password

import (
	"context"
	"fmt"
	"strings"
)

// A Format is one way in which another system keeps passwords, so that its
// people can sign in with the passwords they have. It is data: a new format is
// a new value in [Hasher.Formats].
type Format struct {
	// Name by which a digest is brought along, such as pbkdf2_sha256: small
	// letters, digits and underscores. It is stored with the digest.
	Name string
	// Form is what a digest looks like, for people.
	Form string
	// Parse reads a digest, and does no work. A digest that it cannot read is
	// [ErrMalformed], one that asks for more than a password is worth
	// [ErrParams].
	Parse func(digest string) (Digest, error)
}

// A Digest is a password as another system keeps it, read and within bounds.
type Digest struct {
	// Memory that one comparison allocates, in bytes; 0 is next to nothing.
	Memory int64
	// Keep: it is as good as what the hasher makes itself, and is left as it
	// is. Of all others the first right password makes a new hash.
	Keep func(own Params) bool
	// Matches compares. It runs in a slot of the pool. A password that the
	// format cannot tell from others is [ErrTooLongForHash].
	Matches func(plain string) (bool, error)
}

// Formats returns all formats that this package knows. See the package's
// documentation for an example of each.
func Formats() []Format {
	return []Format{
		argon2Format("argon2id"), argon2Format("argon2i"),
		bcryptFormat, bcryptDjango, bcryptPeppered,
		md5Format, md5Salted, sha256Format, sha256Salted, sha512Symfony, ldapSSHA,
		phpassFormat, md5Phpass,
		pbkdf2SHA1, pbkdf2SHA256, pbkdf2SHA256Django, pbkdf2SHA512, pbkdf2SHA512Hex,
		scryptFirebase, scryptWerkzeug, scryptBetterAuth, scryptLucia, scryptLuciaLegacy,
		gotrue, keycloak,
	}
}

// Import checks a digest of another system, kept there by the named format, and
// returns what is to be stored as the account's hash. Without a name it is
// argon2id or bcrypt, which say so themselves. Errors: [ErrUnknownFormat],
// [ErrMalformed], [ErrUnknownPepper], and [ErrParams] or [ErrTooCostly] for a
// digest whose every check would cost more than one may.
func (h *Hasher) Import(name, digest string) (string, error) {
	if name == "" {
		name = selfDescribing(digest)
	}
	f, err := h.format(name)
	if err != nil {
		return "", err
	}
	stored := name + ":" + digest
	if len(stored) > maxHash {
		return "", fmt.Errorf("%w: over %d bytes", ErrMalformed, maxHash)
	}
	if p, err := ParsePHC(digest); name == "argon2id" && err == nil && p.Pepper != "" {
		if _, err := h.peppered(p.Pepper, ""); err != nil {
			return "", err
		}
		return digest, nil // only this package writes peppers: it is one of ours
	}
	d, err := f.Parse(digest)
	if err != nil {
		return "", err
	}
	if 2*d.Memory > h.pool().memory() {
		return "", ErrTooCostly
	}
	return stored, nil
}

// Form is what a digest of the named format looks like, or "".
func (h *Hasher) Form(name string) string {
	f, _ := h.format(name)
	return f.Form
}

func selfDescribing(digest string) string {
	switch {
	case strings.HasPrefix(digest, argonPrefix):
		return "argon2id"
	case bcryptShape.MatchString(digest):
		return "bcrypt"
	}
	return ""
}

func (h *Hasher) format(name string) (Format, error) {
	h.once.Do(func() {
		list := h.Formats
		if list == nil {
			list = Formats()
		}
		h.known = map[string]Format{}
		for _, f := range list {
			h.known[f.Name] = f
		}
	})
	f, ok := h.known[name]
	if !ok {
		return f, fmt.Errorf("%w: %q", ErrUnknownFormat, name[:min(len(name), 64)])
	}
	return f, nil
}

// parseStored reads a stored hash that is not one of our own: a digest behind
// the name of its format, or one that says itself what it is.
func (h *Hasher) parseStored(hash string) (Digest, error) {
	if len(hash) > maxHash {
		return Digest{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(hash))
	}
	name, digest := selfDescribing(hash), hash
	if name == "" {
		name, digest, _ = strings.Cut(hash, ":")
	}
	f, err := h.format(name)
	if err != nil {
		return Digest{}, err
	}
	return f.Parse(digest)
}

// verifyForeign tries the password as it was typed, as the system that made
// the digest saw it, and then normalised.
//
// A right password of a live account is hashed anew by whoever asked, as a rule.
// All else costs the same here, so that neither the outcome nor a digest that
// costs nothing to check is told by time.
func (h *Hasher) verifyForeign(ctx context.Context, hash, plain string, live bool) (Result, error) {
	d, err := h.parseStored(hash)
	if err != nil {
		return Result{}, err
	}
	try := []string{plain}
	if text, err := Normalize(plain, h.MaxLength); err == nil && text != plain {
		try = append(try, text)
	}
	own := h.Params.withDefaults()
	res := Result{Rehash: d.Keep == nil || !d.Keep(own) || h.pepperID() != ""}
	memory := d.Memory
	if res.Rehash {
		memory = max(memory, own.memory())
	}
	err = h.pool().Do(ctx, memory, func() error {
		for _, text := range try {
			ok, err := d.Matches(text)
			if err != nil {
				return err
			}
			if res.OK = ok; ok {
				break
			}
		}
		if res.Rehash && !(res.OK && live) {
			own.waste(plain)
		}
		return nil
	})
	return res, err
}
