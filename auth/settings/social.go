package settings

import "slices"

// Social says which of the providers that the host has configured are offered.
type Social struct {
	// Disabled are the keys of providers that are not offered, such as google.
	// Accounts there stay connected, and open nothing.
	Disabled []string `json:"disabled"`
}

// Offers reports whether the provider with the given key is offered.
func (s Social) Offers(key string) bool { return !slices.Contains(s.Disabled, key) }
