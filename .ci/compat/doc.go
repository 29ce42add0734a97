// Package compat holds the tests of usher with Clerk's own clients, real and
// unmodified: @clerk/clerk-js, @clerk/ui and @clerk/react in a Chromium,
// @clerk/backend in Node, and clerk-sdk-go. It is a module of its own, so that
// the graph of those who use usher does not grow.
//
//	.ci/compat/install               # once: npm ci
//	cd .ci/compat && go test ./...
//
// Tests whose client is missing (node_modules, chromium, node) are skipped, or
// fail if USHER_NO_SKIP is 1. CHROMIUM names another browser than the one in
// PATH. What a failed browser test saw is kept with go test -artifacts.
package compat
