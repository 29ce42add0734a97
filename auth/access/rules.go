package access

// Rules say which checks are on.
type Rules struct {
	Allowlist, Blocklist               bool
	BlockSubaddresses, BlockDisposable bool
}

// Found is what is known of the identifiers that somebody brings.
type Found struct {
	// Allowed and Blocked: one of them is on that list.
	Allowed, Blocked bool
	// Disposable: one of them is an address of disposable mail.
	Disposable bool
	// SameMailbox: somebody has an account with another address of the same
	// mailbox.
	SameMailbox bool
}

// Admits reports whether somebody may have an account. With an allowlist only
// who is on it may, so that an empty one keeps everybody out, and it wins over
// every other rule.
func (r Rules) Admits(f Found) bool {
	switch {
	case r.Allowlist:
		return f.Allowed
	case r.Blocklist && f.Blocked, r.BlockDisposable && f.Disposable, r.BlockSubaddresses && f.SameMailbox:
		return false
	}
	return true
}
