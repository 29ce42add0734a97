package fapi_test

import (
	"encoding/json"
	"reflect"
	"testing"
)

// withoutTokens drops what is minted anew each time.
func withoutTokens(t *testing.T, client any) any {
	t.Helper()
	raw, _ := json.Marshal(client)
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil || c == nil {
		t.Fatalf("no client: %v %s", err, raw)
	}
	for _, s := range c["sessions"].([]any) {
		delete(s.(map[string]any), "last_active_token")
	}
	return c
}

// TestClientOfAnAnswer: the client that comes along with the answer to a
// sign-in is the one that is stored, whether it was read for it or not.
func TestClientOfAnAnswer(t *testing.T) {
	for name, changes := range map[string][]func(*setup){"plain": nil, "organizations": {withOrganizations}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, changes...)
			first := r.browser()
			first.signUp(ada, good)
			r.browser().signUp(bob, good)
			if name == "organizations" {
				first.found("Acme")
				first.found("Umbrella")
			}
			same := func(b *browser, a *answer) {
				t.Helper()
				if have, want := withoutTokens(t, a.at("client")), withoutTokens(t, b.client().at("response")); !reflect.DeepEqual(have, want) {
					t.Errorf("the answer tells of\n%v\nstored is\n%v", have, want)
				}
			}
			stranger := r.browser()
			same(stranger, stranger.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().is("response.status", "complete"))
			same(stranger, stranger.post("/v1/client/sign_ins", "identifier", bob, "password", good).ok().is("response.status", "complete"))

			inSteps := r.browser()
			id := inSteps.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
			same(inSteps, inSteps.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "complete"))
		})
	}
}
