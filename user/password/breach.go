package password

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A BreachChecker knows whether a password has been leaked. It runs outside
// transactions, after [Checker.Check].
type BreachChecker interface {
	// Breached reports whether plain is known. On an error the answer is
	// false: the caller logs it and goes on, since a service that is down must
	// not keep people from choosing a password.
	Breached(ctx context.Context, plain string) (bool, error)
}

const (
	defaultRangeURL = "https://api.pwnedpasswords.com/range/"
	rangeTimeout    = 2 * time.Second
	rangeMaxBytes   = 1 << 20
)

// A RangeClient is a [BreachChecker] over a range API (k-anonymity): it sends
// the first five hexadecimal digits of the SHA-1 of the password and looks
// among the answers itself, so that the service learns next to nothing. It asks
// for padding, so that the size of an answer tells nothing either. The zero
// value is ready. SHA-1 is what the protocol asks for and protects nothing here.
type RangeClient struct {
	// Client sends the requests. nil: one without redirects.
	Client *http.Client
	// URL before the five digits. "": that of Pwned Passwords.
	URL string
	// Timeout of a whole check. 0: two seconds.
	Timeout time.Duration
	// MinCount is how often a password must have been seen to count. 0: once.
	MinCount int
}

// Breached asks the service about the normalised password. Errors: the
// context's, those of the network, and an answer that is not 200, is over 1
// MiB or is not of the format; never part of the password.
func (c *RangeClient) Breached(ctx context.Context, plain string) (bool, error) {
	text, err := Normalize(plain, MaxBytes)
	if err != nil {
		return false, err
	}
	sum := sha1.Sum([]byte(text))
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = rangeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := c.get(ctx, digest[:5])
	if err != nil {
		return false, fmt.Errorf("password: breach check: %w", err)
	}
	defer body.Close()
	n, err := findSuffix(io.LimitReader(body, rangeMaxBytes+1), digest[5:])
	if err != nil {
		return false, fmt.Errorf("password: breach check: %w", err)
	}
	return n >= max(c.MinCount, 1), nil
}

func (c *RangeClient) get(ctx context.Context, prefix string) (io.ReadCloser, error) {
	base := c.URL
	if base == "" {
		base = defaultRangeURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/"+prefix, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "usher")
	client := c.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return res.Body, nil
}

// findSuffix reads lines "<35 hexadecimal digits>:<count>" to the end. Padding
// has a count of 0.
func findSuffix(r io.Reader, suffix string) (count int, err error) {
	lines := bufio.NewScanner(r)
	read := 0
	for lines.Scan() {
		read += len(lines.Bytes()) + 1
		if read > rangeMaxBytes {
			return 0, fmt.Errorf("answer over %d bytes", rangeMaxBytes)
		}
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		hash, digits, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || len(hash) != len(suffix) {
			return 0, fmt.Errorf("answer is not of the range format")
		}
		if strings.EqualFold(hash, suffix) {
			count = n
		}
	}
	return count, lines.Err()
}
