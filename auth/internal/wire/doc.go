// Package wire is the JSON that the HTTP APIs have in common: the error
// envelope, times, verifications, e-mail addresses and the URLs of pictures.
// What one API alone answers is in the packages below it.
//
//	status, body := wire.Refusal(err, httpx.TraceID(ctx))
//	httpx.WriteJSON(w, status, body)
//
// Times are Unix milliseconds; what is absent is null, not left out, unless a
// comment says so. Nothing here decides anything, and no type here has a field
// for a secret or for private metadata.
package wire
