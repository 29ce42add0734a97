// A real authorization server, with pages of ours for signing in and for
// consent: whatever somebody types is who they are. It prints its issuer when
// it listens. ACCOUNTS says what is known of each, by the name typed.
import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const { MODULES, CALLBACK, ACCOUNTS } = process.env
const entry = createRequire(MODULES + '/x.js').resolve('oidc-provider')
const { Provider } = await import(pathToFileURL(entry))
const accounts = JSON.parse(ACCOUNTS)
const server = createServer()
await new Promise(ready => server.listen(0, '127.0.0.1', ready))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
	clients: [{
		client_id: 'usher', client_secret: 'a secret of the tests', redirect_uris: [CALLBACK],
		grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
	}],
	claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
	findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
	features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
	pkce: { required: () => true },
	interactions: { url: (_, i) => `/interaction/${i.uid}` },
	cookies: { keys: ['of the tests'] },
	ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
})
const engine = provider.callback()

const page = body => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Provider</title><link rel="icon" href="data:,"></head>
<body><form method="post">${body}<button name="act" value="deny" id="deny">Deny</button></form></body></html>`

server.on('request', async (req, res) => {
	const m = /^\/interaction\/[\w-]+$/.exec(req.url)
	if (!m) return engine(req, res)
	try {
		const { prompt, params, session, grantId } = await provider.interactionDetails(req, res)
		if (req.method === 'GET') {
			res.setHeader('Content-Type', 'text/html; charset=utf-8')
			return res.end(prompt.name === 'login'
				? page(`<p id="prompt">login</p><input name="login" id="login" value=""><button name="act" value="login" id="go">Sign in</button>`)
				: page(`<p id="prompt">consent</p><button name="act" value="consent" id="go">Allow</button>`))
		}
		let body = ''
		for await (const chunk of req) body += chunk
		const form = new URLSearchParams(body)
		let result = { error: 'access_denied', error_description: '<b>the person said no</b>' }
		if (form.get('act') === 'login') result = { login: { accountId: form.get('login') } }
		if (form.get('act') === 'consent') {
			const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
			grant.addOIDCScope(params.scope)
			result = { consent: { grantId: await grant.save() } }
		}
		await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: form.get('act') === 'consent' })
	} catch (err) {
		res.statusCode = 500
		res.end(String(err))
	}
})
console.log(issuer)
