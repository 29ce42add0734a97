package fapi_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user"
)

// serve answers a request without a network.
func (p *probe) serve(form url.Values) time.Duration {
	r := httptest.NewRequest("POST", prefix+"/v1/client/sign_ins", strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1"
	r.Header.Set("Origin", "http://127.0.0.1")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	began := time.Now()
	p.api.ServeHTTP(w, r)
	took := time.Since(began)
	if w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusOK {
		p.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return took
}

// welch is Welch's t of the lower halves of two samples: what disturbs a
// measurement only makes it longer.
func welch(a, b []float64) (t float64, apart time.Duration) {
	half := func(s []float64) (mean, variance, n float64) {
		s = slices.Clone(s)
		slices.Sort(s)
		s = s[:len(s)/2]
		for _, x := range s {
			mean += x
		}
		n = float64(len(s))
		mean /= n
		for _, x := range s {
			variance += (x - mean) * (x - mean)
		}
		return mean, variance / (n - 1), n
	}
	ma, va, na := half(a)
	mb, vb, nb := half(b)
	return (ma - mb) / math.Sqrt(va/na+vb/nb), time.Duration(ma - mb)
}

// TestAttack_C02_TimeTellsNothing: with hashes that cost next to nothing, so
// that everything else shows, thousands of pairs of questions about somebody
// and about nobody take the same time.
func TestAttack_C02_TimeTellsNothing(t *testing.T) {
	if testing.Short() || os.Getenv("USHER_LONG") == "" {
		t.Skip("long: set USHER_LONG=1")
	}
	const accounts, pairs = 600, 5000
	for name, ask := range map[string]func(address string) url.Values{
		"password": func(address string) url.Values {
			return url.Values{"identifier": {address}, "password": {"wrong guess"}}
		},
		"code": func(address string) url.Values {
			return url.Values{"identifier": {address}, "strategy": {"email_code"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			best := math.Inf(1)
			for range 3 { // a busy machine may spoil one
				p := newProbe(t)
				for i := range accounts {
					if _, err := p.e.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{fmt.Sprintf("ada%04d@example.com", i)}, Password: good, FirstName: "Ada", LastName: "Lovelace"}); err != nil {
						t.Fatal(err)
					}
				}
				var known, unknown []float64
				for i := range pairs {
					somebody := func() { known = append(known, float64(p.serve(ask(fmt.Sprintf("ada%04d@example.com", i%accounts))))) }
					nobody := func() {
						unknown = append(unknown, float64(p.serve(ask(fmt.Sprintf("eve%04d@example.com", i%accounts)))))
					}
					if i%2 == 0 {
						somebody()
						nobody()
					} else {
						nobody()
						somebody()
					}
				}
				tt, apart := welch(known[accounts:], unknown[accounts:])
				t.Logf("t = %.2f, %v apart", tt, apart)
				best = min(best, math.Abs(tt))
				if best < 4.5 {
					break
				}
			}
			if best >= 4.5 {
				t.Errorf("|t| = %.2f: somebody and nobody are told apart", best)
			}
		})
	}
}
