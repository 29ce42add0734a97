// Package storetest checks that a store keeps the contract of package store.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			s, err := mystore.Open(filepath.Join(t.TempDir(), "db"))
//			if err != nil {
//				t.Fatal(err)
//			}
//			return s
//		})
//	}
//
// [Run] is a table of cases, each of which names the rule that it checks, and
// a model test that drives random operations against the store and
// store/memory and compares. [Bench] times the usual operations, so that
// stores can be compared.
//
// [Faulty] and [Counting] wrap a store, for tests of code that uses one.
//
// # What it refuses
//
// It does not look at speed, durability, or what happens on a network: a store
// that passes can still lose everything when the machine stops.
package storetest
