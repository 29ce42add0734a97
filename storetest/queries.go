package storetest

import (
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

var queryCases = []testCase{
	{name: "queries/nothing", rule: "8. Find of nothing is an empty slice, not an error", run: findNothing},
	{name: "queries/in", rule: "In holds if the record has any of Values; with no Values nothing matches", run: opIn},
	{name: "queries/not in", rule: "NotIn holds if the record has none of Values, also if it has no entry", run: opNotIn},
	{name: "queries/less", rule: "Less holds if the record has a value below Values[0]", run: opLess},
	{name: "queries/greater", rule: "Greater holds if the record has a value above Values[0]", run: opGreater},
	{name: "queries/contains", rule: "Contains holds if the record has a value with Values[0] as a substring, bytewise", run: opContains},
	{name: "queries/contains case", rule: "6. Contains folds nothing: not case, not accents", run: containsCase},
	{name: "queries/contains wildcards", rule: "Contains knows no wildcards: % and _ and * stand for themselves", run: containsWildcards},
	{name: "queries/id", rule: "an empty Index is the record's ID", run: matchID},
	{name: "queries/and", rule: "all matches must hold", run: matchAnd},
	{name: "queries/count", rule: "Count returns how many records match q.Where; paging is ignored", run: count},
}

// shelf puts five records: c and e have no rank, a and d share one.
func shelf(r *run) {
	r.put(rec("a", "rank=2", "tag=red", "tag=big", "name=Apple"),
		rec("b", "rank=1", "tag=red", "name=apple pie"),
		rec("c", "tag=blue", "tag=big", "name=Crème"),
		rec("d", "rank=2", "name=100%_*"),
		rec("e"),
	)
	r.put(rec("z"))
	r.delete("z", 1)
}

func findNothing(r *run) {
	r.wantIDs(where(), "")
	r.wantIDs(where(match("tag", store.In, "none")), "")
	r.wantCount(where(), 0)
	r.put(rec("a"))
	r.wantIDs(where(match("tag", store.In, "none")), "")
	r.wantIDs(store.Query{Kind: other}, "")
	r.wantCount(store.Query{Kind: other}, 0)
}

func opIn(r *run) {
	shelf(r)
	r.wantIDs(where(match("tag", store.In, "red")), "a b")
	r.wantIDs(where(match("tag", store.In, "big", "red")), "a b c")
	r.wantIDs(where(match("tag", store.In, "red", "red", "none")), "a b")
	r.wantIDs(where(match("rank", store.In, "2")), "a d")
	r.wantIDs(where(match("rank", store.In, "1", "2")), "a b d")
	r.wantIDs(where(match("tag", store.In)), "")
	r.wantIDs(where(match("rank", store.In)), "")
	r.wantIDs(where(match("tag", store.In, "re")), "")
	hundreds := make([]string, 700)
	for i := range hundreds {
		hundreds[i] = store.IntKey(int64(i))
	}
	r.wantIDs(where(match("tag", store.In, append(hundreds, "blue")...)), "c")
}

func opNotIn(r *run) {
	shelf(r)
	r.wantIDs(where(match("tag", store.NotIn, "red")), "c d e")
	r.wantIDs(where(match("tag", store.NotIn, "big", "red")), "d e")
	r.wantIDs(where(match("rank", store.NotIn, "2")), "b c e")
	r.wantIDs(where(match("rank", store.NotIn, "1", "2")), "c e")
	r.wantIDs(where(match("tag", store.NotIn)), "a b c d e")
	r.wantIDs(where(match("rank", store.NotIn)), "a b c d e")
}

func opLess(r *run) {
	shelf(r)
	r.wantIDs(where(match("rank", store.Less, "2")), "b")
	r.wantIDs(where(match("rank", store.Less, "20")), "a b d")
	r.wantIDs(where(match("rank", store.Less, "")), "")
	r.wantIDs(where(match("tag", store.Less, "blue")), "a c")
	r.wantIDs(where(match("name", store.Less, "a")), "a c d")
}

func opGreater(r *run) {
	shelf(r)
	r.wantIDs(where(match("rank", store.Greater, "1")), "a d")
	r.wantIDs(where(match("rank", store.Greater, "")), "a b d")
	r.wantIDs(where(match("rank", store.Greater, "2")), "")
	r.wantIDs(where(match("tag", store.Greater, "blue")), "a b")
	r.wantIDs(where(match("name", store.Greater, "Z")), "b")
}

func opContains(r *run) {
	shelf(r)
	r.wantIDs(where(match("name", store.Contains, "pple")), "a b")
	r.wantIDs(where(match("name", store.Contains, "apple pie")), "b")
	r.wantIDs(where(match("name", store.Contains, "Apple")), "a")
	r.wantIDs(where(match("name", store.Contains, "è")), "c")
	r.wantIDs(where(match("tag", store.Contains, "e")), "a b c")
	r.wantIDs(where(match("tag", store.Contains, "ig")), "a c")
	r.wantIDs(where(match("name", store.Contains, "")), "a b c d")
	r.wantIDs(where(match("name", store.Contains, "apple pies")), "")
}

func containsCase(r *run) {
	shelf(r)
	r.wantIDs(where(match("name", store.Contains, "apple")), "b")
	r.wantIDs(where(match("name", store.Contains, "APPLE")), "")
	r.wantIDs(where(match("name", store.Contains, "Creme")), "")
	r.wantIDs(where(match("name", store.Contains, "e\u0300")), "")
	r.wantIDs(where(match("name", store.Contains, "È")), "")
}

func containsWildcards(r *run) {
	shelf(r)
	r.put(rec("f", `name=a\b`))
	r.wantIDs(where(match("name", store.Contains, "%")), "d")
	r.wantIDs(where(match("name", store.Contains, "_")), "d")
	r.wantIDs(where(match("name", store.Contains, "*")), "d")
	r.wantIDs(where(match("name", store.Contains, "A%e")), "")
	r.wantIDs(where(match("name", store.Contains, "A_ple")), "")
	r.wantIDs(where(match("name", store.Contains, "?")), "")
	r.wantIDs(where(match("name", store.Contains, "[A]")), "")
	r.wantIDs(where(match("name", store.Contains, `\`)), "f")
	r.wantIDs(where(match("name", store.Contains, `\%`)), "")
}

func matchID(r *run) {
	shelf(r)
	r.wantIDs(where(match("", store.In, "b", "d", "none")), "b d")
	r.wantIDs(where(match("", store.In)), "")
	r.wantIDs(where(match("", store.NotIn, "b", "d")), "a c e")
	r.wantIDs(where(match("", store.Less, "c")), "a b")
	r.wantIDs(where(match("", store.Greater, "c")), "d e")
	r.put(rec("ab"))
	r.wantIDs(where(match("", store.Contains, "b")), "ab b")
}

func matchAnd(r *run) {
	shelf(r)
	r.wantIDs(where(match("tag", store.In, "red"), match("tag", store.In, "big")), "a")
	r.wantIDs(where(match("tag", store.In, "big"), match("rank", store.In, "2")), "a")
	r.wantIDs(where(match("tag", store.In, "big"), match("tag", store.NotIn, "red")), "c")
	r.wantIDs(where(match("rank", store.Greater, "1"), match("rank", store.Less, "3"), match("", store.Greater, "a")), "d")
	r.wantIDs(where(match("rank", store.In, "1"), match("rank", store.In, "2")), "")
	r.wantIDs(where(match("tag", store.In, "red"), match("rank", store.In)), "")
}

func count(r *run) {
	shelf(r)
	for _, q := range []store.Query{
		where(),
		where(match("tag", store.In, "red")),
		where(match("tag", store.In, "red", "big")),
		where(match("tag", store.NotIn, "red"), match("rank", store.NotIn, "2")),
		where(match("rank", store.Greater, "1"), match("tag", store.In, "red")),
		where(match("name", store.Contains, "pp"), match("", store.Greater, "a")),
		where(match("tag", store.In)),
	} {
		r.wantCount(q, len(r.find(q)))
	}
	r.wantCount(where(), 5)
	r.wantCount(store.Query{Kind: item, Limit: 1}, 5)
	r.wantCount(store.Query{Kind: item, Offset: 3}, 5)
	r.wantCount(store.Query{Kind: item, After: "c", Order: "rank", Desc: true}, 5)
	r.wantCount(store.Query{Kind: item, After: "none"}, 5)
}

var pagingCases = []testCase{
	{name: "paging/order by id", rule: "an empty Order orders by ID; Desc is the reverse", run: orderByID},
	{name: "paging/order", rule: ruleOrder, run: orderBy},
	{name: "paging/order ties", rule: "ties are ordered by ID, in the same direction as the values", run: orderTies},
	{name: "paging/order missing", rule: "records without an entry come first, and last with Desc", run: orderMissing},
	{name: "paging/limit", rule: "8. a Limit of 0 is no limit", run: limit},
	{name: "paging/thousands", rule: "8. a Limit of 0 is no limit, and Count counts, however many there are", run: thousands},
	{name: "paging/offset", rule: "Offset skips records; behind the end is nothing", run: offset},
	{name: "paging/after", rule: ruleAfter, run: after},
	{name: "paging/after desc", rule: ruleAfter, run: afterDesc},
	{name: "paging/after not matching", rule: "After need not match Where itself", run: afterNotMatching},
	{name: "paging/after a deleted record", rule: "if the record of After is gone, the result is empty", run: afterDeleted},
	{name: "paging/offset behind after", rule: "first After, then Offset, then Limit", run: offsetBehindAfter},
	{name: "paging/one value", rule: "paging and counting are the same among the records with a value of a Many index", run: oneValue},
	{name: "paging/walk", rule: "pages that follow one another have every record, once", run: walk},
}

const (
	ruleOrder = "Order sorts by an index, records without an entry first, then by ID; Desc reverses all of it"
	ruleAfter = "After resumes behind the record with this ID, in this order"
)

// everyOrder are all records of the shelf, in each order.
var everyOrder = []struct {
	order string
	desc  bool
	ids   string
}{
	{"", false, "a b c d e"},
	{"", true, "e d c b a"},
	{"rank", false, "c e b a d"},
	{"rank", true, "d a b e c"},
	{"name", false, "e d a c b"},
	{"name", true, "b c a d e"},
	{"email", false, "a b c d e"},
	{"email", true, "e d c b a"},
}

func ordered(order string, desc bool) store.Query {
	return store.Query{Kind: item, Order: order, Desc: desc}
}

func orderByID(r *run) {
	shelf(r)
	r.wantIDs(ordered("", false), "a b c d e")
	r.wantIDs(ordered("", true), "e d c b a")
}

func orderBy(r *run) {
	shelf(r)
	for _, o := range everyOrder {
		r.wantIDs(ordered(o.order, o.desc), o.ids)
	}
	q := ordered("rank", true)
	q.Where = []store.Match{match("tag", store.In, "red", "big")}
	r.wantIDs(q, "a b c")
}

func orderTies(r *run) {
	r.put(rec("c", "rank=1"), rec("a", "rank=1"), rec("b", "rank=1"), rec("d", "rank=0"))
	r.wantIDs(ordered("rank", false), "d a b c")
	r.wantIDs(ordered("rank", true), "c b a d")
	for _, desc := range []bool{false, true} {
		q := ordered("rank", desc)
		q.Where = []store.Match{match("rank", store.In, "1")}
		r.wantIDs(q, map[bool]string{false: "a b c", true: "c b a"}[desc])
	}
}

func orderMissing(r *run) {
	r.put(rec("a", "rank="), rec("b"), rec("c", "rank=1"), rec("d"))
	r.wantIDs(ordered("rank", false), "b d a c")
	r.wantIDs(ordered("rank", true), "c a d b")
}

func limit(r *run) {
	shelf(r)
	for n, want := range []string{"a b c d e", "a", "a b", "a b c", "a b c d", "a b c d e", "a b c d e"} {
		q := where()
		q.Limit = n
		r.wantIDs(q, want)
	}
}

// thousands asks for more than many databases and drivers answer with at once.
func thousands(r *run) {
	const n = 1100
	recs := make([]store.Record, n)
	for i := range recs {
		recs[i] = rec(store.IntKey(int64(i)), "tag=t")
	}
	r.put(recs...)
	for _, q := range []store.Query{where(), where(match("tag", store.In, "t"))} {
		recs := r.find(q)
		if len(recs) != n || recs[n-1].ID != store.IntKey(n-1) {
			r.failf("Find %s has %d records, want %d", show(q), len(recs), n)
		}
		r.wantCount(q, n)
	}
}

func offset(r *run) {
	shelf(r)
	for _, o := range everyOrder {
		ids := strings.Fields(o.ids)
		for n := range len(ids) + 2 {
			q := ordered(o.order, o.desc)
			q.Offset = n
			r.wantIDs(q, strings.Join(ids[min(n, len(ids)):], " "))
			q.Limit = 2
			r.wantIDs(q, strings.Join(ids[min(n, len(ids)):min(n+2, len(ids))], " "))
		}
	}
}

func after(r *run)     { afterEach(r, false) }
func afterDesc(r *run) { afterEach(r, true) }

func afterEach(r *run, desc bool) {
	shelf(r)
	for _, o := range everyOrder {
		if o.desc != desc {
			continue
		}
		ids := strings.Fields(o.ids)
		for i, id := range ids {
			q := ordered(o.order, o.desc)
			q.After = id
			r.wantIDs(q, strings.Join(ids[i+1:], " "))
			q.Limit = 1
			r.wantIDs(q, strings.Join(ids[i+1:min(i+2, len(ids))], " "))
		}
	}
}

func afterNotMatching(r *run) {
	shelf(r)
	q := ordered("rank", false) // c e b a d
	q.Where, q.After = []store.Match{match("rank", store.In, "1", "2")}, "e"
	r.wantIDs(q, "b a d")
	q.Desc, q.After = true, "a"
	q.Where = []store.Match{match("tag", store.In, "red", "blue")}
	r.wantIDs(q, "b c")
}

func afterDeleted(r *run) {
	shelf(r)
	r.delete("b", 1)
	stranger := rec("aa")
	stranger.Kind = other
	r.put(stranger)
	for _, o := range everyOrder {
		for _, id := range []string{"b", "z", "never", "aa"} {
			q := ordered(o.order, o.desc)
			q.After = id
			r.wantIDs(q, "")
		}
	}
}

func offsetBehindAfter(r *run) {
	shelf(r)
	q := ordered("rank", false) // c e b a d
	q.After, q.Offset = "e", 1
	r.wantIDs(q, "a d")
	q.Limit = 1
	r.wantIDs(q, "a")
	q.Offset = 9
	r.wantIDs(q, "")
	q = ordered("rank", true) // d a b e c
	q.After, q.Offset, q.Limit = "a", 1, 1
	r.wantIDs(q, "e")
}

func oneValue(r *run) {
	r.put(rec("a", "tag=red", "tag=big", "rank=2", "name=x"), rec("b", "tag=red", "name=x"), rec("c", "tag=big", "rank=1"),
		rec("d", "tag=red", "tag=big", "rank=1"), rec("e", "tag=red", "tag=old", "rank=3"), rec("f"))
	red := match("tag", store.In, "red")
	for _, c := range []struct {
		and []store.Match
		ids string
	}{
		{nil, "a b d e"},
		{[]store.Match{match("tag", store.In, "big")}, "a d"},
		{[]store.Match{match("tag", store.In, "old", "big")}, "a d e"},
		{[]store.Match{match("tag", store.NotIn, "old")}, "a b d"},
		{[]store.Match{match("rank", store.Greater, "1"), match("tag", store.In, "big")}, "a"},
		{[]store.Match{match("name", store.Contains, "x")}, "a b"},
		{[]store.Match{match("rank", store.In, "1", "3")}, "d e"},
		{[]store.Match{match("tag", store.In)}, ""},
	} {
		for _, desc := range []bool{false, true} {
			ids := strings.Fields(c.ids)
			if desc {
				slices.Reverse(ids)
			}
			q := where(append([]store.Match{red}, c.and...)...)
			q.Desc = desc
			r.wantIDs(q, strings.Join(ids, " "))
			r.wantCount(q, len(ids))
			slices.Reverse(q.Where)
			r.wantIDs(q, strings.Join(ids, " "))
			q.Offset, q.Limit = 1, 2
			r.wantIDs(q, strings.Join(ids[min(1, len(ids)):min(3, len(ids))], " "))
			if q.Offset = 0; len(ids) > 0 {
				q.After = ids[0]
				r.wantIDs(q, strings.Join(ids[1:min(3, len(ids))], " "))
			}
		}
	}
}

func walk(r *run) {
	var recs []store.Record
	for i := range 23 {
		recs = append(recs, rec(store.IntKey(int64(i)), "rank="+store.IntKey(int64(i*7%5))))
	}
	recs = append(recs, rec("x"), rec("y"), rec("z"))
	r.put(recs...)
	for _, o := range []store.Query{ordered("", false), ordered("rank", false), ordered("rank", true)} {
		all, paged := r.find(o), []store.Record{}
		for o.Limit = 4; ; o.After = paged[len(paged)-1].ID {
			page := r.find(o)
			if len(page) == 0 {
				break
			}
			if paged = append(paged, page...); len(paged) > len(recs) {
				break
			}
		}
		if idsOf(paged) != idsOf(all) || len(all) != len(recs) {
			r.failf("pages of 4, order %q desc %v, are [%s], want [%s]", o.Order, o.Desc, idsOf(paged), idsOf(all))
		}
	}
}
