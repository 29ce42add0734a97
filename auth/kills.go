package auth

// An Event is something that happens to an account or an instance.
type Event string

// A Credential is something that opens an account or an instance.
type Credential string

// A Fate is what becomes of a credential.
type Fate string

// The events of [Kills].
const (
	SignOut          Event = "sign-out"           // of a session, in its own browser
	SignOutElsewhere Event = "sign-out elsewhere" // of a session, from another device or by the host
	SignOutAll       Event = "sign-out of all"    // of every session of a user, by the host
	Ban              Event = "ban"
	Lock             Event = "lock"
	Delete           Event = "delete"
	PasswordChange   Event = "password change" // the default: other sessions end
	FactorRemoved    Event = "factor removed"  // a password, an authenticator app, backup codes or a passkey is taken away
	KeyRotated       Event = "key rotated"     // the signing key, on schedule
)

// The credentials of [Kills].
const (
	SessionToken Credential = "session token" // in the cookie __session
	Bearer       Credential = "bearer"        // the same token in a header
	ClientCookie Credential = "client cookie" // renews tokens
	Code         Credential = "code"          // mailed, not used yet
	SecretKey    Credential = "secret key"    // of the Backend API
	Link         Credential = "link"          // mailed, not used yet
	Ticket       Credential = "ticket"        // a sign-in or actor token, not used yet
)

// The fates in [Kills].
const (
	Dies  Fate = "dies"  // refused at once in this process
	Lives Fate = "lives" // works as before
	Empty Fate = "empty" // still names the browser, and opens nothing
)

// Events and Credentials are the rows and columns of [Kills], in the order in
// which they are best read. Do not change them.
var (
	Events      = []Event{SignOut, SignOutElsewhere, SignOutAll, Ban, Lock, Delete, PasswordChange, FactorRemoved, KeyRotated}
	Credentials = []Credential{SessionToken, Bearer, ClientCookie, Code, SecretKey, Link, Ticket}
)

// Kills says what each event does to each credential of the user or session
// concerned, whoever makes it happen: the user, or the host through [Users].
// When users change their own password or remove a factor of their own, the
// session in which they do it lives, and the others fare as the table says. The
// Backend API does the same, but leaves sessions alone when it removes a factor
// or marks a password as compromised, unless it is asked to end them: its
// clients know it so.
var Kills = map[Event]map[Credential]Fate{
	SignOut:          {SessionToken: Dies, Bearer: Dies, ClientCookie: Dies, Code: Lives, SecretKey: Lives, Link: Lives, Ticket: Lives},
	SignOutElsewhere: {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Lives, SecretKey: Lives, Link: Lives, Ticket: Lives},
	SignOutAll:       {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	Ban:              {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	Lock:             {SessionToken: Lives, Bearer: Lives, ClientCookie: Lives, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	Delete:           {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	PasswordChange:   {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	FactorRemoved:    {SessionToken: Dies, Bearer: Dies, ClientCookie: Empty, Code: Dies, SecretKey: Lives, Link: Dies, Ticket: Dies},
	KeyRotated:       {SessionToken: Lives, Bearer: Lives, ClientCookie: Lives, Code: Lives, SecretKey: Lives, Link: Lives, Ticket: Lives},
}
