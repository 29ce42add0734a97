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
	Object                  string          `json:"object"`
	ID                      string          `json:"id"`
	Name                    string          `json:"name"`
	Slug                    string          `json:"slug"`
	ImageURL                string          `json:"image_url"`
	HasImage                bool            `json:"has_image"`
	MembersCount            int             `json:"members_count"`
	PendingInvitationsCount int             `json:"pending_invitations_count"`
	MissingManager          *bool           `json:"missing_member_with_elevated_permissions,omitempty"`
	MaxAllowedMemberships   int             `json:"max_allowed_memberships"`
	AdminDeleteEnabled      bool            `json:"admin_delete_enabled"`
	PublicMetadata          json.RawMessage `json:"public_metadata"`
	PrivateMetadata         json.RawMessage `json:"private_metadata"`
	CreatedBy               string          `json:"created_by,omitempty"`
	RoleSetKey              string          `json:"role_set_key"`
	CreatedAt               int64           `json:"created_at"`
	UpdatedAt               int64           `json:"updated_at"`
}

// roleSetKey names the only set of roles that there is.
const roleSetKey = "role_set:default"

// Organization is o with all that the host may know.
func (e Encoder) Organization(o *organization.Organization) *Organization {
	return &Organization{Object: "organization", ID: o.ID, Name: o.Name, Slug: o.Slug, ImageURL: e.Images.Organization(o), HasImage: o.ImageID != "",
		MembersCount: o.MembersCount, PendingInvitationsCount: o.PendingInvitations, MaxAllowedMemberships: o.MaxMemberships,
		AdminDeleteEnabled: o.AdminDeleteEnabled, PublicMetadata: wire.Object(o.PublicMetadata), PrivateMetadata: wire.Object(o.PrivateMetadata),
		CreatedBy: o.CreatedBy, RoleSetKey: roleSetKey, CreatedAt: wire.Millis(o.CreatedAt), UpdatedAt: wire.Millis(o.UpdatedAt)}
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
	Object          string          `json:"object"`
	ID              string          `json:"id"`
	Role            string          `json:"role"`
	RoleName        string          `json:"role_name"`
	Permissions     []string        `json:"permissions"`
	PublicMetadata  json.RawMessage `json:"public_metadata"`
	PrivateMetadata json.RawMessage `json:"private_metadata"`
	Organization    *Organization   `json:"organization"`
	PublicUserData  *PublicUserData `json:"public_user_data,omitempty"`
	CreatedAt       int64           `json:"created_at"`
	UpdatedAt       int64           `json:"updated_at"`
}

// OrganizationMembership is m.
func (e Encoder) OrganizationMembership(m *engine.MembershipView) OrganizationMembership {
	out := OrganizationMembership{Object: "organization_membership", ID: m.Membership.ID, Role: m.Membership.Role, RoleName: m.Membership.Role, Permissions: []string{},
		PublicMetadata: wire.Object(m.Membership.PublicMetadata), PrivateMetadata: wire.Object(m.Membership.PrivateMetadata),
		Organization: e.Organization(m.Organization), PublicUserData: e.publicUser(m.User),
		CreatedAt: wire.Millis(m.Membership.CreatedAt), UpdatedAt: wire.Millis(m.Membership.UpdatedAt)}
	if m.User != nil {
		out.PublicUserData.ProfileImageURL = &out.PublicUserData.ImageURL
	}
	if m.Role != nil {
		out.RoleName, out.Permissions = m.Role.Name, append(out.Permissions, m.Role.Permissions...)
	}
	return out
}

// PublicOrganizationData is what is shown of an organization beside something
// else.
type PublicOrganizationData struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Slug     string `json:"slug"`
	ImageURL string `json:"image_url"`
	HasImage bool   `json:"has_image"`
}

func (e Encoder) publicOrganization(o *organization.Organization) *PublicOrganizationData {
	if o == nil {
		return nil
	}
	return &PublicOrganizationData{ID: o.ID, Name: o.Name, Slug: o.Slug, ImageURL: e.Images.Organization(o), HasImage: o.ImageID != ""}
}

