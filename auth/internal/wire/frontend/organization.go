package frontend

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/organization"
)

// Organization is an organization as its members see it.
type Organization struct {
	Object                  string          `json:"object"`
	ID                      string          `json:"id"`
	Name                    string          `json:"name"`
	Slug                    string          `json:"slug"`
	ImageURL                string          `json:"image_url"`
	HasImage                bool            `json:"has_image"`
	MembersCount            int             `json:"members_count"`
	PendingInvitationsCount int             `json:"pending_invitations_count"`
	MaxAllowedMemberships   int             `json:"max_allowed_memberships"`
	AdminDeleteEnabled      bool            `json:"admin_delete_enabled"`
	PublicMetadata          json.RawMessage `json:"public_metadata"`
	CreatedAt               int64           `json:"created_at"`
	UpdatedAt               int64           `json:"updated_at"`
}

// Organization is o.
func (e Encoder) Organization(o *organization.Organization) *Organization {
	return &Organization{Object: "organization", ID: o.ID, Name: o.Name, Slug: o.Slug, ImageURL: e.Images.Organization(o), HasImage: o.ImageID != "",
		MembersCount: o.MembersCount, PendingInvitationsCount: o.PendingInvitations, MaxAllowedMemberships: o.MaxMemberships,
		AdminDeleteEnabled: o.AdminDeleteEnabled, PublicMetadata: wire.Object(o.PublicMetadata),
		CreatedAt: wire.Millis(o.CreatedAt), UpdatedAt: wire.Millis(o.UpdatedAt)}
}

// PublicOrganizationData is what everybody may see of an organization who was
// told of it.
type PublicOrganizationData struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Slug     string `json:"slug"`
	ImageURL string `json:"image_url"`
	HasImage bool   `json:"has_image"`
}

// PublicOrganization is what is shown of o beside something else; nil of none.
func (e Encoder) PublicOrganization(o *organization.Organization) *PublicOrganizationData {
	if o == nil {
		return nil
	}
	return &PublicOrganizationData{ID: o.ID, Name: o.Name, Slug: o.Slug, ImageURL: e.Images.Organization(o), HasImage: o.ImageID != ""}
}

// OrganizationMembership is somebody's place in an organization.
type OrganizationMembership struct {
	Object         string          `json:"object"`
	ID             string          `json:"id"`
	Role           string          `json:"role"`
	RoleName       string          `json:"role_name"`
	Permissions    []string        `json:"permissions"`
	PublicMetadata json.RawMessage `json:"public_metadata"`
	Organization   *Organization   `json:"organization"`
	PublicUserData *PublicUserData `json:"public_user_data"`
	CreatedAt      int64           `json:"created_at"`
	UpdatedAt      int64           `json:"updated_at"`
}

// OrganizationMembership is m.
func (e Encoder) OrganizationMembership(m *engine.MembershipView) OrganizationMembership {
	out := OrganizationMembership{Object: "organization_membership", ID: m.Membership.ID, Role: m.Membership.Role, RoleName: roleName(m.Role, m.Membership.Role),
		Permissions: []string{}, PublicMetadata: wire.Object(m.Membership.PublicMetadata), Organization: e.Organization(m.Organization),
		CreatedAt: wire.Millis(m.Membership.CreatedAt), UpdatedAt: wire.Millis(m.Membership.UpdatedAt)}
	if m.Role != nil {
		out.Permissions = list(m.Role.Permissions)
	}
	if m.User != nil {
		u := e.PublicUserData(m.User)
		out.PublicUserData = &u
	}
	return out
}

func roleName(r *organization.Role, key string) string {
	if r == nil {
		return key
	}
	return r.Name
}

// OrganizationMemberships are ms in their order.
func (e Encoder) OrganizationMemberships(ms []*engine.MembershipView) []OrganizationMembership {
	out := make([]OrganizationMembership, 0, len(ms))
	for _, m := range ms {
		out = append(out, e.OrganizationMembership(m))
	}
	return out
}

