package bapi

import (
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/user"
)

// one answers with the user that do returns for the ID in the path.
func (c *call) one(do func(id string) (*user.User, error)) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	u, err := do(id)
	if err != nil {
		return nil, err
	}
	return c.user(u)
}

func listUsers(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	w := readFilter(q)
	p := user.Page{}
	p.Offset, p.Limit = page(q)
	p.OrderBy, p.After = readOrder(q, p.Offset)
	if err := q.Err(); err != nil {
		return nil, err
	}
	f, some, err := c.resolve(w)
	if err != nil || !some {
		return []backend.User{}, err
	}
	us, _, err := c.engine.Users().List(c.r.Context(), f, p)
	if err != nil {
		return nil, err
	}
	return c.users(us...)
}

func countUsers(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	w := readFilter(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	f, some, err := c.resolve(w)
	if err != nil || !some {
		return backend.NewTotalCount(0), err
	}
	n, err := c.engine.Users().Count(c.r.Context(), f)
	if err != nil {
		return nil, err
	}
	return backend.NewTotalCount(n), nil
}

func getUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) { return c.engine.Users().Get(c.r.Context(), id) })
}

func createUser(c *call) (any, error) {
	f, err := c.body(createFields...)
	if err != nil {
		return nil, err
	}
	p, x := readCreate(f, c.engine.Now())
	if err := f.Err(); err != nil {
		return nil, err
	}
	u, err := c.engine.Users().Import(c.r.Context(), p, x)
	if err != nil {
		return nil, err
	}
	return c.user(u)
}

func updateUser(c *call) (any, error) {
	return c.one(func(id string) (*user.User, error) {
		f, err := c.body(updateFields...)
		if err != nil {
			return nil, err
		}
		p, createdAt := readUpdate(f, c.engine.Now())
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.engine.Users().Patch(c.r.Context(), id, p, createdAt)
	})
}

func deleteUser(c *call) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	u, err := c.engine.Users().Delete(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return c.encoder().DeletedUser(u), nil
}

// ofUser checks the query and that there is such a user.
func (c *call) ofUser() error {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return err
	}
	page(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return err
	}
	id, err := c.id("user_id")
	if err != nil {
		return err
	}
	_, err = c.engine.Users().Get(c.r.Context(), id)
	return err
}
