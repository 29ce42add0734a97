// Package httpx is what all of usher's HTTP layers share: one decoder per
// content type, one function that decides the client's address, one for the
// origin, one for redirects, one writer of JSON.
//
//	form, err := httpx.ParseForm(w, r)
//	if err != nil {
//		return err // a *FieldError with code and status
//	}
//	name, ok := form.String("first_name")
//	password := form.Require("password")
//	if err := form.Err(); err != nil {
//		return err // everything that was wrong, as FieldErrors
//	}
//
// Every input is bounded in bytes, keys and depth before it is looked at, and
// every refusal is a typed error that names the field and never the value.
//
// # What it refuses
//
// Compressed bodies, a scalar given twice, JSON keys given twice, text that is
// not clean UTF-8, forwarded addresses from peers that are not configured
// proxies, origins and redirects that are not exactly listed. It knows nothing
// of users or sessions and decides nothing about them.
package httpx
