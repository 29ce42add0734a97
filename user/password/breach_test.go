package password_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usherauth/usher/user/password"
)

// A service answers range requests without a network.
type service func(*http.Request) (*http.Response, error)

func (s service) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

func answer(status int, body io.Reader) service {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(body), Header: http.Header{}}, nil
	}
}

func rangeOf(plain string, count int) (prefix, line string) {
	d := fmt.Sprintf("%X", sha1.Sum([]byte(plain)))
	return d[:5], fmt.Sprintf("%s:%d", d[5:], count)
}

func TestAttack_C14_RangeClient(t *testing.T) {
	const plain = "correct horse battery"
	prefix, line := rangeOf(plain, 7)
	_, padded := rangeOf(plain, 0)
	other := strings.Repeat("0", 35) + ":12"
	for _, c := range []struct {
		name, body string
		min        int
		want       bool
	}{
		{"there", other + "\r\n" + line + "\r\n" + other, 0, true},
		{"lower case", strings.ToLower(line), 0, true},
		{"last without newline", other + "\n" + line, 0, true},
		{"not there", other, 0, false},
		{"padding", other + "\r\n" + padded, 0, false},
		{"empty", "", 0, false},
		{"seldom", line, 8, false},
	} {
		var asked *http.Request
		client := &password.RangeClient{MinCount: c.min, URL: "https://range.example/r", Client: &http.Client{Transport: service(func(r *http.Request) (*http.Response, error) {
			asked = r
			return answer(200, strings.NewReader(c.body))(r)
		})}}
		got, err := client.Breached(t.Context(), plain)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		if asked.URL.String() != "https://range.example/r/"+prefix || asked.Header.Get("Add-Padding") != "true" || asked.Body != nil {
			t.Errorf("%s: asked %s %v", c.name, asked.URL, asked.Header)
		}
	}
}

func TestFault_R23_RangeClientIsOpen(t *testing.T) {
	_, line := rangeOf("correct horse battery", 7)
	for name, transport := range map[string]service{
		"down":        func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") },
		"status":      answer(503, strings.NewReader(line)),
		"redirect":    answer(302, strings.NewReader(line)),
		"garbage":     answer(200, strings.NewReader("<html>")),
		"short hash":  answer(200, strings.NewReader("ABC:1")),
		"no number":   answer(200, strings.NewReader(strings.Repeat("0", 35)+":x")),
		"endless":     answer(200, endless{}),
		"one line":    answer(200, strings.NewReader(strings.Repeat("0", 2<<20))),
		"broken pipe": answer(200, io.MultiReader(strings.NewReader(line+"\n"), broken{})),
	} {
		client := &password.RangeClient{Client: &http.Client{Transport: transport}}
		got, err := client.Breached(t.Context(), "correct horse battery")
		if got || err == nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error quotes the password", name)
		}
	}
}

func TestFault_R23_RangeClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &password.RangeClient{Client: &http.Client{Transport: service(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}}
		start := time.Now()
		got, err := client.Breached(t.Context(), "correct horse battery")
		if took := time.Since(start); got || !errors.Is(err, context.DeadlineExceeded) || took != 2*time.Second {
			t.Errorf("%v, %v after %v", got, err, took)
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	line := strings.Repeat("0", 35) + ":12\n"
	return copy(p, line), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken pipe") }
