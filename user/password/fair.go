package password

import "slices"

// A waiter is one caller in line. It gets exactly one message unless it is
// removed: nil to start, or the reason why not.
type waiter struct {
	key   string
	cost  int64
	ready chan error
}

// A fairQueue has one line per key and takes from the lines in turn. Its size
// is bounded by its owner, so linear searches in it are short.
type fairQueue struct {
	size  int
	lines map[string][]*waiter
	turn  []string // keys that have a line, the next one first
}

func (q *fairQueue) push(w *waiter) {
	if q.lines == nil {
		q.lines = map[string][]*waiter{}
	}
	if len(q.lines[w.key]) == 0 {
		q.turn = append(q.turn, w.key)
	}
	q.lines[w.key] = append(q.lines[w.key], w)
	q.size++
}

// first is whose turn it is; the queue is not empty.
func (q *fairQueue) first() *waiter { return q.lines[q.turn[0]][0] }

func (q *fairQueue) pop() *waiter {
	w := q.first()
	q.turn = append(q.turn[1:], w.key) // to the back; remove drops it if it was the last
	q.remove(w)
	return w
}

func (q *fairQueue) remove(w *waiter) bool {
	line := q.lines[w.key]
	i := slices.Index(line, w)
	if i < 0 {
		return false
	}
	q.size--
	if line = slices.Delete(line, i, i+1); len(line) > 0 {
		q.lines[w.key] = line
		return true
	}
	delete(q.lines, w.key)
	q.turn = slices.DeleteFunc(q.turn, func(k string) bool { return k == w.key })
	return true
}

// shed removes and returns the newest waiter of the longest line, if that line
// would still be the longest after key's line has grown by one.
func (q *fairQueue) shed(key string) *waiter {
	var longest []*waiter
	for _, line := range q.lines {
		if len(line) > len(longest) {
			longest = line
		}
	}
	if len(longest) <= len(q.lines[key])+1 {
		return nil
	}
	w := longest[len(longest)-1]
	q.remove(w)
	return w
}
