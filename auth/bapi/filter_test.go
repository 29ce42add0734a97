package bapi_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/store/sqlite"
)

var names = []string{"ada", "bob", "cyd", "dot", "eve"}

// people makes five users, a minute apart, and returns their IDs by name. ada
// has signed in, bob is banned.
func people(r *rig) map[string]string {
	r.Helper()
	out := map[string]string{}
	for i, name := range names {
		r.advance(time.Minute)
		out[name] = r.newUser(name+"@example.com", fields{"username": name + "_100", "first_name": "F" + name, "last_name": "Smith",
			"external_id": fmt.Sprintf("crm-%d", i)})
	}
	r.newSession(out["ada"])
	r.advance(time.Minute)
	r.must("POST", "/v1/users/"+out["bob"]+"/ban", nil)
	return out
}

// onStores runs a test of lists on a store in memory and on one that speaks SQL.
func onStores(t *testing.T, test func(*testing.T, *rig)) {
	t.Run("memory", func(t *testing.T) { test(t, newRig(t, rigConfig{})) })
	t.Run("sqlite", func(t *testing.T) {
		st, err := sqlite.Options{Relaxed: true}.Open(filepath.Join(t.TempDir(), "usher.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		test(t, newRig(t, rigConfig{store: st}))
	})
}

// TestFilters: the list and the count agree on every filter.
func TestFilters(t *testing.T) { onStores(t, testFilters) }

func testFilters(t *testing.T, r *rig) {
	id := people(r)
	at := func(name string) string { return fmt.Sprint(r.user(id[name]).CreatedAt.UnixMilli()) }
	day := r.Now().UTC().Truncate(24 * time.Hour).UnixMilli()
	for _, c := range []struct {
		query string // $name is an ID
		want  string
	}{
		{"", "ada bob cyd dot eve"},
		{"email_address=ada@example.com", "ada"},
		{"email_address=ADA@Example.COM&email_address=bob@example.com&email_address=nobody@example.com", "ada bob"},
		{"email_address=nonsense", ""}, {"email_address=", "ada bob cyd dot eve"},
		{"username=ada_100&username=BOB_100", "ada bob"},
		{"external_id=crm-0&external_id=%2Bcrm-1", "ada bob"}, {"external_id=+crm-1", "bob"},
		{"external_id=-crm-0&external_id=-none", "bob cyd dot eve"}, {"external_id=crm-1&external_id=-crm-1", ""},
		{"user_id=$ada&user_id=%2B$bob", "ada bob"}, {"user_id=+$ada", "ada"},
		{"user_id=-$ada&user_id=-$bob", "cyd dot eve"}, {"user_id=$ada&user_id=-$ada", ""}, {"user_id=user_none", ""},
		{"user_id=-", "ada bob cyd dot eve"}, {"user_id=%2B", ""},
		{"query=FCYD", "cyd"}, {"query=example.com", "ada bob cyd dot eve"}, {"query=$dot", "dot"}, {"query=eve_1", "eve"},
		{"email_address_query=DA@EX", "ada"}, {"username_query=_100", "ada bob cyd dot eve"}, {"username_query=ADA", "ada"},
		{"name_query=fbob%20smi", "bob"}, {"query=nobody", ""},
		{"banned=true", "bob"}, {"banned=false", "ada cyd dot eve"}, {"banned=1", "bob"}, {"banned=", "ada bob cyd dot eve"},
		{"created_at_before=@cyd", "ada bob"}, {"created_at_after=@cyd", "dot eve"},
		{"created_at_after=@ada&created_at_before=@dot", "bob cyd"},
		{"last_sign_in_at_after=0", "ada"}, {"last_sign_in_at_before=4000000000000", "ada"},
		{fmt.Sprint("last_active_at_since=", day), "ada"}, {fmt.Sprint("last_active_at_after=", day), ""},
		{fmt.Sprint("last_active_at_before=", day+1), "ada"},
		{"email_address=ada@example.com&banned=true", ""}, {"email_address=bob@example.com&banned=true", "bob"},
		{"organization_id=org_1", ""}, {"organization_id=-org_1", "ada bob cyd dot eve"}, {"web3_wallet=0x0", ""},
		{"provider=oauth_google&provider_user_id=1", ""}, {"phone_number=%2B15555550100", ""}, {"phone_number=+15555550100", ""},
		{"phone_number_query=555", ""}, {"unknown_parameter=1", "ada bob cyd dot eve"},
	} {
		query := c.query
		for name, v := range id {
			query = strings.ReplaceAll(strings.ReplaceAll(query, "$"+name, v), "@"+name, "@@"+name)
		}
		for name := range id {
			query = strings.ReplaceAll(query, "=@@"+name, "="+at(name))
			query = strings.ReplaceAll(query, "@@"+name, "@"+name)
		}
		var want []string
		for _, name := range strings.Fields(c.want) {
			want = append(want, id[name])
		}
		got := ids(r.must("GET", "/v1/users?order_by=created_at&"+query, nil).list(t))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d users, want %s", c.query, len(got), c.want)
		}
		if n := r.must("GET", "/v1/users/count?"+query, nil).json(t)["total_count"]; n != float64(len(want)) {
			t.Errorf("%s: counted %v, want %d", c.query, n, len(want))
		}
	}
	if got := r.must("GET", "/v1/users?email_address=nobody@example.com", nil); strings.TrimSpace(string(got.body)) != "[]" {
		t.Errorf("nobody: %s", got.body)
	}
}

func TestFilters_manyValues(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := people(r)
	for _, name := range []string{"email_address", "phone_number", "external_id", "username", "user_id", "web3_wallet", "organization_id", "provider_user_id"} {
		for n, status := range map[int]int{100: 200, 101: 400} {
			q := url.Values{}
			for i := range n {
				q.Add(name, fmt.Sprintf("x%d@example.com", i))
			}
			for _, path := range []string{"/v1/users", "/v1/users/count"} {
				if a := r.do("GET", path+"?"+q.Encode(), nil); a.status != status || status == 400 && a.code() != "invalid_query_parameter_value" {
					t.Errorf("%s with %d of %s: %d %s", path, n, name, a.status, a.code())
				}
			}
		}
	}
	q := url.Values{}
	for i := range 99 {
		q.Add("user_id", fmt.Sprint("-user_", i))
	}
	q.Add("user_id", "-"+id["ada"])
	if n := r.must("GET", "/v1/users/count?"+q.Encode(), nil).json(t)["total_count"]; n != 4.0 {
		t.Errorf("99 strangers and ada left out: %v", n)
	}
}

func TestPages(t *testing.T) { onStores(t, testPages) }

func testPages(t *testing.T, r *rig) {
	id := people(r)
	list := func(query string) string {
		t.Helper()
		var out []string
		for _, got := range ids(r.must("GET", "/v1/users?"+query, nil).list(t)) {
			for name, v := range id {
				if v == got {
					out = append(out, name)
				}
			}
		}
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"":                                  "eve dot cyd bob ada",
		"order_by=created_at":               "ada bob cyd dot eve",
		"order_by=%2Bcreated_at":            "ada bob cyd dot eve",
		"order_by=+created_at":              "ada bob cyd dot eve",
		"order_by=-created_at&limit=2":      "eve dot",
		"limit=2&offset=2":                  "cyd bob",
		"limit=500&offset=4":                "ada",
		"offset=5":                          "",
		"order_by=-email_address":           "eve dot cyd bob ada",
		"order_by=username":                 "ada bob cyd dot eve",
		"order_by=-first_name&limit=1":      "eve",
		"order_by=last_name":                "",
		"order_by=-last_sign_in_at&limit=1": "ada",
		"order_by=-last_active_at&limit=1":  "ada",
		"order_by=-updated_at&limit=1":      "bob",
		"order_by=phone_number":             "",
		"starting_after=" + id["dot"]:       "cyd bob ada",
		"starting_after=" + id["dot"] + "&limit=2&order_by=-created_at": "cyd bob",
		"starting_after=" + id["dot"] + "&order_by=%2Bcreated_at":       "eve",
		"starting_after=" + id["ada"]:                                   "",
		"starting_after=user_none":                                      "",
		"starting_after=" + id["eve"] + "&banned=false&offset=0":        "dot cyd ada",
	} {
		got := list(query)
		if want == "" && strings.HasPrefix(query, "order_by") { // ties: any order, all of them
			if len(strings.Fields(got)) != 5 {
				t.Errorf("%s: %q", query, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for range 8 {
		r.newUser(fmt.Sprintf("more%d@example.com", r.Now().UnixNano()), nil)
		r.advance(time.Second)
	}
	if n := len(r.must("GET", "/v1/users", nil).list(t)); n != 10 {
		t.Errorf("default limit: %d", n)
	}
	for query, code := range map[string]string{
		"limit=0": "invalid_query_parameter_value", "limit=501": "invalid_query_parameter_value", "limit=-1": "invalid_query_parameter_value",
		"limit=ten": "invalid_query_parameter_value", "limit=1e2": "invalid_query_parameter_value", "limit=99999999999999999999": "invalid_query_parameter_value",
		"offset=-1": "invalid_query_parameter_value", "offset=9999999999999": "invalid_query_parameter_value",
		"order_by=password": "form_param_value_invalid", "order_by=-": "form_param_value_invalid", "order_by=--created_at": "form_param_value_invalid",
		"starting_after=" + id["ada"] + "&order_by=username": "form_conditional_param_disallowed",
		"starting_after=" + id["ada"] + "&offset=1":          "form_conditional_param_disallowed",
		"created_at_before=soon":                             "invalid_query_parameter_value",
		"banned=perhaps":                                     "invalid_query_parameter_value",
		"query=%ff":                                          "invalid_query_parameter_value",
		"query=%00":                                          "invalid_query_parameter_value",
		"query=%":                                            "malformed_request_parameters",
		"a;b=c":                                              "malformed_request_parameters",
		"query=" + strings.Repeat("x", 257):                  "invalid_query_parameter_value",
		"username=" + strings.Repeat("x", 1025):              "invalid_query_parameter_value",
		"query=" + strings.Repeat("x", 20000):                "invalid_query_parameter_value",
	} {
		status := 400
		if strings.HasPrefix(code, "form_") {
			status = 422
		}
		if a := r.do("GET", "/v1/users?"+query, nil); a.status != status || a.code() != code {
			t.Errorf("%.40s: %d %s, want %d %s", query, a.status, a.code(), status, code)
		}
	}
}

// TestAttack_W06: wildcards, quotes and paths are text, in every filter and
// order.
func TestAttack_W06_injection(t *testing.T) { onStores(t, testInjection) }

func testInjection(t *testing.T, r *rig) {
	people(r)
	texts := []string{"%", "_", "%ada%", "a%a", "a_a", "\\", "\\%", "'", "''", "' OR '1'='1", `" OR ""="`, "'; DROP TABLE usher_user; --", "*", "?", ".*",
		"$.email", "[0]", "ada*", "$1", ":1", "1) OR (1=1", "\uFEFFada", "ａｄａ@x", "`id`", "{{7*7}}", "\x01"}
	for _, text := range texts {
		for _, name := range []string{"query", "email_address_query", "username_query", "name_query", "email_address", "username", "external_id", "user_id", "phone_number"} {
			want := 0.0
			if text == "_" && strings.HasSuffix(name, "query") {
				if name == "name_query" {
					continue // names are found among all texts
				}
				if name != "email_address_query" {
					want = 5 // every username and ID has one
				}
			}
			if n := r.must("GET", "/v1/users/count?"+url.Values{name: {text}}.Encode(), nil).json(t)["total_count"]; n != want {
				t.Errorf("%s=%q: %v users, want %v", name, text, n, want)
			}
		}
		if a := r.do("GET", "/v1/users?"+url.Values{"order_by": {text}}.Encode(), nil); a.status != 422 || a.code() != "form_param_value_invalid" {
			t.Errorf("order_by=%q: %d %s", text, a.status, a.code())
		}
	}
	for _, by := range []string{"created_at desc", "created_at,id", "created_at;--", "id", "password_hash", "private_metadata", "data->>'x'",
		"created_at) --", "Created_At", "created_at\t", "(select 1)", "idn", "search", "primary_email", "banned"} {
		if a := r.do("GET", "/v1/users?"+url.Values{"order_by": {by}}.Encode(), nil); a.status != 422 || a.code() != "form_param_value_invalid" {
			t.Errorf("order_by=%q: %d %s", by, a.status, a.code())
		}
	}
	if _, n, err := r.engine.Users().List(context.Background(), userFilter(), userPage()); err != nil || n != 5 {
		t.Errorf("%d users are left, %v", n, err)
	}
}
