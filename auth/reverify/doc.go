// Package reverify is the state machine of a step-up: a person who is signed in
// shows once more who they are, because what they are about to do is worth it.
// Like package signin it is pure: an [Attempt], an [Input] and an [Env] of
// facts give the next Attempt and a list of [Effect]s.
//
//	a := reverify.New(session, reverify.MultiFactor, env)
//	next, effects, err := a.Step(reverify.Prove{Use: factor.First, Fact: fact}, env)
//
// The caller loads the facts and stores next in one transaction, also when
// there is an error: a wrong code counts although it is refused.
package reverify
