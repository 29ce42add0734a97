package httpx

import (
	"net/http"
	"strings"
)

// Sole is a fast look for a cookie that is expected once: it returns the value
// and how often the name occurs, and what it cannot tell for sure counts as 2.
// It does not read the value's letters as [All] does: a caller must verify it,
// and ask All whenever it does not hold or n is not 1.
func Sole(r *http.Request, name string) (value string, n int) {
	pairs := 0
	for _, line := range r.Header["Cookie"] {
		if pairs += strings.Count(line, ";") + 1; pairs > maxCookiePairs {
			return "", 2
		}
		for rest := line; ; {
			i := strings.Index(rest, name)
			if i < 0 {
				break
			}
			before := strings.TrimRight(line[:len(line)-len(rest)+i], " \t")
			rest = rest[i+len(name):]
			if before != "" && before[len(before)-1] != ';' || rest == "" || rest[0] != '=' {
				continue // a part of another name or of a value
			}
			if n++; n > 1 {
				return "", n
			}
			end := strings.IndexByte(rest, ';')
			if end < 0 {
				end = len(rest)
			}
			value, rest = strings.TrimRight(rest[1:end], " \t"), rest[end:]
		}
	}
	if len(value) > maxCookieBytes {
		return "", 2
	}
	return value, n
}
