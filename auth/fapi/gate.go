package fapi

// A gate says when a route needs factors that were shown a short time ago.
type gate func(*call) bool

// always and never are the usual gates.
func always(*call) bool { return true }
func never(*call) bool  { return false }

// gates has every route that changes an account: what the account hangs on is
// open only to who has shown within ten minutes who they are. A test looks for
// routes that are missing.
var gates = map[string]gate{
	"PATCH /v1/me":                             namesIdentifier,
	"DELETE /v1/me":                            always,
	"PATCH /v1/me/metadata":                    never,
	"POST /v1/me/change_password":              always,
	"POST /v1/me/remove_password":              always,
	"POST /v1/me/profile_image":                never,
	"DELETE /v1/me/profile_image":              never,
	"POST /v1/me/email_addresses":              always,
	"DELETE /v1/me/email_addresses/{email_id}": always,
	// Whoever verifies an address has added it, and shows that it is theirs.
	"POST /v1/me/email_addresses/{email_id}/prepare_verification": never,
	"POST /v1/me/email_addresses/{email_id}/attempt_verification": never,
	// An app or a passkey is shown in the session that was let in to add it.
	"POST /v1/me/totp":                                       always,
	"DELETE /v1/me/totp":                                     always,
	"POST /v1/me/totp/attempt_verification":                  never,
	"POST /v1/me/backup_codes":                               always,
	"POST /v1/me/passkeys":                                   always,
	"PATCH /v1/me/passkeys/{passkey_id}":                     never,
	"DELETE /v1/me/passkeys/{passkey_id}":                    always,
	"POST /v1/me/passkeys/{passkey_id}/attempt_verification": never,
	"POST /v1/me/sessions/{session_id}/revoke":               always,

	// An organization is no part of the account: its own permissions stand before
	// it, and the clients have no step-up for it.
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

// namesIdentifier reports whether a change of the profile is one of what a
// person is called by when signing in.
func namesIdentifier(c *call) bool {
	for _, name := range []string{"username", "primary_email_address_id", "primary_phone_number_id", "primary_web3_wallet_id"} {
		if c.form.Has(name) {
			return true
		}
	}
	return false
}

// gated refuses what needs a step-up first.
func (c *call) gated(rt Route) error {
	if g := gates[rt.Method+" "+rt.Path]; g == nil || !g(c) {
		return nil
	}
	return c.e.RequireFresh(c.ctx(), c.actor)
}
