// Package inbox is a mailbox for development: it keeps mail in memory, writes
// it to the log, and shows it on a page.
//
//	if err := inbox.CheckURL(publicURL); err != nil {
//		log.Fatal(err) // not on this machine: real people would wait for mail
//	}
//	box := &inbox.Inbox{Log: slog.Default()}
//	mux.Handle("/dev/", box.Handler())
//
// The page is at /dev/mail; GET /dev/mail/code?email=ada@example.com answers
// the newest code for an address as plain text, for scripts.
//
// # What it refuses
//
// To serve anybody but this machine: whoever reads the inbox can sign in as
// everybody. The handler answers loopback peers that ask for a loopback host
// (a web page elsewhere could otherwise have its name point here), and
// [CheckURL] refuses a host's URL that is a public one.
package inbox
