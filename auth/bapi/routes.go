package bapi

import "slices"

// A route is a verb and a path under the Backend API's own.
type route struct {
	pattern string
	handle  handler
}

// routes are all endpoints.
var routes = slices.Concat(userRoutes, organizationRoutes)

// userRoutes are those that are about no organization.
var userRoutes = []route{
	{"GET /v1/users", listUsers},
	{"POST /v1/users", createUser},
	{"GET /v1/users/count", countUsers},
	{"POST /v1/users/ban", banUsers},
	{"POST /v1/users/unban", unbanUsers},
	{"GET /v1/users/{user_id}", getUser},
	{"PATCH /v1/users/{user_id}", updateUser},
	{"DELETE /v1/users/{user_id}", deleteUser},
	{"POST /v1/users/{user_id}/ban", banUser},
	{"POST /v1/users/{user_id}/unban", unbanUser},
	{"POST /v1/users/{user_id}/lock", lockUser},
	{"POST /v1/users/{user_id}/unlock", unlockUser},
	{"PATCH /v1/users/{user_id}/metadata", mergeMetadata},
	{"PUT /v1/users/{user_id}/metadata", replaceMetadata},
	{"POST /v1/users/{user_id}/profile_image", setProfileImage},
	{"DELETE /v1/users/{user_id}/profile_image", deleteProfileImage},
	{"POST /v1/users/{user_id}/verify_password", verifyPassword},
	{"POST /v1/users/{user_id}/remove_password", removePassword},
	{"POST /v1/users/{user_id}/password/set_compromised", setCompromised},
	{"POST /v1/users/{user_id}/password/unset_compromised", unsetCompromised},
	{"DELETE /v1/users/{user_id}/mfa", deleteMFA},
	{"DELETE /v1/users/{user_id}/totp", deleteTOTP},
	{"DELETE /v1/users/{user_id}/backup_code", deleteBackupCodes},
	{"POST /v1/users/{user_id}/verify_totp", verifyTOTP},
	{"DELETE /v1/users/{user_id}/passkeys/{passkey_identification_id}", deletePasskey},
	{"PUT /v1/users/{user_id}/email_address", replaceEmailAddress},
	{"GET /v1/users/{user_id}/oauth_access_tokens/{provider}", listProviderTokens},

	{"DELETE /v1/users/{user_id}/external_accounts/{external_account_id}", deleteExternalAccount},

	{"POST /v1/email_addresses", emails.post},
	{"GET /v1/email_addresses/{email_address_id}", emails.get},
	{"PATCH /v1/email_addresses/{email_address_id}", emails.patch},
	{"DELETE /v1/email_addresses/{email_address_id}", emails.delete},
	{"POST /v1/phone_numbers", phones.post},
	{"GET /v1/phone_numbers/{phone_number_id}", phones.get},
	{"PATCH /v1/phone_numbers/{phone_number_id}", phones.patch},
	{"DELETE /v1/phone_numbers/{phone_number_id}", phones.delete},

	{"GET /v1/sessions", listSessions},
	{"POST /v1/sessions", createSession},
	{"GET /v1/sessions/{session_id}", getSession},
	{"POST /v1/sessions/{session_id}/revoke", revokeSession},
	{"POST /v1/sessions/{session_id}/tokens", createToken},
	{"POST /v1/sessions/{session_id}/tokens/{template}", createTemplateToken},
	{"POST /v1/sessions/{session_id}/refresh", refreshSession},

	{"GET /v1/clients", listClients},
	{"POST /v1/clients/verify", verifyClient},
	{"GET /v1/clients/handshake_payload", handshakePayload},
	{"GET /v1/clients/{client_id}", getClient},

	{"POST /v1/sign_in_tokens", createSignInToken},
	{"POST /v1/sign_in_tokens/{sign_in_token_id}/revoke", revokeSignInToken},
	{"POST /v1/actor_tokens", createActorToken},
	{"POST /v1/actor_tokens/{actor_token_id}/revoke", revokeActorToken},
	{"POST /v1/testing_tokens", createTestingToken},

	{"GET /v1/invitations", listInvitations},
	{"POST /v1/invitations", createInvitation},
	{"POST /v1/invitations/bulk", createInvitations},
	{"POST /v1/invitations/{invitation_id}/revoke", revokeInvitation},

	{"GET /v1/waitlist_entries", listWaitlist},
	{"POST /v1/waitlist_entries", createWaitlistEntry},
	{"POST /v1/waitlist_entries/bulk", createWaitlistEntries},
	{"DELETE /v1/waitlist_entries/{waitlist_entry_id}", deleteWaitlistEntry},
	{"POST /v1/waitlist_entries/{waitlist_entry_id}/invite", inviteWaitlistEntry},
	{"POST /v1/waitlist_entries/{waitlist_entry_id}/reject", rejectWaitlistEntry},

	{"GET /v1/allowlist_identifiers", listAllowed},
	{"POST /v1/allowlist_identifiers", createAllowed},
	{"DELETE /v1/allowlist_identifiers/{identifier_id}", deleteAllowed},
	{"GET /v1/blocklist_identifiers", listBlocked},
	{"POST /v1/blocklist_identifiers", createBlocked},
	{"DELETE /v1/blocklist_identifiers/{identifier_id}", deleteBlocked},

	{"GET /v1/jwks", getKeys},
	{"PATCH /v1/instance/restrictions", updateRestrictions},
	{"GET /v1/instance", getInstance},
}