// OrganizationInvitation is an invitation to an organization.
type OrganizationInvitation struct {
	Object                 string                  `json:"object"`
	ID                     string                  `json:"id"`
	EmailAddress           string                  `json:"email_address"`
	Role                   string                  `json:"role"`
	RoleName               string                  `json:"role_name"`
	OrganizationID         string                  `json:"organization_id"`
	PublicOrganizationData *PublicOrganizationData `json:"public_organization_data,omitempty"`
	Status                 string                  `json:"status"`
	PublicMetadata         json.RawMessage         `json:"public_metadata"`
	URL                    *string                 `json:"url"`
	ExpiresAt              *int64                  `json:"expires_at"`
	CreatedAt              int64                   `json:"created_at"`
	UpdatedAt              int64                   `json:"updated_at"`
}

// OrganizationInvitation is i, without the link: that is for who was invited.
func (e Encoder) OrganizationInvitation(i *engine.InvitationView) OrganizationInvitation {
	return OrganizationInvitation{Object: "organization_invitation", ID: i.Invitation.ID, EmailAddress: i.EmailAddress, Role: i.Invitation.Role,
		RoleName: roleName(i.Role, i.Invitation.Role), OrganizationID: i.OrganizationID, PublicOrganizationData: e.PublicOrganization(i.Organization),
		Status: string(i.StatusAt(i.Now)), PublicMetadata: wire.Object(i.PublicMetadata), ExpiresAt: wire.MillisOrNull(i.ExpireAt),
		CreatedAt: wire.Millis(i.CreatedAt), UpdatedAt: wire.Millis(i.UpdatedAt)}
}

// OrganizationSuggestion is an organization that somebody could join.
type OrganizationSuggestion struct {
	Object                 string                  `json:"object"`
	ID                     string                  `json:"id"`
	PublicOrganizationData *PublicOrganizationData `json:"public_organization_data"`
	Status                 string                  `json:"status"`
	CreatedAt              int64                   `json:"created_at"`
	UpdatedAt              int64                   `json:"updated_at"`
}

// OrganizationSuggestion is s.
func (e Encoder) OrganizationSuggestion(s *engine.SuggestionView) OrganizationSuggestion {
	return OrganizationSuggestion{Object: "organization_suggestion", ID: s.Suggestion.ID, PublicOrganizationData: e.PublicOrganization(s.Organization),
		Status: string(s.Status), CreatedAt: wire.Millis(s.CreatedAt), UpdatedAt: wire.Millis(s.UpdatedAt)}
}

// OrganizationMembershipRequest is somebody's wish to join an organization.
type OrganizationMembershipRequest struct {
	Object         string          `json:"object"`
	ID             string          `json:"id"`
	OrganizationID string          `json:"organization_id"`
	Status         string          `json:"status"`
	PublicUserData *PublicUserData `json:"public_user_data"`
	CreatedAt      int64           `json:"created_at"`
	UpdatedAt      int64           `json:"updated_at"`
}

// OrganizationMembershipRequest is r.
func (e Encoder) OrganizationMembershipRequest(r *engine.RequestView) OrganizationMembershipRequest {
	out := OrganizationMembershipRequest{Object: "organization_membership_request", ID: r.Request.ID, OrganizationID: r.OrganizationID, Status: string(r.Status),
		CreatedAt: wire.Millis(r.CreatedAt), UpdatedAt: wire.Millis(r.UpdatedAt)}
	if r.User != nil {
		u := e.PublicUserData(r.User)
		out.PublicUserData = &u
	}
	return out
}

