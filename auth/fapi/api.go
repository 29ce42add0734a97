package fapi

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

// Options are what the API needs besides engine and site. The zero value is
// good.
type Options struct {
	// ClerkJS holds the client scripts as a node_modules folder does:
	// @clerk/clerk-js/dist/… and @clerk/ui/dist/…. Nil: requests for them are
	// redirected to CDN.
	ClerkJS fs.FS
	// CDN is where scripts are if ClerkJS is nil; empty is DefaultCDN.
	CDN string
}

// DefaultCDN serves the packages of the npm registry.
const DefaultCDN = "https://cdn.jsdelivr.net/npm"

// An API is the Frontend API as a handler. It expects paths as the browser
// sends them, with the site's FrontendPath in front.
type API struct {
	e        *engine.Engine
	site     *site.Site
	enc      frontend.Encoder
	options  Options
	pictures picture.Decoder
	routes   []Route
	handler  http.Handler
}

// New returns the Frontend API of an engine on a site.
func New(e *engine.Engine, s *site.Site, o Options) *API {
	if o.CDN == "" {
		o.CDN = DefaultCDN
	}
	o.CDN = strings.TrimSuffix(o.CDN, "/")
	a := &API{e: e, site: s, enc: frontend.Encoder{Images: wire.Images{Base: s.FrontendPath}}, options: o, routes: routes()}
	mux := httpx.Override(a.mux(), a.refuse)
	h := a.anyOrigin(s.Origins.CORS(a.oneIdentity(mux), a.refuse), mux)
	a.handler = httpx.Recover(http.StripPrefix(s.FrontendPath, h), e.Log(), func(w http.ResponseWriter, r *http.Request, _ string) {
		a.refuse(w, r, fault.New(fault.Internal, ""))
	})
	return a
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != a.site.FrontendPath && !strings.HasPrefix(r.URL.Path, a.site.FrontendPath+"/") {
		a.refuse(w, r, fault.New("resource_not_found", ""))
		return
	}
	a.handler.ServeHTTP(w, r)
}

// Routes lists every route.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }

// mux dispatches by path, then by verb, so that both refusals are ours.
func (a *API) mux() http.Handler {
	mux := http.NewServeMux()
	byPath := map[string]map[string]Route{}
	for _, rt := range a.routes {
		if byPath[rt.Path] == nil {
			byPath[rt.Path] = map[string]Route{}
			mux.Handle(rt.Path, a.verbs(byPath[rt.Path]))
		}
		byPath[rt.Path][rt.Method] = rt
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect a path that it finds untidy.
		if _, pattern := mux.Handler(r); pattern == "" || path.Clean(r.URL.Path) != r.URL.Path {
			a.refuse(w, r, fault.New("resource_not_found", ""))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (a *API) verbs(byMethod map[string]Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		rt, ok := byMethod[method]
		if !ok {
			var allow []string
			for m := range byMethod {
				allow = append(allow, m)
			}
			slices.Sort(allow)
			w.Header().Set("Allow", strings.Join(allow, ", "))
			a.refuse(w, r, fault.New("method_not_allowed", ""))
			return
		}
		a.serve(w, r, rt)
	})
}

// oneIdentity refuses a request that says with a bearer token who asks and
// with a cookie or an origin that a browser does. Other schemes of
// Authorization are not ours: a proxy in front may want a password.
func (a *API) oneIdentity(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			err := httpx.CheckAuthorization(r)
			if err == nil && !httpx.Safe(r.Method) && len(httpx.All(r, a.site.ClientCookie())) > 0 {
				err = fault.New("origin_authorization_headers_conflict", "")
			}
			if err != nil {
				a.refuse(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers with an error where no browser is known.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	wire.WriteError(w, r, err, a.e.Log(), nil)
}

// pictureError is what a person is told of a picture that was not taken.
func pictureError(err error) error {
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		return fault.Wrap("image_too_large", "file", err)
	case errors.Is(err, picture.ErrUnsupported), errors.Is(err, picture.ErrBroken):
		return fault.Wrap("image_type_invalid", "file", err)
	}
	return err
}
