package auth

import (
	"net/http"
	"strings"
	"sync"

	"github.com/usherauth/usher/auth/internal/httpx"
)

// watch warns of slips in the host's configuration that only requests for
// usher's own paths can show, once each.
func (a *Auth) watch(next http.Handler) http.Handler {
	var proxy, path sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.site.Local && httpx.ForwardedByStranger(r, a.site.TrustedProxies) {
			proxy.Do(func() {
				a.engine.Log().Warn("requests come through a proxy that is not among Config.TrustedProxies: limits take whom it forwards for to be one client", "proxy", r.RemoteAddr)
			})
		}
		if asked, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(asked, "/") && !a.owns(asked) {
			path.Do(func() {
				a.engine.Log().Warn("usher is mounted below a path that it does not know of: set Config.PagesPath, FrontendPath and BackendPath to what browsers see, and strip nothing", "path", httpx.Clean(asked, 1024))
			})
		}
		next.ServeHTTP(w, r)
	})
}
