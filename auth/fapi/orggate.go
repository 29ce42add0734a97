package fapi

// choosing are the routes by which somebody who must be in an organization
// finds one, or makes it.
var choosing = []string{"POST /v1/organizations", "GET /v1/organizations/{organization_id}", "PUT /v1/organizations/{organization_id}/logo",
	"GET /v1/organizations/{organization_id}/roles", "POST /v1/organizations/{organization_id}/invitations/bulk", "GET /v1/me", "GET /v1/me/organization_memberships",
	"GET /v1/me/organization_invitations", "POST /v1/me/organization_invitations/{invitation_id}/accept",
	"GET /v1/me/organization_suggestions", "POST /v1/me/organization_suggestions/{suggestion_id}/accept"}

// organizationGates are never shut: an organization is no part of the account,
// its own permissions stand before it, and the clients have no step-up for it.
var organizationGates = map[string]gate{
	"DELETE /v1/me/organization_memberships/{organization_id}":                                      never,
	"POST /v1/me/organization_invitations/{invitation_id}/accept":                                   never,
	"POST /v1/me/organization_suggestions/{suggestion_id}/accept":                                   never,
	"POST /v1/organizations":                                                                        never,
	"PATCH /v1/organizations/{organization_id}":                                                     never,
	"DELETE /v1/organizations/{organization_id}":                                                    never,
	"PUT /v1/organizations/{organization_id}/logo":                                                  never,
	"DELETE /v1/organizations/{organization_id}/logo":                                               never,
	"POST /v1/organizations/{organization_id}/memberships":                                          never,
	"PATCH /v1/organizations/{organization_id}/memberships/{user_id}":                               never,
	"DELETE /v1/organizations/{organization_id}/memberships/{user_id}":                              never,
	"POST /v1/organizations/{organization_id}/invitations":                                          never,
	"POST /v1/organizations/{organization_id}/invitations/bulk":                                     never,
	"POST /v1/organizations/{organization_id}/invitations/{invitation_id}/revoke":                   never,
	"POST /v1/organizations/{organization_id}/membership_requests/{request_id}/accept":              never,
	"POST /v1/organizations/{organization_id}/membership_requests/{request_id}/reject":              never,
	"POST /v1/organizations/{organization_id}/domains":                                              never,
	"DELETE /v1/organizations/{organization_id}/domains/{domain_id}":                                never,
	"POST /v1/organizations/{organization_id}/domains/{domain_id}/update_enrollment_mode":           never,
	"POST /v1/organizations/{organization_id}/domains/{domain_id}/prepare_affiliation_verification": never,
	"POST /v1/organizations/{organization_id}/domains/{domain_id}/attempt_affiliation_verification": never,
	"POST /v1/organizations/{organization_id}/domains/{domain_id}/prepare_ownership_verification":   never,
	"POST /v1/organizations/{organization_id}/domains/{domain_id}/attempt_ownership_verification":   never,
}
