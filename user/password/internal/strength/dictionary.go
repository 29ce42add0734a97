// Package strength estimates how many guesses a password withstands, by the
// method of zxcvbn (D. L. Wheeler, "zxcvbn: Low-Budget Password Strength
// Estimation", USENIX Security 2016), and knows the common passwords.
//
// The word lists are those of github.com/ccojocar/zxcvbn-go (MIT licence), read
// from its data package when they are first needed. Its own estimator is not
// used: it unpacks them at the start of every process (44 ms, 6 MiB), and takes
// 280 ms for 100 characters of leet.
//
//	var d strength.Dictionary
//	e := d.Estimate("Tr0ub4dour&3", []string{"ada"}, 2026)
//
// # What it refuses
//
// It looks at 100 characters and sees no language but English.
package strength

import (
	"encoding/json"
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"

	"github.com/ccojocar/zxcvbn-go/data"
)

// A list is where a word comes from.
type list uint8

const (
	passwords list = iota
	english
	femaleNames
	maleNames
	surnames
	personal
)

// sources are the lists, most frequent word first, and how much of each is used.
var sources = []struct {
	list  list
	asset string
	limit int
}{
	{passwords, "Passwords", 1 << 15}, // leaked ones
	{english, "English", 1 << 15},
	{femaleNames, "FemaleNames", 1 << 15},
	{maleNames, "MaleNames", 1 << 15},
	{surnames, "Surnames", 10_000},
}

// A Dictionary holds the lists in a hash table over one string: 2 MiB, made at
// first use. The zero value is ready; it must not be copied.
type Dictionary struct {
	once    sync.Once
	seed    maphash.Seed
	text    string   // all words, end to end
	word    []entry  // in the order of text
	table   []uint32 // index into word plus one; open addressing
	longest int      // bytes of the longest word
	graphs  []graph
}

type entry struct {
	off  uint32
	size uint8
	list list
	rank uint16
}

// A Word is an entry of a list.
type Word struct {
	list list
	rank int // from 1
}

// Word looks up a word in lower case. A word of several lists is that of the
// list where it ranks best.
func (d *Dictionary) Word(low string) (Word, bool) {
	d.once.Do(d.load)
	i, ok := d.find(low)
	if !ok {
		return Word{}, false
	}
	e := d.word[d.table[i]-1]
	return Word{e.list, int(e.rank)}, true
}

// Leaked reports whether a word in lower case is among the leaked passwords.
func (d *Dictionary) Leaked(low string) bool {
	w, ok := d.Word(low)
	return ok && w.list == passwords
}

// Len is how many words there are.
func (d *Dictionary) Len() int {
	d.once.Do(d.load)
	return len(d.word)
}

// find returns the slot of low, or the free one where it would be.
func (d *Dictionary) find(low string) (int, bool) {
	mask := len(d.table) - 1
	for i := int(maphash.String(d.seed, low)) & mask; ; i = (i + 1) & mask {
		n := d.table[i]
		if n == 0 {
			return i, false
		}
		if e := d.word[n-1]; d.text[e.off:int(e.off)+int(e.size)] == low {
			return i, true
		}
	}
}

func (d *Dictionary) load() {
	d.seed = maphash.MakeSeed()
	lists := make([][]string, len(sources))
	n := 0
	for i, s := range sources {
		lists[i] = readList(s.asset, s.limit)
		n += len(lists[i])
	}
	d.table = make([]uint32, 1<<bits.Len(uint(n+n/2)))
	d.word = make([]entry, 0, n)
	var text strings.Builder
	for i, words := range lists {
		for rank, w := range words {
			d.text = text.String()
			d.insert(&text, strings.ToLower(w), sources[i].list, rank+1)
		}
	}
	d.text = strings.Clone(text.String())
	d.graphs = loadGraphs()
}

func (d *Dictionary) insert(text *strings.Builder, low string, l list, rank int) {
	if len(low) == 0 || len(low) > 255 {
		return
	}
	i, have := d.find(low)
	if have {
		// It stays a leaked password, but is guessed as early as it can be.
		if e := &d.word[d.table[i]-1]; rank < int(e.rank) {
			e.rank = uint16(rank)
		}
		return
	}
	d.word = append(d.word, entry{uint32(text.Len()), uint8(len(low)), l, uint16(rank)})
	d.table[i] = uint32(len(d.word))
	d.longest = max(d.longest, len(low))
	text.WriteString(low)
}

// readList reads one of the library's lists. They are part of the program, so
// one that cannot be read is a broken build; a test reads them all.
func readList(name string, limit int) []string {
	var file struct{ List []string }
	if err := json.Unmarshal(data.MustAsset("data/"+name+".json"), &file); err != nil {
		panic("strength: list " + name + ": " + err.Error())
	}
	return file.List[:min(len(file.List), limit)]
}
