// Package lockout counts wrong tries on an account, and says when there have
// been too many. Like the state machines it is pure: a [Counter] is loaded,
// changed and stored by whoever calls.
//
//	err := counter.Take(try, policy, now) // before the proof is judged
//	…
//	counter.Return(try, now)              // it was right, or was not judged
//
// A slot is taken before a proof is judged, in a transaction of its own, so
// that any number of tries at once, on any number of instances, share one
// budget exactly, and a refusal cannot take its count back. A try that proves
// wrong needs nothing more: it is counted already.
//
// # Two budgets
//
// Strangers can use up what they are given, and an owner must get in all the
// same. So tries from a browser that the account knows, or after a first factor
// that nobody can guess, have a lane of their own, and a history: what strangers
// guessed does not take codes or the password from them.
//
// # What it refuses
//
// It knows no addresses of the network: limits by those are elsewhere, and
// forgive. What is counted here does not.
package lockout
