package fapi

import (
	"maps"

	"github.com/usherauth/usher/session"
)

// A gate says when a route needs factors that were shown a short time ago.
type gate func(*call) bool

// always and never are the usual gates.
func always(*call) bool { return true }
func never(*call) bool  { return false }

// gates has every route that changes an account: what the account hangs on is
// open only to who has shown within ten minutes who they are. A test looks for
// routes that are missing.
var gates = func() map[string]gate {
	all := maps.Clone(organizationGates)
	maps.Copy(all, accountGates)
	return all
}()

// accountGates are those of routes that are about no organization.
var accountGates = map[string]gate{
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
	"POST /v1/me/email_addresses/{email_id}/prepare_verification":      never,
	"POST /v1/me/email_addresses/{email_id}/attempt_verification":      never,
	"POST /v1/me/phone_numbers":                                        always,
	"PATCH /v1/me/phone_numbers/{phone_number_id}":                     always,
	"DELETE /v1/me/phone_numbers/{phone_number_id}":                    always,
	"POST /v1/me/phone_numbers/{phone_number_id}/prepare_verification": never,
	"POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification": never,
	// An app or a passkey is shown in the session that was let in to add it.
	"POST /v1/me/totp":                                       always,
	"DELETE /v1/me/totp":                                     always,
	"POST /v1/me/totp/attempt_verification":                  never,
	"POST /v1/me/backup_codes":                               always,
	"POST /v1/me/passkeys":                                   always,
	"PATCH /v1/me/passkeys/{passkey_id}":                     never,
	"DELETE /v1/me/passkeys/{passkey_id}":                    always,
	"POST /v1/me/passkeys/{passkey_id}/attempt_verification": never,
	// What a provider is asked for, and the tokens, open nothing here.
	"POST /v1/me/external_accounts":                                    always,
	"PATCH /v1/me/external_accounts/{external_account_id}/reauthorize": never,
	"DELETE /v1/me/external_accounts/{external_account_id}":            always,
	"DELETE /v1/me/external_accounts/{external_account_id}/tokens":     never,
	"POST /v1/me/sessions/{session_id}/revoke":                         always,
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

// taskRoutes are the routes that a pending session may call, by the tasks that
// need them. It is nobody to every other route that needs a session.
var taskRoutes = func() map[string][]string {
	all := map[string][]string{}
	for task, routes := range map[string][]string{
		session.TaskResetPassword: {"POST /v1/me/change_password"},
		session.TaskSetupMFA: {"POST /v1/me/totp", "DELETE /v1/me/totp", "POST /v1/me/totp/attempt_verification",
			"POST /v1/me/phone_numbers", "PATCH /v1/me/phone_numbers/{phone_number_id}",
			"POST /v1/me/phone_numbers/{phone_number_id}/prepare_verification",
			"POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification"},
		session.TaskChooseOrganization: choosing,
	} {
		for _, route := range routes {
			all[route] = append(all[route], task)
		}
	}
	return all
}()
