package bapi

// Patterns are the verbs and paths of all routes.
func Patterns() []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.pattern)
	}
	return out
}
