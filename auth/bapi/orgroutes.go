package bapi

// organizationRoutes are the endpoints of organizations. Those of teams are
// usher's own.
var organizationRoutes = []route{
	{"GET /v1/users/{user_id}/organization_memberships", listUserMemberships},
	{"GET /v1/users/{user_id}/organization_invitations", listUserInvitations},

	{"GET /v1/organizations", listOrganizations},
	{"POST /v1/organizations", createOrganization},
	{"GET /v1/organizations/{organization_id}", getOrganization},
	{"PATCH /v1/organizations/{organization_id}", updateOrganization},
	{"DELETE /v1/organizations/{organization_id}", deleteOrganization},
	{"PATCH /v1/organizations/{organization_id}/metadata", mergeOrgMetadata},
	{"PUT /v1/organizations/{organization_id}/metadata", replaceOrgMetadata},
	{"PUT /v1/organizations/{organization_id}/logo", setOrgLogo},
	{"DELETE /v1/organizations/{organization_id}/logo", deleteOrgLogo},

	{"GET /v1/organization_memberships", listAllMemberships},
	{"GET /v1/organizations/{organization_id}/memberships", listOrgMembers},
	{"POST /v1/organizations/{organization_id}/memberships", addOrgMember},
	{"PATCH /v1/organizations/{organization_id}/memberships/{user_id}", updateOrgMember},
	{"DELETE /v1/organizations/{organization_id}/memberships/{user_id}", removeOrgMember},
	{"PATCH /v1/organizations/{organization_id}/memberships/{user_id}/metadata", mergeMemberMetadata},

	{"GET /v1/organization_invitations", listAllOrgInvitations},
	{"GET /v1/organizations/{organization_id}/invitations", listOrgInvitations},
	{"POST /v1/organizations/{organization_id}/invitations", createOrgInvitation},
	{"POST /v1/organizations/{organization_id}/invitations/bulk", createOrgInvitations},
	{"GET /v1/organizations/{organization_id}/invitations/pending", listPendingOrgInvitations},
	{"GET /v1/organizations/{organization_id}/invitations/{invitation_id}", getOrgInvitation},
	{"POST /v1/organizations/{organization_id}/invitations/{invitation_id}/revoke", revokeOrgInvitation},

	{"GET /v1/organization_domains", listAllOrgDomains},
	{"GET /v1/organizations/{organization_id}/domains", listOrgDomains},
	{"POST /v1/organizations/{organization_id}/domains", createOrgDomain},
	{"PATCH /v1/organizations/{organization_id}/domains/{domain_id}", updateOrgDomain},
	{"DELETE /v1/organizations/{organization_id}/domains/{domain_id}", deleteOrgDomain},
	{"POST /v1/organizations/{organization_id}/domains/{domain_id}/verify_ownership", verifyOrgDomain},

	{"GET /v1/organizations/{organization_id}/teams", listTeams},
	{"POST /v1/organizations/{organization_id}/teams", createTeam},
	{"GET /v1/organizations/{organization_id}/teams/{team_id}", getTeam},
	{"PATCH /v1/organizations/{organization_id}/teams/{team_id}", updateTeam},
	{"DELETE /v1/organizations/{organization_id}/teams/{team_id}", deleteTeam},
	{"GET /v1/organizations/{organization_id}/teams/{team_id}/members", listTeamMembers},
	{"PUT /v1/organizations/{organization_id}/teams/{team_id}/members/{user_id}", putTeamMember},
	{"DELETE /v1/organizations/{organization_id}/teams/{team_id}/members/{user_id}", removeTeamMember},

	{"GET /v1/organization_roles", listRoles},
	{"POST /v1/organization_roles", createRole},
	{"GET /v1/organization_roles/{organization_role_id}", getRole},
	{"PATCH /v1/organization_roles/{organization_role_id}", updateRole},
	{"DELETE /v1/organization_roles/{organization_role_id}", deleteRole},
	{"POST /v1/organization_roles/{organization_role_id}/permissions/{permission_id}", addRolePermission},
	{"DELETE /v1/organization_roles/{organization_role_id}/permissions/{permission_id}", dropRolePermission},
	{"GET /v1/organization_permissions", listPermissions},
	{"POST /v1/organization_permissions", createPermission},
	{"GET /v1/organization_permissions/{permission_id}", getPermission},
	{"PATCH /v1/organization_permissions/{permission_id}", updatePermission},
	{"DELETE /v1/organization_permissions/{permission_id}", deletePermission},
	{"GET /v1/role_sets", listRoleSets},
	{"GET /v1/role_sets/{role_set_key_or_id}", getRoleSet},
	{"PATCH /v1/role_sets/{role_set_key_or_id}", updateRoleSet},
	{"GET /v1/instance/organization_settings", getOrgSettings},
	{"PATCH /v1/instance/organization_settings", updateOrgSettings},
}

func init() { routes = append(routes, organizationRoutes...) }
