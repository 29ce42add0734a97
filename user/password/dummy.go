package password

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// Dummy does the work of one Verify for an account that does not exist, is
// locked or has no password, so that its time says nothing. account is the
// canonical identifier that was asked for.
//
// What it costs follows the live hashes: it works against one of a sample of
// the stored hashes seen lately, the same one for the same account, and
// against the current parameters as long as none was seen. So where old,
// imported and new hashes are mixed, made-up accounts are mixed alike. The
// sample is of distinct hashes: trying one account often does not shift it.
//
// Errors are those that Verify gives whatever the account is: of [Normalize],
// [ErrBusy], [ErrTooLongForHash] and the context's.
func (h *Hasher) Dummy(ctx context.Context, account, plain string) error {
	hash := h.seen.pick(account)
	if hash == "" {
		p := PHC{Params: h.Params.withDefaults(), Pepper: h.pepperID()}
		p.Salt = make([]byte, p.Params.SaltLength)
		p.Key = make([]byte, p.Params.KeyLength)
		hash = p.String()
	}
	_, err := h.verify(ctx, hash, plain, false)
	return err
}

// sampleSize bounds the memory of a sample to 32 KiB.
const sampleSize = 32

// A sample keeps the sampleSize hashes with the lowest rank under a random
// function: a uniform sample of the distinct ones that were ever added, which
// repeating one cannot bias.
type sample struct {
	mu    sync.Mutex
	seed  maphash.Seed
	ready bool
	kept  []ranked // by rank
}

type ranked struct {
	rank uint64
	hash string
}

func (s *sample) rank(hash string) uint64 {
	if !s.ready {
		s.seed, s.ready = maphash.MakeSeed(), true
	}
	return maphash.String(s.seed, hash)
}

func (s *sample) find(rank uint64) (int, bool) {
	return slices.BinarySearchFunc(s.kept, rank, func(r ranked, rank uint64) int {
		switch {
		case r.rank < rank:
			return -1
		case r.rank > rank:
			return 1
		}
		return 0
	})
}

func (s *sample) add(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rank := s.rank(hash)
	i, have := s.find(rank)
	if have || i == sampleSize {
		return
	}
	s.kept = slices.Insert(s.kept, i, ranked{rank, hash})
	s.kept = s.kept[:min(len(s.kept), sampleSize)]
}

func (s *sample) drop(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, have := s.find(s.rank(hash)); have {
		s.kept = slices.Delete(s.kept, i, i+1)
	}
}

// pick returns a hash for account, by rendezvous: when the sample changes in
// one place, the accounts that had that place change and no others.
func (s *sample) pick(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best uint64
	var hash string
	for _, r := range s.kept {
		score := maphash.Comparable(s.seed, struct {
			account string
			rank    uint64
		}{account, r.rank})
		if score >= best {
			best, hash = score, r.hash
		}
	}
	return hash
}
