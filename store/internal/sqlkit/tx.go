package sqlkit

import (
	"context"
	"errors"

	"github.com/usherauth/usher/store"
)

// tx is what fn sees. Until it has a conn it is loose: no transaction has been
// begun, see the package comment.
type tx struct {
	e      *Engine
	write  bool
	strict bool // begin a transaction at once
	joined bool // conn is a transaction of the host

	conn  Txn
	reads []read          // done while loose
	held  *write          // done while loose, not executed yet
	known map[rowKey]*row // read in conn: what a write need not look up
	made  []*layout       // kinds whose tables conn has made
	need  *store.Kind     // the kind of errMissingTable
	err   error           // the failure after which fn must return
	done  bool
}

type rowKey struct{ table, id string }

// maxKnown bounds tx.known: an Update that reads so many records does not
// write them all.
const maxKnown = 100

// start refuses what must not be done, and finds the layout of a kind.
func (t *tx) start(ctx context.Context, k *store.Kind) (*layout, error) {
	if t.done {
		return nil, store.ErrTxDone
	}
	if t.err != nil {
		return nil, t.err
	}
	if err := ctx.Err(); err != nil {
		return nil, t.fail(err)
	}
	l, err := t.layout(ctx, k)
	return l, t.fail(err)
}

// fail remembers an error that fn must return.
func (t *tx) fail(err error) error {
	if err != nil && t.err == nil && !errors.Is(err, store.ErrNotFound) {
		t.err = err
	}
	return err
}

// layout sees to it that the kind has a table.
func (t *tx) layout(ctx context.Context, k *store.Kind) (*layout, error) {
	if l, ok := t.e.prepared(k); ok {
		return l, nil
	}
	if err := k.Validate(); err != nil {
		return nil, err
	}
	switch {
	case t.joined:
		return t.e.assume(k), nil
	case t.conn == nil:
		if err := t.e.Prepare(ctx, k); err != nil {
			return nil, err
		}
	case t.write:
		return t.makeTable(ctx, k)
	default:
		t.need = k
		return nil, errMissingTable
	}
	l, _ := t.e.prepared(k)
	return l, nil
}

// makeTable makes the table of a kind in the transaction, unless it has done
// so already.
func (t *tx) makeTable(ctx context.Context, k *store.Kind) (*layout, error) {
	for _, l := range t.made {
		if l.kind == k {
			return l, nil
		}
	}
	if _, err := t.e.migrate(ctx, t.conn, k); err != nil {
		return nil, err
	}
	l := newLayout(t.e.Dialect, k)
	t.made = append(t.made, l)
	return l, nil
}

// open begins the transaction, checks what was read before it, and executes
// the write that was held back.
func (t *tx) open(ctx context.Context) error {
	if t.conn != nil {
		return nil
	}
	conn, err := t.e.DB.Begin(ctx, t.write)
	if err != nil {
		return err
	}
	t.conn = conn
	if err := recheck(ctx, conn, t.e.Dialect, t.reads); err != nil {
		return err
	}
	for i := range t.reads {
		if r := &t.reads[i]; r.row != nil {
			t.learn(r.l, r.row)
		}
	}
	if t.held == nil {
		return nil
	}
	w := t.held
	t.held = nil
	w.unsure = false
	return t.execute(ctx, w)
}

// learn remembers a row that has been read in the transaction.
func (t *tx) learn(l *layout, rows ...*row) {
	if !t.write || len(t.known)+len(rows) > maxKnown {
		return
	}
	if t.known == nil {
		t.known = map[rowKey]*row{}
	}
	for _, r := range rows {
		t.known[rowKey{l.table, r.id}] = r
	}
}

func (t *tx) execute(ctx context.Context, w *write) error {
	key := rowKey{w.l.table, w.id}
	if w.old == nil {
		// Two kinds with one name may have different columns.
		if old := t.known[key]; old != nil && len(old.cols) == len(w.l.cols) {
			w.old = old
		}
	}
	delete(t.known, key)
	return w.run(ctx, t.conn, true)
}

func (t *tx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	l, err := t.start(ctx, k)
	if err != nil {
		return store.Record{}, err
	}
	if !store.ValidID(id) {
		return store.Record{}, store.ErrNotFound
	}
	r, err := t.readOne(ctx, l, byID(id))
	if err != nil {
		return store.Record{}, t.fail(err)
	}
	if r == nil {
		return store.Record{}, store.ErrNotFound
	}
	rec, err := l.record(r)
	return rec, t.fail(err)
}

