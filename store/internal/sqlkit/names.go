package sqlkit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

// SchemaTable holds the schema number and the kinds that there are.
const SchemaTable = "usher_schema"

// reservedColumns are names an index's column cannot have: our own, and those
// of columns that every table of PostgreSQL has.
var reservedColumns = []string{"keys", "long", "sum", "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"}

// Table returns the name of the table of a kind: usher_<kind>. The few kinds
// whose table would be called like one of the others get an underscore more.
func Table(kind string) string {
	bare := strings.TrimRight(kind, "_")
	if bare == "schema" || strings.HasSuffix(bare, "_key") {
		kind += "_"
	}
	return "usher_" + kind
}

// KeyTable returns the name of the table of a kind's entries in Many indexes.
func KeyTable(kind string) string { return "usher_" + kind + "_key" }

// Column returns the name of the column of an index without Many.
func Column(index string) string {
	if slices.Contains(reservedColumns, strings.TrimRight(index, "_")) {
		index += "_"
	}
	return index
}

// maxName is the length of an identifier in PostgreSQL, in bytes.
const maxName = 63

// IndexName returns the name of a database index. The dot keeps those of kind
// a_b and index c apart from those of kind a and index b_c.
func IndexName(kind, index string, unique bool) string {
	suffix := ".ix"
	if unique {
		suffix = ".ux"
	}
	name := Table(kind) + "." + index
	if len(name)+len(suffix) > maxName {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxName-20] + "." + hex.EncodeToString(sum[:8])
	}
	return name + suffix
}

// quote writes an identifier. Names have been validated and hold no quotes.
func quote(name string) string { return `"` + name + `"` }

// literal writes a name as a string.
func literal(name string) string { return `'` + name + `'` }

// longValue is the number of bytes from which a value is stored in a form.
const longValue = 1024

// exactBelow is the number of bytes below which a value and a form compare as
// the two values do.
const exactBelow = 1000

// form returns what is stored of a value where indexes are bounded in size:
// the value, or the beginning of a long one and its hash. No form of a long
// value is a short value, as it is longer.
func (d *Dialect) form(v string) string {
	if !d.Long || len(v) <= longValue {
		return v
	}
	cut := longValue
	for cut > longValue-4 && v[cut]&0xC0 == 0x80 { // in the middle of a rune
		cut--
	}
	sum := sha256.Sum256([]byte(v))
	return v[:cut] + hex.EncodeToString(sum[:])
}

// forms returns the forms of values.
func (d *Dialect) forms(vs []string) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = d.form(v)
	}
	return out
}

// isLong reports whether a value is stored in two places.
func (d *Dialect) isLong(v string) bool { return d.Long && len(v) > longValue }

// disc returns what makes rows of the key table distinct beside the value.
func disc(ix store.Index, id string) string {
	if ix.Unique {
		return ""
	}
	return id
}
