package auth

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

// Organizations is what the host may do with every organization. Nobody is
// asked for rights: whoever holds an [Auth] is the host. Rules hold all the
// same, and refusals are *[Error]: quotas (organization.ErrFull), the last
// manager (organization.ErrLastManager), slugs. What does not exist is
// store.ErrNotFound. An organization is named by ID or slug.
type Organizations struct {
	o engine.Organizations
	a *Auth
}

// Organizations returns the host's view of all organizations.
func (a *Auth) Organizations() Organizations { return Organizations{a.engine.Organizations(), a} }

// OrganizationsIn is Organizations inside a transaction of the host's own, see
// [Auth.UsersIn].
func (a *Auth) OrganizationsIn(in store.Store) (Organizations, error) {
	in, err := a.sealed(in)
	if err != nil {
		return Organizations{}, err
	}
	return Organizations{a.engine.Organizations().In(in), a}, nil
}

// An OrganizationUpdate changes an organization; nil leaves a field.
type OrganizationUpdate = engine.UpdateOrganizationParams

// A RoleUpdate changes a role; nil leaves a field.
type RoleUpdate = engine.UpdateRoleParams

// An OrganizationInvite says who is invited to an organization.
type OrganizationInvite = engine.InviteParams

// Create makes an organization. Its founder, if one is named, becomes the first
// member, with the creator role.
func (o Organizations) Create(ctx context.Context, p organization.CreateParams) (*organization.Organization, error) {
	return told(o.o.Create(ctx, p))
}

// Get returns an organization.
func (o Organizations) Get(ctx context.Context, id string) (*organization.Organization, error) {
	return told(o.o.Get(ctx, id))
}

// List returns a page of the organizations that f asks for and how many there
// are in all.
func (o Organizations) List(ctx context.Context, f organization.Filter, p organization.Page) ([]*organization.Organization, int, error) {
	list, total, err := o.o.List(ctx, f, p)
	return list, total, refusal(err)
}

// Update changes an organization.
func (o Organizations) Update(ctx context.Context, id string, p OrganizationUpdate) (*organization.Organization, error) {
	return told(o.o.Update(ctx, id, p))
}

// MergeMetadata merges patches into an organization's metadata, at every depth;
// a null deletes its key. A nil patch leaves one as it is.
func (o Organizations) MergeMetadata(ctx context.Context, id string, public, private json.RawMessage) (*organization.Organization, error) {
	return told(o.o.SetMetadata(ctx, id, public, private, true))
}

// Delete removes an organization with all that is inside. Tokens that name it
// are refused at once.
func (o Organizations) Delete(ctx context.Context, id string) error {
	_, err := o.o.Delete(ctx, id)
	return refusal(err)
}

// Member returns a user's membership.
func (o Organizations) Member(ctx context.Context, id, userID string) (*organization.Membership, error) {
	return membership(o.o.Member(ctx, id, userID))
}

func membership(v *engine.MembershipView, err error) (*organization.Membership, error) {
	if err != nil {
		return nil, refusal(err)
	}
	return v.Membership, nil
}

func memberships(list []*engine.MembershipView, total int, err error) ([]*organization.Membership, int, error) {
	out := make([]*organization.Membership, len(list))
	for i, v := range list {
		out[i] = v.Membership
	}
	return out, total, refusal(err)
}

// Members returns a page of the members that f asks for and how many there are
// in all.
func (o Organizations) Members(ctx context.Context, id string, f organization.MemberFilter, p organization.Page) ([]*organization.Membership, int, error) {
	return memberships(o.o.Members(ctx, id, f, p))
}

// OfUser returns a page of a user's memberships, newest first, and how many
// there are in all.
func (o Organizations) OfUser(ctx context.Context, userID string, p organization.Page) ([]*organization.Membership, int, error) {
	return memberships(o.o.OfUser(ctx, userID, p))
}

// AddMember makes a user a member.
func (o Organizations) AddMember(ctx context.Context, id string, n organization.NewMember) (*organization.Membership, error) {
	return membership(o.o.AddMember(ctx, id, n))
}

// SetRole gives a member another role. The next request of theirs knows it.
func (o Organizations) SetRole(ctx context.Context, id, userID, role string) (*organization.Membership, error) {
	return membership(o.o.SetRole(ctx, id, userID, role))
}

// RemoveMember takes a member out.
func (o Organizations) RemoveMember(ctx context.Context, id, userID string) error {
	_, err := o.o.RemoveMember(ctx, id, userID)
	return refusal(err)
}

// MergeMemberMetadata merges patches into a membership's metadata.
func (o Organizations) MergeMemberMetadata(ctx context.Context, id, userID string, public, private json.RawMessage) (*organization.Membership, error) {
	return membership(o.o.SetMemberMetadata(ctx, id, userID, public, private, true))
}

// A MemberInvitation is an invitation to an organization that was just made, and
// what its ticket travels as.
type MemberInvitation struct {
	*organization.Invitation
	Issued
}

// Invite invites people, at most ten: all of them, or, if one cannot be, nobody.
// The link is mailed to each who is not invited silently; to the others the host
// brings it, see [MemberInvitation]. A RedirectURL is a path or a URL on an
// allowed origin, like that of [InvitationParams].
func (o Organizations) Invite(ctx context.Context, id string, people ...OrganizationInvite) ([]MemberInvitation, error) {
	people = slices.Clone(people)
	for i, p := range people {
		if p.RedirectURL == "" {
			continue
		}
		checked, err := o.a.site.Redirects.Check(nil, "redirect_url", p.RedirectURL)
		if err != nil {
			return nil, refusal(err)
		}
		people[i].RedirectURL = checked
	}
	list, err := o.o.Invite(ctx, id, "", people)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]MemberInvitation, len(list))
	for i, v := range list {
		out[i] = MemberInvitation{v.Invitation, Issued{Token: v.Ticket, URL: v.URL}}
	}
	return out, nil
}

