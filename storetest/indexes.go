package storetest

import (
	"errors"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

const (
	ruleUnique  = "4. two records of a kind never share a value of a Unique index; the loser gets a *DuplicateError that names kind, index and value"
	ruleReplace = "every Put replaces all entries of the record"
	ruleBytes   = "6. index values are compared bytewise, without a collation"
	ruleMany    = "a record has any number of values in a Many index and is found by each, once"
)

var indexCases = []testCase{
	{name: "indexes/unique", rule: ruleUnique, run: unique},
	{name: "indexes/unique many", rule: ruleUnique, run: uniqueMany},
	{name: "indexes/unique own value", rule: "a record may keep its own value of a Unique index", run: uniqueOwn},
	{name: "indexes/unique scope", rule: "values are unique in one index of one kind, not beyond", run: uniqueScope},
	{name: "indexes/unique bytewise", rule: ruleBytes, run: uniqueBytewise},
	{name: "indexes/unique freed by put", rule: ruleReplace + ", so that another record may take a value given up", run: uniqueFreedByPut},
	{name: "indexes/unique freed by delete", rule: "Delete removes all entries of the record, so that another may take its values", run: uniqueFreedByDelete},
	{name: "indexes/unique moved", rule: "within one transaction a value may be given up and taken", run: uniqueMoved},
	{name: "indexes/replaced entries", rule: ruleReplace, run: replacedEntries},
	{name: "indexes/many", rule: ruleMany, run: many},
	{name: "indexes/many hundreds", rule: ruleMany, run: manyHundreds},
	{name: "indexes/grown kind", rule: "two kinds with one name are the same collection, and a later program's may have more indexes", run: grownKind},
	{name: "indexes/byte order", rule: ruleBytes, run: byteOrder},
	{name: "indexes/values", rule: "values are up to 4 KiB of any valid UTF-8 without NUL, the empty string too", run: oddValues},
}

// duplicate ends the case if err does not say that a value is taken.
func (r *run) duplicate(what string, err error, want store.DuplicateError) {
	d, ok := errors.AsType[*store.DuplicateError](err)
	if !ok {
		r.failf("%s: error is %v, want a *DuplicateError", what, err)
	}
	if *d != want {
		r.failf("%s: error is %+.80q, want %+.80q", what, *d, want)
	}
}

func unique(r *run) {
	r.put(rec("a", "email=x"))
	r.duplicate("Put of a second record", r.tryPut(rec("b", "email=x", "tag=t")),
		store.DuplicateError{Kind: item.Name, Index: "email", Value: "x"})
	r.missing("b")
	r.wantIDs(where(match("tag", store.In, "t")), "")
	r.put(rec("b", "email=y"))
	r.duplicate("Put that changes a record", r.tryPut(at(rec("b", "email=x"), 1)),
		store.DuplicateError{Kind: item.Name, Index: "email", Value: "x"})
	r.duplicate("Put of two records", r.tryPut(rec("c", "email=z"), rec("d", "email=z")),
		store.DuplicateError{Kind: item.Name, Index: "email", Value: "z"})
	r.wantIDs(where(), "a b")
	r.wantRecord("Get", r.get(item, "b"), at(rec("b", "email=y"), 1))
	r.put(rec("e"), rec("f")) // having no value is no value
}

func uniqueMany(r *run) {
	r.put(rec("a", "alias=1", "alias=2"))
	want := store.DuplicateError{Kind: item.Name, Index: "alias", Value: "2"}
	r.duplicate("Put that shares one of several values", r.tryPut(rec("b", "alias=3", "alias=2")), want)
	r.put(rec("b", "alias=3"))
	r.duplicate("Put that adds a value", r.tryPut(at(rec("b", "alias=3", "alias=2"), 1)), want)
	r.put(at(rec("a", "alias=1"), 1))
	r.put(at(rec("b", "alias=3", "alias=2"), 1))
	r.wantIDs(where(match("alias", store.In, "2")), "b")
}

func uniqueOwn(r *run) {
	r.put(rec("a", "email=x", "alias=1", "alias=2"))
	r.put(at(rec("a", "email=x", "alias=2", "alias=3"), 1))
	r.wantIDs(where(match("email", store.In, "x")), "a")
	r.wantIDs(where(match("alias", store.In, "1")), "")
}

func uniqueScope(r *run) {
	b := rec("b", "email=x")
	b.Kind = other
	r.put(rec("a", "email=x"), b, rec("c", "alias=x", "tag=x", "rank=x"), rec("d", "tag=x", "rank=x"))
	r.wantIDs(where(match("email", store.In, "x")), "a")
	r.wantIDs(where(match("tag", store.In, "x")), "c d")
}

func uniqueBytewise(r *run) {
	values := []string{"a", "A", "a ", " a", "à", "a\u0300", "ａ", "ß", "ss", "ı", "i", "I", ""}
	for _, v := range values {
		if err := r.tryPut(rec("id "+v, "email="+v)); err != nil {
			r.failf("Put of %q beside values that differ from it: %v", v, err)
		}
	}
	for _, v := range values {
		r.wantIDs(where(match("email", store.In, v)), "id "+v)
	}
}

func uniqueFreedByPut(r *run) {
	r.put(rec("a", "email=x", "alias=x"))
	r.put(at(rec("a", "email=y"), 1))
	r.put(rec("b", "email=x", "alias=x"))
	r.wantIDs(where(match("email", store.In, "x")), "b")
	r.put(at(rec("a"), 2))
	r.put(rec("c", "email=y"))
}

func uniqueFreedByDelete(r *run) {
	r.put(rec("a", "email=x", "alias=x"))
	r.delete("a", 1)
	r.put(rec("b", "email=x", "alias=x"))
	r.wantIDs(where(match("email", store.In, "x")), "b")
}

func uniqueMoved(r *run) {
	r.put(rec("a", "email=x"), rec("b", "email=y"), rec("c", "email=z"))
	r.put(at(rec("a"), 1), at(rec("b", "email=x"), 1))
	r.wantIDs(where(match("email", store.In, "x")), "b")
	r.ok("Delete and Put in one transaction", r.s.Update(r.ctx, func(tx store.Tx) error {
		if err := tx.Delete(r.ctx, item, "c", 1); err != nil {
			return err
		}
		_, err := tx.Put(r.ctx, at(rec("a", "email=z"), 2))
		return err
	}))
	r.wantIDs(where(match("email", store.In, "z")), "a")
}

func replacedEntries(r *run) {
	r.put(rec("a", "tag=1", "tag=2", "rank=5", "name=old"))
	r.put(at(rec("a", "tag=2", "tag=3", "rank=6"), 1))
	r.wantIDs(where(match("tag", store.In, "1")), "")
	r.wantIDs(where(match("tag", store.In, "2")), "a")
	r.wantIDs(where(match("tag", store.In, "3")), "a")
	r.wantIDs(where(match("rank", store.In, "5")), "")
	r.wantIDs(where(match("rank", store.In, "6")), "a")
	r.wantIDs(where(match("name", store.In, "old")), "")
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=2", "tag=3", "rank=6"), 2))
	r.put(at(rec("a"), 2))
	r.wantIDs(where(match("tag", store.Contains, "")), "")
}

func many(r *run) {
	r.put(rec("a", "tag=1", "tag=2"), rec("b", "tag=2", "tag=3"), rec("c", "tag=3"))
	r.wantIDs(where(match("tag", store.In, "2")), "a b")
	r.wantIDs(where(match("tag", store.In, "1", "2", "3")), "a b c")
	r.wantCount(where(match("tag", store.In, "1", "2", "3")), 3)
	r.wantIDs(where(match("tag", store.Greater, "1")), "a b c")
	r.wantIDs(where(match("tag", store.Contains, "")), "a b c")
	r.wantCount(where(match("tag", store.Contains, "")), 3)
}

func manyHundreds(r *run) {
	rc := rec("a")
	for i := range 500 {
		rc.Entries = append(rc.Entries, store.Entry{Index: "tag", Value: store.IntKey(int64(i))})
	}
	r.put(rc, rec("b", "tag="+store.IntKey(499)))
	r.wantRecord("Get", r.get(item, "a"), at(rc, 1))
	r.wantIDs(where(match("tag", store.In, store.IntKey(499))), "a b")
	rc.Entries = rc.Entries[:1]
	r.put(at(rc, 1))
	r.wantIDs(where(match("tag", store.In, store.IntKey(499))), "b")
}

func grownKind(r *run) {
	grown := &store.Kind{Name: item.Name, Indexes: append(slices.Clone(item.Indexes), store.Index{Name: "born"}, store.Index{Name: "badge", Unique: true})}
	newer := func(id string, entries ...string) store.Record {
		rc := rec(id, entries...)
		rc.Kind = grown
		return rc
	}
	r.put(rec("a", "rank=2"), rec("b", "rank=1")) // by the program of before
	r.put(newer("c", "rank=3", "born=1970", "badge=x"))
	r.wantRecord("Get of an older record", r.get(grown, "a"), at(newer("a", "rank=2"), 1))
	r.wantIDs(store.Query{Kind: grown, Where: []store.Match{match("born", store.In, "1970")}}, "c")
	r.wantIDs(store.Query{Kind: grown, Order: "born"}, "a b c") // who has none comes first
	r.duplicate("Put of a second record", r.tryPut(newer("d", "badge=x")), store.DuplicateError{Kind: item.Name, Index: "badge", Value: "x"})
	r.put(at(newer("a", "rank=2", "born=1960"), 1))
	r.wantIDs(store.Query{Kind: grown, Order: "born", Desc: true}, "c a b")
	r.wantIDs(store.Query{Kind: grown, Where: []store.Match{match("rank", store.Greater, "1")}}, "a c")
	r.put(at(rec("b", "rank=5"), 1)) // both programs run for a while
	r.wantIDs(store.Query{Kind: item, Order: "rank"}, "a c b")
	r.wantIDs(store.Query{Kind: grown, Order: "born"}, "b a c")
}

// orderedValues are in byte order. In UTF-16 the last two change places, with
// a collation most of them do.
var orderedValues = []string{"", "\n", " ", "!", "%", "-", "10", "9", "A", "B", "Z", "Zz", "\\", "_", "a", "ab", "b", "z",
	"~", "\u0080", "à", "é", "ı", "日", "ａ", "～", "😀"}

func byteOrder(r *run) {
	var want []string
	for i := range orderedValues {
		i = (i*11 + 5) % len(orderedValues) // not in order
		r.put(rec(store.IntKey(int64(-i)), "name="+orderedValues[i]))
	}
	for i := range orderedValues {
		want = append(want, store.IntKey(int64(-i)))
	}
	r.wantIDs(store.Query{Kind: item, Order: "name"}, strings.Join(want, " "))
	for i, v := range orderedValues {
		r.wantIDs(store.Query{Kind: item, Order: "name", Where: []store.Match{match("name", store.Less, v)}}, strings.Join(want[:i], " "))
		r.wantIDs(store.Query{Kind: item, Order: "name", Where: []store.Match{match("name", store.Greater, v)}}, strings.Join(want[i+1:], " "))
	}
}

func oddValues(r *run) {
	values := []string{"", " ", "'", `"`, "`", `\`, `\'`, "%", "_", "[a]", "*", "?", ";--", "a,b", "{a}", "a\tb\r\nc", "\x01", "\x7f",
		"null", "NULL", "\ufeff", "\u2028", "\ufffd", "\U0010ffff", strings.Repeat("x", store.MaxValueLen), strings.Repeat("日", store.MaxValueLen/3)}
	for i, v := range values {
		r.put(rec(store.IntKey(int64(i)), "email="+v, "tag="+v, "name="+v))
	}
	for i, v := range values {
		id := store.IntKey(int64(i))
		r.wantRecord("Get", r.get(item, id), at(rec(id, "email="+v, "tag="+v, "name="+v), 1))
		for _, index := range []string{"email", "tag", "name"} {
			r.wantIDs(where(match(index, store.In, v)), id)
		}
	}
}
