// Package postgrestest gives tests a PostgreSQL server of their own.
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
//
//	func TestIt(t *testing.T) {
//		s, err := postgres.Open(t.Context(), postgrestest.New(t))
//		…
//	}
//
// The first [New] of a test process starts a server: initdb and postgres are
// looked for in PATH and where distributions put them. It listens on a Unix
// socket in a temporary directory, runs as the user postgres (or nobody) if
// the test runs as root, does not fsync, and is stopped by [Main]. Each New
// makes a database of its own.
//
// With USHER_TEST_POSTGRES, a DSN, no server is started and databases are made
// on that one; the user must be allowed to. Without either, tests are skipped,
// or fail if USHER_NO_SKIP is 1.
//
// # What it refuses
//
// It never touches a server that it was not told of.
package postgrestest
