package fault

import (
	"errors"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

// organizations are the rows of the table that speak of organizations.
var organizations = map[string]entry{
	"organization_not_enabled_in_instance":             {403, "Organizations are not enabled", "Organizations are not enabled for this application."},
	"organization_slugs_disabled":                      {403, "Organization slugs are not enabled", ""},
	"organization_domains_not_enabled":                 {403, "Organization domains are not enabled", ""},
	"organization_teams_not_enabled":                   {403, "Teams are not enabled", ""},
	"personal_accounts_not_allowed":                    {422, "An organization is needed", "You must be in an organization here, and this is your last one."},
	"org_creation_limit_exceeded":                      {403, "Too many organizations", "You have created as many organizations as you can."},
	"organization_creation_not_allowed":                {403, "Creating organizations is not allowed", "You are not allowed to create organizations."},
	"organization_membership_quota_exceeded":           {403, "Membership quota exceeded", "The organization has as many members and open invitations as it can have."},
	"organization_admin_delete_not_enabled":            {403, "Deleting the organization is not enabled", "Members cannot delete this organization."},
	"already_a_member_in_organization":                 {400, "Already a member", "This user is already a member of the organization."},
	"not_a_member_in_organization":                     {403, "Not a member", "You are not a member of this organization."},
	"missing_organization_permission":                  {403, "Missing permission", "You are not allowed to do this in the organization."},
	"organization_minimum_permissions_needed":          {400, "Somebody must manage the organization", "There must be at least one member who can manage the organization."},
	"organization_invitation_not_unique":               {400, "Invited already", "This address has a pending invitation already."},
	"organization_invitation_not_found":                {404, "Invitation not found", "There is no such invitation."},
	"organization_invitation_not_pending":              {404, "Invitation not pending", "The invitation is no longer pending."},
	"organization_invitation_already_accepted":         {400, "Invitation accepted already", "The invitation was accepted already."},
	"organization_invitation_revoked_code":             {400, "Invitation revoked", "The invitation was revoked. Ask for another one."},
	"organization_invitation_to_deleted_organization":  {400, "Organization deleted", "The organization of the invitation no longer exists."},
	"organization_invitation_identification_not_exist": {400, "The invitation is for another address", "The invitation was sent to an address that is not yours. Add and verify that address first."},
	"organization_suggestion_already_accepted":         {400, "Suggestion accepted already", "You have asked to join already."},
	"organization_role_used_as_creator_role":           {422, "Role is the creator role", "The role is given to those who create organizations. Choose another one for that first."},
	"organization_role_used_as_default_role":           {422, "Role is the default role", "The role is given to those who join. Choose another one for that first."},
	"organization_role_assigned_to_members":            {422, "Role is in use", "The role is assigned to members."},
	"organization_role_exists_in_invitations":          {422, "Role is in use", "The role is in pending invitations."},
	"organization_missing_creator_role_permissions":    {422, "Role lacks permissions", "The role of those who create organizations must be able to read and manage memberships and to delete the organization."},
	"organization_role_system":                         {422, "Role is built in", "Built-in roles cannot be deleted."},
	"organization_instance_roles_quota_exceeded":       {403, "Too many roles", "There are as many custom roles as there can be."},
	"organization_instance_permissions_quota_exceeded": {403, "Too many permissions", "There are as many custom permissions as there can be."},
	"organization_system_permission_not_modifiable":    {403, "Permission is built in", "Built-in permissions cannot be changed."},
	"organization_role_permission_association_exists":  {409, "Role has the permission", "The role holds this permission already."},
	"organization_domain_enrollment_mode_not_enabled":  {403, "Enrollment mode not enabled", "This enrollment mode is not enabled for this application."},
	"organization_domain_mode_invalid":                 {422, "Enrollment mode invalid", "The enrollment mode needs a verified domain."},
	"organization_domain_already_exists":               {422, "Domain exists already", "The domain belongs to an organization already."},
	"organization_domain_common":                       {422, "Domain of a mail provider", "Everybody can have an address at this domain. Use a domain of your own."},
	"organization_domain_blocked":                      {422, "Domain not allowed", "Disposable domains cannot be used."},
	"organization_domain_quota_exceeded":               {403, "Too many domains", "The organization has as many domains as it can have."},
	"organization_domain_ownership_not_verified":       {422, "Ownership not verified", "The TXT record was not found. It can take a while until it is visible."},
	"team_quota_exceeded":                              {403, "Too many teams", "There are as many teams as there can be."},
}

// knownOrganizations map the errors of package organization.
var knownOrganizations = []func(error) *Error{
	func(err error) *Error { // somebody else was faster
		d, ok := errors.AsType[*store.DuplicateError](err)
		if !ok {
			return nil
		}
		row, ok := duplicates[d.Kind+" "+d.Index]
		if !ok {
			return nil
		}
		return Wrap(row[0], row[1], err)
	},
	is(organization.ErrName, "form_param_format_invalid", "name"),
	is(organization.ErrSlug, "form_param_format_invalid", "slug"),
	func(err error) *Error {
		if !errors.Is(err, organization.ErrSlugTaken) {
			return nil
		}
		return Wrap("form_identifier_exists", "slug", err).Say("That slug is taken. Please try another.")
	},
	is(organization.ErrFull, "organization_membership_quota_exceeded", ""),
	is(organization.ErrAlreadyMember, "already_a_member_in_organization", ""),
	is(organization.ErrLastManager, "organization_minimum_permissions_needed", ""),
	is(organization.ErrUnknownRole, "form_param_value_invalid", "role"),
	is(organization.ErrMissingPermission, "missing_organization_permission", ""),
	is(organization.ErrRoleKey, "form_param_format_invalid", "key"),
	is(organization.ErrTooManyRoles, "organization_instance_roles_quota_exceeded", ""),
	is(organization.ErrSystemRole, "organization_role_system", ""),
	is(organization.ErrRoleCreator, "organization_missing_creator_role_permissions", ""),
	is(organization.ErrRoleCreatorUse, "organization_role_used_as_creator_role", ""),
	is(organization.ErrRoleDefaultUse, "organization_role_used_as_default_role", ""),
	is(organization.ErrRoleAssigned, "organization_role_assigned_to_members", ""),
	is(organization.ErrRoleInvited, "organization_role_exists_in_invitations", ""),
	is(organization.ErrPermissionKey, "form_param_format_invalid", "key"),
	is(organization.ErrUnknownPermission, "form_param_value_invalid", "permissions"),
	is(organization.ErrSystemPermission, "organization_system_permission_not_modifiable", ""),
	is(organization.ErrTooManyPermissions, "organization_instance_permissions_quota_exceeded", ""),
	is(organization.ErrInvited, "organization_invitation_not_unique", "email_address"),
	is(organization.ErrInvitationAccepted, "organization_invitation_already_accepted", ""),
	is(organization.ErrInvitationRevoked, "organization_invitation_revoked_code", ""),
	is(organization.ErrInvitationOver, "organization_invitation_not_pending", ""),
	is(organization.ErrExpiry, "form_param_value_invalid", "expires_in_days"),
	is(organization.ErrRequestOver, "resource_not_found", ""),
	is(organization.ErrSuggestionAccepted, "organization_suggestion_already_accepted", ""),
	is(organization.ErrDomain, "form_param_format_invalid", "name"),
	is(organization.ErrDomainCommon, "organization_domain_common", "name"),
	is(organization.ErrDomainBlocked, "organization_domain_blocked", "name"),
	is(organization.ErrDomainExists, "organization_domain_already_exists", "name"),
	is(organization.ErrDomainTaken, "organization_domain_already_exists", "name"),
	is(organization.ErrTooManyDomains, "organization_domain_quota_exceeded", ""),
	is(organization.ErrDomainUnverified, "organization_domain_mode_invalid", "enrollment_mode"),
	is(organization.ErrEnrollmentMode, "form_param_value_invalid", "enrollment_mode"),
	is(organization.ErrAffiliation, "form_param_value_invalid", "affiliation_email_address"),
	is(organization.ErrTeamName, "form_param_format_invalid", "name"),
	is(organization.ErrTooManyTeams, "team_quota_exceeded", ""),
	is(organization.ErrOrder, "form_param_value_invalid", "order_by"),
}

// duplicates are the unique indexes, by kind, with code and field.
var duplicates = map[string][2]string{
	organization.Kind.Name + " slug":           {"form_identifier_exists", "slug"},
	organization.MembershipKind.Name + " pair": {"already_a_member_in_organization", ""},
	organization.InvitationKind.Name + " open": {"organization_invitation_not_unique", "email_address"},
	organization.DomainKind.Name + " verified": {"organization_domain_already_exists", "name"},
	organization.DomainKind.Name + " pair":     {"organization_domain_already_exists", "name"},
	organization.RoleKind.Name + " key":        {"duplicate_record", "key"},
	organization.PermissionKind.Name + " key":  {"duplicate_record", "key"},
	organization.RequestKind.Name + " open":    {"conflict", ""},
	organization.SuggestionKind.Name + " pair": {"conflict", ""},
	organization.TeamMemberKind.Name + " pair": {"form_already_exists", "user_id"},
}
