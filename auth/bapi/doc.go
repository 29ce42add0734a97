// Package bapi is the Backend API: what a host's servers may do with users,
// sessions, clients and keys over HTTP, for whoever holds the secret key.
//
//	api := bapi.New(engine, site)
//	mux.Handle(site.BackendPath+"/", api) // no StripPrefix
//
//	GET /bapi/v1/users?limit=10
//	Authorization: Bearer sk_live_…
//
// Bodies are JSON objects, answers are JSON with Content-Type exactly
// application/json. Lists are bare arrays, or {data, total_count} where a
// client asks for paginated=true. Refusals are the envelope of package wire.
//
// # What it refuses
//
// Every request without the secret key in the one Authorization header: a
// cookie, a session token, a key in the query or in the body opens nothing.
// Fields that are not of the endpoint, by form_param_unknown; fields and
// parameters given twice; anything too large, too deep or not clean text.
// Making sessions out of nothing on a site that is not on this machine.
package bapi
