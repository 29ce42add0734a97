package oauth

import (
	"errors"
	"strings"
)

// OIDC returns a provider of OpenID Connect that is found by its issuer, under
// the key custom_ and the given one. Set Name, Scopes and whatever else.
func OIDC(key, issuer, clientID, clientSecret string) Provider {
	return Provider{Key: "custom_" + key, Name: key, Issuer: issuer, ClientID: clientID, ClientSecret: clientSecret,
		Scopes: []string{"openid", "profile", "email"}, Verified: byClaim}
}

// Google signs in with Google accounts. A refresh token comes with the first
// consent.
func Google(clientID, clientSecret string) Provider {
	return Provider{Key: "google", Name: "Google", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://accounts.google.com", Scopes: []string{"openid", "email", "profile"}, Auth: InBody,
		AuthParams: map[string]string{"access_type": "offline"}, Verified: byClaim}
}

// Microsoft signs in with accounts of any organization and personal ones.
func Microsoft(clientID, clientSecret string) Provider {
	p := MicrosoftTenant("common", clientID, clientSecret)
	p.TokenIssuer = "https://login.microsoftonline.com/{tid}/v2.0"
	return p
}

// MicrosoftTenant signs in with the accounts of one directory, named by its ID.
func MicrosoftTenant(tenant, clientID, clientSecret string) Provider {
	return Provider{Key: "microsoft", Name: "Microsoft", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://login.microsoftonline.com/" + tenant + "/v2.0", Auth: InBody,
		Scopes: []string{"openid", "profile", "email", "offline_access"},
		// The picture is behind a token, so there is none.
		Fields: Fields{Subject: "sub", EmailAddress: "email", FirstName: "given_name", LastName: "family_name",
			Name: "name", Username: "preferred_username"},
		Verified: EmailRule{Field: "xms_edov", AlsoText: true,
			Reason: "an administrator of any directory can give its users any address; the optional claim xms_edov says that the domain is the directory's own, and comes as true, \"true\" or \"1\""}}
}

// LinkedIn signs in with LinkedIn, by the product Sign In with LinkedIn using
// OpenID Connect.
func LinkedIn(clientID, clientSecret string) Provider {
	return Provider{Key: "linkedin_oidc", Name: "LinkedIn", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://www.linkedin.com/oauth", AuthURL: "https://www.linkedin.com/oauth/v2/authorization",
		TokenURL: "https://www.linkedin.com/oauth/v2/accessToken", UserInfoURL: "https://api.linkedin.com/v2/userinfo",
		KeysURL: "https://www.linkedin.com/oauth/openid/jwks", Scopes: []string{"openid", "profile", "email"}, Auth: InBody,
		Verified: EmailRule{Field: "email_verified", AlsoText: true,
			Reason: "the claim is the text \"true\" in ID tokens and a boolean in the profile"},
		WithoutPKCE:  "refuses a code_verifier with invalid_client unless the app was enabled for native PKCE",
		WithoutNonce: "does not put the nonce into ID tokens"}
}

// Slack signs in with Slack. The IDs of its users are unique within a workspace
// only, so the workspace is part of the subject.
func Slack(clientID, clientSecret string) Provider {
	return Provider{Key: "slack", Name: "Slack", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://slack.com", AuthURL: "https://slack.com/openid/connect/authorize",
		TokenURL: "https://slack.com/api/openid.connect.token", UserInfoURL: "https://slack.com/api/openid.connect.userInfo",
		KeysURL: "https://slack.com/openid/connect/keys", Scopes: []string{"openid", "email", "profile"}, Auth: InBody,
		Verified: byClaim,
		Adjust: func(profile map[string]any, id *Identity) error {
			team, _ := profile["https://slack.com/team_id"].(string)
			if team == "" || strings.Contains(team, ":") {
				return fail(StageProfile, "no_team", errors.New("the profile names no workspace"))
			}
			id.Subject = team + ":" + id.Subject
			return nil
		}}
}

// GitLab signs in with gitlab.com; set Issuer for another instance.
func GitLab(clientID, clientSecret string) Provider {
	return Provider{Key: "gitlab", Name: "GitLab", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://gitlab.com", Scopes: []string{"openid", "email", "profile"}, Verified: byClaim,
		Fields: Fields{Subject: "sub", EmailAddress: "email", Name: "name", Username: "nickname", Picture: "picture"}}
}

// HuggingFace signs in with Hugging Face.
func HuggingFace(clientID, clientSecret string) Provider {
	return Provider{Key: "huggingface", Name: "Hugging Face", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://huggingface.co", Scopes: []string{"openid", "profile", "email"}, Verified: byClaim}
}

// LINE signs in with LINE. The permission for addresses is asked for in its
// console.
func LINE(clientID, clientSecret string) Provider {
	return Provider{Key: "line", Name: "LINE", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://access.line.me", AuthURL: "https://access.line.me/oauth2/v2.1/authorize",
		TokenURL: "https://api.line.me/oauth2/v2.1/token", UserInfoURL: "https://api.line.me/oauth2/v2.1/userinfo",
		RevokeURL: "https://api.line.me/oauth2/v2.1/revoke", SharedKey: true, Auth: InBody,
		Scopes:   []string{"openid", "profile", "email"},
		Verified: EmailRule{Reason: "says nothing of whether an address was verified"}}
}

// Twitch signs in with Twitch.
func Twitch(clientID, clientSecret string) Provider {
	return Provider{Key: "twitch", Name: "Twitch", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://id.twitch.tv/oauth2", Scopes: []string{"openid", "user:read:email"}, Auth: InBody,
		RevokeURL: "https://id.twitch.tv/oauth2/revoke",
		// Only claims that are asked for come.
		AuthParams: map[string]string{"claims": `{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}`},
		Fields:     Fields{Subject: "sub", EmailAddress: "email", Name: "preferred_username", Username: "preferred_username", Picture: "picture"},
		Verified:   byClaim}
}

// Vercel signs in with Vercel.
func Vercel(clientID, clientSecret string) Provider {
	return Provider{Key: "vercel", Name: "Vercel", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://vercel.com", Scopes: []string{"openid", "email", "profile", "offline_access"}, Auth: InBody, Verified: byClaim}
}

// Xero signs in with Xero.
func Xero(clientID, clientSecret string) Provider {
	return Provider{Key: "xero", Name: "Xero", ClientID: clientID, ClientSecret: clientSecret,
		Issuer: "https://identity.xero.com", Scopes: []string{"openid", "profile", "email", "offline_access"}, Auth: InHeader,
		Verified: EmailRule{Reason: "says nothing of whether an address was verified"}}
}
