package sqlite_test

import (
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b) })
}
