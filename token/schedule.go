package token

import (
	"cmp"
	"slices"
	"time"
)

// A Schedule says when signing keys take turns. The zero value is good for
// most.
//
// A key's life: it is made and published, signs from SignFrom until the next
// one does, verifies for KeepAfter more, and is dead. Instances agree without
// talking, as all of it follows from the stored keys.
type Schedule struct {
	// Algorithm of new keys; zero is RS256. After a change the next key is made
	// at once, and takes over in the usual way.
	Algorithm Algorithm
	// Every is how long a key signs. 0 is 90 days, and below 0 is for ever; at
	// least twice PublishAhead.
	// Whoever pins the PEM of a key must follow each rotation by hand.
	Every time.Duration
	// PublishAhead is how long a key is public before it signs: time for every
	// instance to load it and for every cache to forget the set without it.
	// 0 is 24 hours; at least twice [JWKSMaxAge].
	PublishAhead time.Duration
	// KeepAfter is how long a key verifies after it has signed its last token.
	// It must exceed the life of any token. 0 is 24 hours.
	KeepAfter time.Duration
}

const day = 24 * time.Hour

func (s Schedule) every() time.Duration {
	if s.Every < 0 {
		return s.Every
	}
	return max(cmp.Or(s.Every, 90*day), 2*s.publishAhead())
}

func (s Schedule) publishAhead() time.Duration {
	return max(cmp.Or(s.PublishAhead, day), 2*JWKSMaxAge)
}

func (s Schedule) keepAfter() time.Duration {
	if s.KeepAfter <= 0 {
		return day
	}
	return s.KeepAfter
}

// A Plan is what a [Schedule] says about a set of keys at one moment.
type Plan struct {
	// Sign is the ID of the key that signs now, empty if there is none.
	Sign string
	// Publish are the keys of the JWKS: all that are not dead, oldest first.
	Publish []Key
	// Make is not nil if a key must be made, see [GenerateKey]. Store it
	// provided that its Seq is not taken: of several instances one wins, and the
	// others load its key.
	Make *Slot
	// Dead are the keys that can be deleted.
	Dead []Key
	// Next is when the plan changes by itself; zero is never.
	Next time.Time
}

// Plan looks at all stored keys. It depends on nothing but its arguments.
func (s Schedule) Plan(keys []Key, now time.Time) Plan {
	line := s.timeline(keys)
	var p Plan
	for _, t := range line {
		if t.dead(now) {
			p.Dead = append(p.Dead, t.Key)
			continue
		}
		p.Publish = append(p.Publish, t.Key)
		p.wake(t.SignFrom, now)
		p.wake(t.until, now)
	}
	if i := signer(line, now); i >= 0 {
		p.Sign = line[i].ID
	}
	if due, from := s.due(line, now); !due.After(now) {
		p.Make = &Slot{Algorithm: s.Algorithm.name(), Seq: 1, Created: now, SignFrom: from}
		for _, t := range line {
			p.Make.Seq = max(p.Make.Seq, t.Seq+1)
		}
	} else if !due.Equal(never) {
		p.wake(due, now)
	}
	return p
}

// wake moves Next to t, if that is sooner and still to come.
func (p *Plan) wake(t, now time.Time) {
	if t.After(now) && (p.Next.IsZero() || t.Before(p.Next)) {
		p.Next = t
	}
}

// never is later than any date in use.
var never = time.Unix(maxTime, 0)

// due tells when the next key must be made and from when it signs.
func (s Schedule) due(line []turn, now time.Time) (due, signFrom time.Time) {
	if len(line) == 0 {
		return now, now // nobody has seen any key: no need to wait
	}
	last := line[len(line)-1]
	switch {
	case last.SignFrom.After(now):
		return never, never // the next key is there
	case last.Algorithm != s.Algorithm.name():
		return now, now.Add(s.publishAhead())
	case s.every() < 0:
		return never, never
	}
	signFrom = last.SignFrom.Add(s.every())
	due = signFrom.Add(-s.publishAhead())
	if earliest := now.Add(s.publishAhead()); signFrom.Before(earliest) {
		signFrom = earliest
	}
	return due, signFrom
}

// A turn is a key in its place.
type turn struct {
	Key
	until time.Time // verifies nothing any more; zero is never
}

func (t turn) dead(now time.Time) bool { return !t.until.IsZero() && !now.Before(t.until) }

// timeline puts keys in the order in which they sign. Of two that start at
// once the last one signs, the same one on every instance.
func (s Schedule) timeline(keys []Key) []turn {
	line := make([]turn, len(keys))
	for i, k := range keys {
		line[i].Key = k
	}
	slices.SortFunc(line, func(a, b turn) int {
		return cmp.Or(a.SignFrom.Compare(b.SignFrom), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID))
	})
	for i := range line[:max(0, len(line)-1)] {
		// Keys without dates, as a host may have them, never retire each other.
		if next := line[i+1].SignFrom; !next.IsZero() {
			line[i].until = next.Add(s.keepAfter())
		}
	}
	return line
}

// signer returns the place of the key that signs, or -1 if there is none. If
// the one that should is lost, the next one steps in: it is published already.
func signer(line []turn, now time.Time) int {
	for i := len(line) - 1; i >= 0; i-- {
		if !line[i].SignFrom.After(now) {
			return i
		}
	}
	return min(0, len(line)-1)
}
