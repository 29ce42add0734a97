package bapi

import (
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/user"
)

// maxMatched is how many users a filter of members by address may match.
const maxMatched = 500

// memberFilter reads a filter of members. Addresses and names of users other
// than the query are looked up among the users first; none: nobody matches.
func (c *call) memberFilter(q *httpx.Form) (f organization.MemberFilter, none bool, err error) {
	f.Roles, f.UserIDs = values(q, "role"), values(q, "user_id")
	f.Query, _ = q.StringMax("query", 256)
	var by user.Filter
	by.EmailAddresses, by.PhoneNumbers, by.Usernames = values(q, "email_address"), values(q, "phone_number"), values(q, "username")
	by.EmailQuery, _ = q.StringMax("email_address_query", 256)
	by.UsernameQuery, _ = q.StringMax("username_query", 256)
	by.NameQuery, _ = q.StringMax("name_query", 256)
	for name, to := range map[string]*time.Time{"created_at_before": &f.CreatedBefore, "created_at_after": &f.CreatedAfter,
		"last_active_at_before": &by.LastActiveBefore, "last_active_at_after": &by.LastActiveAfter} {
		*to, _ = q.Time(name)
	}
	phones, _ := q.StringMax("phone_number_query", 64)
	wallets := values(q, "web3_wallet")
	if err := q.Err(); err != nil {
		return f, false, err
	}
	if phones != "" || len(wallets) > 0 {
		return f, true, nil // nobody has any
	}
	if len(by.EmailAddresses)+len(by.PhoneNumbers)+len(by.Usernames) == 0 && by.EmailQuery+by.UsernameQuery+by.NameQuery == "" &&
		by.LastActiveBefore.IsZero() && by.LastActiveAfter.IsZero() {
		return f, false, nil
	}
	by.IDs = f.UserIDs
	us, _, err := c.engine.Users().List(c.r.Context(), by, user.Page{Limit: maxMatched})
	if err != nil {
		return f, false, err
	}
	f.UserIDs = nil
	for _, u := range us {
		f.UserIDs = append(f.UserIDs, u.ID)
	}
	return f, len(us) == 0, nil
}

func listOrgMembers(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	f, none, err := c.memberFilter(q)
	if err != nil {
		return nil, err
	}
	return c.ofOrg(func(id string) (any, error) {
		o, err := c.orgs().Get(c.r.Context(), id)
		if err != nil {
			return nil, err
		}
		if none {
			return pageOf[*engine.MembershipView](nil, 0, c.encoder().OrganizationMembership), nil
		}
		return paged(c.encoder().OrganizationMembership)(c.orgs().Members(c.r.Context(), o.ID, f, p))
	})
}

// oneMember answers with the membership that do returns.
func (c *call) oneMember(do func(id, userID string) (*engine.MembershipView, error)) (any, error) {
	return c.ofPart("user_id", func(id, userID string) (any, error) {
		return shown(c.encoder().OrganizationMembership)(do(id, userID))
	})
}

func addOrgMember(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		f, err := c.body("user_id", "role", "public_metadata", "private_metadata")
		if err != nil {
			return nil, err
		}
		n := organization.NewMember{UserID: f.Require("user_id"), Role: f.Require("role")}
		n.PublicMetadata, _ = f.JSONObject("public_metadata")
		n.PrivateMetadata, _ = f.JSONObject("private_metadata")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return shown(c.encoder().OrganizationMembership)(c.orgs().AddMember(c.r.Context(), id, n))
	})
}

func updateOrgMember(c *call) (any, error) {
	return c.oneMember(func(id, userID string) (*engine.MembershipView, error) {
		f, err := c.body("role")
		if err != nil {
			return nil, err
		}
		role := f.Require("role")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.orgs().SetRole(c.r.Context(), id, userID, role)
	})
}

func removeOrgMember(c *call) (any, error) {
	return c.oneMember(func(id, userID string) (*engine.MembershipView, error) {
		return c.orgs().RemoveMember(c.r.Context(), id, userID)
	})
}

func mergeMemberMetadata(c *call) (any, error) {
	return c.oneMember(func(id, userID string) (*engine.MembershipView, error) {
		f, err := c.body("public_metadata", "private_metadata")
		if err != nil {
			return nil, err
		}
		public, _ := f.JSONObject("public_metadata")
		private, _ := f.JSONObject("private_metadata")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.orgs().SetMemberMetadata(c.r.Context(), id, userID, public, private, true)
	})
}

func listAllMemberships(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return paged(c.encoder().OrganizationMembership)(c.orgs().AllMemberships(c.r.Context(), p))
}

