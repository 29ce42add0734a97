package fapi

import "net/http"

// Access says who may call a route.
type Access string

const (
	// Open routes are for everybody, and know nobody.
	Open Access = "open"
	// Client routes know the browser; a stranger is welcome.
	Client Access = "client"
	// Session routes need a live session of the browser's client: the one that
	// _clerk_session_id names, or the one last active.
	Session Access = "session"
)

// A Route is one operation of the API.
type Route struct {
	// Method is the verb; a POST with _method in the query counts as that one.
	Method string
	// Path is a pattern of http.ServeMux, below the site's FrontendPath.
	Path   string
	Access Access
	// Upload: the body is a file.
	Upload bool
	handle func(*call) (any, error)
}

// routes is the table of all routes.
func routes() []Route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	rs := []Route{
		{get, "/v1/environment", Open, false, (*call).environment},
		{patch, "/v1/environment", Open, false, (*call).environment},
		{get, "/v1/account_portal", Open, false, (*call).accountPortal},

		{get, "/v1/client", Client, false, (*call).getClient},
		{put, "/v1/client", Client, false, (*call).createClient},
		{post, "/v1/client", Client, false, (*call).createClient},
		{del, "/v1/client", Client, false, (*call).deleteClient},
		{get, "/v1/client/touch", Client, false, (*call).touchClient},
		{get, "/v1/client/handshake", Client, false, (*call).handshake},

		{del, "/v1/client/sessions", Client, false, (*call).endSessions},
		{get, "/v1/client/sessions/{session_id}", Client, false, (*call).getSession},
		{post, "/v1/client/sessions/{session_id}/touch", Client, false, (*call).touch},
		{post, "/v1/client/sessions/{session_id}/end", Client, false, (*call).endSession},
		{post, "/v1/client/sessions/{session_id}/remove", Client, false, (*call).removeSession},
		{post, "/v1/client/sessions/{session_id}/tokens", Client, false, (*call).createToken},
		{post, "/v1/client/sessions/{session_id}/tokens/{template_name}", Client, false, (*call).createTemplateToken},

		{post, "/v1/client/sessions/{session_id}/verify", Client, false, (*call).startReverification},
		{post, "/v1/client/sessions/{session_id}/verify/prepare_first_factor", Client, false, (*call).prepareReverifyFirst},
		{post, "/v1/client/sessions/{session_id}/verify/attempt_first_factor", Client, false, (*call).attemptReverifyFirst},
		{post, "/v1/client/sessions/{session_id}/verify/prepare_second_factor", Client, false, (*call).prepareReverifySecond},
		{post, "/v1/client/sessions/{session_id}/verify/attempt_second_factor", Client, false, (*call).attemptReverifySecond},

		{post, "/v1/client/sign_ins", Client, false, (*call).createSignIn},
		{get, "/v1/client/sign_ins/{sign_in_id}", Client, false, (*call).getSignIn},
		{post, "/v1/client/sign_ins/{sign_in_id}/prepare_first_factor", Client, false, (*call).prepareFirstFactor},
		{post, "/v1/client/sign_ins/{sign_in_id}/attempt_first_factor", Client, false, (*call).attemptFirstFactor},
		{post, "/v1/client/sign_ins/{sign_in_id}/prepare_second_factor", Client, false, (*call).prepareSecondFactor},
		{post, "/v1/client/sign_ins/{sign_in_id}/attempt_second_factor", Client, false, (*call).attemptSecondFactor},
		{post, "/v1/client/sign_ins/{sign_in_id}/reset_password", Client, false, (*call).resetPassword},

		{post, "/v1/client/sign_ups", Client, false, (*call).createSignUp},
		{get, "/v1/client/sign_ups/{sign_up_id}", Client, false, (*call).getSignUp},
		{patch, "/v1/client/sign_ups/{sign_up_id}", Client, false, (*call).updateSignUp},
		{post, "/v1/client/sign_ups/{sign_up_id}/prepare_verification", Client, false, (*call).prepareSignUp},
		{post, "/v1/client/sign_ups/{sign_up_id}/attempt_verification", Client, false, (*call).attemptSignUp},

		{get, "/v1/verify", Client, false, (*call).verifyLink},
		{get, "/v1/tickets/accept", Client, false, (*call).acceptTicket},
		{post, "/v1/waitlist", Client, false, (*call).joinWaitlist},
		{post, "/v1/client/verify", Client, false, (*call).verifyClient},
		{get, "/v1/captcha_challenge", Open, false, (*call).captchaChallenge},

		{post, "/v1/client/sign_ups/{sign_up_id}/prepare_passkey", Client, false, (*call).prepareSignUpPasskey},
		{post, "/v1/client/sign_ups/{sign_up_id}/attempt_passkey", Client, false, (*call).attemptSignUpPasskey},
		{get, callbackPath, Client, false, (*call).oauthCallback},
		{post, callbackPath, Open, false, (*call).oauthPosted},
		{get, callbackPath + "/{provider}", Client, false, (*call).oauthCallback},
		{post, callbackPath + "/{provider}", Open, false, (*call).oauthPosted},

		{get, "/v1/me", Session, false, (*call).getMe},
		{patch, "/v1/me", Session, false, (*call).updateMe},
		{del, "/v1/me", Session, false, (*call).deleteMe},
		{patch, "/v1/me/metadata", Session, false, (*call).updateMetadata},
		{post, "/v1/me/change_password", Session, false, (*call).changePassword},
		{post, "/v1/me/remove_password", Session, false, (*call).removePassword},
		{post, "/v1/me/profile_image", Session, true, (*call).setProfileImage},
		{del, "/v1/me/profile_image", Session, false, (*call).deleteProfileImage},

		{get, "/v1/me/email_addresses", Session, false, (*call).listEmailAddresses},
		{post, "/v1/me/email_addresses", Session, false, (*call).addEmailAddress},
		{get, "/v1/me/email_addresses/{email_id}", Session, false, (*call).getEmailAddress},
		{del, "/v1/me/email_addresses/{email_id}", Session, false, (*call).deleteEmailAddress},
		{post, "/v1/me/email_addresses/{email_id}/prepare_verification", Session, false, (*call).prepareEmailAddress},
		{post, "/v1/me/email_addresses/{email_id}/attempt_verification", Session, false, (*call).attemptEmailAddress},

		{get, "/v1/me/phone_numbers", Session, false, (*call).listPhoneNumbers},
		{post, "/v1/me/phone_numbers", Session, false, (*call).addPhoneNumber},
		{get, "/v1/me/phone_numbers/{phone_number_id}", Session, false, (*call).getPhoneNumber},
		{patch, "/v1/me/phone_numbers/{phone_number_id}", Session, false, (*call).updatePhoneNumber},
		{del, "/v1/me/phone_numbers/{phone_number_id}", Session, false, (*call).deletePhoneNumber},
		{post, "/v1/me/phone_numbers/{phone_number_id}/prepare_verification", Session, false, (*call).preparePhoneNumber},
		{post, "/v1/me/phone_numbers/{phone_number_id}/attempt_verification", Session, false, (*call).attemptPhoneNumber},

		{post, "/v1/me/external_accounts", Session, false, (*call).connectExternal},
		{patch, "/v1/me/external_accounts/{external_account_id}/reauthorize", Session, false, (*call).reauthorizeExternal},
		{del, "/v1/me/external_accounts/{external_account_id}", Session, false, (*call).deleteExternal},
		{del, "/v1/me/external_accounts/{external_account_id}/tokens", Session, false, (*call).revokeExternalTokens},
		{post, "/v1/me/totp", Session, false, (*call).createTOTP},
		{del, "/v1/me/totp", Session, false, (*call).deleteTOTP},
		{post, "/v1/me/totp/attempt_verification", Session, false, (*call).attemptTOTP},
		{post, "/v1/me/backup_codes", Session, false, (*call).createBackupCodes},
		{post, "/v1/me/passkeys", Session, false, (*call).createPasskey},
		{get, "/v1/me/passkeys/{passkey_id}", Session, false, (*call).getPasskey},
		{patch, "/v1/me/passkeys/{passkey_id}", Session, false, (*call).renamePasskey},
		{del, "/v1/me/passkeys/{passkey_id}", Session, false, (*call).deletePasskey},
		{post, "/v1/me/passkeys/{passkey_id}/attempt_verification", Session, false, (*call).attemptPasskey},

		{get, "/v1/me/sessions", Session, false, (*call).mySessions},
		{get, "/v1/me/sessions/active", Session, false, (*call).myActiveSessions},
		{post, "/v1/me/sessions/{session_id}/revoke", Session, false, (*call).revokeMySession},

		{get, "/v1/health", Open, false, (*call).health},
		{get, "/v1/proxy-health", Open, false, (*call).proxyHealth},
		{get, "/v1/clear-site-data", Open, false, (*call).clearSiteData},
		{get, "/.well-known/jwks.json", Open, false, (*call).jwks},
		{get, "/.well-known/webauthn", Open, false, (*call).webauthn},

		{get, "/img/{image}", Open, false, (*call).image},
		{get, "/img/default/{name}", Open, false, (*call).defaultImage},
		{get, "/npm/@clerk/{file...}", Open, false, (*call).script},
	}
	return append(rs, organizationRoutes()...)
}
