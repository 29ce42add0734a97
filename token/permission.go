package token

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// permissionTable is what fea, per and fpm say together, and the only place
// that knows how: row i is an organization feature, column j a permission
// name, and bit j of Bits[i] says that the user holds org:feature:name.
type permissionTable struct {
	features []string   // distinct, in the order of fea
	names    []string   // in the order of per
	bits     []*big.Int // one for each feature; nil is none
}

// Grant sets fea and, with an active organization, per and fpm, so that
// [Claims.Permissions] returns those of permissions that the token can carry.
//
// A permission is written "org:feature:name". System permissions
// ("org:sys_…") are left out: they never are in a token. Features are the
// entries of fea, such as "o:teams", "u:export" or "uo:search"; a permission
// on a feature that is not among them for organizations (o, uo, ou) is left
// out, as its plan lacks it. Nil features stand for those of the permissions.
// Anything that could not be read back is [ErrClaims].
func (c *Claims) Grant(features, permissions []string) error {
	held, err := splitPermissions(permissions)
	if err != nil {
		return err
	}
	if features == nil {
		for _, p := range held {
			features = append(features, "o:"+p[0])
		}
		slices.Sort(features)
		features = slices.Compact(features)
	}
	t, err := newPermissionTable(features)
	if err != nil {
		return err
	}
	c.Features = strings.Join(features, ",")
	if c.Organization == nil {
		if len(held) > 0 {
			return fmt.Errorf("%w: permissions without an organization", ErrClaims)
		}
		return nil
	}
	for _, p := range held {
		t.add(p[0], p[1])
	}
	c.Organization.Permissions, c.Organization.FeaturePermissions = t.encode()
	return nil
}

// Permissions returns the custom permissions that the user holds in the active
// organization, as "org:feature:name", in the order of the token. Whatever
// does not fit together grants nothing.
func (c *Claims) Permissions() []string {
	t := c.permissionTable()
	var held []string
	for i, feature := range t.features {
		for j, name := range t.names {
			if t.has(i, j) {
				held = append(held, rolePrefix+feature+":"+name)
			}
		}
	}
	return held
}

// HasPermission tells whether the user holds the custom permission, written
// "org:feature:name". System permissions are not in tokens: ask for the role.
func (c *Claims) HasPermission(permission string) bool {
	rest, ok := strings.CutPrefix(permission, rolePrefix)
	feature, name, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || name == "" || c.Organization == nil {
		return false
	}
	t := c.permissionTable()
	i := slices.Index(t.features, feature)
	if i < 0 {
		return false
	}
	for j, n := range t.names {
		if n == name && t.has(i, j) {
			return true
		}
	}
	return false
}

// HasFeature tells whether the plan of the organization or of the user has the
// feature. It may be given with its scope ("o:teams", "u:teams") or without,
// which asks for either.
func (c *Claims) HasFeature(feature string) bool {
	scope, name, ok := strings.Cut(feature, ":")
	if !ok {
		scope, name = "", feature
	}
	for entry := range strings.SplitSeq(c.Features, ",") {
		s, f, ok := strings.Cut(strings.TrimSpace(entry), ":")
		if ok && f == name && name != "" && validScope(s) && strings.Contains(s, scope) {
			return true
		}
	}
	return false
}

func validScope(s string) bool { return s == "o" || s == "u" || s == "uo" || s == "ou" }

// splitPermissions cuts permissions into feature and name, without the system
// ones.
func splitPermissions(permissions []string) ([][2]string, error) {
	var held [][2]string
	for _, p := range permissions {
		rest, ok := strings.CutPrefix(p, rolePrefix)
		if ok && strings.HasPrefix(rest, "sys_") {
			continue
		}
		feature, name, ok2 := strings.Cut(rest, ":")
		if !ok || !ok2 || !validWord(feature) || !validWord(name) || strings.Contains(name, ":") {
			return nil, fmt.Errorf("%w: permission %.64q is not org:feature:name", ErrClaims, p)
		}
		held = append(held, [2]string{feature, name})
	}
	return held, nil
}

// validWord tells whether s survives a comma list whose entries are trimmed.
func validWord(s string) bool {
	return s != "" && !strings.Contains(s, ",") && strings.TrimSpace(s) == s
}

// newPermissionTable makes the rows for the entries of fea.
func newPermissionTable(features []string) (*permissionTable, error) {
	t := &permissionTable{}
	for _, entry := range features {
		scope, feature, ok := strings.Cut(entry, ":")
		if !ok || !validScope(scope) || !validWord(feature) {
			return nil, fmt.Errorf("%w: feature %.64q is not scope:feature", ErrClaims, entry)
		}
		if scope == "u" {
			continue
		}
		if slices.Contains(t.features, feature) {
			return nil, fmt.Errorf("%w: feature %.64q twice", ErrClaims, feature)
		}
		t.features = append(t.features, feature)
	}
	t.bits = make([]*big.Int, len(t.features))
	return t, nil
}

// add sets a bit, if the feature has a row.
func (t *permissionTable) add(feature, name string) {
	i := slices.Index(t.features, feature)
	if i < 0 {
		return
	}
	j := slices.Index(t.names, name)
	if j < 0 {
		j = len(t.names)
		t.names = append(t.names, name)
	}
	if t.bits[i] == nil {
		t.bits[i] = new(big.Int)
	}
	t.bits[i].SetBit(t.bits[i], j, 1)
}

func (t *permissionTable) has(i, j int) bool {
	return i < len(t.bits) && t.bits[i] != nil && t.names[j] != "" && t.bits[i].Bit(j) == 1
}

// encode writes per and fpm: both are empty if nothing is held.
func (t *permissionTable) encode() (per, fpm string) {
	if len(t.names) == 0 {
		return "", ""
	}
	sums := make([]string, len(t.features))
	for i, b := range t.bits {
		sums[i] = "0"
		if b != nil {
			sums[i] = b.String()
		}
	}
	return strings.Join(t.names, ","), strings.Join(sums, ",")
}

// permissionTable reads the claims. An entry of fpm that is not a decimal
// number holds no bits; an entry of fea without a known scope, or one that is
// there twice, makes the whole table empty.
func (c *Claims) permissionTable() *permissionTable {
	o := c.Organization
	if o == nil || c.Features == "" || o.Permissions == "" || o.FeaturePermissions == "" {
		return &permissionTable{}
	}
	entries := strings.Split(c.Features, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	t, err := newPermissionTable(entries)
	if err != nil {
		return &permissionTable{}
	}
	for name := range strings.SplitSeq(o.Permissions, ",") {
		t.names = append(t.names, strings.TrimSpace(name))
	}
	i := 0
	for sum := range strings.SplitSeq(o.FeaturePermissions, ",") {
		if i == len(t.bits) {
			break
		}
		t.bits[i] = parseBits(strings.TrimSpace(sum))
		i++
	}
	return t
}

// parseBits reads a decimal number of any size; nil is no bits.
func parseBits(s string) *big.Int {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil
	}
	return n
}
