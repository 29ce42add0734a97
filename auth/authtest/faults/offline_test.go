package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/usherauth/usher/auth/notify"
)

type mail = notify.Message

// refusing is a transport that goes nowhere but to this machine.
type refusing struct {
	log  *buffer
	next http.RoundTripper
}

func (r refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	if ip := net.ParseIP(q.URL.Hostname()); ip != nil && ip.IsLoopback() {
		return r.next.RoundTrip(q)
	}
	fmt.Fprintln(r.log, q.URL)
	return nil, errors.New("the network is cut")
}

// refuseResolver has every name looked up in vain.
func refuseResolver(log *buffer) {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		fmt.Fprintln(log, "resolver", address)
		return nil, errors.New("the network is cut")
	}}
}

// offlineTB is a testing.TB outside of a test: it keeps the first failure.
type offlineTB struct {
	testing.TB
	failed string
}

func (t *offlineTB) Helper()                   {}
func (t *offlineTB) Error(a ...any)            { t.failed += fmt.Sprintln(a...) }
func (t *offlineTB) Errorf(f string, a ...any) { t.failed += fmt.Sprintf(f, a...) + "\n" }
func (t *offlineTB) Fatal(a ...any)            { panic(fmt.Sprint(a...)) }
func (t *offlineTB) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func offlineServer(h http.Handler) *httptest.Server { return httptest.NewServer(h) }

type ctx = context.Context
