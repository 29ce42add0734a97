package bapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

const (
	maxValues = 100  // values of one filter
	maxValue  = 1024 // bytes of one
)

// A wish is what a query asks of users.
type wish struct {
	user.Filter
	notExternalIDs []string
	// members and strangers are organizations that the users are in, in any of
	// them, and that they are in none of.
	members, strangers []string
	// nobody: it asks for something that no user has in this version, such as
	// a wallet.
	nobody bool
}

// foreign are filters by what no user has in this version.
var foreign = []string{"web3_wallet", "provider", "provider_user_id"}

// readFilter reads all filters. What is wrong is noted in q.
func readFilter(q *httpx.Form) wish {
	var w wish
	w.EmailAddresses = values(q, "email_address")
	for _, number := range values(q, "phone_number") {
		if number[0] == ' ' {
			number = "+" + number[1:]
		}
		w.PhoneNumbers = append(w.PhoneNumbers, number)
	}
	w.Usernames = values(q, "username")
	w.IDs, w.NotIDs = signed(values(q, "user_id"))
	w.ExternalIDs, w.notExternalIDs = signed(values(q, "external_id"))
	w.Query, _ = q.StringMax("query", 256)
	w.EmailQuery, _ = q.StringMax("email_address_query", 256)
	w.UsernameQuery, _ = q.StringMax("username_query", 256)
	w.PhoneQuery, _ = q.StringMax("phone_number_query", 256)
	w.NameQuery, _ = q.StringMax("name_query", 256)
	if banned, ok := q.Bool("banned"); ok && !q.Null("banned") {
		w.Banned = &banned
	}
	for name, to := range map[string]*time.Time{
		"created_at_before": &w.CreatedBefore, "created_at_after": &w.CreatedAfter,
		"last_active_at_before": &w.LastActiveBefore, "last_active_at_after": &w.LastActiveAfter,
		"last_sign_in_at_before": &w.LastSignInBefore, "last_sign_in_at_after": &w.LastSignInAfter,
	} {
		*to, _ = q.Time(name)
	}
	// The former name of last_active_at_after includes the time itself.
	if since, _ := q.Time("last_active_at_since"); !since.IsZero() && w.LastActiveAfter.IsZero() {
		w.LastActiveAfter = since.Add(-time.Millisecond)
	}
	w.members, w.strangers = signed(values(q, "organization_id"))
	for _, name := range foreign {
		w.nobody = len(values(q, name)) > 0 || w.nobody
	}
	return w
}

// values reads a filter of up to 100 values. Empty ones are left out. A + that
// was not escaped arrives as a space.
func values(q *httpx.Form, name string) []string {
	all, _ := q.Strings(name)
	if len(all) > maxValues {
		q.Fail(httpx.CodeQueryValue, name, fmt.Sprintf("must have at most %d values", maxValues))
		return nil
	}
	var out []string
	for _, v := range all {
		if len(v) > maxValue {
			q.Fail(httpx.CodeTooLarge, name, fmt.Sprintf("must have values of at most %d bytes", maxValue))
			return nil
		}
		if v = strings.TrimRight(v, " "); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// signed parts values that are asked for, with or without +, from those that
// are excluded with -.
func signed(values []string) (in, out []string) {
	for _, v := range values {
		switch v[0] {
		case '-':
			out = append(out, v[1:])
		case '+', ' ':
			in = append(in, v[1:])
		default:
			in = append(in, v)
		}
	}
	return in, out
}

// readOrder reads order_by and the cursor, which holds in order of creation
// only: by anything else users would be skipped or seen twice.
func readOrder(q *httpx.Form, offset int) (orderBy, after string) {
	orderBy, _ = q.StringMax("order_by", 64)
	if strings.HasPrefix(orderBy, " ") {
		orderBy = "+" + orderBy[1:]
	}
	after, _ = q.StringMax("starting_after", 128)
	if after == "" {
		return orderBy, ""
	}
	if by := strings.TrimLeft(orderBy, "+-"); by != "" && by != "created_at" {
		q.Fail("form_conditional_param_disallowed", "starting_after", "can be used in order of created_at only")
	}
	if offset > 0 {
		q.Fail("form_conditional_param_disallowed", "starting_after", "cannot be used with offset")
	}
	return orderBy, after
}

// resolve turns a wish into a filter. some is false if nobody can match.
func (c *call) resolve(w wish) (f user.Filter, some bool, err error) {
	if w.nobody {
		return f, false, nil
	}
	f = w.Filter
	if len(w.notExternalIDs) > 0 { // excluded by their own IDs
		us, _, err := c.engine.Users().List(c.r.Context(), user.Filter{ExternalIDs: w.notExternalIDs}, user.Page{})
		if err != nil {
			return f, false, err
		}
		for _, u := range us {
			f.NotIDs = append(f.NotIDs, u.ID)
		}
	}
	return c.byOrganization(w, f)
}

// maxByOrganization is how many members of organizations a filter of users
// looks at. Larger ones have lists of their own.
const maxByOrganization = 2000

// byOrganization narrows a filter to the members of organizations, or to others.
func (c *call) byOrganization(w wish, f user.Filter) (user.Filter, bool, error) {
	in, err := c.membersOf(w.members)
	if err != nil {
		return f, false, err
	}
	out, err := c.membersOf(w.strangers)
	if err != nil {
		return f, false, err
	}
	f.NotIDs = append(f.NotIDs, out...)
	if len(w.members) == 0 {
		return f, true, nil
	}
	if len(f.IDs) > 0 {
		in = slices.DeleteFunc(in, func(id string) bool { return !slices.Contains(f.IDs, id) })
	}
	f.IDs = in
	return f, len(in) > 0, nil
}

// membersOf are the users in any of the organizations. One that does not exist
// has none.
func (c *call) membersOf(ids []string) ([]string, error) {
	var out []string
	for _, id := range ids {
		list, total, err := c.engine.Organizations().Members(c.r.Context(), id, organization.MemberFilter{}, organization.Page{Limit: maxByOrganization})
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		if total > maxByOrganization {
			return nil, fault.New("invalid_query_parameter_value", "organization_id").Say("The organization is too large for this list. Use the list of its memberships.")
		}
		for _, m := range list {
			out = append(out, m.UserID)
		}
	}
	return out, nil
}
