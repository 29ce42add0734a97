package token

import (
	"errors"
	"fmt"
)

// Reasons why a token is refused. Verify wraps one of them, with detail that
// never holds any part of the token.
var (
	// ErrMalformed: not three segments of canonical base64url around strict
	// JSON, too large, or a claim of the wrong type.
	ErrMalformed = errors.New("token: malformed")
	// ErrAlgorithm: the alg header is not the algorithm of the key, or the
	// verifier does not allow it.
	ErrAlgorithm = errors.New("token: wrong algorithm")
	// ErrUnknownKey: no key has this kid, or it has been retired.
	ErrUnknownKey = errors.New("token: unknown key")
	// ErrSignature: the signature is not by that key.
	ErrSignature = errors.New("token: bad signature")
	// ErrKind: the token was made for another purpose, such as a JWT template
	// or a machine, or by a newer version of the format.
	ErrKind = errors.New("token: wrong kind")
	// ErrClaims: a required claim is missing, or claims contradict each other.
	ErrClaims = errors.New("token: claims missing or contradictory")
	// ErrExpired: exp has passed. Everything else was in order.
	ErrExpired = errors.New("token: expired")
	// ErrStale, an ErrExpired: the verifier's Stale function says that what the
	// token says does not hold any more.
	ErrStale = fmt.Errorf("%w: what it says has changed", ErrExpired)
	// ErrNotYetValid: nbf or iat lies in the future.
	ErrNotYetValid = errors.New("token: not yet valid")
	// ErrIssuer: another issuer's token.
	ErrIssuer = errors.New("token: wrong issuer")
	// ErrParty: azp is none of the verifier's AuthorizedParties.
	ErrParty = errors.New("token: party not authorized")
	// ErrAudience: aud does not name this service.
	ErrAudience = errors.New("token: wrong audience")
	// ErrRevoked: the verifier's Revoked function says so.
	ErrRevoked = errors.New("token: revoked")
	// ErrPending: the session has open tasks and counts as signed out.
	ErrPending = errors.New("token: session is pending")
	// ErrNoToken: the request carries no token.
	ErrNoToken = errors.New("token: none given")
)

// Failures that are not the token's fault.
var (
	// ErrUnavailable: the keys could not be fetched, and there are none from
	// before. Trying again later may help.
	ErrUnavailable = errors.New("token: keys unavailable")
	// ErrConfig: a Verifier, Issuer or Remote lacks a required field.
	ErrConfig = errors.New("token: not configured")
	// ErrKey: a key, JWK or JWK set that is malformed or too weak to use.
	ErrKey = errors.New("token: unusable key")
	// ErrNoKey: the issuer has no key to sign with yet, see Issuer.SetKeys.
	ErrNoKey = errors.New("token: no signing key")
	// ErrReserved: a custom claim has a name that the token format owns.
	ErrReserved = errors.New("token: claim name is reserved")
)
