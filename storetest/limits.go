package storetest

import (
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

const ruleLimits = "a record or query that breaks a limit is ErrInvalid, see Validate"

var limitCases = []testCase{
	{name: "limits/records", rule: ruleLimits, run: invalidRecords},
	{name: "limits/queries", rule: ruleLimits, run: invalidQueries},
	{name: "limits/kinds", rule: ruleLimits, run: invalidKinds},
	{name: "limits/at the edge", rule: "what is just within the limits is kept", run: withinLimits},
}

func invalidRecords(r *run) {
	change := func(fn func(rc *store.Record)) store.Record {
		rc := rec("bad", "tag=t")
		fn(&rc)
		return rc
	}
	for what, rc := range map[string]store.Record{
		"no kind":             change(func(rc *store.Record) { rc.Kind = nil }),
		"no ID":               rec(""),
		"long ID":             rec(strings.Repeat("x", store.MaxIDLen+1)),
		"ID with NUL":         rec("a\x00b"),
		"ID not UTF-8":        rec("a\xff"),
		"version":             at(rec("bad"), -1),
		"unknown index":       rec("bad", "nope=1"),
		"index id":            rec("bad", "=1"),
		"long value":          rec("bad", "tag="+strings.Repeat("x", store.MaxValueLen+1)),
		"value with NUL":      rec("bad", "tag=a\x00"),
		"value not UTF-8":     rec("bad", "tag=\xc3"),
		"two values":          rec("bad", "rank=1", "rank=2"),
		"same entry twice":    rec("bad", "tag=t", "tag=t"),
		"no data":             change(func(rc *store.Record) { rc.Data = nil }),
		"data not JSON":       change(func(rc *store.Record) { rc.Data = []byte(`{"a":}`) }),
		"data not UTF-8":      change(func(rc *store.Record) { rc.Data = []byte("\"\xff\"") }),
		"expires before 1970": change(func(rc *store.Record) { rc.Expires = time.Unix(-1, 0) }),
		"expires after 9999":  change(func(rc *store.Record) { rc.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
	} {
		r.is("Put with "+what, r.tryPut(rc), store.ErrInvalid)
	}
	r.wantIDs(where(), "")
}

func invalidQueries(r *run) {
	r.put(rec("a", "rank=1"))
	for what, q := range map[string]store.Query{
		"no kind":         {},
		"unknown index":   where(match("nope", store.In, "1")),
		"unknown op":      where(match("rank", store.Contains+1, "1")),
		"less nothing":    where(match("rank", store.Less)),
		"greater two":     where(match("rank", store.Greater, "1", "2")),
		"contains no":     where(match("rank", store.Contains)),
		"long value":      where(match("rank", store.In, strings.Repeat("x", store.MaxValueLen+1))),
		"value with NUL":  where(match("rank", store.In, "1", "\x00")),
		"value not UTF-8": where(match("rank", store.Contains, "\xff")),
		"unknown order":   {Kind: item, Order: "nope"},
		"order by many":   {Kind: item, Order: "tag"},
		"after":           {Kind: item, After: "a\x00"},
		"offset":          {Kind: item, Offset: -1},
		"limit":           {Kind: item, Limit: -1},
	} {
		err := r.s.View(r.ctx, func(tx store.Tx) error { _, err := tx.Find(r.ctx, q); return err })
		r.is("Find with "+what, err, store.ErrInvalid)
		err = r.s.View(r.ctx, func(tx store.Tx) error { _, err := tx.Count(r.ctx, q); return err })
		r.is("Count with "+what, err, store.ErrInvalid)
	}
}

func invalidKinds(r *run) {
	for what, k := range map[string]*store.Kind{
		"no name":         {},
		"upper case":      {Name: "Users"},
		"quote":           {Name: `a"; drop table x`},
		"long name":       {Name: strings.Repeat("x", store.MaxNameLen+1)},
		"taken index":     {Name: "storetest_bad", Indexes: []store.Index{{Name: "version"}}},
		"index name":      {Name: "storetest_bad", Indexes: []store.Index{{Name: "a b"}}},
		"index twice":     {Name: "storetest_bad", Indexes: []store.Index{{Name: "a"}, {Name: "a", Many: true}}},
		"index unnamed":   {Name: "storetest_bad", Indexes: []store.Index{{}}},
		"index long name": {Name: "storetest_bad", Indexes: []store.Index{{Name: strings.Repeat("x", store.MaxNameLen+1)}}},
	} {
		rc := rec("a")
		rc.Kind = k
		r.is("Put with kind: "+what, r.tryPut(rc), store.ErrInvalid)
		_, err := r.tryGet(k, "a")
		r.is("Get with kind: "+what, err, store.ErrInvalid)
		err = r.s.View(r.ctx, func(tx store.Tx) error { _, err := tx.Find(r.ctx, store.Query{Kind: k}); return err })
		r.is("Find with kind: "+what, err, store.ErrInvalid)
		err = r.s.Update(r.ctx, func(tx store.Tx) error { return tx.Delete(r.ctx, k, "a", 1) })
		r.is("Delete with kind: "+what, err, store.ErrInvalid)
	}
}

func withinLimits(r *run) {
	k := &store.Kind{Name: "storetest_" + strings.Repeat("x", store.MaxNameLen-10), Indexes: []store.Index{
		{Name: strings.Repeat("i", store.MaxNameLen), Unique: true},
		{Name: strings.Repeat("i", store.MaxNameLen-1) + "j", Many: true},
		{Name: "order"}, // a word that SQL wants for itself
		{Name: "group", Many: true, Unique: true},
		{Name: "1"},
	}}
	rc := store.Record{Kind: k, ID: strings.Repeat("é", store.MaxIDLen/2), Data: []byte(`0`)}
	for _, ix := range k.Indexes {
		rc.Entries = append(rc.Entries, store.Entry{Index: ix.Name, Value: strings.Repeat("v", store.MaxValueLen)})
	}
	r.put(rc)
	rc.Version = 1
	r.wantRecord("Get", r.get(k, rc.ID), rc)
	for _, ix := range k.Indexes {
		q := store.Query{Kind: k, Where: []store.Match{match(ix.Name, store.In, strings.Repeat("v", store.MaxValueLen))}}
		if !ix.Many {
			q.Order = ix.Name
		}
		r.wantIDs(q, rc.ID)
	}
}
