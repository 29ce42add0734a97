package compat

import "testing"

// TestAPI signs up, in and out by the methods of clerk-js, without components.
func TestAPI(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	b := open(t, h)
	b.visit("/")
	b.text(`Clerk.client.signUp.create({emailAddress: "ada@example.com", password: ` + quote(password) + `, unsafeMetadata: {from: "test"}}).then(() => 0)`)
	b.text(`Clerk.client.signUp.prepareEmailAddressVerification({strategy: "email_code"}).then(() => 0)`)
	id := b.text("Clerk.client.signUp.id")

	b.goTo("/blank") // the browser comes back and goes on where it was
	b.visit("/")
	b.until("the attempt is still there", `Clerk.client.signUp.id === `+quote(id)+` && Clerk.client.signUp.status === "missing_requirements"`)
	b.text(`Clerk.client.signUp.attemptEmailAddressVerification({code: ` + quote(h.Mail.Code(t, "ada@example.com", 1)) + `}).then(s => Clerk.setActive({session: s.createdSessionId})).then(() => 0)`)
	u, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil {
		b.fail("there is no user: %v", err)
	}
	b.until("the user is there", `Clerk.user?.id === `+quote(u.ID)+` && Clerk.user.unsafeMetadata.from === "test"`)
	if got := b.text(me); got != u.ID {
		b.fail("the host sees %q", got)
	}

	// While somebody is signed in, nobody else can be.
	b.expect("response 400")
	got := b.text(`Clerk.client.signIn.create({identifier: "ada@example.com", password: ` + quote(password) + `}).then(() => "yes", e => e.errors[0].code)`)
	if got != "session_exists" {
		b.fail("a second session is answered %q", got)
	}
	b.signOut("", 0)
	b.isSignedOut()
	b.visit("/")
	b.text(`Clerk.client.signIn.create({identifier: "ada@example.com", password: ` + quote(password) + `}).then(s => Clerk.setActive({session: s.createdSessionId})).then(() => 0)`)
	b.isSignedIn(u.ID)
}

// TestErrors: clerk-js gets errors as it knows them.
func TestErrors(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 4")
	b.visit("/")
	for _, c := range []struct{ name, call, want string }{
		{"unknown address", `Clerk.client.signIn.create({identifier: "nobody@example.com"})`, "422 form_identifier_not_found identifier"},
		{"wrong password", `Clerk.client.signIn.create({identifier: "ada@example.com", password: "wrong horse battery"})`, "422 form_password_incorrect password"},
		{"short password", `Clerk.client.signUp.create({emailAddress: "bob@example.com", password: "short"})`, "422 form_password_length_too_short password"},
		{"taken address", `Clerk.client.signUp.create({emailAddress: "ada@example.com", password: "correct horse battery"})`, "422 form_identifier_exists email_address"},
		{"no address", `Clerk.client.signUp.create({emailAddress: "no address", password: "correct horse battery"})`, "422 form_param_format_invalid email_address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := b.text(c.call + `.then(() => "no error", e => [e.status, e.errors?.[0].code, e.errors?.[0].meta.paramName].join(" "))`)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
