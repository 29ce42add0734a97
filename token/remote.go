package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxJWKS     = 1 << 20 // bytes
	maxUnknown  = 256     // kids remembered as unknown
	minRemote   = time.Minute
	maxRemote   = time.Hour
	fetchFloor  = 30 * time.Second
	fetchLimit  = 10 * time.Second
	staleRemote = day
)

// A Remote is a [KeySource] that fetches a JWKS and keeps it. URL is required;
// it is safe for concurrent use, its fields must not change after the first
// use, and it must not be copied.
//
// The set is fetched at the first use and kept as long as Cache-Control:
// max-age says, but at least one minute and at most one hour, five minutes if
// it says nothing. After that, the next call starts a fetch beside it and goes
// on with the old set; when twice that time has passed, calls wait for the
// fetch. A kid that is not in the set starts a fetch, too, but at most one in
// Floor. At any moment there is one fetch at most, in a goroutine that ends
// within Timeout.
//
// If the server is down, the old set stays in use for MaxStale. Redirects,
// bodies over 1 MiB and sets that [ParseKeySet] refuses count as failures.
type Remote struct {
	// URL of the JWKS: https, or http on a loopback address.
	URL string
	// Client fetches; nil is one with http.DefaultTransport. Redirects are not
	// followed, whatever it says.
	Client *http.Client
	// Floor is the least time between two fetches that an unknown kid asked
	// for, and after a failure. 0 is 30 seconds.
	Floor time.Duration
	// Timeout bounds a fetch. 0 is ten seconds.
	Timeout time.Duration
	// MaxStale is how long after its fetch a set serves when no newer one can be
	// had. 0 is 24 hours, below 0 is not at all.
	MaxStale time.Duration
	// InsecureHTTP allows http to any host: whoever can change what comes over
	// that wire can sign in as anybody.
	InsecureHTTP bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	current atomic.Pointer[snapshot]

	mu      sync.Mutex
	fetch   *fetching // the one under way, or nil
	tried   time.Time // when the last one began
	failed  error     // how the last one ended
	unknown map[string]time.Time
}

// A snapshot is a set and its dates.
type snapshot struct {
	set                  *KeySet
	fetched, fresh, hard time.Time
}

// A fetching is a fetch under way.
type fetching struct {
	done chan struct{} // closed once err is set
	err  error
}

func (r *Remote) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// Key returns the key called kid. Errors are [ErrUnknownKey], [ErrUnavailable]
// while no set could be had, [ErrConfig], and ctx's.
func (r *Remote) Key(ctx context.Context, kid string) (*PublicKey, error) {
	now := r.now()
	s := r.current.Load()
	if s == nil {
		if err := r.renew(ctx, now, afterFailure); err != nil {
			return nil, err
		}
		return r.current.Load().set.Key(ctx, kid)
	}
	if !now.Before(s.fresh) || now.Before(s.fetched) {
		var err error
		if s, err = r.refresh(ctx, s, now); err != nil {
			return nil, err
		}
	}
	if k := s.set.byID[kid]; k != nil {
		return k, nil
	}
	return r.lookAgain(ctx, kid, now)
}

// refresh replaces a set that is no longer fresh, or goes on with it.
func (r *Remote) refresh(ctx context.Context, s *snapshot, now time.Time) (*snapshot, error) {
	usable := now.Before(s.fetched.Add(orDefault(r.MaxStale, staleRemote)))
	if usable && (now.Before(s.hard) || r.down()) {
		_, err := r.start(now, always)
		if errors.Is(err, ErrConfig) {
			return nil, err
		}
		return s, nil
	}
	err := r.renew(ctx, now, afterFailure)
	if newer := r.current.Load(); newer != s {
		return newer, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if usable {
		return s, nil
	}
	return nil, fmt.Errorf("the last set is too old: %w", err)
}

// down tells whether the last fetch failed: then nobody waits for the next.
func (r *Remote) down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed != nil
}

// lookAgain handles a kid that the set does not have.
func (r *Remote) lookAgain(ctx context.Context, kid string, now time.Time) (*PublicKey, error) {
	if kid == "" || len(kid) > maxKid || r.isUnknown(kid, now) {
		return nil, ErrUnknownKey
	}
	err := r.renew(ctx, now, always)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if k := r.current.Load().set.byID[kid]; k != nil {
		return k, nil
	}
	if err == nil {
		r.setUnknown(kid, now)
	}
	return nil, ErrUnknownKey
}

