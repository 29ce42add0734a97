package bapi

import (
	"github.com/usherauth/usher/auth/internal/wire/backend"
)

// getKeys is the key set that is also published openly, for clients that know
// only this API.
func getKeys(c *call) (any, error) { return c.engine.TokenIssuer().KeySet(), nil }

// getInstance says which instance this is. It is a development one where
// sessions can be made out of nothing.
func getInstance(c *call) (any, error) {
	kind := "production"
	if c.site.Local {
		kind = "development"
	}
	return backend.Instance{Object: "instance", ID: c.instanceID(), EnvironmentType: kind, AllowedOrigins: c.site.AllowedOrigins}, nil
}
