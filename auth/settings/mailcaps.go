package settings

// MailCaps are how many mails with codes and links, and others that somebody
// can have sent to people who do not know of it, are sent in a day (UTC); 0 is
// no limit. The counts are in the store, so that a restart forgives nothing,
// and instances share them. Notices of what happened to an account are not
// counted: whoever wants them held back would only have to use up the day.
type MailCaps struct {
	// PerTarget counts those to one mailbox, whatever its tag (ada+tag@…). Those
	// that its owner asks for, in a browser that has signed in before, are counted
	// apart from those of strangers.
	PerTarget int `json:"per_target"`
	// PerAddress counts those that one client address asks for (for IPv6 by
	// /64). People behind one address share it.
	PerAddress  int `json:"per_address"`
	PerInstance int `json:"per_instance"`
}

func defaultMailCaps() MailCaps {
	return MailCaps{PerTarget: 40, PerAddress: 200, PerInstance: 20000}
}

// validate reports what is wrong through check.
func (c MailCaps) validate(check func(ok bool, field, problem string, args ...any)) {
	check(min(c.PerTarget, c.PerAddress, c.PerInstance) >= 0, "limits.daily_mails", "must not be negative")
}