// isUnknown tells whether a fetch did not find the kid within the last hour.
func (r *Remote) isUnknown(kid string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.unknown[kid])
}

// setUnknown remembers a kid that a fetch did not find. When there are too
// many, the Floor alone limits them.
func (r *Remote) setUnknown(kid string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unknown) >= maxUnknown {
		for k, until := range r.unknown {
			if !now.Before(until) {
				delete(r.unknown, k)
			}
		}
	}
	if r.unknown == nil {
		r.unknown = make(map[string]time.Time)
	}
	if len(r.unknown) < maxUnknown {
		r.unknown[strings.Clone(kid)] = now.Add(maxRemote)
	}
}

// A rest says when a fetch keeps its distance to the last one.
type rest int

const (
	noRest       rest = iota
	afterFailure      // if the last one failed
	always
)

// rested tells whether a fetch may begin. The caller holds mu.
func (r *Remote) rested(now time.Time, rest rest) bool {
	if r.tried.IsZero() || rest == noRest || rest == afterFailure && r.failed == nil {
		return true
	}
	floor := orDefault(r.Floor, fetchFloor)
	if r.current.Load() == nil {
		floor = min(floor, time.Second) // a service that started before its issuer
	}
	since := now.Sub(r.tried)
	return since < 0 || since >= floor
}

// Refresh fetches the set now, or waits for the fetch under way. A service
// that calls it when it starts answers its first request sooner.
func (r *Remote) Refresh(ctx context.Context) error { return r.renew(ctx, r.now(), noRest) }

// renew fetches the set and waits for it. If it is too soon for that, it
// returns nothing or how the last fetch failed.
func (r *Remote) renew(ctx context.Context, now time.Time, rest rest) error {
	f, err := r.start(now, rest)
	if f == nil {
		return err
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start begins a fetch, or joins the one under way. If it is too soon, there
// is none.
func (r *Remote) start(now time.Time, rest rest) (*fetching, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetch != nil {
		return r.fetch, nil
	}
	if s := r.current.Load(); rest == afterFailure && s != nil && now.Before(s.fresh) && !now.Before(s.fetched) {
		return nil, nil // somebody else's fetch has ended since the caller looked
	}
	if !r.rested(now, rest) {
		return nil, r.failed
	}
	f := &fetching{done: make(chan struct{})}
	r.fetch, r.tried = f, now
	go r.run(f)
	return f, nil
}

// run is the fetch: it ends within Timeout, whoever waits for it.
func (r *Remote) run(f *fetching) {
	ctx, cancel := context.WithTimeout(context.Background(), orDefault(r.Timeout, fetchLimit))
	defer cancel()
	s, err := r.get(ctx)
	if err != nil {
		f.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	r.mu.Lock()
	if err == nil {
		r.current.Store(s)
		for kid := range r.unknown {
			if s.set.byID[kid] != nil {
				delete(r.unknown, kid)
			}
		}
	}
	r.failed, r.fetch = f.err, nil
	r.mu.Unlock()
	close(f.done)
}

// check looks at the URL.
func (r *Remote) check() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("%w: Remote.URL is not an absolute URL", ErrConfig)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local && !r.InsecureHTTP) {
		return fmt.Errorf("%w: Remote.URL is not https", ErrConfig)
	}
	return nil
}

// get fetches the set.
func (r *Remote) get(ctx context.Context) (*snapshot, error) {
	var client http.Client
	if r.Client != nil {
		client = *r.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("token: JWKS: status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKS+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxJWKS {
		return nil, errors.New("token: JWKS: larger than 1 MiB")
	}
	set, err := ParseKeySet(body)
	if err != nil {
		return nil, err
	}
	now, age := r.now(), maxAge(resp.Header)
	return &snapshot{set: set, fetched: now, fresh: now.Add(age), hard: now.Add(2 * age)}, nil
}

// maxAge reads Cache-Control (RFC 9111 section 5.2.2), within bounds.
func maxAge(h http.Header) time.Duration {
	age := JWKSMaxAge
	for _, line := range h.Values("Cache-Control") {
		for d := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
			switch strings.ToLower(name) {
			case "max-age":
				if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
					age = time.Duration(n) * time.Second
				}
			case "no-store", "no-cache":
				return minRemote
			}
		}
	}
	return min(max(age, minRemote), maxRemote)
}
