// Package access is the rules of who may sign up: lists of identifiers that
// are let in or kept out, sub-addresses, disposable mail, and the waitlist.
//
//	entry, err := access.ParseEntry("*@example.com")
//	keys := access.ListKeys(entry.Type, "ada@example.com") // one of them is entry.Key
//
// The rules are pure and see no settings. A list is asked with the few keys
// that could let an identifier in, never read whole.
package access
