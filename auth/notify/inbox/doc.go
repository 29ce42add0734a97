// Package inbox is a mailbox and a telephone for development: it keeps mail and
// text messages in memory, writes them to the log, and shows them on a page.
//
//	if err := inbox.CheckURL(publicURL); err != nil {
//		log.Fatal(err) // not on this machine: real people would wait for mail
//	}
//	box := &inbox.Inbox{Log: slog.Default()}
//	mux.Handle("/dev/", box.Handler())
//
// The page is at /dev/mail; GET /dev/mail/code?email=ada@example.com or
// ?phone=14155550100 answers the newest code for an address or a number as plain
// text, for scripts.
//
// # What it refuses
//
// To serve anybody but this machine: whoever reads the inbox can sign in as
// everybody. The handler answers loopback peers that ask for a loopback host
// (a web page elsewhere could otherwise have its name point here), and
// [CheckURL] refuses a host's URL that is a public one.
package inbox
