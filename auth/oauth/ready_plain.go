package oauth

import "strings"

const noFlag = "says nothing of whether an address was verified"

// GitHub signs in with GitHub. Addresses come from an endpoint of their own:
// the profile shows only those that people publish.
func GitHub(clientID, clientSecret string) Provider {
	return Provider{Key: "github", Name: "GitHub", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token",
		UserInfoURL: "https://api.github.com/user", Scopes: []string{"read:user", "user:email"},
		RevokeURL: "https://api.github.com/applications/{client_id}/grant", RevokeGrant: true,
		Fields:   Fields{Subject: "id", Name: "name", Username: "login", Picture: "avatar_url"},
		Emails:   &EmailList{URL: "https://api.github.com/user/emails", Address: "email", Primary: "primary", Verified: "verified"},
		Verified: EmailRule{Reason: "the list of addresses says of each whether it was verified"}}
}

// Bitbucket signs in with Bitbucket.
func Bitbucket(clientID, clientSecret string) Provider {
	return Provider{Key: "bitbucket", Name: "Bitbucket", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://bitbucket.org/site/oauth2/authorize", TokenURL: "https://bitbucket.org/site/oauth2/access_token",
		UserInfoURL: "https://api.bitbucket.org/2.0/user", Scopes: []string{"account", "email"}, Auth: InHeader,
		Fields:   Fields{Subject: "uuid", Name: "display_name", Username: "username", Picture: "links.avatar.href"},
		Emails:   &EmailList{URL: "https://api.bitbucket.org/2.0/user/emails", In: "values", Address: "email", Primary: "is_primary", Verified: "is_confirmed"},
		Verified: EmailRule{Reason: "the list of addresses says of each whether it was confirmed"}}
}

// Atlassian signs in with Atlassian accounts.
func Atlassian(clientID, clientSecret string) Provider {
	return Provider{Key: "atlassian", Name: "Atlassian", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://auth.atlassian.com/authorize", TokenURL: "https://auth.atlassian.com/oauth/token",
		UserInfoURL: "https://api.atlassian.com/me", Scopes: []string{"read:me", "offline_access"},
		AuthParams: map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
		Fields:     Fields{Subject: "account_id", EmailAddress: "email", Name: "name", Username: "nickname", Picture: "picture"},
		Verified:   byClaim}
}

// Box signs in with Box.
func Box(clientID, clientSecret string) Provider {
	return Provider{Key: "box", Name: "Box", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://account.box.com/api/oauth2/authorize", TokenURL: "https://api.box.com/oauth2/token",
		UserInfoURL: "https://api.box.com/2.0/users/me", RevokeURL: "https://api.box.com/oauth2/revoke",
		Fields:   Fields{Subject: "id", EmailAddress: "login", Name: "name", Picture: "avatar_url"},
		Verified: EmailRule{Reason: noFlag}}
}

// Coinbase signs in with Coinbase.
func Coinbase(clientID, clientSecret string) Provider {
	return Provider{Key: "coinbase", Name: "Coinbase", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://login.coinbase.com/oauth2/auth", TokenURL: "https://login.coinbase.com/oauth2/token",
		UserInfoURL: "https://api.coinbase.com/v2/user", RevokeURL: "https://login.coinbase.com/oauth2/revoke",
		Scopes: []string{"wallet:user:read", "wallet:user:email", "offline_access"}, ScopeSeparator: ",",
		Header:   map[string]string{"CB-VERSION": "2025-01-01"},
		Fields:   Fields{Subject: "data.id", EmailAddress: "data.email", Name: "data.name", Username: "data.username", Picture: "data.avatar_url"},
		Verified: EmailRule{Reason: noFlag}}
}

// Discord signs in with Discord.
func Discord(clientID, clientSecret string) Provider {
	return Provider{Key: "discord", Name: "Discord", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://discord.com/oauth2/authorize", TokenURL: "https://discord.com/api/oauth2/token",
		UserInfoURL: "https://discord.com/api/users/@me", RevokeURL: "https://discord.com/api/oauth2/token/revoke",
		Scopes:   []string{"identify", "email"},
		Fields:   Fields{Subject: "id", EmailAddress: "email", Name: "global_name", Username: "username"},
		Verified: EmailRule{Field: "verified", Reason: "the field is called verified"},
		Adjust: func(profile map[string]any, id *Identity) error {
			if hash := text(profile, "avatar"); hash != "" && !strings.ContainsAny(hash, "/?#") {
				id.PictureURL = "https://cdn.discordapp.com/avatars/" + id.Subject + "/" + hash + ".png"
			}
			return nil
		}}
}

// Dropbox signs in with Dropbox.
func Dropbox(clientID, clientSecret string) Provider {
	return Provider{Key: "dropbox", Name: "Dropbox", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://www.dropbox.com/oauth2/authorize", TokenURL: "https://api.dropboxapi.com/oauth2/token",
		UserInfoURL: "https://api.dropboxapi.com/2/users/get_current_account", UserInfoBody: "null",
		Scopes: []string{"account_info.read"}, AuthParams: map[string]string{"token_access_type": "offline"},
		Fields: Fields{Subject: "account_id", EmailAddress: "email", FirstName: "name.given_name", LastName: "name.surname",
			Name: "name.display_name", Picture: "profile_photo_url"},
		Verified: byClaim}
}

