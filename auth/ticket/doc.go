// Package ticket holds the links that let somebody in: sign-in tokens,
// actor tokens (impersonation) and invitations. Each is a record of its own
// with a [Ticket] inside. Invitations to organizations, whose records are in
// package organization, are tickets too: see [GetPass].
//
//	inv, wire, err := ticket.NewInvitation("ada@example.com", nil, 30*24*time.Hour, now)
//	id, secret, ok := ticket.Parse(wire) // wire is mailed, and kept nowhere
//
// A ticket has 256 bits, of which only the hash is stored; it is used once, by
// whoever stores the record that says so. What it travels as names kind and ID,
// so that its holder can be told why it is of no use any more. To anybody else
// every ticket is just invalid.
package ticket
