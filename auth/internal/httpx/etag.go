package httpx

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// WriteCached answers a body that is the same for everybody, with an ETag of
// its content, or 304 when the client has it. maxAge is how long caches may
// answer it without asking. An answer that already sets a cookie is not public,
// and gets no-store instead.
func WriteCached(w http.ResponseWriter, r *http.Request, contentType string, body []byte, maxAge time.Duration) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if len(h["Set-Cookie"]) > 0 {
		NoStore(h)
	} else {
		sum := sha256.Sum256(body)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
		h.Set("ETag", tag)
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(max(0, maxAge)/time.Second)))
		if Safe(r.Method) && matches(r.Header["If-None-Match"], tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// matches is the weak comparison of RFC 9110 13.1.2.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}
