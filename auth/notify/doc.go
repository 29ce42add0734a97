// Package notify is how usher writes to people: a message, the templates that
// make one, and the interface that delivers it.
//
//	r := &notify.Renderer{AppName: "Acme", AppURL: "https://acme.example"}
//	m, err := r.Render(notify.VerificationCode, notify.Data{
//		OTPCode: "424242", ExpiresIn: 10 * time.Minute,
//	})
//	if err != nil {
//		return err
//	}
//	m.To = "ada@example.com"
//	err = notify.Deliver(ctx, mailer, m) // errors.Is(err, notify.ErrPermanent): do not try again
//
// Package notify/smtp delivers by SMTP, notify/inbox keeps mail in memory for
// development. Anything else is one method: [Mailer]. Text messages to
// telephones are an [SMS] that [Renderer.RenderSMS] makes of one line, and that
// an [SMSSender], such as that of package notify/twilio, delivers.
//
// A host changes a mail by putting a file of the same name into the overlay of
// its [Renderer], one file at a time. A mail has a text part, which holds the
// subject as well, and an HTML part.
//
// # What it refuses
//
// Line breaks and control characters in anything that becomes a header; names
// that hold a link, since a name is what a stranger can put into a mail to
// somebody else; links that do not lead to the configured application; mails
// that lost the code they were for. Delivery has no queue here: the outbox
// keeps what must survive a restart.
package notify
