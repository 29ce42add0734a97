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
		for more := true; more; {
			if pairs++; pairs > maxCookiePairs {
				return "", 2
			}
			pair := line
			if end := strings.IndexByte(line, ';'); end >= 0 {
				pair, line = line[:end], line[end+1:]
			} else {
				more = false
			}
			for pair != "" && (pair[0] == ' ' || pair[0] == '\t') {
				pair = pair[1:]
			}
			if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
				continue
			}
			if n++; n > 1 {
				return "", n
			}
			value = strings.TrimRight(pair[len(name)+1:], " \t")
		}
	}
	if len(value) > maxCookieBytes {
		return "", 2
	}
	return value, n
}
