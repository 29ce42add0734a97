package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
)

// caseTimeout is how long one case may take before its context ends.
const caseTimeout = 2 * time.Minute

// Run checks that the stores that open returns keep the contract of
// [store.Store], one subtest per case. open is called once per case and must
// return an empty store; Run closes it. A failure prints the rule that is
// broken. Run it with the race detector on as well.
//
// The case "model" takes the flags of pgregory.net/rapid, such as
// -rapid.checks, and honours -short.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
			defer cancel()
			err := c.check(ctx, s)
			if !c.closes {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if err != nil {
				t.Errorf("%v\nrule: %s", err, c.rule)
			}
		})
	}
}

// A testCase is one thing that a store must do. It reports to its run and
// knows nothing of package testing, so that the suite itself can be tested.
type testCase struct {
	name   string // group/what
	rule   string // what the contract says about it
	run    func(r *run)
	closes bool // the case closes the store itself
}

// cases lists all of the suite, in the order in which they help a beginner.
func cases() []testCase {
	return slices.Concat(recordCases, indexCases, queryCases, pagingCases, limitCases,
		txCases, purgeCases, raceCases, modelCases)
}

// check runs c on an empty store and returns what is wrong with it.
func (c testCase) check(ctx context.Context, s store.Store) (err error) {
	r := &run{ctx: ctx, s: s}
	defer func() {
		switch p := recover(); {
		case p == nil, p == any(errStop):
			err = r.err
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	c.run(r)
	return r.err
}

// errStop is what a run panics with to end its case.
var errStop = errors.New("storetest: case has failed")

// A run is a case under way. Its methods end the case when the store fails.
type run struct {
	ctx context.Context
	s   store.Store
	err error // the first failure
}

// failf ends the case.
func (r *run) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	panic(errStop)
}

// ok ends the case if err is not nil.
func (r *run) ok(what string, err error) {
	if err != nil {
		r.failf("%s: %v", what, err)
	}
}

// is ends the case if err is not the wanted error.
func (r *run) is(what string, err, want error) {
	if !errors.Is(err, want) {
		r.failf("%s: error is %v, want %v", what, err, want)
	}
}
