package limit

import "sync"

// A keyID stands for a key and its rule.
type keyID [2]uint64

// A shard is a binary heap by the time at which a key is fresh again, soonest
// first, with an index into it.
type shard struct {
	mu   sync.Mutex
	at   map[keyID]int32
	heap []slot
}

type slot struct {
	id    keyID
	fresh int64 // Unix nanoseconds
}

// get is when id is fresh again; a time long ago if it is not known.
func (s *shard) get(id keyID) int64 {
	if i, ok := s.at[id]; ok {
		return s.heap[i].fresh
	}
	return 0
}

// set keeps fresh for id, in place of the soonest other if there are limit.
func (s *shard) set(id keyID, fresh int64, limit int) {
	if i, ok := s.at[id]; ok {
		s.heap[i].fresh = fresh
		s.fix(int(i))
		return
	}
	if s.at == nil {
		s.at = map[keyID]int32{}
	}
	if len(s.heap) >= limit {
		delete(s.at, s.heap[0].id)
		s.heap[0] = slot{id, fresh}
		s.at[id] = 0
		s.fix(0)
		return
	}
	s.heap = append(s.heap, slot{id, fresh})
	s.at[id] = int32(len(s.heap) - 1)
	s.fix(len(s.heap) - 1)
}

func (s *shard) remove(id keyID) {
	i, ok := s.at[id]
	if !ok {
		return
	}
	last := len(s.heap) - 1
	s.swap(int(i), last)
	delete(s.at, id)
	s.heap = s.heap[:last]
	if int(i) < last {
		s.fix(int(i))
	}
}

// fix moves the slot at i to where it belongs.
func (s *shard) fix(i int) {
	for i > 0 && s.heap[i].fresh < s.heap[(i-1)/2].fresh {
		s.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(s.heap); c++ {
			if s.heap[c].fresh < s.heap[least].fresh {
				least = c
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}

func (s *shard) swap(i, j int) {
	s.heap[i], s.heap[j] = s.heap[j], s.heap[i]
	s.at[s.heap[i].id], s.at[s.heap[j].id] = int32(i), int32(j)
}
