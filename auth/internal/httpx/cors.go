package httpx

import (
	"net/http"
	"strings"
)

// Header values of cross-origin answers. Clients of the API read the exposed
// headers; the methods and headers allowed are those that the API has.
const (
	corsExpose  = "Authorization, X-Country, Clerk-Db-Jwt"
	corsMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "Authorization, Content-Type"
	corsMaxAge  = "600"
)

// CORS puts [Origins.Check] in front of next and tells browsers which origin
// may read the answer: exactly the one that asked, with credentials, never a
// wildcard. A preflight is answered with 204. A foreign origin is answered by
// refuse, without any CORS header, and next is not called. Vary names Origin
// on every answer.
func (o *Origins) CORS(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		AddVary(h, "Origin")
		if err := o.Check(r); err != nil {
			refuse(w, r, err)
			return
		}
		origin := r.Header.Get("Origin")
		if origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", corsExpose)
		}
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		if origin != "" && r.Header.Get("Access-Control-Request-Method") != "" {
			AddVary(h, "Access-Control-Request-Method", "Access-Control-Request-Headers")
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", corsMaxAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// Protect guards HTML pages and their forms with [http.CrossOriginProtection]:
// Sec-Fetch-Site first, so that a form on a page without referrer, which sends
// "Origin: null", still works; else Origin against Host and the list. In
// loopback mode the Host must be a loopback one.
func (o *Origins) Protect(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	p := http.NewCrossOriginProtection()
	for _, origin := range o.List() {
		if strings.HasPrefix(origin, "http://") || strings.HasPrefix(origin, "https://") {
			p.AddTrustedOrigin(origin) // canonical: it cannot fail
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if o.Loopback() {
			err = o.CheckHost(r)
		}
		if err == nil && (len(r.Header["Origin"]) > 1 || len(r.Header["Sec-Fetch-Site"]) > 1 || p.Check(r) != nil) {
			err = fail(badRequest, CodeOriginInvalid, "", "The origin of the request is not allowed.")
		}
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
