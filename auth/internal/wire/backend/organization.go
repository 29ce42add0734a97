package backend

import (
	"encoding/json"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/user"
)

// Organization is an organization as the host sees it.
type Organization struct {
	frontend.Organization
	MissingManager  *bool           `json:"missing_member_with_elevated_permissions,omitempty"`
	PrivateMetadata json.RawMessage `json:"private_metadata"`
	CreatedBy       string          `json:"created_by,omitempty"`
	RoleSetKey      string          `json:"role_set_key"`
}

// roleSetKey names the only set of roles that there is.
const roleSetKey = "role_set:default"

// browsers makes what browsers see too.
func (e Encoder) browsers() frontend.Encoder { return frontend.Encoder{Images: e.Images} }

// Organization is o with all that the host may know.
func (e Encoder) Organization(o *organization.Organization) *Organization {
	return &Organization{Organization: *e.browsers().Organization(o), PrivateMetadata: wire.Object(o.PrivateMetadata), CreatedBy: o.CreatedBy, RoleSetKey: roleSetKey}
}

// DeletedOrganization says that an organization is no more.
type DeletedOrganization struct {
	wire.Deleted
	Slug string `json:"slug"`
}

// DeletedOrganization says that o is no more.
func (e Encoder) DeletedOrganization(o *organization.Organization) DeletedOrganization {
	return DeletedOrganization{wire.NewDeleted("organization", o.ID), o.Slug}
}

// PublicUserData is what is shown of a member.
type PublicUserData struct {
	UserID          string  `json:"user_id"`
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	ImageURL        string  `json:"image_url"`
	ProfileImageURL *string `json:"profile_image_url,omitempty"`
	HasImage        bool    `json:"has_image"`
	Identifier      string  `json:"identifier"`
}

func (e Encoder) publicUser(u *user.User) *PublicUserData {
	if u == nil {
		return nil
	}
	return &PublicUserData{UserID: u.ID, FirstName: wire.TextOrNull(u.FirstName), LastName: wire.TextOrNull(u.LastName), ImageURL: e.Images.User(u),
		HasImage: u.ImageID != "", Identifier: u.Identifier()}
}

// OrganizationMembership is somebody's place in an organization.
type OrganizationMembership struct {
	frontend.OrganizationMembership
	PrivateMetadata json.RawMessage `json:"private_metadata"`
	Organization    *Organization   `json:"organization"`
	PublicUserData  *PublicUserData `json:"public_user_data,omitempty"`
}

// OrganizationMembership is m.
func (e Encoder) OrganizationMembership(m *engine.MembershipView) OrganizationMembership {
	out := OrganizationMembership{OrganizationMembership: e.browsers().OrganizationMembership(m), PrivateMetadata: wire.Object(m.Membership.PrivateMetadata),
		Organization: e.Organization(m.Organization), PublicUserData: e.publicUser(m.User)}
	if m.User != nil {
		out.PublicUserData.ProfileImageURL = &out.PublicUserData.ImageURL
	}
	return out
}

// OrganizationInvitation is an invitation to an organization.
type OrganizationInvitation struct {
	frontend.OrganizationInvitation
	InviterID         *string         `json:"inviter_id"`
	PublicInviterData *PublicUserData `json:"public_inviter_data"`
	PrivateMetadata   json.RawMessage `json:"private_metadata"`
}

// OrganizationInvitation is i; with its organization if it stands among those
// of several.
func (e Encoder) OrganizationInvitation(i *engine.InvitationView, withOrganization bool) OrganizationInvitation {
	out := OrganizationInvitation{OrganizationInvitation: e.browsers().OrganizationInvitation(i), InviterID: wire.TextOrNull(i.InviterID),
		PublicInviterData: e.publicUser(i.Inviter), PrivateMetadata: wire.Object(i.PrivateMetadata)}
	out.URL = wire.TextOrNull(i.URL)
	if !withOrganization {
		out.PublicOrganizationData = nil
	}
	return out
}

// OrganizationDomain is a mail domain of an organization.
type OrganizationDomain struct {
	frontend.OrganizationDomain
	OwnershipVerification *wire.DomainVerification `json:"ownership_verification"`
}