// Invitations returns a page of the invitations that f asks for and how many
// there are in all.
func (o Organizations) Invitations(ctx context.Context, f organization.InvitationFilter, p organization.Page) ([]*organization.Invitation, int, error) {
	list, total, err := o.o.Invitations(ctx, f, p)
	out := make([]*organization.Invitation, len(list))
	for i, v := range list {
		out[i] = v.Invitation
	}
	return out, total, refusal(err)
}

// RevokeInvitation takes an invitation back.
func (o Organizations) RevokeInvitation(ctx context.Context, id, invitationID string) error {
	_, err := o.o.RevokeInvitation(ctx, id, invitationID, "")
	return refusal(err)
}

// AddDomain adds a domain that the host vouches for. mode is how people with an
// address there come in; empty: they are invited.
func (o Organizations) AddDomain(ctx context.Context, id, name, mode string) (*organization.Domain, error) {
	v, err := o.o.AddDomain(ctx, id, name, mode, true)
	if err != nil {
		return nil, refusal(err)
	}
	return v.Domain, nil
}

// Domains returns a page of the domains that f asks for and how many there are
// in all.
func (o Organizations) Domains(ctx context.Context, f organization.DomainFilter, p organization.Page) ([]*organization.Domain, int, error) {
	list, total, err := o.o.Domains(ctx, f, p)
	out := make([]*organization.Domain, len(list))
	for i, v := range list {
		out[i] = v.Domain
	}
	return out, total, refusal(err)
}

// DeleteDomain removes a domain.
func (o Organizations) DeleteDomain(ctx context.Context, id, domainID string) error {
	return refusal(o.o.DeleteDomain(ctx, id, domainID))
}

// Roles returns all roles.
func (o Organizations) Roles(ctx context.Context) (*organization.Roles, error) {
	v, err := o.o.Roles(ctx)
	if err != nil {
		return nil, refusal(err)
	}
	return v.Roles, nil
}

// CreateRole makes a role. Those that the program itself speaks of are better
// declared in Config.Organizations.
func (o Organizations) CreateRole(ctx context.Context, r organization.RoleDefinition) error {
	_, err := o.o.CreateRole(ctx, r.Key, r.Name, r.Description, r.Permissions)
	return refusal(err)
}

// UpdateRole changes a role, named by key or ID. Everybody's next request knows
// it.
func (o Organizations) UpdateRole(ctx context.Context, role string, p RoleUpdate) error {
	_, err := o.o.UpdateRole(ctx, role, p)
	return refusal(err)
}

// DeleteRole removes a role that is not in use.
func (o Organizations) DeleteRole(ctx context.Context, role string) error {
	_, err := o.o.DeleteRole(ctx, role)
	return refusal(err)
}

// SetDefaultRoles chooses the roles that founders and new members get; empty
// leaves one.
func (o Organizations) SetDefaultRoles(ctx context.Context, creator, member string) error {
	_, err := o.o.SetDefaultRoles(ctx, creator, member)
	return refusal(err)
}

// CreateTeam makes a team. Teams must be on in the settings.
func (o Organizations) CreateTeam(ctx context.Context, id, name string) (*organization.Team, error) {
	return told(o.o.Teams(id).Create(ctx, name))
}

// Teams returns a page of an organization's teams, oldest first, and how many
// there are in all.
func (o Organizations) Teams(ctx context.Context, id string, p organization.Page) ([]*organization.Team, int, error) {
	list, total, err := o.o.Teams(id).List(ctx, p)
	return list, total, refusal(err)
}

// RenameTeam gives a team another name.
func (o Organizations) RenameTeam(ctx context.Context, id, teamID, name string) (*organization.Team, error) {
	return told(o.o.Teams(id).Rename(ctx, teamID, name))
}

// DeleteTeam removes a team; its members stay in the organization.
func (o Organizations) DeleteTeam(ctx context.Context, id, teamID string) error {
	return refusal(o.o.Teams(id).Delete(ctx, teamID))
}

// AddToTeam puts a member into a team, or gives another role there: a word of
// the host's own. Tokens say it in the claim tms, see [Identity.Teams].
func (o Organizations) AddToTeam(ctx context.Context, id, teamID, userID, role string) (*organization.TeamMember, error) {
	return told(o.o.Teams(id).Add(ctx, teamID, userID, role))
}

// RemoveFromTeam takes a member out of a team.
func (o Organizations) RemoveFromTeam(ctx context.Context, id, teamID, userID string) error {
	return refusal(o.o.Teams(id).Remove(ctx, teamID, userID))
}

// TeamMembers returns a page of a team's members, oldest first, and how many
// there are in all.
func (o Organizations) TeamMembers(ctx context.Context, id, teamID string, p organization.Page) ([]*organization.TeamMember, int, error) {
	list, total, err := o.o.Teams(id).Members(ctx, teamID, p)
	return list, total, refusal(err)
}

// Teams are the teams of the active organization that the person is in, with
// the role in each, by ID.
func (id *Identity) Teams() map[string]string {
	if id.Claims == nil || id.Claims.Organization == nil {
		return nil
	}
	var teams map[string]string
	if json.Unmarshal(id.Claims.Custom["tms"], &teams) != nil {
		return nil
	}
	return teams
}

// Team lets those pass who are in a team of the active organization, and, if a
// role is given, have it there.
//
//go:noinline
func Team(teamID string, role ...string) Rule {
	return func(id *Identity) error {
		have, in := id.Teams()[teamID]
		if id.probe != nil || in && (len(role) == 0 || have == role[0]) {
			return nil
		}
		return errTeam
	}
}
