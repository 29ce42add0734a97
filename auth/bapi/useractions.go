package bapi

import (
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

func banUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) { return c.engine.Users().Ban(c.r.Context(), id) })
}

func unbanUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) { return c.engine.Users().Unban(c.r.Context(), id) })
}

func lockUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		return c.engine.Users().Lock(c.r.Context(), id, c.engine.LockFor(c.r.Context()))
	})
}

func unlockUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) { return c.engine.Users().Unlock(c.r.Context(), id) })
}

func banUsers(c *call) (any, error)   { return c.banAll(true) }
func unbanUsers(c *call) (any, error) { return c.banAll(false) }

// maxBulk is how many users one request may change.
const maxBulk = 50

func (c *call) banAll(banned bool) (any, error) {
	f, err := c.body("user_ids")
	if err != nil {
		return nil, err
	}
	ids, ok := f.Strings("user_ids")
	switch {
	case f.Err() != nil:
	case !ok:
		f.Fail(httpx.CodeMissing, "user_ids", "must be included")
	case len(ids) == 0:
		f.Fail(httpx.CodeNil, "user_ids", "must not be empty")
	case len(ids) > maxBulk:
		return nil, fault.New("bulk_size_exceeded", "user_ids")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return nil, fault.New("form_param_duplicate", "user_ids")
		}
	}
	us, err := c.engine.Users().SetBanned(c.r.Context(), ids, banned)
	if err != nil {
		return nil, err
	}
	return c.users(us...)
}

func mergeMetadata(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		f, err := c.body("public_metadata", "private_metadata", "unsafe_metadata")
		if err != nil {
			return nil, err
		}
		public, private, unsafe := readMetadata(f)
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.engine.Users().MergeMetadata(c.r.Context(), id, public, private, unsafe)
	})
}

func replaceMetadata(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		f, err := c.body("public_metadata", "private_metadata", "unsafe_metadata")
		if err != nil {
			return nil, err
		}
		var p user.UpdateParams
		p.PublicMetadata, p.PrivateMetadata, p.UnsafeMetadata = readMetadata(f)
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.engine.Users().Update(c.r.Context(), id, p)
	})
}

func verifyPassword(c *call) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	f, err := c.body("password")
	if err != nil {
		return nil, err
	}
	plain, ok := f.StringMax("password", maxPassword)
	if !ok && f.Err() == nil {
		f.Fail(httpx.CodeMissing, "password", "must be included")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	good, err := c.engine.Users().CheckPassword(c.r.Context(), id, plain)
	switch {
	case errors.Is(err, password.ErrInvalidText), errors.Is(err, password.ErrTooLong), errors.Is(err, password.ErrTooLarge):
		good = false // nobody's password
	case err != nil:
		return nil, err
	}
	if !good {
		return nil, fault.New("incorrect_password", "password")
	}
	return backend.Verified{Verified: true}, nil
}

// removePassword leaves the sessions unless it is asked otherwise: clients
// expect the two to be apart.
func removePassword(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		f, err := c.body("sign_out_of_other_sessions")
		if err != nil {
			return nil, err
		}
		signOut, _ := f.Bool("sign_out_of_other_sessions")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.engine.Users().DropPassword(c.r.Context(), id, signOut)
	})
}

func setCompromised(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		f, err := c.body("revoke_all_sessions")
		if err != nil {
			return nil, err
		}
		revoke, _ := f.Bool("revoke_all_sessions")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.engine.Users().MarkPasswordCompromised(c.r.Context(), id, revoke)
	})
}

func unsetCompromised(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		return c.engine.Users().SetPasswordCompromised(c.r.Context(), id, false)
	})
}