// OrganizationDomain is d.
func (e Encoder) OrganizationDomain(d *engine.DomainView) OrganizationDomain {
	out := OrganizationDomain{e.browsers().OrganizationDomain(d), wire.NewDomainVerification(d.Ownership, d.Now)}
	if out.Verification == nil {
		out.Verification = out.OwnershipVerification
	}
	return out
}

// Role is a role with its permissions: as browsers see it.
type Role = frontend.Role

// OrganizationSettings are the settings of organizations.
type OrganizationSettings struct {
	Object                 string   `json:"object"`
	Enabled                bool     `json:"enabled"`
	MaxAllowedMemberships  int      `json:"max_allowed_memberships"`
	MaxAllowedRoles        int      `json:"max_allowed_roles"`
	MaxRoleSetsAllowed     int      `json:"max_role_sets_allowed"`
	MaxAllowedDomains      int      `json:"max_allowed_domains"`
	MaxAllowedPermissions  int      `json:"max_allowed_permissions"`
	CreatorRole            string   `json:"creator_role"`
	AdminDeleteEnabled     bool     `json:"admin_delete_enabled"`
	DomainsEnabled         bool     `json:"domains_enabled"`
	SlugDisabled           bool     `json:"slug_disabled"`
	DomainsEnrollmentModes []string `json:"domains_enrollment_modes"`
	DomainsDefaultRole     string   `json:"domains_default_role"`
	InitialRoleSetKey      string   `json:"initial_role_set_key"`
}

// RoleSet is the one set of roles.
type RoleSet struct {
	Object      string        `json:"object"`
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Key         string        `json:"key"`
	Description *string       `json:"description"`
	Type        string        `json:"type"`
	Roles       []RoleSetItem `json:"roles"`
	DefaultRole *RoleSetItem  `json:"default_role"`
	CreatorRole *RoleSetItem  `json:"creator_role"`
	CreatedAt   int64         `json:"created_at"`
	UpdatedAt   int64         `json:"updated_at"`
}

// RoleSetItem is a role in a set.
type RoleSetItem struct {
	Object      string  `json:"object"`
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Key         string  `json:"key"`
	Description *string `json:"description"`
	CreatedAt   int64   `json:"created_at"`
	UpdatedAt   int64   `json:"updated_at"`
}

// NewRoleSet is the set of the roles of v.
func NewRoleSet(v *engine.RolesView) RoleSet {
	s := v.Roles.Set
	out := RoleSet{Object: "role_set", ID: s.ID, Name: "Default", Key: roleSetKey, Type: "initial", Roles: []RoleSetItem{},
		CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
	for _, r := range v.Roles.All() {
		item := RoleSetItem{Object: "role_set_item", ID: r.ID, Name: r.Name, Key: r.Key, Description: wire.TextOrNull(r.Description),
			CreatedAt: wire.Millis(r.CreatedAt), UpdatedAt: wire.Millis(r.UpdatedAt)}
		out.Roles = append(out.Roles, item)
		if r.Key == s.CreatorRole {
			out.CreatorRole = &item
		}
		if r.Key == s.DefaultRole {
			out.DefaultRole = &item
		}
	}
	return out
}

// Team is some of an organization's members under one name.
type Team struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id"`
	Name           string `json:"name"`
	MembersCount   int    `json:"members_count"`
	CreatedAt      int64  `json:"created_at"`
	UpdatedAt      int64  `json:"updated_at"`
}

// NewTeam is t.
func NewTeam(t *organization.Team) Team {
	return Team{Object: "team", ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name, MembersCount: t.MembersCount,
		CreatedAt: wire.Millis(t.CreatedAt), UpdatedAt: wire.Millis(t.UpdatedAt)}
}

// TeamMembership is a member's place in a team.
type TeamMembership struct {
	Object    string  `json:"object"`
	ID        string  `json:"id"`
	TeamID    string  `json:"team_id"`
	UserID    string  `json:"user_id"`
	Role      *string `json:"role"`
	CreatedAt int64   `json:"created_at"`
	UpdatedAt int64   `json:"updated_at"`
}

// NewTeamMembership is m.
func NewTeamMembership(m *organization.TeamMember) TeamMembership {
	return TeamMembership{Object: "team_membership", ID: m.ID, TeamID: m.TeamID, UserID: m.UserID, Role: wire.TextOrNull(m.Role),
		CreatedAt: wire.Millis(m.CreatedAt), UpdatedAt: wire.Millis(m.UpdatedAt)}
}