// Facebook signs in with Facebook.
func Facebook(clientID, clientSecret string) Provider {
	return Provider{Key: "facebook", Name: "Facebook", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://www.facebook.com/v23.0/dialog/oauth", TokenURL: "https://graph.facebook.com/v23.0/oauth/access_token",
		UserInfoURL: "https://graph.facebook.com/v23.0/me?fields=id,name,first_name,last_name,email,picture.width(400).height(400)",
		Scopes:      []string{"email", "public_profile"}, ScopeSeparator: ",",
		Fields: Fields{Subject: "id", EmailAddress: "email", FirstName: "first_name", LastName: "last_name", Name: "name",
			Picture: "picture.data.url"},
		Verified: EmailRule{Reason: noFlag}}
}

// HubSpot signs in with HubSpot. What tells whose a token is has the token in
// its path.
func HubSpot(clientID, clientSecret string) Provider {
	return Provider{Key: "hubspot", Name: "HubSpot", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://app.hubspot.com/oauth/authorize", TokenURL: "https://api.hubapi.com/oauth/v1/token",
		UserInfoURL: "https://api.hubapi.com/oauth/v1/access-tokens/{token}", Scopes: []string{"oauth"},
		Fields:   Fields{Subject: "user_id", EmailAddress: "user"},
		Verified: EmailRule{Reason: noFlag}}
}

// Instagram signs in with professional accounts of Instagram. It gives no
// address.
func Instagram(clientID, clientSecret string) Provider {
	return Provider{Key: "instagram", Name: "Instagram", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://www.instagram.com/oauth/authorize", TokenURL: "https://api.instagram.com/oauth/access_token",
		UserInfoURL: "https://graph.instagram.com/v23.0/me?fields=user_id,username,name,profile_picture_url",
		Scopes:      []string{"instagram_business_basic"}, ScopeSeparator: ",", TokenIn: "data.0",
		Fields:   Fields{Subject: "user_id", Name: "name", Username: "username", Picture: "profile_picture_url"},
		Verified: EmailRule{Reason: "gives no address"}}
}

// Linear signs in with Linear, whose profile is asked for in GraphQL.
func Linear(clientID, clientSecret string) Provider {
	return Provider{Key: "linear", Name: "Linear", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://linear.app/oauth/authorize", TokenURL: "https://api.linear.app/oauth/token",
		UserInfoURL: "https://api.linear.app/graphql", UserInfoBody: `{"query":"{ viewer { id name displayName email avatarUrl } }"}`,
		RevokeURL: "https://api.linear.app/oauth/revoke", Scopes: []string{"read"}, ScopeSeparator: ",",
		Fields: Fields{Subject: "data.viewer.id", EmailAddress: "data.viewer.email", Name: "data.viewer.name",
			Username: "data.viewer.displayName", Picture: "data.viewer.avatarUrl"},
		Verified: EmailRule{Reason: noFlag}}
}

// Notion signs in with Notion, which says with the token whose it is.
func Notion(clientID, clientSecret string) Provider {
	return Provider{Key: "notion", Name: "Notion", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://api.notion.com/v1/oauth/authorize", TokenURL: "https://api.notion.com/v1/oauth/token",
		AuthParams: map[string]string{"owner": "user"}, Auth: InHeaderJSON, ProfileInToken: "owner",
		Fields:   Fields{Subject: "user.id", EmailAddress: "user.person.email", Name: "user.name", Picture: "user.avatar_url"},
		Verified: EmailRule{Reason: noFlag}}
}

// Spotify signs in with Spotify.
func Spotify(clientID, clientSecret string) Provider {
	return Provider{Key: "spotify", Name: "Spotify", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://accounts.spotify.com/authorize", TokenURL: "https://accounts.spotify.com/api/token",
		UserInfoURL: "https://api.spotify.com/v1/me", Scopes: []string{"user-read-email", "user-read-private"}, Auth: InHeader,
		Fields:   Fields{Subject: "id", EmailAddress: "email", Name: "display_name", Picture: "images.0.url"},
		Verified: EmailRule{Reason: "Spotify's documentation says that the address is not verified"}}
}

// TikTok signs in with TikTok, which calls the client ID client_key and gives
// no address.
func TikTok(clientKey, clientSecret string) Provider {
	return Provider{Key: "tiktok", Name: "TikTok", ClientID: clientKey, ClientSecret: clientSecret, ClientIDParam: "client_key",
		AuthURL: "https://www.tiktok.com/v2/auth/authorize/", TokenURL: "https://open.tiktokapis.com/v2/oauth/token/",
		UserInfoURL: "https://open.tiktokapis.com/v2/user/info/?fields=open_id,avatar_url,display_name",
		RevokeURL:   "https://open.tiktokapis.com/v2/oauth/revoke/", Scopes: []string{"user.info.basic"}, ScopeSeparator: ",",
		Fields:   Fields{Subject: "data.user.open_id", Name: "data.user.display_name", Picture: "data.user.avatar_url"},
		Verified: EmailRule{Reason: "gives no address"}}
}

// X signs in with X, once Twitter, which gives no address.
func X(clientID, clientSecret string) Provider {
	return Provider{Key: "x", Name: "X", ClientID: clientID, ClientSecret: clientSecret,
		AuthURL: "https://x.com/i/oauth2/authorize", TokenURL: "https://api.x.com/2/oauth2/token",
		UserInfoURL: "https://api.x.com/2/users/me?user.fields=id,name,username,profile_image_url",
		RevokeURL:   "https://api.x.com/2/oauth2/revoke", Scopes: []string{"users.read", "tweet.read", "offline.access"}, Auth: InHeader,
		Fields:   Fields{Subject: "data.id", Name: "data.name", Username: "data.username", Picture: "data.profile_image_url"},
		Verified: EmailRule{Reason: "gives no address"}}
}

// Twitter is X under the key twitter, for those who have accounts by that name.
func Twitter(clientID, clientSecret string) Provider {
	p := X(clientID, clientSecret)
	p.Key, p.Name = "twitter", "X / Twitter"
	return p
}
