package password

// Knows reports whether a stored hash is of a format that Verify can check, by
// its shape alone: for hashes that are brought from elsewhere.
func (h *Hasher) Knows(hash string) bool {
	if _, err := ParsePHC(hash); err == nil {
		return true
	}
	_, err := h.verifier(hash)
	return err == nil
}
