// Package signin is the state machine of a sign-in. It reads nothing, writes
// nothing and asks no clock: an [Attempt], an [Input] and an [Env] of facts
// give the next Attempt and a list of [Effect]s.
//
//	next, effects, err := attempt.Step(signin.Prove{Fact: fact}, env)
//
// The caller loads the facts and stores next in one transaction. It stores
// next also when there is an error: a wrong code counts although it is
// refused.
//
// What is still asked of a person is computed from the facts at each step and
// never remembered from an earlier one, so a factor that was added in between
// counts.
package signin
