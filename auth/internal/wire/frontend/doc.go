// Package frontend is the JSON of the Frontend API: what a browser is told of
// itself, its sessions, its user, and the sign-in and sign-up under way.
//
//	enc := frontend.Encoder{Images: wire.Images{Base: "/__clerk"}}
//	body := frontend.Envelope{Response: enc.SignIn(view), Client: enc.Client(clientView)}
//
// It refuses to tell: private metadata has no field here, and of somebody who
// has not shown any factor yet it shows no name, picture or full address while
// the settings say so.
package frontend

import "github.com/usherauth/usher/auth/internal/wire"

// An Encoder turns what the engine says into JSON.
type Encoder struct{ Images wire.Images }

// Envelope is around nearly every answer. Client is null on answers to reads.
type Envelope struct {
	Response any     `json:"response"`
	Client   *Client `json:"client"`
}
