package fapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// healthy says whether the instance can work.
type healthy struct {
	Status       string  `json:"status"`
	Message      string  `json:"message,omitempty"`
	ForwardedFor *string `json:"x_forwarded_for,omitempty"`
}

// health asks the store whether it is there.
func (c *call) health() (any, error) { return c.report(healthy{Status: "healthy"}) }

// proxyHealth tells a proxy in front which address of the client comes through.
func (c *call) proxyHealth() (any, error) {
	addr := c.site.Request(c.r).Addr.String()
	return c.report(healthy{Status: "healthy", ForwardedFor: &addr})
}

func (c *call) report(ok healthy) (any, error) {
	httpx.NoStore(c.w.Header())
	if err := c.e.Ping(c.ctx()); err != nil {
		c.e.Log().ErrorContext(c.ctx(), "health: the store does not answer", "err", err)
		c.w.Header().Set("Retry-After", "1")
		return answered{}, httpx.WriteJSON(c.w, http.StatusServiceUnavailable, healthy{Status: "unhealthy", Message: "The store does not answer."})
	}
	return bare{ok}, nil
}

// clearSiteData has the browser forget everything about this origin. A foreign
// page could do that to somebody with an image, so browsers must say that it
// is not one that asks.
func (c *call) clearSiteData() (any, error) {
	httpx.NoStore(c.w.Header())
	switch c.r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return nil, fault.New("origin_invalid", "")
	}
	c.w.Header().Set("Clear-Site-Data", `"*"`)
	c.w.WriteHeader(http.StatusOK)
	return answered{}, nil
}

// jwks publishes the keys that tokens are verified with.
func (c *call) jwks() (any, error) {
	c.e.TokenIssuer().Handler().ServeHTTP(c.w, c.r)
	return answered{}, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