// OrganizationInvitation is an invitation to an organization.
type OrganizationInvitation struct {
	Object                 string                  `json:"object"`
	ID                     string                  `json:"id"`
	EmailAddress           string                  `json:"email_address"`
	Role                   string                  `json:"role"`
	RoleName               string                  `json:"role_name"`
	OrganizationID         string                  `json:"organization_id"`
	InviterID              *string                 `json:"inviter_id"`
	PublicInviterData      *PublicUserData         `json:"public_inviter_data"`
	PublicOrganizationData *PublicOrganizationData `json:"public_organization_data,omitempty"`
	Status                 string                  `json:"status"`
	PublicMetadata         json.RawMessage         `json:"public_metadata"`
	PrivateMetadata        json.RawMessage         `json:"private_metadata"`
	URL                    *string                 `json:"url"`
	ExpiresAt              *int64                  `json:"expires_at"`
	CreatedAt              int64                   `json:"created_at"`
	UpdatedAt              int64                   `json:"updated_at"`
}

// OrganizationInvitation is i; with its organization if it stands among those
// of several.
func (e Encoder) OrganizationInvitation(i *engine.InvitationView, withOrganization bool) OrganizationInvitation {
	out := OrganizationInvitation{Object: "organization_invitation", ID: i.Invitation.ID, EmailAddress: i.EmailAddress, Role: i.Invitation.Role, RoleName: i.Invitation.Role,
		OrganizationID: i.OrganizationID, InviterID: wire.TextOrNull(i.InviterID), PublicInviterData: e.publicUser(i.Inviter), Status: string(i.StatusAt(i.Now)),
		PublicMetadata: wire.Object(i.PublicMetadata), PrivateMetadata: wire.Object(i.PrivateMetadata), URL: wire.TextOrNull(i.URL),
		ExpiresAt: wire.MillisOrNull(i.ExpireAt), CreatedAt: wire.Millis(i.CreatedAt), UpdatedAt: wire.Millis(i.UpdatedAt)}
	if i.Role != nil {
		out.RoleName = i.Role.Name
	}
	if withOrganization {
		out.PublicOrganizationData = e.publicOrganization(i.Organization)
	}
	return out
}

// OrganizationDomain is a mail domain of an organization.
type OrganizationDomain struct {
	Object                  string                   `json:"object"`
	ID                      string                   `json:"id"`
	OrganizationID          string                   `json:"organization_id"`
	Name                    string                   `json:"name"`
	EnrollmentMode          string                   `json:"enrollment_mode"`
	AffiliationEmailAddress *string                  `json:"affiliation_email_address"`
	Verification            *wire.DomainVerification `json:"verification"`
	AffiliationVerification *wire.DomainVerification `json:"affiliation_verification"`
	OwnershipVerification   *wire.DomainVerification `json:"ownership_verification"`
	PublicOrganizationData  *PublicOrganizationData  `json:"public_organization_data,omitempty"`
	TotalPendingInvitations int                      `json:"total_pending_invitations"`
	TotalPendingSuggestions int                      `json:"total_pending_suggestions"`
	CreatedAt               int64                    `json:"created_at"`
	UpdatedAt               int64                    `json:"updated_at"`
}

// OrganizationDomain is d.
func (e Encoder) OrganizationDomain(d *engine.DomainView) OrganizationDomain {
	out := OrganizationDomain{Object: "organization_domain", ID: d.Domain.ID, OrganizationID: d.OrganizationID, Name: d.Name, EnrollmentMode: d.EnrollmentMode,
		AffiliationEmailAddress: wire.TextOrNull(d.AffiliationEmail), AffiliationVerification: wire.NewDomainVerification(d.Affiliation, d.Now),
		OwnershipVerification: wire.NewDomainVerification(d.Ownership, d.Now), PublicOrganizationData: e.publicOrganization(d.Organization),
		TotalPendingInvitations: d.Invited, TotalPendingSuggestions: d.Suggested, CreatedAt: wire.Millis(d.CreatedAt), UpdatedAt: wire.Millis(d.UpdatedAt)}
	if out.Verification = out.AffiliationVerification; out.Verification == nil {
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
