package bapi

import (
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/user"
)

// maxCode is more than any code has, in bytes.
const maxCode = 256

// Sessions are left alone when a factor is taken away: clients expect the two
// to be apart.

func deleteMFA(c *call) (any, error) {
	return c.whose(func(id string) (*user.User, error) {
		return c.engine.Users().ResetSecondFactors(c.r.Context(), id, false)
	})
}

func deleteTOTP(c *call) (any, error) {
	return c.whose(func(id string) (*user.User, error) { return c.engine.Users().DeleteTOTP(c.r.Context(), id, false) })
}

func deleteBackupCodes(c *call) (any, error) {
	return c.whose(func(id string) (*user.User, error) {
		return c.engine.Users().DeleteBackupCodes(c.r.Context(), id, false)
	})
}

// whose answers with the ID of the user whom fn changes.
func (c *call) whose(fn func(id string) (*user.User, error)) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	u, err := fn(id)
	if err != nil {
		return nil, err
	}
	return backend.UserID{UserID: u.ID}, nil
}

// verifyTOTP judges a code of the authenticator app or a backup code; a right
// one is used up.
func verifyTOTP(c *call) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	f, err := c.body("code")
	if err != nil {
		return nil, err
	}
	code, ok := f.StringMax("code", maxCode)
	if !ok && f.Err() == nil {
		f.Fail(httpx.CodeMissing, "code", "must be included")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	kind, err := c.engine.Users().VerifyCode(c.r.Context(), id, code)
	if err != nil {
		return nil, err
	}
	return backend.VerifiedCode{Verified: true, CodeType: kind}, nil
}

func deletePasskey(c *call) (any, error) {
	userID, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	id, err := c.id("passkey_identification_id")
	if err != nil {
		return nil, err
	}
	if _, err := c.engine.Users().DeletePasskey(c.r.Context(), userID, id, false); err != nil {
		return nil, err
	}
	return wire.NewDeleted("passkey", id), nil
}
