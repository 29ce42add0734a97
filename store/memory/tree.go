package memory

import (
	"iter"
	"math/rand/v2"

	"github.com/usherauth/usher/store"
)

// A tree is a sorted map that never changes: put and del return a new tree
// that shares all but the path to the change with the old one. Keeping a
// snapshot is keeping a pointer. It is a treap, balanced by random priorities.
type tree struct {
	key         string
	rec         *store.Record
	pri         uint64
	size        int // nodes in here
	left, right *tree
}

func (t *tree) len() int {
	if t == nil {
		return 0
	}
	return t.size
}

// with returns a copy of t with other children.
func (t *tree) with(left, right *tree) *tree {
	return &tree{t.key, t.rec, t.pri, left.len() + right.len() + 1, left, right}
}

// get returns what is kept under key, or nil.
func (t *tree) get(key string) *store.Record {
	for t != nil {
		switch {
		case key < t.key:
			t = t.left
		case key > t.key:
			t = t.right
		default:
			return t.rec
		}
	}
	return nil
}

// rank returns how many keys are below key.
func (t *tree) rank(key string) int {
	n := 0
	for t != nil {
		if t.key < key {
			n += t.left.len() + 1
			t = t.right
		} else {
			t = t.left
		}
	}
	return n
}

// put returns a tree that keeps rec under key.
func (t *tree) put(key string, rec *store.Record) *tree {
	if t.get(key) != nil {
		return t.replace(key, rec)
	}
	left, _, right := t.split(key)
	return join(left, &tree{key: key, rec: rec, pri: rand.Uint64(), size: 1}, right)
}

// replace returns a tree that keeps rec under a key that is there.
func (t *tree) replace(key string, rec *store.Record) *tree {
	n := *t
	switch {
	case key < t.key:
		n.left = t.left.replace(key, rec)
	case key > t.key:
		n.right = t.right.replace(key, rec)
	default:
		n.rec = rec
	}
	return &n
}

// del returns a tree without key.
func (t *tree) del(key string) *tree {
	left, found, right := t.split(key)
	if found == nil {
		return t
	}
	return merge(left, right)
}

// split returns the keys below key, the node of key or nil, and those above.
func (t *tree) split(key string) (left, found, right *tree) {
	switch {
	case t == nil:
		return nil, nil, nil
	case key < t.key:
		left, found, right = t.left.split(key)
		return left, found, t.with(right, t.right)
	case key > t.key:
		left, found, right = t.right.split(key)
		return t.with(t.left, left), found, right
	}
	return t.left, t, t.right
}

// join puts one node between two trees.
func join(left, node, right *tree) *tree { return merge(merge(left, node), right) }

// merge returns the union of two trees, all keys of left being below right's.
func merge(left, right *tree) *tree {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case left.pri > right.pri:
		return left.with(left.left, merge(left.right, right))
	}
	return right.with(merge(left, right.left), right.right)
}

// between walks the records whose key k is from <= k < to, upwards or, with
// desc, downwards.
func (t *tree) between(from, to string, desc bool) iter.Seq[*store.Record] {
	return func(yield func(*store.Record) bool) { t.walk(from, to, desc, yield) }
}

func (t *tree) walk(from, to string, desc bool, yield func(*store.Record) bool) bool {
	switch {
	case t == nil:
		return true
	case t.key < from:
		return t.right.walk(from, to, desc, yield)
	case t.key >= to:
		return t.left.walk(from, to, desc, yield)
	case desc:
		return t.right.walk(from, to, desc, yield) && yield(t.rec) && t.left.walk(from, to, desc, yield)
	}
	return t.left.walk(from, to, desc, yield) && yield(t.rec) && t.right.walk(from, to, desc, yield)
}