// readOne reads what at most one record matches; nil if none does.
func (t *tx) readOne(ctx context.Context, l *layout, m store.Match) (*row, error) {
	if t.conn == nil && t.held == nil && !t.strict {
		if r := t.readBefore(l, m); r != nil {
			return r.row, nil
		}
		if len(t.reads) < maxLoose {
			r, err := readLoose(ctx, t.e.DB.Reader(), t.reads, l, m)
			if err == nil {
				t.reads = append(t.reads, read{l: l, match: m, row: r})
			}
			return r, err
		}
	}
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	r, err := readLoose(ctx, t.conn, nil, l, m)
	if err == nil && r != nil {
		t.learn(l, r)
	}
	return r, err
}

// readBefore returns the read that answers m already.
func (t *tx) readBefore(l *layout, m store.Match) *read {
	for i := range t.reads {
		r := &t.reads[i]
		same := r.match.Index == m.Index && r.match.Values[0] == m.Values[0] ||
			m.Index == "" && r.row != nil && r.row.id == m.Values[0]
		if r.l == l && same {
			return r
		}
	}
	return nil
}

func (t *tx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	l, err := t.query(ctx, q)
	if err != nil {
		return nil, err
	}
	var rows []*row
	if byUnique(q) {
		var r *row
		if r, err = t.readOne(ctx, l, q.Where[0]); r != nil {
			rows = []*row{r}
		}
	} else {
		rows, err = t.find(ctx, l, q)
	}
	if err != nil {
		return nil, t.fail(err)
	}
	recs, err := l.records(rows)
	return recs, t.fail(err)
}

func (t *tx) find(ctx context.Context, l *layout, q store.Query) ([]*row, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	rows, err := l.find(ctx, t.conn, q)
	if err == nil {
		t.learn(l, rows...)
	}
	return rows, err
}

func (t *tx) query(ctx context.Context, q store.Query) (*layout, error) {
	l, err := t.start(ctx, q.Kind)
	if err != nil {
		return nil, err
	}
	return l, t.fail(q.Validate())
}

func (t *tx) Count(ctx context.Context, q store.Query) (int, error) {
	l, err := t.query(ctx, q)
	if err != nil {
		return 0, err
	}
	if err := t.open(ctx); err != nil {
		return 0, t.fail(err)
	}
	n, err := l.count(ctx, t.conn, q)
	return n, t.fail(err)
}

func (t *tx) Put(ctx context.Context, r store.Record) (int64, error) {
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	if err := r.Validate(); err != nil && t.err == nil {
		return 0, t.fail(err)
	}
	l, err := t.start(ctx, r.Kind)
	if err != nil {
		return 0, err
	}
	w := &write{l: l, id: r.ID, version: r.Version}
	w.new, w.many = l.newRow(r)
	return r.Version + 1, t.fail(t.do(ctx, w))
}

func (t *tx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	l, err := t.start(ctx, k)
	if err != nil {
		return err
	}
	if !store.ValidID(id) {
		return store.ErrNotFound
	}
	return t.fail(t.do(ctx, &write{l: l, id: id, version: version}))
}

// mayWrite refuses writes in a View.
func (t *tx) mayWrite() error {
	if t.done {
		return store.ErrTxDone
	}
	if !t.write {
		return t.fail(store.ErrReadOnly)
	}
	return nil
}

// do executes a write, or holds it back.
func (t *tx) do(ctx context.Context, w *write) error {
	if t.conn == nil && t.held == nil && !t.strict {
		w.old, w.unsure = t.readRow(w), true
		// Whether a record is missing must be said at once, so a Delete is
		// held back only if the record has been there.
		if w.new != nil || w.old != nil && w.old.version == w.version {
			t.held = w
			return nil
		}
	}
	w.old, w.unsure = nil, false
	if err := t.open(ctx); err != nil {
		return err
	}
	return t.execute(ctx, w)
}

// readRow returns the row of w's record if it has been read.
func (t *tx) readRow(w *write) *row {
	for i := range t.reads {
		if r := &t.reads[i]; r.l == w.l && r.row != nil && r.row.id == w.id {
			return r.row
		}
	}
	return nil
}

// finish ends the transaction: fn returned nil.
func (t *tx) finish(ctx context.Context) error {
	if t.err != nil {
		return t.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.conn == nil && t.held != nil {
		err := t.held.run(ctx, t.e.DB.Writer(), false)
		if !errors.Is(err, errNeedsTx) {
			return err
		}
		if err := t.open(ctx); err != nil {
			return err
		}
	}
	if t.conn == nil {
		return nil
	}
	conn := t.conn
	err := conn.Commit(ctx)
	if err == nil {
		t.conn = nil
		t.e.publish(t.made)
	}
	return err
}

// end releases the connection, whatever has happened.
func (t *tx) end() {
	t.done = true
	if t.conn != nil {
		t.conn.Rollback()
		t.conn = nil
	}
}