// OrganizationDomain is a mail domain of an organization.
type OrganizationDomain struct {
	Object                  string                      `json:"object"`
	ID                      string                      `json:"id"`
	OrganizationID          string                      `json:"organization_id"`
	Name                    string                      `json:"name"`
	EnrollmentMode          string                      `json:"enrollment_mode"`
	AffiliationEmailAddress *string                     `json:"affiliation_email_address"`
	AffiliationVerification *wire.DomainVerification    `json:"affiliation_verification"`
	OwnershipVerification   *wire.OwnershipVerification `json:"ownership_verification"`
	Verification            *wire.DomainVerification    `json:"verification"`
	TotalPendingInvitations int                         `json:"total_pending_invitations"`
	TotalPendingSuggestions int                         `json:"total_pending_suggestions"`
	PublicOrganizationData  *PublicOrganizationData     `json:"public_organization_data,omitempty"`
	CreatedAt               int64                       `json:"created_at"`
	UpdatedAt               int64                       `json:"updated_at"`
}

// OrganizationDomain is d.
func (e Encoder) OrganizationDomain(d *engine.DomainView) OrganizationDomain {
	out := OrganizationDomain{Object: "organization_domain", ID: d.Domain.ID, OrganizationID: d.OrganizationID, Name: d.Name, EnrollmentMode: d.EnrollmentMode,
		AffiliationEmailAddress: wire.TextOrNull(d.AffiliationEmail), AffiliationVerification: wire.NewDomainVerification(d.Affiliation, d.Now),
		OwnershipVerification: wire.NewOwnershipVerification(d, d.TXTValue), TotalPendingInvitations: d.Invited, TotalPendingSuggestions: d.Suggested,
		PublicOrganizationData: e.PublicOrganization(d.Organization), CreatedAt: wire.Millis(d.CreatedAt), UpdatedAt: wire.Millis(d.UpdatedAt)}
	if out.Verification = out.AffiliationVerification; d.Ownership != nil && d.Ownership.Status == "verified" {
		v := out.OwnershipVerification.DomainVerification
		out.Verification = &v
	}
	return out
}

// Role is a role with its permissions.
type Role struct {
	Object            string       `json:"object"`
	ID                string       `json:"id"`
	Name              string       `json:"name"`
	Key               string       `json:"key"`
	Description       string       `json:"description"`
	IsCreatorEligible bool         `json:"is_creator_eligible"`
	Permissions       []Permission `json:"permissions"`
	CreatedAt         int64        `json:"created_at"`
	UpdatedAt         int64        `json:"updated_at"`
}

// Permission is a permission.
type Permission struct {
	Object      string `json:"object"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Key         string `json:"key"`
	Description string `json:"description"`
	Type        string `json:"type"` // system or user
	CreatedAt   int64  `json:"created_at"`
	UpdatedAt   int64  `json:"updated_at"`
}

// Roles are all roles of v.
func Roles(v *engine.RolesView) []Role {
	out := []Role{}
	for _, r := range v.Roles.All() {
		out = append(out, NewRole(v, r))
	}
	return out
}

// NewRole is r, one of v.
func NewRole(v *engine.RolesView, r *organization.Role) Role {
	out := Role{Object: "role", ID: r.ID, Name: r.Name, Key: r.Key, Description: r.Description, IsCreatorEligible: r.Manager(), Permissions: []Permission{},
		CreatedAt: wire.Millis(r.CreatedAt), UpdatedAt: wire.Millis(r.UpdatedAt)}
	for _, p := range v.Permissions(r) {
		out.Permissions = append(out.Permissions, NewPermission(p))
	}
	return out
}

// epoch is when built-in permissions came to be, for clients, who want a time.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// NewPermission is p.
func NewPermission(p *organization.Permission) Permission {
	out := Permission{Object: "permission", ID: p.ID, Name: p.Name, Key: p.Key, Description: p.Description, Type: "user",
		CreatedAt: wire.Millis(p.CreatedAt), UpdatedAt: wire.Millis(p.UpdatedAt)}
	if p.System() {
		out.Type, out.CreatedAt, out.UpdatedAt = "system", wire.Millis(epoch), wire.Millis(epoch)
	}
	return out
}
