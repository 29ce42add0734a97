package httpx

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// WriteJSON answers v with Content-Type exactly application/json: clients of
// the Backend API take a body with a charset for text, and JSON is UTF-8
// anyhow (RFC 8259 8.1). Nothing is written when v cannot be encoded; the error
// is then the caller's to answer. An error of the connection is not returned.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("httpx: encode answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
	return nil
}
