package fapi

import "net/http"

// organizationRoutes are those of organizations. What they name that the
// session's user has no part in does not exist.
func organizationRoutes() []Route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	const one = "/v1/organizations/{organization_id}"
	return []Route{
		{get, "/v1/me/organization_memberships", Session, false, (*call).myMemberships},
		{del, "/v1/me/organization_memberships/{organization_id}", Session, false, (*call).leaveOrganization},
		{get, "/v1/me/organization_invitations", Session, false, (*call).myInvitations},
		{post, "/v1/me/organization_invitations/{invitation_id}/accept", Session, false, (*call).acceptInvitation},
		{get, "/v1/me/organization_suggestions", Session, false, (*call).mySuggestions},
		{post, "/v1/me/organization_suggestions/{suggestion_id}/accept", Session, false, (*call).acceptSuggestion},

		{post, "/v1/organizations", Session, false, (*call).createOrganization},
		{get, one, Session, false, (*call).getOrganization},
		{patch, one, Session, false, (*call).updateOrganization},
		{del, one, Session, false, (*call).deleteOrganization},
		{put, one + "/logo", Session, true, (*call).setLogo},
		{del, one + "/logo", Session, false, (*call).deleteLogo},
		{get, one + "/roles", Session, false, (*call).listRoles},

		{get, one + "/memberships", Session, false, (*call).listMembers},
		{post, one + "/memberships", Session, false, (*call).addMember},
		{patch, one + "/memberships/{user_id}", Session, false, (*call).updateMember},
		{del, one + "/memberships/{user_id}", Session, false, (*call).removeMember},

		{get, one + "/invitations", Session, false, (*call).listInvitations},
		{post, one + "/invitations", Session, false, (*call).createInvitation},
		{post, one + "/invitations/bulk", Session, false, (*call).createInvitations},
		{get, one + "/invitations/pending", Session, false, (*call).listPendingInvitations},
		{post, one + "/invitations/{invitation_id}/revoke", Session, false, (*call).revokeInvitation},

		{get, one + "/membership_requests", Session, false, (*call).listRequests},
		{post, one + "/membership_requests/{request_id}/accept", Session, false, (*call).acceptRequest},
		{post, one + "/membership_requests/{request_id}/reject", Session, false, (*call).rejectRequest},

		{get, one + "/domains", Session, false, (*call).listDomains},
		{post, one + "/domains", Session, false, (*call).createDomain},
		{get, one + "/domains/{domain_id}", Session, false, (*call).getDomain},
		{del, one + "/domains/{domain_id}", Session, false, (*call).deleteDomain},
		{post, one + "/domains/{domain_id}/update_enrollment_mode", Session, false, (*call).updateEnrollmentMode},
		{post, one + "/domains/{domain_id}/prepare_affiliation_verification", Session, false, (*call).prepareAffiliation},
		{post, one + "/domains/{domain_id}/attempt_affiliation_verification", Session, false, (*call).attemptAffiliation},
		{post, one + "/domains/{domain_id}/prepare_ownership_verification", Session, false, (*call).prepareOwnership},
		{post, one + "/domains/{domain_id}/attempt_ownership_verification", Session, false, (*call).attemptOwnership},
	}
}
