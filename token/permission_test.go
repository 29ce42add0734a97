package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

// TestAttack_T17_DecodedIsStored: what the token says is what was stored, for
// random sets of roles' permissions, with up to 70 names and so beyond what
// fits into a machine word.
func TestAttack_T17_DecodedIsStored(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 5_000
	}
	rnd := rand.New(rand.NewPCG(17, 17))
	scopes := []string{"o", "u", "uo", "ou"}
	for round := range rounds {
		nf, np, many := 1+rnd.IntN(4), 1+rnd.IntN(5), round%100 == 0
		if many {
			np = 60 + rnd.IntN(10)
		}
		var features, want, all []string
		for f := range nf + 1 {
			scope := scopes[rnd.IntN(len(scopes))]
			listed := f < nf // the last one is not in the plan
			if listed {
				features = append(features, fmt.Sprintf("%s:f%d", scope, f))
			}
			for p := range np {
				if rnd.IntN(2) == 0 {
					continue
				}
				perm := fmt.Sprintf("org:f%d:p%d", f, p)
				all = append(all, perm)
				if listed && scope != "u" {
					want = append(want, perm)
				}
			}
		}
		all = append(all, "org:sys_memberships:manage")
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		c := token.Claims{Organization: &token.Organization{ID: "org_1"}}
		if err := c.Grant(features, all); err != nil {
			t.Fatal(err)
		}
		if round%50 == 0 { // and through the text of a token
			data, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			c = token.Claims{}
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
		}
		got := c.Permissions()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%v %v:\ngot  %v\nwant %v", features, all, got, want)
		}
		for _, p := range all {
			if c.HasPermission(p) != slices.Contains(want, p) {
				t.Fatalf("HasPermission(%s) is %v", p, c.HasPermission(p))
			}
		}
	}
}

// TestAttack_T17_Mismatch reads claims that do not fit together: nothing comes
// of them but what they say without doubt.
func TestAttack_T17_Mismatch(t *testing.T) {
	for _, c := range []struct {
		name, fea, per, fpm, want string
	}{
		{"as documented", "o:dashboard,o:teams", "manage,read", "3,2", "org:dashboard:manage org:dashboard:read org:teams:read"},
		{"space around commas", " o:a , o:b", " x , y ", " 1 , 2 ", "org:a:x org:b:y"},
		{"user features take no slot", "u:z,o:a,u:y,uo:b,ou:c", "x", "1,0,1", "org:a:x org:c:x"},
		{"zero", "o:a", "x", "0", ""},
		{"leading zeros", "o:a", "x", "0001", "org:a:x"},
		{"bits beyond the names", "o:a", "x", "7", "org:a:x"},
		{"slots beyond the features", "o:a", "x", "1,1,1", "org:a:x"},
		{"features beyond the slots", "o:a,o:b", "x", "1", "org:a:x"},
		{"no digits", "o:a,o:b", "x", "x,1", "org:b:x"},
		{"hexadecimal", "o:a", "x", "0x1", ""},
		{"underscore", "o:a", "x,y", "1_1", ""},
		{"negative", "o:a", "x", "-1", ""},
		{"plus", "o:a", "x", "+1", ""},
		{"float", "o:a", "x", "1.0", ""},
		{"empty slot", "o:a,o:b", "x", ",1", "org:b:x"},
		{"no per", "o:a", "", "1", ""},
		{"no fpm", "o:a", "x", "", ""},
		{"no fea", "", "x", "1", ""},
		{"empty name", "o:a", ",x", "3", "org:a:x"},
		{"fea without colon", "o:a,b", "x", "1,1", ""},
		{"unknown scope", "o:a,z:b", "x", "1,1", ""},
		{"feature twice", "o:a,uo:a", "x", "1,1", ""},
		{"empty feature", "o:,o:a", "x", "1,1", ""},
		{"70 names", "o:a", "p" + strings.Repeat(",q", 68) + ",r", "590295810358705651712", "org:a:r"},
		{"10,000 digits", "o:a", "x", strings.Repeat("9", 10000), "org:a:x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := token.Claims{Features: c.fea, Organization: &token.Organization{ID: "o", Permissions: c.per, FeaturePermissions: c.fpm}}
			if got := strings.Join(cl.Permissions(), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, p := range []string{"org:a:x", "org:b:x", "org:a:", "org::x", "org:a", "a:x", ""} {
				if has := cl.HasPermission(p); has != slices.Contains(strings.Fields(c.want), p) {
					t.Errorf("HasPermission(%q) is %v", p, has)
				}
			}
		})
	}
	if none := (&token.Claims{Features: "o:a"}); none.HasPermission("org:a:x") || none.Permissions() != nil {
		t.Error("permissions without an organization")
	}
}

func TestGrantRefuses(t *testing.T) {
	org := &token.Organization{ID: "o"}
	for _, c := range []struct {
		name                  string
		org                   *token.Organization
		features, permissions []string
	}{
		{"no organization", nil, nil, []string{"org:a:x"}},
		{"no prefix", org, nil, []string{"a:x"}},
		{"no name", org, nil, []string{"org:a"}},
		{"empty name", org, nil, []string{"org:a:"}},
		{"empty feature", org, nil, []string{"org::x"}},
		{"four parts", org, nil, []string{"org:a:x:y"}},
		{"comma", org, nil, []string{"org:a:x,y"}},
		{"space", org, nil, []string{"org:a: x"}},
		{"scope", org, []string{"z:a"}, nil},
		{"no scope", org, []string{"a"}, nil},
		{"feature with comma", org, []string{"o:a,o:b"}, nil},
		{"feature twice", org, []string{"o:a", "ou:a"}, nil},
	} {
		cl := token.Claims{Organization: c.org}
		if err := cl.Grant(c.features, c.permissions); !errors.Is(err, token.ErrClaims) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	cl := token.Claims{}
	if err := cl.Grant([]string{"u:a"}, []string{"org:sys_x:y"}); err != nil || cl.Features != "u:a" {
		t.Errorf("user features: %v, %q", err, cl.Features)
	}
}

func TestHasRoleAndFeature(t *testing.T) {
	c := token.Claims{Features: "o:teams, u:export,uo:search", Organization: &token.Organization{ID: "o", Role: "admin"}}
	for role, want := range map[string]bool{"admin": true, "org:admin": true, "member": false, "": false, "org:": false, "ADMIN": false} {
		if c.HasRole(role) != want {
			t.Errorf("HasRole(%q) is %v", role, !want)
		}
	}
	for feature, want := range map[string]bool{
		"teams": true, "o:teams": true, "u:teams": false, "export": true, "o:export": false, "u:export": true,
		"search": true, "o:search": true, "u:search": true, "x": false, "": false, "o:": false, "z:teams": false,
	} {
		if c.HasFeature(feature) != want {
			t.Errorf("HasFeature(%q) is %v", feature, !want)
		}
	}
	if (&token.Claims{}).HasRole("admin") || (&token.Claims{Organization: &token.Organization{}}).HasRole("") {
		t.Error("a role without an organization, or no role at all")
	}
}
