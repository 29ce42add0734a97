package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usherauth/usher/auth/oauth"
)

func appleKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return k, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func apple(t *testing.T) oauth.Provider {
	t.Helper()
	_, pem := appleKey(t)
	p, err := oauth.Apple("id", "TEAM", "KEY", pem)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// want is what a provider's answers come to.
type want struct {
	subject, email string
	verified       bool
	first, last    string
	username       string
	picture        string
}

const tokenAnswer = `{"access_token":"at","token_type":"bearer","expires_in":3600,"refresh_token":"rt"}`

// Each ready provider reads answers of the shape that its documentation shows.
// Of the providers of OpenID Connect, claims are the ID token's beside the
// usual ones.
func TestReadyProviders(t *testing.T) {
	for _, c := range []struct {
		p       oauth.Provider
		auth    string            // where the browser is sent
		params  map[string]string // with these among others
		answers map[string]string // by URL
		claims  map[string]any
		user    string // posted besides
		want    want
	}{
		{p: oauth.Google("id", "secret"), auth: "https://accounts.google.com/authorize",
			params: map[string]string{"scope": "openid email profile", "access_type": "offline"},
			claims: map[string]any{"email": "ada@gmail.com", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
				"picture": "https://lh3.googleusercontent.com/a/x=s96-c", "azp": "id", "hd": "example.com"},
			want: want{"sub-1", "ada@gmail.com", true, "Ada", "Lovelace", "", "https://lh3.googleusercontent.com/a/x=s96-c"}},
		{p: oauth.GitLab("id", "secret"), auth: "https://gitlab.com/authorize",
			claims:  map[string]any{"auth_time": 1},
			answers: map[string]string{"https://gitlab.com/userinfo": `{"sub":"sub-1","name":"Ada Lovelace","nickname":"ada","preferred_username":"ada","email":"ada@example.com","email_verified":true,"profile":"https://gitlab.com/ada","picture":"https://gitlab.com/uploads/a.png","groups":[]}`},
			want:    want{"sub-1", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://gitlab.com/uploads/a.png"}},
		{p: oauth.HuggingFace("id", "secret"), auth: "https://huggingface.co/authorize",
			answers: map[string]string{"https://huggingface.co/userinfo": `{"sub":"sub-1","name":"Ada Lovelace","preferred_username":"ada","profile":"https://huggingface.co/ada","picture":"https://huggingface.co/avatars/a.png","email":"ada@example.com","email_verified":true,"isPro":false,"orgs":[]}`},
			want:    want{"sub-1", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://huggingface.co/avatars/a.png"}},
		{p: oauth.Vercel("id", "secret"), auth: "https://vercel.com/authorize",
			claims: map[string]any{"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace", "preferred_username": "ada", "picture": "https://vercel.com/api/www/avatar/a"},
			want:   want{"sub-1", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://vercel.com/api/www/avatar/a"}},
		{p: oauth.Xero("id", "secret"), auth: "https://identity.xero.com/authorize",
			claims: map[string]any{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada@example.com", "xero_userid": "x"},
			want:   want{"sub-1", "ada@example.com", false, "Ada", "Lovelace", "ada@example.com", ""}},
		{p: oauth.Twitch("id", "secret"), auth: "https://id.twitch.tv/oauth2/authorize",
			params:  map[string]string{"claims": `{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}`},
			claims:  map[string]any{"email": "ada@example.com", "email_verified": true, "preferred_username": "Ada", "picture": "https://static-cdn.jtvnw.net/a.png", "azp": "id"},
			answers: map[string]string{"https://id.twitch.tv/oauth2/token": `{"access_token":"at","scope":["openid","user:read:email"],"token_type":"bearer","expires_in":3600,"id_token":"ID"}`},
			want:    want{"sub-1", "ada@example.com", true, "Ada", "", "Ada", "https://static-cdn.jtvnw.net/a.png"}},
		{p: oauth.MicrosoftTenant("9188040d-6c67-4c5b-b112-36a304b66dad", "id", "secret"), auth: "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0/authorize",
			claims: map[string]any{"email": "ada@outlook.com", "name": "Ada Lovelace", "preferred_username": "ada@outlook.com", "oid": "0", "tid": "9188040d-6c67-4c5b-b112-36a304b66dad", "ver": "2.0"},
			want:   want{"sub-1", "ada@outlook.com", false, "Ada", "Lovelace", "ada@outlook.com", ""}},
		{p: oauth.LinkedIn("id", "secret"), auth: "https://www.linkedin.com/oauth/v2/authorization",
			claims: map[string]any{"nonce": nil, "email": "ada@example.com", "email_verified": "true", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "picture": "https://media.licdn.com/a", "locale": "en_US"},
			want:   want{"sub-1", "ada@example.com", true, "Ada", "Lovelace", "", "https://media.licdn.com/a"}},
		{p: oauth.Slack("id", "secret"), auth: "https://slack.com/openid/connect/authorize",
			claims: map[string]any{"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
				"picture": "https://secure.gravatar.com/a.jpg", "https://slack.com/team_id": "T1", "https://slack.com/user_id": "sub-1"},
			want: want{"T1:sub-1", "ada@example.com", true, "Ada", "Lovelace", "", "https://secure.gravatar.com/a.jpg"}},
		{p: oauth.LINE("id", "secret"), auth: "https://access.line.me/oauth2/v2.1/authorize",
			claims: map[string]any{"email": "ada@example.com", "name": "Ada", "picture": "https://profile.line-scdn.net/a", "amr": []string{"pwd"}},
			want:   want{"sub-1", "ada@example.com", false, "Ada", "", "", "https://profile.line-scdn.net/a"}},
		{p: apple(t), auth: "https://appleid.apple.com/auth/authorize", params: map[string]string{"response_mode": "form_post", "scope": "openid name email"},
			claims: map[string]any{"email": "x@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true", "nonce_supported": true},
			user:   `{"name":{"firstName":"Ada","lastName":"Lovelace"},"email":"somebody@else.example"}`,
			want:   want{"sub-1", "x@privaterelay.appleid.com", true, "Ada", "Lovelace", "", ""}},
		{p: oauth.GitHub("id", "secret"), auth: "https://github.com/login/oauth/authorize", params: map[string]string{"scope": "read:user user:email"},
			answers: map[string]string{"https://api.github.com/user": `{"login":"ada","id":1234567890123,"node_id":"M","avatar_url":"https://avatars.githubusercontent.com/u/1?v=4","name":"Ada Lovelace","email":null}`,
				"https://api.github.com/user/emails": `[{"email":"old@example.com","primary":false,"verified":true,"visibility":null},{"email":"ada@example.com","primary":true,"verified":true,"visibility":"private"}]`},
			want: want{"1234567890123", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://avatars.githubusercontent.com/u/1?v=4"}},
		{p: oauth.Bitbucket("id", "secret"), auth: "https://bitbucket.org/site/oauth2/authorize",
			answers: map[string]string{"https://api.bitbucket.org/2.0/user": `{"type":"user","uuid":"{1-2}","username":"ada","display_name":"Ada Lovelace","account_id":"5","links":{"avatar":{"href":"https://bitbucket.org/a.png"}}}`,
				"https://api.bitbucket.org/2.0/user/emails": `{"pagelen":10,"values":[{"type":"email","email":"ada@example.com","is_primary":true,"is_confirmed":false}]}`},
			want: want{"{1-2}", "ada@example.com", false, "Ada", "Lovelace", "ada", "https://bitbucket.org/a.png"}},
		{p: oauth.Atlassian("id", "secret"), auth: "https://auth.atlassian.com/authorize", params: map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
			answers: map[string]string{"https://api.atlassian.com/me": `{"account_type":"atlassian","account_id":"112233","email":"ada@example.com","name":"Ada Lovelace","picture":"https://s.gravatar.com/a","account_status":"active","nickname":"ada","email_verified":true}`},
			want:    want{"112233", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://s.gravatar.com/a"}},
		{p: oauth.Box("id", "secret"), auth: "https://account.box.com/api/oauth2/authorize",
			answers: map[string]string{"https://api.box.com/2.0/users/me": `{"type":"user","id":"11446498","name":"Ada Lovelace","login":"ada@example.com","avatar_url":"https://www.box.com/api/avatar/large/1"}`},
			want:    want{"11446498", "ada@example.com", false, "Ada", "Lovelace", "", "https://www.box.com/api/avatar/large/1"}},
		{p: oauth.Coinbase("id", "secret"), auth: "https://login.coinbase.com/oauth2/auth", params: map[string]string{"scope": "wallet:user:read,wallet:user:email,offline_access"},
			answers: map[string]string{"https://api.coinbase.com/v2/user": `{"data":{"id":"9da7","name":"Ada Lovelace","username":"ada","avatar_url":"https://images.coinbase.com/a","email":"ada@example.com","resource":"user"}}`},
			want:    want{"9da7", "ada@example.com", false, "Ada", "Lovelace", "ada", "https://images.coinbase.com/a"}},
		{p: oauth.Discord("id", "secret"), auth: "https://discord.com/oauth2/authorize",
			answers: map[string]string{"https://discord.com/api/users/@me": `{"id":"80351110224678912","username":"ada","discriminator":"0","global_name":"Ada Lovelace","avatar":"8342729096ea3675442027381ff50dfe","verified":true,"email":"ada@example.com","flags":64}`},
			want:    want{"80351110224678912", "ada@example.com", true, "Ada", "Lovelace", "ada", "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png"}},
		{p: oauth.Dropbox("id", "secret"), auth: "https://www.dropbox.com/oauth2/authorize", params: map[string]string{"token_access_type": "offline"},
			answers: map[string]string{"https://api.dropboxapi.com/2/users/get_current_account": `{"account_id":"dbid:AAH4f99","name":{"given_name":"Ada","surname":"Lovelace","familiar_name":"Ada","display_name":"Ada Lovelace"},"email":"ada@example.com","email_verified":true,"disabled":false,"profile_photo_url":"https://dl-web.dropbox.com/a"}`},
			want:    want{"dbid:AAH4f99", "ada@example.com", true, "Ada", "Lovelace", "", "https://dl-web.dropbox.com/a"}},
		{p: oauth.Facebook("id", "secret"), auth: "https://www.facebook.com/v23.0/dialog/oauth", params: map[string]string{"scope": "email,public_profile"},
			answers: map[string]string{"https://graph.facebook.com/v23.0/me": `{"id":"1022","name":"Ada Lovelace","first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","picture":{"data":{"height":400,"is_silhouette":false,"url":"https://platform-lookaside.fbsbx.com/a","width":400}}}`},
			want:    want{"1022", "ada@example.com", false, "Ada", "Lovelace", "", "https://platform-lookaside.fbsbx.com/a"}},
		{p: oauth.HubSpot("id", "secret"), auth: "https://app.hubspot.com/oauth/authorize",
			answers: map[string]string{"https://api.hubapi.com/oauth/v1/access-tokens/at": `{"token":"at","user":"ada@example.com","hub_domain":"demo.hubapi.com","scopes":["oauth"],"hub_id":62515,"app_id":456,"expires_in":21588,"user_id":123,"token_type":"access"}`},
			want:    want{"123", "ada@example.com", false, "", "", "", ""}},
		{p: oauth.Instagram("id", "secret"), auth: "https://www.instagram.com/oauth/authorize",
			answers: map[string]string{"https://api.instagram.com/oauth/access_token": `{"data":[{"access_token":"at","user_id":"1020","permissions":"instagram_business_basic"}]}`,
				"https://graph.instagram.com/v23.0/me": `{"user_id":"17841400008460056","username":"ada","name":"Ada Lovelace","profile_picture_url":"https://scontent.cdninstagram.com/a","id":"1"}`},
			want: want{"17841400008460056", "", false, "Ada", "Lovelace", "ada", "https://scontent.cdninstagram.com/a"}},
		{p: oauth.Linear("id", "secret"), auth: "https://linear.app/oauth/authorize",
			answers: map[string]string{"https://api.linear.app/graphql": `{"data":{"viewer":{"id":"u-1","name":"Ada Lovelace","displayName":"ada","email":"ada@example.com","avatarUrl":null}}}`},
			want:    want{"u-1", "ada@example.com", false, "Ada", "Lovelace", "ada", ""}},
		{p: oauth.Notion("id", "secret"), auth: "https://api.notion.com/v1/oauth/authorize", params: map[string]string{"owner": "user"},
			answers: map[string]string{"https://api.notion.com/v1/oauth/token": `{"access_token":"at","token_type":"bearer","bot_id":"b","workspace_name":"W","workspace_id":"w","owner":{"type":"user","user":{"object":"user","id":"n-1","name":"Ada Lovelace","avatar_url":"https://s3.amazonaws.com/a","type":"person","person":{"email":"ada@example.com"}}}}`},
			want:    want{"n-1", "ada@example.com", false, "Ada", "Lovelace", "", "https://s3.amazonaws.com/a"}},
		{p: oauth.Spotify("id", "secret"), auth: "https://accounts.spotify.com/authorize",
			answers: map[string]string{"https://api.spotify.com/v1/me": `{"display_name":"Ada","email":"ada@example.com","id":"ada","images":[{"url":"https://i.scdn.co/a","height":300,"width":300}],"product":"premium","type":"user"}`},
			want:    want{"ada", "ada@example.com", false, "Ada", "", "", "https://i.scdn.co/a"}},
		{p: oauth.TikTok("id", "secret"), auth: "https://www.tiktok.com/v2/auth/authorize/", params: map[string]string{"client_key": "id", "client_id": "", "scope": "user.info.basic"},
			answers: map[string]string{"https://open.tiktokapis.com/v2/user/info/": `{"data":{"user":{"avatar_url":"https://p19-sign.tiktokcdn-us.com/a","open_id":"723f24d7","display_name":"Ada"}},"error":{"code":"ok","message":"","log_id":"2"}}`},
			want:    want{"723f24d7", "", false, "Ada", "", "", "https://p19-sign.tiktokcdn-us.com/a"}},
		{p: oauth.X("id", "secret"), auth: "https://x.com/i/oauth2/authorize",
			answers: map[string]string{"https://api.x.com/2/users/me": `{"data":{"id":"2244994945","name":"Ada Lovelace","username":"ada","profile_image_url":"https://pbs.twimg.com/a.png"}}`},
			want:    want{"2244994945", "", false, "Ada", "Lovelace", "ada", "https://pbs.twimg.com/a.png"}},
		{p: oauth.Twitter("id", "secret"), auth: "https://x.com/i/oauth2/authorize",
			answers: map[string]string{"https://api.x.com/2/users/me": `{"data":{"id":"2","name":"Ada","username":"ada"}}`},
			want:    want{"2", "", false, "Ada", "", "ada", ""}},
		{p: oauth.OIDC("okta", "https://okta.example.com", "id", "secret"), auth: "https://okta.example.com/authorize",
			claims: map[string]any{"email": "ada@example.com", "email_verified": "true", "name": "Ada Lovelace"},
			want:   want{"sub-1", "ada@example.com", false, "Ada", "Lovelace", "", ""}},
	} {
		t.Run(c.p.Key, func(t *testing.T) {
			n := &internet{t: t, answers: map[string]string{}}
			keysURL, tokenURL := c.p.KeysURL, c.p.TokenURL
			if c.p.Issuer != "" && c.p.AuthURL == "" {
				n.answers[c.p.Issuer+"/.well-known/openid-configuration"] = document(c.p.Issuer, c.p.Issuer)
				keysURL, tokenURL = c.p.Issuer+"/keys", c.p.Issuer+"/token"
			}
			n.answers[keysURL], n.answers[tokenURL] = keys(), tokenAnswer
			for k, v := range c.answers {
				n.answers[k] = v
			}
			cl := client(t, c.p, n)
			f, q, target := begin(t, cl, oauth.Request{})
			if target != c.auth || q.Get("redirect_uri") != callback || q.Get("response_type") != "code" {
				t.Errorf("the browser goes to %s with %v", target, q)
			}
			for k, v := range c.params {
				if q.Get(k) != v {
					t.Errorf("%s is %q, want %q", k, q.Get(k), v)
				}
			}
			if pkce := q.Get("code_challenge_method") == "S256"; pkce != (c.p.WithoutPKCE == "") {
				t.Errorf("PKCE: %v", pkce)
			}
			if c.p.Issuer != "" {
				tok := claims(c.p.Issuer, f.Nonce, c.claims)
				id := signed(t, tok)
				if c.p.SharedKey {
					id = signedHS256(t, "secret", tok)
				}
				if n.answers[tokenURL] == tokenAnswer {
					n.answers[tokenURL] = `{"access_token":"at","token_type":"Bearer","expires_in":"3600","id_token":"ID"}`
				}
				n.answers[tokenURL] = strings.Replace(n.answers[tokenURL], `"ID"`, `"`+id+`"`, 1)
			}
			got, err := cl.Exchange(t.Context(), f, oauth.Answer{Code: "c", State: f.State, User: c.user})
			if err != nil {
				t.Fatal(err)
			}
			w := c.want
			have := want{got.Subject, got.EmailAddress, got.EmailVerified, got.FirstName, got.LastName, got.Username, got.PictureURL}
			if d := cmp.Diff(w, have, cmp.AllowUnexported(want{})); d != "" {
				t.Error(d)
			}
			if got.Provider != c.p.Key || got.Tokens.Access != "at" || got.Issuer == "" {
				t.Errorf("%+v", got)
			}
			checkTokenRequest(t, c.p, n, tokenURL)
		})
	}
}

// checkTokenRequest looks at how the code was exchanged.
func checkTokenRequest(t *testing.T, p oauth.Provider, n *internet, tokenURL string) {
	t.Helper()
	r, body := n.to(tokenURL)
	form, _ := url.ParseQuery(body)
	id, secret, basic := r.BasicAuth()
	switch {
	case p.Auth == oauth.InHeaderJSON:
		var flat map[string]string
		if err := json.Unmarshal([]byte(body), &flat); err != nil || !basic || flat["code"] != "c" || flat["redirect_uri"] != callback {
			t.Errorf("%v %q", basic, body)
		}
		return
	case p.Auth == oauth.InHeader:
		if id != "id" || secret != "secret" || form.Has("client_secret") {
			t.Errorf("the secret is not in the header: %v %v", r.Header, form)
		}
	case p.ClientIDParam != "":
		if form.Get(p.ClientIDParam) != "id" || form.Has("client_id") {
			t.Errorf("%v", form)
		}
	case p.Auth == oauth.InBody:
		if form.Get("client_id") != "id" || form.Get("client_secret") == "" || basic {
			t.Errorf("the secret is not in the body: %v", form)
		}
	}
	if form.Get("code") != "c" || form.Get("redirect_uri") != callback || form.Get("grant_type") != "authorization_code" {
		t.Errorf("%v", form)
	}
	if has := form.Get("code_verifier") != ""; has != (p.WithoutPKCE == "") {
		t.Errorf("code_verifier: %v", has)
	}
}

// At least 25 are ready, each valid, and each departure from the rules has its
// reason.
func TestReadyProvidersAreValid(t *testing.T) {
	all := []oauth.Provider{apple(t), oauth.Atlassian("id", "s"), oauth.Bitbucket("id", "s"), oauth.Box("id", "s"), oauth.Coinbase("id", "s"),
		oauth.Discord("id", "s"), oauth.Dropbox("id", "s"), oauth.Facebook("id", "s"), oauth.GitHub("id", "s"), oauth.GitLab("id", "s"),
		oauth.Google("id", "s"), oauth.HubSpot("id", "s"), oauth.HuggingFace("id", "s"), oauth.Instagram("id", "s"), oauth.LINE("id", "s"),
		oauth.Linear("id", "s"), oauth.LinkedIn("id", "s"), oauth.Microsoft("id", "s"), oauth.Notion("id", "s"), oauth.Slack("id", "s"),
		oauth.Spotify("id", "s"), oauth.TikTok("id", "s"), oauth.Twitch("id", "s"), oauth.Twitter("id", "s"), oauth.Vercel("id", "s"),
		oauth.X("id", "s"), oauth.Xero("id", "s")}
	seen := map[string]bool{}
	for _, p := range all {
		if err := p.Validate(false); err != nil {
			t.Error(err)
		}
		seen[p.Key] = true
	}
	if len(seen) < 25 {
		t.Errorf("only %d", len(seen))
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*oauth.Provider){
		"key":           func(p *oauth.Provider) { p.Key = "My IdP" },
		"no key":        func(p *oauth.Provider) { p.Key = "" },
		"name":          func(p *oauth.Provider) { p.Name = "" },
		"client":        func(p *oauth.Provider) { p.ClientID = "" },
		"no endpoints":  func(p *oauth.Provider) { p.Issuer = "" },
		"plain http":    func(p *oauth.Provider) { p.Issuer = "http://okta.example.com" },
		"loopback":      func(p *oauth.Provider) { p.Issuer = "http://127.0.0.1:9000" },
		"no reason":     func(p *oauth.Provider) { p.Verified = oauth.EmailRule{Always: true} },
		"shared secret": func(p *oauth.Provider) { p.SharedKey, p.ClientSecret = true, "" },
	} {
		p := oauth.OIDC("okta", "https://okta.example.com", "id", "secret")
		if err := p.Validate(false); err != nil {
			t.Fatal(err)
		}
		change(&p)
		if p.Validate(false) == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	p := oauth.OIDC("fake", "http://127.0.0.1:9000", "id", "secret")
	if err := p.Validate(true); err != nil {
		t.Error(err)
	}
}

// Apple's client secret is a token that Apple can verify with the public key.
func TestAppleClientSecret(t *testing.T) {
	k, text := appleKey(t)
	p, err := oauth.Apple("com.example.web", "TEAM123456", "KEY1234567", text)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := p.Secret(now)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(secret, ".")
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sum, sig := sha256.Sum256([]byte(parts[0]+"."+parts[1])), decode(parts[2])
	if !ecdsa.Verify(&k.PublicKey, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Error("the signature is wrong")
	}
	var c struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(decode(parts[1]), &c); err != nil {
		t.Fatal(err)
	}
	if c.Iss != "TEAM123456" || c.Sub != "com.example.web" || c.Aud != "https://appleid.apple.com" || c.Iat != now.Unix() || c.Exp <= c.Iat || c.Exp > c.Iat+180*86400 {
		t.Errorf("%+v", c)
	}
	if h := string(decode(parts[0])); !strings.Contains(h, `"kid":"KEY1234567"`) || !strings.Contains(h, `"alg":"ES256"`) {
		t.Error(h)
	}
	for _, bad := range []string{"", "nonsense", strings.Replace(text, "PRIVATE", "PUBLIC", 1)[:40]} {
		if _, err := oauth.Apple("id", "t", "k", bad); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}
