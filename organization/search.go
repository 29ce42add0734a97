package organization

import (
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// prefixLens are the lengths of the beginnings of words that are indexed.
var prefixLens = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16}

const (
	maxPrefixes = 128 // of one membership
	maxWords    = 8   // of a query: the longest count
)

// words cuts a text where people do.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" .,;:@+-_/'\"()\n\t", r) })
}

// prefixes are the beginnings of the words of texts.
func prefixes(texts []string) []string {
	var out []string
	for _, t := range texts {
		for _, w := range words(t) {
			runes := []rune(w)
			for _, n := range prefixLens {
				if n > len(runes) {
					break
				}
				if p := string(runes[:n]); !slices.Contains(out, p) && len(out) < maxPrefixes {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// roleWord is the search entry of those who have a role: no word holds an @.
func roleWord(organizationID, role string) string { return organizationID + "/@" + role }

// searched are the conditions of a query, the longest word first. Nearly always
// the index answers them alone: a word whose length is not indexed is looked for
// in the whole text besides.
func searched(organizationID, query string) []store.Match {
	if query = strings.TrimSpace(query); strings.HasPrefix(query, "user_") { // IDs keep their case
		return []store.Match{{Index: "pair", Values: []string{pair(organizationID, query)}}}
	}
	if query = user.Fold(query); query == "" {
		return nil
	}
	ws := words(query)
	slices.SortStableFunc(ws, func(a, b string) int { return len(b) - len(a) })
	ms, whole := []store.Match{}, []store.Match{}
	for _, w := range ws[:min(len(ws), maxWords)] {
		runes, best := []rune(w), 0
		for _, n := range prefixLens {
			if n <= len(runes) {
				best = n
			}
		}
		ms = append(ms, store.Match{Index: "search", Values: []string{organizationID + "/" + string(runes[:best])}})
		if best < len(runes) {
			whole = append(whole, store.Match{Index: "text", Op: store.Contains, Values: []string{w}})
		}
	}
	if len(ms) == 0 {
		return []store.Match{{Index: "search"}} // no word: nobody
	}
	return append(ms, whole...)
}
