// Package oauth signs people in at other services: Google, GitHub, Apple, any
// provider of OpenID Connect, and those that speak plain OAuth 2.
//
// A [Provider] is a value. There are ready ones, and whatever they say can be
// changed before use:
//
//	github := oauth.GitHub(os.Getenv("GITHUB_ID"), os.Getenv("GITHUB_SECRET"))
//	github.Scopes = append(github.Scopes, "repo")
//	okta := oauth.OIDC("okta", "https://example.okta.com", id, secret)
//
// Give them to auth.Config.Social. The rest of the package is the flow itself,
// for which package auth keeps the state: a [Client] begins it and, when the
// browser is back, exchanges the code for an [Identity].
//
// PKCE, a state and, for OpenID Connect, a nonce are always used. Where a
// provider cannot take part in one of them, an [Exception] in its value says
// so, and why.
package oauth
