// Package smtp delivers mail by SMTP submission (RFC 6409), on go-mail.
//
//	m := &smtp.Mailer{
//		Addr: "mail.example.com:587", Username: "app", Password: os.Getenv("SMTP_PASSWORD"),
//		From: "Acme <no-reply@acme.example>",
//	}
//	if err := m.Check(); err != nil {
//		log.Fatal(err)
//	}
//
// One call of Send is one connection and one mail; it takes at most
// [Mailer.Timeout], whatever the server does, and leaves nothing behind.
//
// # What it refuses
//
// A server without STARTTLS, unless it is on this machine and
// [InsecureAllowPlain] is set; certificates that do not verify; several
// receivers in one mail; a pool of connections (mail is rare, and an idle
// connection is one more thing that breaks).
package smtp
