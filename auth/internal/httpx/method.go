package httpx

import (
	"net/http"
	"net/url"
	"strings"
)

// Method returns the method that a request means. Browsers send PATCH, PUT and
// DELETE as a POST with _method in the query, which keeps the request free of
// a preflight. The override counts on POST only and from the query only; any
// other value, or two of them, is refused.
func Method(r *http.Request) (string, error) {
	if r.Method != http.MethodPost || r.URL.RawQuery == "" {
		return r.Method, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", fail(badRequest, CodeMalformed, "", "The query is malformed.")
	}
	values, ok := query["_method"]
	if !ok {
		return r.Method, nil
	}
	if len(values) == 1 {
		switch m := values[0]; m {
		case http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodPost:
			return m, nil
		}
	}
	return "", fail(badRequest, CodeQueryValue, "_method", "must be PATCH, PUT or DELETE, once")
}

// TrimSlash returns the path without the one slash that a client may put at
// its end. The root and a doubled slash stay as they are.
func TrimSlash(path string) string {
	if len(path) > 1 && path[len(path)-1] == '/' && path[len(path)-2] != '/' {
		return path[:len(path)-1]
	}
	return path
}

// Override is the handler in front of a router: it applies [Method] and
// [TrimSlash] to a copy of the request, or has refuse answer.
//
// Safety of a request is judged by the method on the wire, so put [Origins.CORS]
// outside of it.
func Override(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, err := Method(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		path := TrimSlash(r.URL.Path)
		// An escaped slash at the end belongs to the last segment.
		if raw := r.URL.RawPath; raw != "" && !strings.HasSuffix(raw, "/") {
			path = r.URL.Path
		}
		if method == r.Method && path == r.URL.Path {
			next.ServeHTTP(w, r)
			return
		}
		c := r.WithContext(r.Context())
		u := *r.URL
		if path != u.Path {
			u.Path, u.RawPath = path, strings.TrimSuffix(u.RawPath, "/")
		}
		c.URL, c.Method = &u, method
		next.ServeHTTP(w, c)
	})
}
