package bapi

import (
	"net/http"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

// api is the Backend API of one instance.
type api struct {
	engine   *engine.Engine
	site     *site.Site
	pictures picture.Decoder
	tokens   token.Verifier // of session tokens that have run out
	mux      *http.ServeMux
}

// New returns the handler of the Backend API. It serves the paths under
// s.BackendPath + "/v1/", which it expects whole.
func New(e *engine.Engine, s *site.Site) http.Handler {
	a := &api{engine: e, site: s, mux: http.NewServeMux(),
		tokens: token.Verifier{Keys: e.TokenIssuer(), Issuer: e.Issuer(), Now: e.Now, CacheSize: -1}}
	a.mount()
	return httpx.Recover(http.HandlerFunc(a.serve), e.Log(), func(w http.ResponseWriter, r *http.Request, _ string) {
		a.refuse(w, r, fault.New(fault.Internal, ""))
	})
}

// A call is one request under way.
type call struct {
	*api
	w http.ResponseWriter
	r *http.Request
}

// A handler does what a route is for and returns what to answer.
type handler func(*call) (any, error)

// mount registers one pattern for each path of the table, so that a path that
// exists with another verb can be told from one that does not.
func (a *api) mount() {
	paths := map[string]map[string]handler{}
	for _, rt := range routes {
		verb, path, _ := strings.Cut(rt.pattern, " ")
		if paths[path] == nil {
			paths[path] = map[string]handler{}
		}
		paths[path][verb] = rt.handle
	}
	for path, verbs := range paths {
		a.mux.Handle(a.site.BackendPath+path, a.dispatch(verbs))
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, fault.New("resource_not_found", ""))
	})
}

// serve lets in who holds the secret key. Before that, nobody learns even which
// paths there are.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	if err := a.authorize(r); err != nil {
		a.refuse(w, r, err)
		return
	}
	path := httpx.TrimSlash(r.URL.Path)
	if strings.Contains(path, "//") || strings.Contains(path+"/", "/./") || strings.Contains(path+"/", "/../") {
		a.refuse(w, r, fault.New("resource_not_found", "")) // the mux would redirect
		return
	}
	if path != r.URL.Path && r.URL.RawPath == "" { // clients may end a path in a slash
		u := *r.URL
		u.Path = path
		r = r.WithContext(r.Context())
		r.URL = &u
	}
	a.mux.ServeHTTP(w, r)
}

// authorize checks the one Authorization header. Keys are compared in constant
// time.
func (a *api) authorize(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return fault.New("authentication_invalid", "")
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || key == "" || len(key) > 1024 {
		return fault.New("authorization_header_format_invalid", "")
	}
	if !a.engine.CheckSecretKey(key) {
		return fault.New("clerk_key_invalid", "")
	}
	return nil
}

// dispatch answers a path by verb.
func (a *api) dispatch(verbs map[string]handler) http.Handler {
	var allow []string
	for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if verbs[verb] != nil || verb == "HEAD" && verbs["GET"] != nil {
			allow = append(allow, verb)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verb := r.Method
		if verb == http.MethodHead {
			verb = http.MethodGet
		}
		handle := verbs[verb]
		if handle == nil {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			a.refuse(w, r, fault.New("method_not_allowed", ""))
			return
		}
		body, err := handle(&call{api: a, w: w, r: r})
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		httpx.NoStore(w.Header())
		if err := httpx.WriteJSON(w, http.StatusOK, body); err != nil {
			a.refuse(w, r, err)
		}
	})
}

func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	wire.WriteError(w, r, err, a.engine.Log(), nil)
}

// encoder says things as they are now.
func (c *call) encoder() backend.Encoder {
	origin := c.site.URL
	if origin == "" {
		origin = c.site.Origin(c.r)
	}
	return backend.Encoder{Images: wire.Images{Base: origin + c.site.FrontendPath}, Now: c.engine.Now()}
}

// users are us as they stand now, in their order.
func (c *call) users(us ...*user.User) ([]backend.User, error) {
	locks, err := c.engine.Users().Lockouts(c.r.Context(), us...)
	if err != nil {
		return nil, err
	}
	enc, out := c.encoder(), make([]backend.User, 0, len(us))
	for _, u := range us {
		out = append(out, enc.User(u, locks[u.ID]))
	}
	return out, nil
}

func (c *call) user(u *user.User) (any, error) {
	list, err := c.users(u)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// id is an ID from the path. What can be no ID is not found.
func (c *call) id(name string) (string, error) {
	id := c.r.PathValue(name)
	if len(id) > 128 || httpx.CheckText(id) != "" {
		return "", fault.New("resource_not_found", "")
	}
	return id, nil
}

// body decodes a JSON body that may have these fields only. At its end the
// caller returns the form's Err.
func (c *call) body(fields ...string) (*httpx.Form, error) {
	f, err := httpx.ParseJSON(c.w, c.r)
	if err != nil {
		return nil, err
	}
	f.Only(fields...)
	return f, nil
}
