package fault

import "maps"

// Internal is the code of everything that a person learns nothing about.
const Internal = "internal_clerk_error"

// An entry is a row of the table: the HTTP status, a short text and, if there
// is more to say, a longer one.
type entry struct {
	status  int
	message string
	long    string
}

func (e entry) longMessage() string {
	if e.long == "" {
		return e.message + "."
	}
	return e.long
}

// table holds every code that usher answers with.
var table = merge(general, organizations)

func merge(tables ...map[string]entry) map[string]entry {
	all := map[string]entry{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// general are the rows of the table that speak of no organizations.
var general = map[string]entry{
	// Who is asking.
	"authentication_invalid":              {401, "Invalid authentication", "Unable to authenticate the request. Please sign in again."},
	"signed_out":                          {401, "Signed out", "You are signed out."},
	"authorization_invalid":               {403, "Not authorized", "You are not authorized to perform this request."},
	"authorization_header_format_invalid": {401, "Invalid Authorization header", "The Authorization header must have the form 'Bearer <token>'."},
	"clerk_key_invalid":                   {401, "The provided secret key is invalid", "The provided secret key is invalid. Check that it is the key of this instance."},
	"action_for_session_not_authorized":   {401, "Session not authorized for this action", ""},
	"invalid_action_for_session":          {400, "Session is in a state that does not allow this", ""},
	"session_exists":                      {400, "Session already exists", "You're already signed in."},
	"identifier_already_signed_in":        {400, "You're already signed in", "You're already signed in with this account in this browser."},
	"client_not_found":                    {400, "Client not found", ""},
	"client_state_invalid":                {400, "Invalid action", "We're unable to complete this action at this time. If the problem persists, start again."},
	"resource_not_found":                  {404, "Not found", "The resource you asked for was not found."},
	"resource_forbidden":                  {403, "Forbidden", "This attempt has been replaced by a newer one and can no longer be changed."},

	// The request.
	"origin_invalid":                          {400, "Invalid HTTP Origin header", "The Origin header does not name an origin that is allowed here."},
	"origin_missing":                          {400, "Missing HTTP Origin header", ""},
	"origin_authorization_headers_conflict":   {400, "Origin and Authorization headers conflict", "Send either an Origin or an Authorization header, not both."},
	"host_invalid":                            {400, "Invalid host", ""},
	"csrf_token_invalid":                      {403, "Cross-origin request refused", "The request came from another site and was refused."},
	"unsupported_content_type":                {415, "Unsupported content type", ""},
	"request_body_invalid":                    {400, "Request body invalid", "The request body could not be read."},
	"request_body_too_large":                  {413, "Request body too large", ""},
	"malformed_request_parameters":            {400, "Malformed request parameters", ""},
	"missing_query_parameter":                 {400, "Missing query parameter", ""},
	"invalid_query_parameter_value":           {400, "Invalid query parameter value", ""},
	"bulk_size_exceeded":                      {400, "Too many items", ""},
	"too_many_requests":                       {429, "Too many requests", "Too many requests. Please try again in a bit."},
	"signup_rate_limit_exceeded":              {429, "Too many sign-ups", "Too many sign-ups. Please try again in a bit."},
	"resource_locked":                         {409, "Resource locked", ""},
	"conflict":                                {409, "Conflict", "The resource changed while the request was under way. Please try again."},
	"request_invalid_for_environment":         {400, "Not possible in this environment", ""},
	"method_not_allowed":                      {405, "Method not allowed", ""},
	"service_unavailable":                     {503, "Service unavailable", "The service is busy. Please try again in a moment."},
	"redirect_url_domain_mismatch":            {422, "Redirect URL not allowed", "The redirect URL is not on an origin that is allowed here."},
	"prohibited_redirect_url":                 {422, "Redirect URL not allowed", "The redirect URL is of a form that is never followed."},
	"multiple_origin_header_values_forbidden": {400, "Several Origin headers", ""},
	"invalid_handshake":                       {400, "Invalid handshake", ""},
	"operation_deprecated":                    {410, "No longer available", ""},
	Internal:                                  {500, "Something went wrong", "Something went wrong on our side. Please try again."},

	// Forms.
	"form_param_missing":                             {422, "is missing", "This field is required."},
	"form_param_nil":                                 {422, "is missing", "Enter a value."},
	"form_param_unknown":                             {422, "is unknown", "This is not a valid parameter for this request."},
	"form_param_duplicate":                           {422, "is given twice", "This parameter was given more than once."},
	"form_param_format_invalid":                      {422, "is invalid", "The value has an invalid format."},
	"form_param_type_invalid":                        {422, "has the wrong type", "The value has the wrong type."},
	"form_param_value_invalid":                       {422, "is invalid", "The value is not one of those allowed."},
	"form_param_value_too_large":                     {422, "is too large", "The value is too large."},
	"form_param_exceeds_allowed_size":                {422, "is too large", "The value exceeds the size that is allowed."},
	"form_param_max_length_exceeded":                 {422, "is too long", "The value is too long."},
	"form_param_array_size_exceeded":                 {422, "has too many values", "There are too many values."},
	"form_param_invalid_time":                        {422, "is no time", "The value must be a time as RFC 3339 writes it."},
	"form_param_value_disabled":                      {400, "is disabled", "This is disabled for this application."},
	"form_conditional_param_missing":                 {422, "is missing", "This parameter is required with the others that were given."},
	"form_conditional_param_disallowed":              {422, "is not allowed", "This parameter is not allowed with the others that were given."},
	"form_param_value_conflict":                      {422, "conflicts", "The value conflicts with another one."},
	"form_resource_not_found":                        {422, "was not found", "What this parameter names was not found."},
	"form_identifier_exists":                         {422, "That identifier is taken", "That email address is taken. Please try another."},
	"form_identifier_not_found":                      {422, "Couldn't find your account", "Couldn't find your account."},
	"form_already_exists":                            {422, "already exists", "This already exists."},
	"form_code_incorrect":                            {422, "is incorrect", "Incorrect code"},
	"form_verification_needed":                       {422, "needs verification", "This must be verified first."},
	"form_password_incorrect":                        {422, "Password is incorrect", "Password is incorrect. Try again, or use another method."},
	"form_password_or_identifier_incorrect":          {422, "Password or identifier is incorrect", "The password or identifier is incorrect. Try again, or use another method."},
	"form_password_length_too_short":                 {422, "Password is too short", "Passwords must be 8 characters or more."},
	"form_password_length_too_long":                  {422, "Password is too long", "The password is too long."},
	"form_password_no_uppercase":                     {422, "Password has no uppercase letter", "Passwords must contain at least one uppercase letter."},
	"form_password_no_lowercase":                     {422, "Password has no lowercase letter", "Passwords must contain at least one lowercase letter."},
	"form_password_no_number":                        {422, "Password has no number", "Passwords must contain at least one number."},
	"form_password_no_special_char":                  {422, "Password has no special character", "Passwords must contain at least one special character."},
	"form_password_not_strong_enough":                {422, "Password is not strong enough", "The given password is not strong enough."},
	"form_password_size_in_bytes_exceeded":           {422, "Password is too long", "The password is too long."},
	"form_password_pwned":                            {422, "Password is too common or was found in a breach", "This password is too common or has been found in a data breach. Please use another one."},
	"form_password_compromised":                      {422, "Password is compromised", "This password may be known to others. Please use another method to sign in and set a new one."},
	"form_password_matches_identifier":               {422, "Password matches the identifier", "The password must not be the same as your identifier."},
	"form_new_password_matches_current":              {422, "New password matches the current one", "The new password must differ from the current one."},
	"form_password_validation_failed":                {422, "Incorrect password", "The current password is incorrect."},
	"form_password_digest_invalid_code":              {422, "Password digest is invalid", "The password digest does not fit the given hasher."},
	"form_username_invalid_character":                {422, "Username has invalid characters", "Usernames can have letters without accents, digits, - and _."},
	"form_username_invalid_length":                   {422, "Username has the wrong length", ""},
	"form_disable_default_second_factor_not_allowed": {422, "The default second factor must stay", "Make another second factor the default one instead."},
	"form_username_needs_non_number_char":            {422, "Username has only digits", "Usernames must have at least one character that is no digit."},
	"form_username_cannot_be_phone_number":           {422, "Username looks like a phone number", "Usernames must not look like phone numbers."},
	"password_too_long_needs_reset":                  {422, "Password too long", "Your password is too long for how it was stored. Please reset it."},
	"legal_not_accepted":                             {422, "Legal documents must be accepted", ""},

	// Verifications.
	"verification_missing":                           {400, "Verification missing", "Ask for a code first."},
	"verification_not_sent":                          {400, "Verification not sent", ""},
	"verification_expired":                           {400, "Verification has expired", "This verification has expired. Please ask for a new code."},
	"verification_failed":                            {400, "Verification failed", "Too many failed attempts. Please ask for a new code."},
	"verification_already_verified":                  {400, "Already verified", "This verification has already been used."},
	"verification_strategy_invalid":                  {400, "Verification strategy is not valid", "The verification strategy is not valid for this."},
	"sms_send_error":                                 {400, "No text message could be sent", "We could not send a text message to this number. Please check it, or use another one."},
	"unsupported_country_code":                       {403, "Country not supported", "Phone numbers from this country are currently not supported. Please use another one."},
	"identification_update_second_factor_unverified": {400, "Not verified", "A phone number must be verified before it can be a second factor."},
	"verification_code_too_many_requests":            {429, "Too many codes", "A code was sent a moment ago. Please wait before asking for another."},
	"strategy_for_user_invalid":                      {400, "Verification strategy is not valid for this account", "The verification strategy is not valid for this account."},
	"no_second_factors":                              {400, "No second factors", "This account has no second factor."},
	"identification_claimed":                         {400, "Identification claimed by another account", "Somebody else has verified this in the meantime."},
	"identification_exists":                          {400, "Already yours", "This is part of your account already."},
	"last_required_identification_deletion_failed":   {400, "Deletion failed", "Accounts must have one of these here. Add another one first."},
	"identification_deletion_failed":                 {400, "Deletion failed", "You cannot delete your last identification."},
	"too_many_unverified_identifications":            {400, "Too many unverified identifications", "You have too many unverified identifications. Verify or delete some first."},
	"sign_in_identification_or_user_deleted":         {400, "Account changed", "The account or identifier of this sign-in no longer exists."},

	// Second factors and passkeys.
	"totp_already_enabled":                {400, "Authenticator app set up already", "An authenticator app is set up already. Remove it first."},
	"invalid_totp_secret_code":            {422, "Invalid secret", "The secret of an authenticator app must be base32 of 10 to 64 bytes."},
	"totp_disabled":                       {400, "No authenticator app", "This account has no authenticator app."},
	"totp_incorrect_code":                 {422, "Incorrect code", "The code is incorrect."},
	"totp_invalid_length":                 {422, "Code of the wrong length", "The code must have six digits, or be a backup code."},
	"backup_codes_not_available":          {400, "Backup codes not available", "Backup codes need another second factor first."},
	"second_factor_deletion_not_allowed":  {400, "Second factor must stay", "Accounts must have a second factor here."},
	"passkey_not_registered":              {404, "Passkey not registered", "This passkey is not registered here."},
	"passkey_invalid_verification":        {400, "Passkey could not be verified", "The passkey could not be verified."},
	"passkey_quota_exceeded":              {403, "Too many passkeys", "This account has as many passkeys as it can have. Delete one first."},
	"passkey_identification_not_verified": {422, "Passkey not verified", "This passkey has not been verified yet."},

	// Links.
	"verification_link_token_invalid":    {400, "Link is invalid", "This link is not valid. Ask for a new one."},
	"verification_link_token_expired":    {400, "Link has expired", "This link has expired. Ask for a new one."},
	"verification_link_token_stale":      {400, "Link is out of date", "A newer link was sent. Use that one."},
	"sign_in_email_link_not_same_client": {403, "Opened in another browser", "Open the link on the device and in the browser in which you started to sign in."},
	"sign_up_email_link_not_same_client": {403, "Opened in another browser", "Open the link on the device and in the browser in which you started to sign up."},

	// Reverification.
	"session_reverification_required":           {403, "Verification required", "Show once more who you are to go on."},
	"session_reverification_missing":            {400, "No verification under way", "Start a verification of this session first."},
	"invalid_action_for_session_reverification": {400, "Invalid action for this verification", "The verification is not at a step that allows this."},

	// Accounts.
	"user_locked":                  {403, "Account locked", "Your account is locked. Please try again later or contact support."},
	"account_lockout_warning":      {422, "Account will be locked", "Your account will be locked after a few more failed attempts."},
	"user_banned":                  {403, "Account banned", "This account is banned."},
	"user_deactivated":             {403, "Account deactivated", "This account is deactivated."},
	"user_delete_self_not_enabled": {403, "Deleting the own account is not enabled", ""},
	"sign_up_mode_restricted":      {403, "Sign-ups are restricted", "Sign-ups are restricted here. If you were invited, use the link of your invitation."},
	"sign_up_forbidden":            {403, "Sign-up can no longer be changed", ""},
	"no_password_set":              {400, "No password set", "This account has no password."},
	"password_required":            {400, "Password required", "Accounts must have a password here."},
	"image_too_large":              {413, "Image too large", "The image is larger than 10 MB or 25 megapixels."},
	"image_type_invalid":           {422, "Image type not supported", "Images must be JPEG, PNG, GIF or WebP."},

	// Backend API.
	"incorrect_password":                {422, "Incorrect password", "The given password is incorrect."},
	"form_data_missing":                 {422, "Missing data", "The request lacks data that is needed for this."},
	"cookie_invalid":                    {400, "Invalid cookie", "The client token is invalid."},
	"duplicate_record":                  {400, "Duplicate record", ""},
	"settings_locked":                   {403, "Settings are locked", "The settings of this instance are set in code and cannot be changed."},
	"sign_up_outdated_verification":     {410, "Outdated verification", ""},
	"strategy_not_allowed":              {400, "Strategy not allowed", "This strategy is not enabled."},
	"account_transfer_invalid":          {400, "Nothing to transfer", ""},
	"session_refresh_session_not_found": {401, "Session not found", ""},
	"expired_session_token_invalid":     {401, "Expired session token is invalid", ""},
	"refresh_token_not_found":           {401, "Refresh token not found", ""},
	"invalid_session_token":             {400, "Invalid session token", ""},
	"not_allowed_access":                {403, "Access not allowed", "Access is not allowed for this identifier."},
	"jwt_template_not_found":            {404, "No such template", ""},

	// Tickets, lists and the waitlist.
	"ticket_invalid_code":                  {400, "Ticket is invalid", "This link is not valid."},
	"ticket_expired_code":                  {400, "Ticket has expired", "This link has expired. Ask for a new one."},
	"sign_in_token_already_used_code":      {400, "Sign-in token was used", "This link has already been used. Ask for a new one."},
	"sign_in_token_revoked_code":           {400, "Sign-in token was revoked", "This link was withdrawn."},
	"sign_in_token_cannot_be_used_code":    {400, "Sign-in token cannot be used here", "This link is for signing in."},
	"sign_in_token_cannot_be_revoked_code": {400, "Sign-in token cannot be revoked", "Only a token that is pending can be revoked."},
	"actor_token_already_used_code":        {400, "Actor token was used", "This link has already been used. Ask for a new one."},
	"actor_token_revoked_code":             {400, "Actor token was revoked", "This link was withdrawn."},
	"actor_token_cannot_be_used_code":      {400, "Actor token cannot be used here", "This link is for signing in."},
	"actor_token_cannot_be_revoked_code":   {400, "Actor token cannot be revoked", "Only a token that is pending can be revoked."},
	"actor_token_subject_not_found":        {404, "Actor token subject not found", "The user to be impersonated was not found."},
	"session_creation_not_allowed":         {409, "Session creation not allowed", "No other session can begin while you act as another user. Stop that first."},
	"invitation_already_accepted":          {400, "Invitation was accepted", "This invitation has already been accepted."},
	"invitation_already_revoked":           {400, "Invitation was revoked", "This invitation has already been revoked."},
	"revoked_invitation":                   {400, "Invitation was revoked", "This invitation was withdrawn."},
	"invitation_account_exists":            {400, "Account exists already", "There is an account for this invitation already. Sign in instead."},
	"invitation_account_not_exists":        {400, "No account for the invitation", "There is no account for this invitation yet. Sign up instead."},
	"sign_up_restricted_waitlist":          {403, "Sign-ups are by waitlist", "Sign-ups are not open yet. Join the waitlist."},
	"waitlist_not_accepting_entries":       {403, "No waitlist", "There is no waitlist to join."},
	"waitlist_entry_already_invited":       {409, "Invited already", "This entry of the waitlist was invited already."},
	"waitlist_entry_already_completed":     {409, "Signed up already", "Who is behind this entry of the waitlist has an account."},
	"waitlist_entry_already_rejected":      {409, "Rejected already", "This entry of the waitlist was rejected."},

	// Proofs of being a person.
	"requires_captcha":      {401, "Captcha required", "Show that you are a person first."},
	"captcha_not_enabled":   {400, "Captcha not enabled", "Nobody is asked to show that they are a person here: leave the token out."},
	"captcha_missing_token": {400, "Captcha missing", "The check that you are a person is missing. Please try again."},
	"captcha_invalid":       {400, "Captcha invalid", "The check that you are a person failed. Please try again."},

	// Accounts at other services. Each says what to do instead.
	"external_account_not_found":                {422, "The External Account was not found", "No account here belongs to that one. Sign up instead."},
	"external_account_exists":                   {400, "The external account is connected already", "That account belongs to somebody here already. Sign in instead."},
	"sign_up_if_missing_transfer":               {404, "No account yet", "Nobody here has that identifier, and you have shown that it is yours. Sign up with it."},
	"sign_up_if_missing_not_allowed":            {422, "Sign-ups are not open", "Nobody can sign up here without an invitation, so signing in cannot lead to it."},
	"sign_up_if_missing_strategy_not_supported": {422, "Not with this strategy", "Only an address or number that is proved by a code or link can be signed up with at a sign-in."},
	"oauth_access_denied":                       {403, "Access was denied", "You did not give access to your account there. Try again and allow it, or use another method."},
	"oauth_token_exchange_error":                {400, "The other service did not confirm the sign-in", "The other service did not confirm who you are. Please try again, or use another method."},
	"oauth_fetch_user_error":                    {400, "The other service did not say who you are", "The other service did not say who you are. Please try again, or use another method."},
	"oauth_callback_invalid":                    {400, "This sign-in is over", "This sign-in has been used already, is too old, or was begun in another browser. Please start again."},
	"oauth_account_already_connected":           {400, "Already connected", "You have connected that account already."},
	"oauth_identification_claimed":              {400, "That account belongs to somebody else here", "That account, or its address, belongs to another user here. Sign in as that user, or remove it there first."},
	"external_account_mismatch":                 {400, "That is another account", "You came back with another account than the one that is connected. Sign in there with the right one."},
	"oauth_missing_refresh_token":               {422, "The token cannot be renewed", "The token has expired and cannot be renewed. The user must connect the account again."},
	"oauth_token_provider_not_enabled":          {400, "The provider is not enabled", "This provider is not enabled for this application."},
	"oauth_non_authenticatable_provider":        {400, "The provider is not for signing in", ""},
	"delete_linked_identification_disallowed":   {400, "Deleting it is not possible", "This address came with a connected account. Remove the connected account first."},
}
