package storetest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

const (
	ruleRecord  = "a record comes back as it was put: kind, ID, version, Expires to the millisecond, entries, Data byte for byte"
	ruleCopy    = "a store copies bytes and slices in both directions and never keeps the caller's"
	ruleVersion = "3. Put and Delete succeed only at the stored version (0: there is none); Put sets it one higher; otherwise ErrConflict"
	ruleMissing = "8. missing is ErrNotFound, from Get and from Delete"
)

var recordCases = []testCase{
	{name: "records/round trip", rule: ruleRecord, run: roundTrip},
	{name: "records/data", rule: ruleRecord, run: dataBytes},
	{name: "records/expires", rule: ruleRecord, run: expires},
	{name: "records/ids", rule: "IDs are compared bytewise and are at most 255 bytes long", run: recordIDs},
	{name: "records/kinds apart", rule: "records of two kinds have nothing to do with each other", run: kindsApart},
	{name: "records/aliasing put", rule: ruleCopy, run: aliasingPut},
	{name: "records/aliasing get", rule: ruleCopy, run: aliasingGet},
	{name: "records/version sequence", rule: ruleVersion, run: versionSequence},
	{name: "records/stale put", rule: ruleVersion, run: stalePut},
	{name: "records/stale delete", rule: ruleVersion, run: staleDelete},
	{name: "records/put after delete", rule: "after Delete nothing of the record remains and version 0 puts it again", run: putAfterDelete},
	{name: "records/missing", rule: ruleMissing, run: missing},
}

func roundTrip(r *run) {
	want := rec("a", "email=a@x", "alias=1", "alias=2", "tag=t", "rank=07", "name=")
	want.Expires = time.UnixMilli(1_900_000_000_123)
	want.Data = []byte(`{"name":"Ada"}`)
	bare := rec("b")
	r.put(want, bare)
	want.Version, bare.Version = 1, 1
	r.wantRecord("Get", r.get(item, "a"), want)
	r.wantRecord("Get", r.get(item, "b"), bare)
	all := r.find(where())
	if len(all) != 2 {
		r.failf("Find returned %d records, want 2", len(all))
	}
	r.wantRecord("Find", all[0], want)
	r.wantRecord("Find", all[1], bare)
}

func dataBytes(r *run) {
	docs := map[string]string{
		"array":  `[1, 2,3]`,
		"empty":  `{}`,
		"escape": `{"u":"\u00e9é\u0000\ud83d\ude00😀\/"}`,
		"large":  `{"s":"` + strings.Repeat("0123456789abcdef", 1<<14) + `"}`,
		"null":   `null`,
		"number": `{"n":1.00,"big":123456789012345678901234567890.5e+2}`,
		"spaces": " {\n\t\"b\" : 1 , \"a\":[ ] , \"b\":2 }\r\n",
		"string": `"it's \"quoted\""`,
	}
	for id, doc := range docs {
		rc := rec(id)
		rc.Data = []byte(doc)
		r.put(rc)
	}
	for id, doc := range docs {
		if got := r.get(item, id).Data; string(got) != doc {
			r.failf("Data is %.80q, want %.80q", got, doc)
		}
	}
}

func expires(r *run) {
	times := map[string]time.Time{
		"far":  time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
		"ms":   time.Date(2031, 2, 3, 4, 5, 6, 789_654_321, time.FixedZone("", 3*3600)),
		"past": time.Date(1971, 1, 1, 0, 0, 0, 1e6, time.UTC),
		"zero": {},
	}
	for id, at := range times {
		rc := rec(id)
		rc.Expires = at
		r.put(rc)
	}
	for id, want := range times {
		got := r.get(item, id).Expires // "past" has long expired and is there
		if got.IsZero() != want.IsZero() || got.UnixMilli() != want.UnixMilli() {
			r.failf("Expires of %s is %v, want %v", id, got, want)
		}
	}
	never := at(rec("ms"), 1)
	r.put(never)
	if got := r.get(item, "ms").Expires; !got.IsZero() {
		r.failf("Expires is %v after a Put with zero, want zero", got)
	}
}

func recordIDs(r *run) {
	ids := []string{" a", "%", "A", "\\", "_", "a", "a ", "a\nb", "b'\"`;--", "e\u0301", strings.Repeat("x", store.MaxIDLen), "é", "日本", "😀"}
	slices.Sort(ids)
	for _, id := range ids {
		r.put(rec(id, "name="+id))
	}
	for _, id := range ids {
		r.wantRecord("Get", r.get(item, id), at(rec(id, "name="+id), 1))
	}
	r.wantIDs(where(), strings.Join(ids, " "))
}

