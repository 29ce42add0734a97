// Package backend is the JSON of the Backend API: users with everything that
// the host may know of them, sessions, clients, lists.
//
//	enc := backend.Encoder{Images: wire.Images{Base: "https://app.example.com/__clerk"}, Now: now}
//	httpx.WriteJSON(w, 200, enc.User(u))
//
// Unlike the Frontend API it shows private metadata: only who holds the secret
// key reads it. Hashes, secrets and codes have no field here either.
package backend

import (
	"time"

	"github.com/usherauth/usher/auth/internal/wire"
)

// An Encoder turns users, sessions and clients into JSON as they are at the
// time Now.
type Encoder struct {
	Images wire.Images
	Now    time.Time
}
