package signin_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/user"
)

// masked makes a world in which nothing tells whether there is a user.
func masked(t interface{ Fatal(...any) }) *world {
	w := newWorld(t)
	m := user.New(start)
	m.ID, m.PasswordEnabled = "user_mask", true
	id, err := user.NewEmailAddress("ada@example.com", start)
	if err != nil {
		t.Fatal(err)
	}
	id.ID, id.Verified = "idn_mask", true
	m.EmailAddresses, m.PrimaryEmailAddressID = []user.Identification{id}, id.ID
	w.env.Mask = m
	return w
}

// TestAttack_C01_BehindTheMask: as long as no right proof is shown, somebody,
// somebody who is banned or has no password, and nobody are the same, step by
// step. Nobody gets in whatever is proved.
func TestAttack_C01_BehindTheMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		worlds := []*world{masked(t), masked(t), masked(t), masked(t)}
		worlds[0].env.User, worlds[0].env.Password = nil, nil
		worlds[1].env.User.Banned = true
		worlds[2].env.User.PasswordEnabled, worlds[2].env.Password = false, nil
		identify := signin.Identify{Identifier: "ada@example.com"}
		for step := range rapid.IntRange(1, 15).Draw(t, "steps") {
			what := rapid.SampledFrom([]string{"password", "prepare", "reset", "code", "second", "new password"}).Draw(t, "what")
			if step == 0 {
				what = "identify"
			}
			var told string
			for i, w := range worlds {
				var in signin.Input
				switch what {
				case "identify":
					in = identify
				case "password":
					in = signin.Prove{Use: factor.First, Fact: passwordFact(false)}
				case "prepare", "reset":
					st := codes
					if what == "reset" {
						st = reset
					}
					o := st.Options(factor.Subject{User: w.env.Mask, Settings: w.env.Settings})
					p, err := st.Prepare(t.Context(), factor.Challenge{Option: o[0], Now: w.env.Now, Subject: factor.Subject{Settings: w.env.Settings}})
					if err != nil {
						t.Fatal(err)
					}
					in = signin.Prepare{Use: factor.First, Prepared: p}
				case "code":
					f := factor.Fact{Strategy: "email_code"}
					if v := w.attempt.First; v != nil {
						f.Strategy, f.VerificationID = v.Strategy, v.ID
					}
					in = signin.Prove{Use: factor.First, Fact: f}
				case "second":
					in = signin.Prove{Use: factor.Second, Fact: factor.Fact{Strategy: "totp"}}
				case "new password":
					in = signin.NewPassword{Hash: "h"}
				}
				do, err := w.step(t, in)
				now := code(err) + " " + string(w.attempt.Status)
				for range do {
					now += " sends"
				}
				if i > 0 && now != told {
					t.Fatalf("%s: nobody is told %q, number %d %q", what, told, i, now)
				}
				told = now
			}
		}
		// Even a right proof is nobody's.
		w := masked(t)
		w.env.User, w.env.Password = nil, nil
		if _, err := w.step(t, identify); err != nil {
			t.Fatal(err)
		}
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: passwordFact(true)}); code(err) != "form_password_or_identifier_incorrect" {
			t.Fatalf("%v", err)
		}
	})
}

// Behind the mask a right proof opens, and proves the address that it was for.
func TestMaskLifts(t *testing.T) {
	w := masked(t)
	own := w.env.User.EmailAddresses[0].ID
	if _, err := w.step(t, signin.Identify{Identifier: "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	o := codes.Options(factor.Subject{User: w.env.Mask, Settings: w.env.Settings})
	p, err := codes.Prepare(t.Context(), factor.Challenge{Option: o[0], Now: w.env.Now, Subject: factor.Subject{Settings: w.env.Settings}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.step(t, signin.Prepare{Use: factor.First, Prepared: p}); err != nil {
		t.Fatal(err)
	}
	do, err := w.step(t, signin.Prove{Use: factor.First, Fact: w.codeFact(t, codes, p.Send.Code)})
	if err != nil || !started(do) || w.attempt.UserID != "user_ada" || w.attempt.Veiled() {
		t.Fatalf("%v %v %+v", do, err, w.attempt)
	}
	for _, effect := range do {
		if a, ok := effect.(signin.ProveAddress); ok && a.TargetID != own {
			t.Errorf("proves %s, not %s", a.TargetID, own)
		}
	}
	// What was held back is told once the proof is right.
	w = masked(t)
	w.env.User.Banned = true
	if _, err := w.step(t, signin.Identify{Identifier: "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	if do, err := w.step(t, signin.Prove{Use: factor.First, Fact: passwordFact(true)}); code(err) != "user_banned" || w.attempt.Status != signin.NeedsFirstFactor {
		t.Errorf("%v %v %s", do, err, w.attempt.Status)
	}
}