func listUserMemberships(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, err
	}
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	return paged(c.encoder().OrganizationMembership)(c.orgs().OfUser(c.r.Context(), id, p))
}

func listUserInvitations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p, statuses := orgPage(q), readOrgStatus(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, err
	}
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	return paged(c.withOrganization)(c.orgs().InvitationsOfUser(c.r.Context(), id, statuses, p))
}

func (c *call) withOrganization(v *engine.InvitationView) backend.OrganizationInvitation {
	return c.encoder().OrganizationInvitation(v, true)
}

func (c *call) invitation(v *engine.InvitationView) backend.OrganizationInvitation {
	return c.encoder().OrganizationInvitation(v, false)
}

// orgInvitationFields are what an invitation can be made of.
var orgInvitationFields = []string{"email_address", "inviter_user_id", "role", "public_metadata", "private_metadata", "redirect_url", "expires_in_days", "notify"}

func (c *call) readOrgInvitation(f *httpx.Form) engine.InviteParams {
	f.Only(orgInvitationFields...)
	p := engine.InviteParams{EmailAddress: f.Require("email_address"), Role: f.Require("role"), RedirectURL: c.checkRedirect(f)}
	p.InviterID, _ = f.String("inviter_user_id")
	public, _ := f.JSONObject("public_metadata")
	private, _ := f.JSONObject("private_metadata")
	p.PublicMetadata, p.PrivateMetadata = public, private
	if n := readCount(f, "expires_in_days"); n != nil {
		if p.Days = *n; p.Days == 0 {
			f.Fail("form_param_value_invalid", "expires_in_days", "must be 1 to 365")
		}
	}
	if notify := optional(f, "notify"); notify != nil {
		p.Silent = !*notify
	}
	return p
}

func createOrgInvitation(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		f, err := httpx.ParseJSON(c.w, c.r)
		if err != nil {
			return nil, err
		}
		p := c.readOrgInvitation(f)
		if err := f.Err(); err != nil {
			return nil, err
		}
		list, err := c.orgs().Invite(c.r.Context(), id, c.site.Origin(c.r), []engine.InviteParams{p})
		if err != nil {
			return nil, err
		}
		return c.invitation(list[0]), nil
	})
}

func createOrgInvitations(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		forms, err := httpx.ParseJSONList(c.w, c.r)
		if err != nil {
			return nil, err
		}
		switch n := len(forms); {
		case n == 0:
			return nil, fault.New("form_param_nil", "")
		case n > engine.MaxBulkInvitations:
			return nil, fault.New("bulk_size_exceeded", "")
		}
		var ps []engine.InviteParams
		for _, f := range forms {
			ps = append(ps, c.readOrgInvitation(f))
			if err := f.Err(); err != nil {
				return nil, err
			}
		}
		list, err := c.orgs().Invite(c.r.Context(), id, c.site.Origin(c.r), ps)
		if err != nil {
			return nil, err
		}
		return pageOf(list, len(list), c.invitation), nil
	})
}

func listOrgInvitations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	return c.orgInvitations(q, readOrgStatus(q))
}

func listPendingOrgInvitations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	return c.orgInvitations(q, []organization.Status{organization.Pending})
}

func (c *call) orgInvitations(q *httpx.Form, statuses []organization.Status) (any, error) {
	p := orgPage(q)
	f := organization.InvitationFilter{Statuses: statuses}
	f.EmailAddress, _ = q.StringMax("email_address", 320)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return c.ofOrg(func(id string) (any, error) {
		f.OrganizationID = id
		return paged(c.invitation)(c.orgs().Invitations(c.r.Context(), f, p))
	})
}

func listAllOrgInvitations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	f := organization.InvitationFilter{Statuses: readOrgStatus(q)}
	f.Query, _ = q.StringMax("query", 256)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return paged(c.withOrganization)(c.orgs().Invitations(c.r.Context(), f, p))
}

func getOrgInvitation(c *call) (any, error) {
	return c.ofPart("invitation_id", func(id, inv string) (any, error) {
		return shown(c.invitation)(c.orgs().Invitation(c.r.Context(), id, inv))
	})
}

func revokeOrgInvitation(c *call) (any, error) {
	return c.ofPart("invitation_id", func(id, inv string) (any, error) {
		f, err := c.body("requesting_user_id")
		if err != nil {
			return nil, err
		}
		by, _ := f.String("requesting_user_id")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return shown(c.invitation)(c.orgs().RevokeInvitation(c.r.Context(), id, inv, by))
	})
}
