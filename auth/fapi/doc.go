// Package fapi is the Frontend API over HTTP: what browsers call to sign up
// and in, to get tokens and to look after an account.
//
//	api := fapi.New(e, s, fapi.Options{})
//	mux.Handle(s.FrontendPath+"/", api)
//	for _, r := range api.Routes() {
//		fmt.Println(r.Method, r.Path)
//	}
//
// It decodes, calls one method of the engine and encodes what comes back; it
// decides nothing. The routes are a table, and all that holds for every route
// is said once, around it: which origins may call, how verbs are overridden,
// who asks, which cookies go out, how a refusal looks.
//
// # What it refuses
//
// Requests of foreign origins, writes by GET, bodies that are large,
// compressed or of another content type, scalars given twice, two identities
// in one request, redirects to foreign places. It never redirects a refusal.
package fapi
