package store

import "context"

// A Preparer is a store that can make ready for kinds ahead of their first use,
// such as create their tables. It is safe to call again and from several
// processes at once.
type Preparer interface {
	Prepare(ctx context.Context, kinds ...*Kind) error
}

// Prepare makes s ready for kinds if s is a [Preparer], and does nothing for
// other stores.
func Prepare(ctx context.Context, s Store, kinds ...*Kind) error {
	if p, ok := s.(Preparer); ok {
		return p.Prepare(ctx, kinds...)
	}
	return nil
}

// Prepare passes on to the store below.
func (s *sealedStore) Prepare(ctx context.Context, kinds ...*Kind) error {
	return Prepare(ctx, s.Store, kinds...)
}
