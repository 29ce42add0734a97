package token

// A Kind is the purpose of a token, kept in the cat header. A verifier accepts
// one kind, so that a token made for one purpose never serves another.
type Kind string

const (
	// KindSession is a session token, and the default. Verifiers take a token
	// without cat for one, too.
	KindSession Kind = "cl_B7d4PD111AAA"
	// KindTemplate is a token made from a JWT template: it has no sid and
	// proves no session.
	KindTemplate Kind = "cl_B7d4PD222AAA"
	// KindMachine is a machine-to-machine token.
	KindMachine Kind = "cl_B7d4PD333AAA"
)

func (k Kind) name() Kind {
	if k == "" {
		return KindSession
	}
	return k
}
