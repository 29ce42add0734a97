package engine_test

import (
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/token"
)

// A token ends with its session, give or take the second that exp rounds to,
// whoever asks for it and for how long.
func TestAttack_S12_TokensEndWithTheirSession(t *testing.T) {
	ctx := t.Context()
	const long = 10 * 365 * 24 * time.Hour
	for _, c := range []struct {
		name           string
		life, idle, at time.Duration
		lifetime, want time.Duration // want is from the second in which the session began
	}{
		{"usual", time.Hour, 0, 0, time.Minute, time.Minute},
		{"near the end", time.Hour, 0, time.Hour - 10*time.Second, time.Minute, time.Hour},
		{"in the last second", time.Hour, 0, time.Hour - 300*time.Millisecond, time.Minute, time.Hour + time.Second},
		{"long", time.Hour, 0, 0, long, time.Hour},
		{"long, in the last second", time.Hour, 0, time.Hour - 300*time.Millisecond, long, time.Hour + time.Second},
		{"long, not used", 0, 30 * time.Minute, 0, long, 30 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil, func(cfg *engine.Config) {
				cfg.Settings.Sessions.MaxLifetime, cfg.Settings.Sessions.IdleTimeout = c.life, c.idle
			})
			r.advance(500 * time.Millisecond)
			b, _ := r.signUp(ada, good)
			v, err := r.View(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			begin := r.Now()
			r.advance(c.at)
			tok, err := r.Sessions().Token(ctx, v.Sessions[0].ID, c.lifetime)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := (&token.Verifier{Keys: r.TokenIssuer().KeySet(), Issuer: r.Issuer(), Now: r.Now}).Verify(ctx, tok)
			if err != nil {
				t.Fatal(err)
			}
			if got := claims.Expires.Sub(begin.Truncate(time.Second)); got != c.want {
				t.Errorf("the token is good for %s of the session, want %s", got, c.want)
			}
			if s, err := r.Sessions().Get(ctx, v.Sessions[0].ID); err != nil || s.TokensUntil.After(claims.Expires) {
				t.Errorf("its end would be remembered until %s: %v", s.TokensUntil, err)
			}
		})
	}
}