func kindsApart(r *run) {
	a, b := rec("a", "email=x", "tag=t", "rank=1"), rec("a", "email=x", "tag=t", "rank=1")
	b.Kind, b.Data = other, []byte(`"other"`)
	r.put(a, b)
	a.Version, b.Version = 1, 1
	r.wantRecord("Get", r.get(item, "a"), a)
	r.wantRecord("Get", r.get(other, "a"), b)
	r.delete("a", 1)
	r.wantRecord("Get after Delete of the other kind's", r.get(other, "a"), b)
	r.wantIDs(store.Query{Kind: other, Where: []store.Match{match("email", store.In, "x")}}, "a")
	r.wantIDs(where(match("tag", store.In, "t")), "")
}

func aliasingPut(r *run) {
	rc := rec("a", "tag=one")
	rc.Data = []byte(`{"n":1}`)
	r.ok("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
		mine := rc
		mine.Data, mine.Entries = bytes.Clone(rc.Data), append([]store.Entry(nil), rc.Entries...)
		_, err := tx.Put(r.ctx, mine)
		mine.Data[5], mine.Entries[0].Value = '9', "two"
		return err
	}))
	r.wantRecord("Get after the caller changed what it had put", r.get(item, "a"), at(rc, 1))
}

func aliasingGet(r *run) {
	rc := rec("a", "tag=one")
	rc.Data = []byte(`{"n":1}`)
	r.put(rc)
	spoil := func(got store.Record) {
		got.Data[5], got.Entries[0].Value = '9', "two"
		_ = append(got.Data, "more"...)
	}
	spoil(r.get(item, "a"))
	r.wantRecord("Get after the caller changed what Get had returned", r.get(item, "a"), at(rc, 1))
	spoil(r.find(where())[0])
	r.wantRecord("Get after the caller changed what Find had returned", r.get(item, "a"), at(rc, 1))
}

func versionSequence(r *run) {
	for v := range int64(5) {
		r.ok("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
			got, err := tx.Put(r.ctx, at(rec("a"), v))
			if err == nil && got != v+1 {
				r.failf("Put at version %d returned %d", v, got)
			}
			return err
		}))
		if got := r.get(item, "a").Version; got != v+1 {
			r.failf("Version is %d after Put at %d, want %d", got, v, v+1)
		}
	}
}

func stalePut(r *run) {
	r.is("Put at version 3 of nothing", r.tryPut(at(rec("a"), 3)), store.ErrConflict)
	r.missing("a")
	r.put(rec("a", "tag=first"))
	r.is("Put at version 0 of a stored record", r.tryPut(rec("a", "tag=again")), store.ErrConflict)
	r.put(at(rec("a", "tag=second"), 1))
	for _, v := range []int64{0, 1, 3} {
		r.is("Put at another version than the stored one", r.tryPut(at(rec("a", "tag=bad"), v)), store.ErrConflict)
	}
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=second"), 2))
}

func staleDelete(r *run) {
	r.put(rec("a"))
	r.put(at(rec("a"), 1))
	for _, v := range []int64{0, 1, 3} {
		r.is("Delete at another version than the stored one", r.tryDelete("a", v), store.ErrConflict)
	}
	r.wantRecord("Get", r.get(item, "a"), at(rec("a"), 2))
	r.delete("a", 2)
	r.missing("a")
}

func putAfterDelete(r *run) {
	old := rec("a", "email=x", "tag=old", "rank=1")
	old.Expires = time.UnixMilli(1_900_000_000_000)
	r.put(old)
	r.put(at(old, 1))
	r.delete("a", 2)
	r.missing("a")
	r.is("Put at the version it had before Delete", r.tryPut(at(rec("a"), 2)), store.ErrConflict)
	r.put(rec("a", "tag=new"))
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=new"), 1))
	r.wantIDs(where(match("tag", store.In, "old")), "")
	r.ok("Delete and Put in one transaction", r.s.Update(r.ctx, func(tx store.Tx) error {
		if err := tx.Delete(r.ctx, item, "a", 1); err != nil {
			return err
		}
		_, err := tx.Put(r.ctx, rec("a", "tag=newer"))
		return err
	}))
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=newer"), 1))
}

func missing(r *run) {
	for _, id := range []string{"none", "", "a\x00b", "\xff", strings.Repeat("x", store.MaxIDLen+1)} {
		r.missing(id)
		r.is("Delete of "+id, r.tryDelete(id, 1), store.ErrNotFound)
	}
	r.put(rec("a"))
	r.missing("A")
	r.ok("Get of nothing leaves the transaction alive", r.s.Update(r.ctx, func(tx store.Tx) error {
		_, err := tx.Get(r.ctx, item, "none")
		r.is("Get", err, store.ErrNotFound)
		_, err = tx.Put(r.ctx, rec("b"))
		return err
	}))
	r.get(item, "b")
}
