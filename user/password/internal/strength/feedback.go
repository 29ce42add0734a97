package strength

import "unicode"

// A Hint is a code for translation, as zxcvbn's front ends know them. Some are
// both a warning and a suggestion, with different texts.
type Hint string

// Warning is the English text of h as a warning.
func (h Hint) Warning() string { return warnings[h] }

// Suggestion is the English text of h as a suggestion.
func (h Hint) Suggestion() string { return advice[h] }

var warnings = map[Hint]string{
	"straightRow":       "Straight rows of keys on your keyboard are easy to guess.",
	"keyPattern":        "Short keyboard patterns are easy to guess.",
	"simpleRepeat":      "Repeated characters like \"aaa\" are easy to guess.",
	"extendedRepeat":    "Repeated character patterns like \"abcabcabc\" are easy to guess.",
	"sequences":         "Common character sequences like \"abc\" are easy to guess.",
	"recentYears":       "Recent years are easy to guess.",
	"dates":             "Dates are easy to guess.",
	"topTen":            "This is a heavily used password.",
	"topHundred":        "This is a frequently used password.",
	"common":            "This is a commonly used password.",
	"similarToCommon":   "This is similar to a commonly used password.",
	"wordByItself":      "Single words are easy to guess.",
	"namesByThemselves": "Single names or surnames are easy to guess.",
	"commonNames":       "Common names and surnames are easy to guess.",
	"userInputs":        "There should not be any personal or page related data.",
}

var advice = map[Hint]string{
	"useWords":              "Use multiple words, but avoid common phrases.",
	"noNeed":                "You can create strong passwords without using symbols, numbers, or uppercase letters.",
	"anotherWord":           "Add more words that are less common.",
	"longerKeyboardPattern": "Use longer keyboard patterns and change typing direction multiple times.",
	"repeated":              "Avoid repeated words and characters.",
	"sequences":             "Avoid common character sequences.",
	"associatedYears":       "Avoid years that are associated with you.",
	"recentYears":           "Avoid recent years.",
	"dates":                 "Avoid dates and years that are associated with you.",
	"capitalization":        "Capitalize more than the first letter.",
	"allUppercase":          "Capitalize some, but not all letters.",
	"reverseWords":          "Avoid reversed spellings of common words.",
	"l33t":                  "Avoid predictable letter substitutions like '@' for 'a'.",
}

// feedback speaks of the longest match, which is where the weakness is.
func (s *subject) feedback(score int, matches []match) (warning Hint, suggestions []Hint) {
	if len(matches) == 0 {
		return "", []Hint{"useWords", "noNeed"}
	}
	if score > 2 {
		return "", nil
	}
	longest := matches[0]
	for _, m := range matches[1:] {
		if m.len() > longest.len() {
			longest = m
		}
	}
	alone := len(matches) == 1
	suggestions = []Hint{"anotherWord"}
	switch longest.kind {
	case word:
		w, more := s.wordFeedback(longest, alone)
		return w, append(suggestions, more...)
	case keyboard:
		warning = "keyPattern"
		if longest.turns == 1 {
			warning = "straightRow"
		}
		return warning, append(suggestions, "longerKeyboardPattern")
	case repeat:
		warning = "extendedRepeat"
		if longest.unit == 1 {
			warning = "simpleRepeat"
		}
		return warning, append(suggestions, "repeated")
	case sequence:
		return "sequences", append(suggestions, "sequences")
	case year:
		return "recentYears", append(suggestions, "recentYears", "associatedYears")
	case date:
		return "dates", append(suggestions, "dates")
	}
	return "", suggestions
}

func (s *subject) wordFeedback(m match, alone bool) (warning Hint, suggestions []Hint) {
	switch m.list {
	case passwords:
		warning = passwordWarning(m, alone)
	case english:
		if alone {
			warning = "wordByItself"
		}
	case femaleNames, maleNames, surnames:
		if warning = "commonNames"; alone {
			warning = "namesByThemselves"
		}
	case personal:
		warning = "userInputs"
	}
	token := s.runes[m.i : m.j+1]
	upper, lower := 0, 0
	for _, r := range token {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	switch {
	case upper > 0 && lower == 0:
		suggestions = append(suggestions, "allUppercase")
	case upper == 1 && unicode.IsUpper(token[0]):
		suggestions = append(suggestions, "capitalization")
	}
	if m.reversed && len(token) >= 4 {
		suggestions = append(suggestions, "reverseWords")
	}
	if m.leet {
		suggestions = append(suggestions, "l33t")
	}
	return warning, suggestions
}

func passwordWarning(m match, alone bool) Hint {
	switch {
	case !alone || m.leet || m.reversed:
		if m.guesses <= 1e4 {
			return "similarToCommon"
		}
		return ""
	case m.rank <= 10:
		return "topTen"
	case m.rank <= 100:
		return "topHundred"
	}
	return "common"
}
