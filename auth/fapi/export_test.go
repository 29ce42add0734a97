package fapi

// Gates lists the routes that the table of gates judges.
func Gates() map[string]bool {
	out := map[string]bool{}
	for name := range gates {
		out[name] = true
	}
	return out
}
