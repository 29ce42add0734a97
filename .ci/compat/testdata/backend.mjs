// The tests of usher with @clerk/backend. Each prints a line of JSON: name, and
// what went wrong, if something did. The Go test that runs this reports them.
import assert from "node:assert/strict"
import { createPublicKey } from "node:crypto"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import path from "node:path"

const env = name => process.env[name] ?? assert.fail(`${name} is not set`)
const require = createRequire(path.join(env("MODULES"), "package.json"))
const load = name => import(pathToFileURL(require.resolve(name)))
const { createClerkClient, verifyToken } = await load("@clerk/backend")

const base = env("BASE"), publishableKey = env("PUBLISHABLE_KEY"), secretKey = env("SECRET_KEY")
const email = env("EMAIL"), password = env("PASSWORD"), userId = env("USER_ID")
const apiUrl = base + "/bapi", fapi = base + "/__clerk"
const clerk = createClerkClient({ publishableKey, secretKey, apiUrl, telemetry: { disabled: true } })

async function test(name, fn) {
	let error = null
	try {
		await fn()
	} catch (e) {
		error = String(e?.stack ?? e) + (e?.errors ? "\n" + JSON.stringify(e.errors) : "")
	}
	console.log(JSON.stringify({ name, error }))
}

// refused runs fn, which must fail with an error of the API.
async function refused(status, code, fn) {
	let failed = null
	try {
		await fn()
	} catch (e) {
		failed = e
	}
	assert.ok(failed, "it was not refused")
	assert.equal(failed.status, status, JSON.stringify(failed.errors))
	assert.equal(failed.errors?.[0]?.code, code)
	assert.ok(failed.errors[0].message, "the error has no message")
	assert.ok(failed.clerkTraceId, "the error has no trace ID")
	return failed
}

// A jar is a browser's cookies.
class Jar {
	cookies = new Map()
	take(headers) {
		for (const line of headers.getSetCookie()) {
			const [pair, ...attributes] = line.split(";").map(s => s.trim())
			const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]
			if (attributes.some(a => /^max-age=(0|-.*)$/i.test(a))) this.cookies.delete(name)
			else this.cookies.set(name, value)
		}
		return this
	}
	set(name, value) {
		if (value) this.cookies.set(name, value)
		else this.cookies.delete(name)
		return this
	}
	copy() {
		const jar = new Jar()
		jar.cookies = new Map(this.cookies)
		return jar
	}
	toString() {
		return [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ")
	}
}

// signIn is what clerk-js does: sign in, then write the token to the cookie.
async function signIn() {
	const jar = new Jar()
	const post = async (path, body) => {
		const res = await fetch(fapi + path, {
			method: "POST", body: new URLSearchParams(body), headers: { cookie: String(jar), origin: base },
		})
		assert.equal(res.status, 200, await res.clone().text())
		jar.take(res.headers)
		return res.json()
	}
	const { response } = await post("/v1/client/sign_ins", { identifier: email, password })
	assert.equal(response.status, "complete")
	const sessionId = response.created_session_id
	const { jwt } = await post(`/v1/client/sessions/${sessionId}/tokens`, { organization_id: "" })
	jar.set("__session", jwt).set("__session_" + suffix(jar), jwt)
	return { jar, sessionId, jwt }
}

const suffix = jar => [...jar.cookies.keys()].find(k => k.startsWith("__client_uat_")).slice("__client_uat_".length)

const page = (jar, headers = {}) => new Request(base + "/app", {
	headers: { cookie: String(jar), accept: "text/html", "sec-fetch-dest": "document", ...headers },
})
const api = headers => new Request(base + "/api", { headers: { accept: "application/json", ...headers } })
const options = { authorizedParties: [base], proxyUrl: fapi }

// handshake follows the redirects of a handshake and returns the last answer.
async function handshake(jar, state) {
	const steps = []
	for (let i = 0; state.status === "handshake"; i++) {
		assert.ok(i < 3, "the handshake goes round in circles: " + steps.join(" > "))
		steps.push(state.reason)
		jar.take(state.headers)
		const location = new URL(state.headers.get("location"))
		assert.equal(location.origin + location.pathname, fapi + "/v1/client/handshake")
		const res = await fetch(location, { redirect: "manual", headers: { cookie: String(jar), accept: "text/html", "sec-fetch-dest": "document" } })
		assert.equal(res.status, 307, await res.text())
		assert.equal(res.headers.get("location"), base + "/app")
		jar.take(res.headers)
		state = await clerk.authenticateRequest(page(jar), options)
		jar.take(state.headers)
	}
	return { state, steps }
}

const first = await signIn()

// stale is a browser that was closed for some minutes.
const stale = () => {
	const jar = new Jar()
	for (const [name, value] of Object.entries(JSON.parse(env("STALE")))) jar.set(name, value)
	return jar
}
const expired = stale().cookies.get("__session")

await test("authenticateRequest/cookie", async () => {
	const state = await clerk.authenticateRequest(page(first.jar), options)
	assert.equal(state.status, "signed-in", state.reason + " " + state.message)
	const auth = state.toAuth()
	assert.equal(auth.userId, userId)
	assert.equal(auth.sessionId, first.sessionId)
	assert.equal(auth.sessionClaims.azp, base)
	assert.equal(auth.sessionStatus, "active")
	assert.equal(auth.orgId ?? null, null)
	assert.deepEqual(auth.factorVerificationAge, [0, -1])
})

await test("authenticateRequest/bearer", async () => {
	const state = await clerk.authenticateRequest(api({ authorization: "Bearer " + first.jwt }), options)
	assert.equal(state.status, "signed-in", state.reason + " " + state.message)
	assert.equal(state.toAuth().userId, userId)
})

await test("authenticateRequest/stranger", async () => {
	const state = await clerk.authenticateRequest(page(new Jar()), options)
	assert.equal(state.status, "signed-out", state.reason)
})

await test("authenticateRequest/forged bearer", async () => {
	const [head, body, sig] = first.jwt.split(".")
	const forged = [head, body, sig.slice(0, -8) + (sig.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA")].join(".")
	const state = await clerk.authenticateRequest(api({ authorization: "Bearer " + forged }), options)
	assert.equal(state.status, "signed-out")
	assert.equal(state.reason, "token-invalid-signature")
})

await test("authenticateRequest/other party", async () => {
	const state = await clerk.authenticateRequest(api({ authorization: "Bearer " + first.jwt }), { ...options, authorizedParties: ["https://other.example"] })
	assert.equal(state.status, "signed-out")
	assert.equal(state.reason, "token-invalid-authorized-parties")
})

await test("authenticateRequest/expired bearer", async () => {
	const state = await clerk.authenticateRequest(api({ authorization: "Bearer " + expired }), options)
	assert.equal(state.status, "signed-out")
	assert.match(state.reason, /token-expired/)
})

await test("authenticateRequest/expired cookie, handshake", async () => {
	const jar = stale()
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	assert.match(before.reason, /session-token-expired/)
	const { state, steps } = await handshake(jar, before)
	assert.equal(steps.length, 1, steps.join(" > "))
	assert.equal(state.status, "signed-in", state.reason + " " + state.message)
	assert.equal(state.toAuth().userId, userId)
	assert.ok(!jar.cookies.has("__clerk_handshake_nonce"), "the spent nonce is still there")
	const again = await clerk.authenticateRequest(page(jar), options)
	assert.equal(again.status, "signed-in", again.reason + " " + again.message)
})

await test("authenticateRequest/expired cookie, data request", async () => {
	const jar = stale()
	const state = await clerk.authenticateRequest(api({ cookie: String(jar), "sec-fetch-dest": "empty" }), options)
	assert.equal(state.status, "signed-out")
	assert.equal(state.headers.get("location"), null)
})

await test("authenticateRequest/expired cookie, unknown refresh token", async () => {
	const jar = stale().set("__refresh_" + suffix(first.jar), "made-up")
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	assert.match(before.reason, /session-token-expired/)
	const { state } = await handshake(jar, before)
	assert.equal(state.status, "signed-in", state.reason)
})

await test("authenticateRequest/no session cookie, handshake", async () => {
	const jar = first.jar.copy().set("__session").set("__session_" + suffix(first.jar))
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	assert.match(before.reason, /client-uat-but-no-session-token/)
	const { state } = await handshake(jar, before)
	assert.equal(state.status, "signed-in", state.reason)
})

await test("authenticateRequest/no client uat, handshake", async () => {
	const jar = first.jar.copy().set("__client_uat").set("__client_uat_" + suffix(first.jar))
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	const { state } = await handshake(jar, before)
	assert.equal(state.status, "signed-in", state.reason)
})

await test("authenticateRequest/handshake of somebody signed out elsewhere", async () => {
	const other = await signIn()
	await clerk.sessions.revokeSession(other.sessionId)
	const jar = other.jar.copy().set("__session").set("__session_" + suffix(other.jar))
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	const { state, steps } = await handshake(jar, before)
	assert.equal(state.status, "signed-out", steps.join(" > "))
	assert.equal(jar.cookies.get("__client_uat"), "0")
	const again = await clerk.authenticateRequest(page(jar), options)
	assert.equal(again.status, "signed-out", again.reason)
})

await test("authenticateRequest/handshake of a stranger with a stale cookie", async () => {
	const jar = new Jar().set("__session", expired)
	const before = await clerk.authenticateRequest(page(jar), options)
	assert.equal(before.status, "handshake", before.reason)
	const { state } = await handshake(jar, before)
	assert.equal(state.status, "signed-out", state.reason)
})

await test("handshake/token format", async () => {
	const jar = stale()
	const before = await clerk.authenticateRequest(page(jar), options)
	const location = new URL(before.headers.get("location"))
	location.searchParams.delete("format")
	const res = await fetch(location, { redirect: "manual", headers: { cookie: String(jar) } })
	assert.equal(res.status, 307)
	jar.take(res.headers)
	assert.ok(jar.cookies.get("__clerk_handshake"), "no handshake token was set")
	const state = await clerk.authenticateRequest(page(jar), options)
	assert.equal(state.status, "signed-in", state.reason + " " + state.message)
	jar.take(state.headers)
	assert.ok(!jar.cookies.has("__clerk_handshake"), "the handshake token is still there")
})

await test("handshake/no open redirect", async () => {
	for (const url of ["https://evil.example/", "//evil.example/", base + "@evil.example/"]) {
		const res = await fetch(fapi + "/v1/client/handshake?format=nonce&redirect_url=" + encodeURIComponent(url), { redirect: "manual" })
		assert.ok(res.status >= 400 && res.status < 500, url + " is answered " + res.status)
		assert.equal(res.headers.get("location"), null)
	}
})

const pem = async () => {
	const { keys } = await clerk.jwks.getJwks()
	const kid = JSON.parse(Buffer.from(first.jwt.split(".")[0], "base64url")).kid
	return createPublicKey({ key: keys.find(k => k.kid === kid), format: "jwk" }).export({ type: "spki", format: "pem" })
}

await test("jwtKey/without network", async () => {
	const jwtKey = await pem()
	const offline = createClerkClient({ publishableKey, secretKey: "sk_live_" + "x".repeat(40), apiUrl: "http://127.0.0.1:1", jwtKey, telemetry: { disabled: true } })
	const state = await offline.authenticateRequest(page(first.jar), options)
	assert.equal(state.status, "signed-in", state.reason + " " + state.message)
	const bearer = await offline.authenticateRequest(api({ authorization: "Bearer " + first.jwt }), { ...options, jwtKey })
	assert.equal(bearer.status, "signed-in", bearer.reason + " " + bearer.message)
	const claims = await verifyToken(first.jwt, { jwtKey, authorizedParties: [base] })
	assert.equal(claims.sub, userId)
})

await test("jwtKey/expired cookie, handshake", async () => {
	const jwtKey = await pem()
	const jar = stale()
	let state = await clerk.authenticateRequest(page(jar), { ...options, jwtKey })
	assert.equal(state.status, "handshake", state.reason)
	state = (await handshake(jar, state)).state
	assert.equal(state.status, "signed-in", state.reason)
})

await test("verifyToken/key set of the Backend API", async () => {
	const claims = await verifyToken(first.jwt, { secretKey, apiUrl, skipJwksCache: true })
	assert.equal(claims.sub, userId)
	assert.equal(claims.sid, first.sessionId)
	assert.equal(claims.v, 2)
})

await test("jwks/published keys are the same", async () => {
	const open = await (await fetch(base + "/.well-known/jwks.json")).json()
	const secret = await clerk.jwks.getJwks()
	assert.deepEqual(open.keys.map(k => k.kid).sort(), secret.keys.map(k => k.kid).sort())
	for (const k of open.keys) assert.equal(k.d, undefined)
})

await test("secret key/wrong", async () => {
	const wrong = createClerkClient({ publishableKey, secretKey: "sk_live_" + "x".repeat(40), apiUrl, telemetry: { disabled: true } })
	await refused(401, "clerk_key_invalid", () => wrong.users.getUser(userId))
	const state = await wrong.authenticateRequest(api({ authorization: "Bearer " + first.jwt }), { ...options, skipJwksCache: true })
	assert.equal(state.status, "signed-out")
})

await test("secret key/missing", async () => {
	const none = createClerkClient({ publishableKey, apiUrl, telemetry: { disabled: true } })
	await assert.rejects(() => none.users.getUser(userId))
})

let ada
await test("users/create", async () => {
	ada = await clerk.users.createUser({
		emailAddress: ["ada@example.org"], password: "analytical engine no. 1", firstName: "Ada", lastName: "Lovelace", externalId: "ext-1",
		publicMetadata: { plan: "gold", nested: { keep: 1, drop: 2 } }, privateMetadata: { secret: true }, unsafeMetadata: { theme: "dark" },
	})
	assert.match(ada.id, /^user_/)
	assert.equal(ada.firstName, "Ada")
	assert.equal(ada.fullName, "Ada Lovelace")
	assert.equal(ada.externalId, "ext-1")
	assert.equal(ada.passwordEnabled, true)
	assert.equal(ada.primaryEmailAddress.emailAddress, "ada@example.org")
	assert.equal(ada.primaryEmailAddress.verification.status, "verified")
	assert.deepEqual(ada.publicMetadata, { plan: "gold", nested: { keep: 1, drop: 2 } })
	assert.deepEqual(ada.privateMetadata, { secret: true })
	assert.ok(Math.abs(ada.createdAt - Date.now()) < 600_000, "createdAt is " + ada.createdAt)
})

await test("users/create, taken", () => refused(422, "form_identifier_exists", () =>
	clerk.users.createUser({ emailAddress: ["ADA@example.org"], password: "analytical engine no. 1" })))

await test("users/create, short password", async () => {
	const e = await refused(422, "form_password_length_too_short", () =>
		clerk.users.createUser({ emailAddress: ["short@example.org"], password: "short" }))
	assert.equal(e.errors[0].meta.paramName, "password")
})

await test("users/get", async () => {
	const u = await clerk.users.getUser(ada.id)
	assert.equal(u.id, ada.id)
	assert.equal(u.lastName, "Lovelace")
	assert.match(u.imageUrl, /^(https?:|\/)/)
})

await test("users/get, nobody", () => refused(404, "resource_not_found", () => clerk.users.getUser("user_nobody")))

await test("users/list and count", async () => {
	for (let i = 0; i < 5; i++) {
		await clerk.users.createUser({ emailAddress: [`list${i}@example.org`], password: "analytical engine no. 1", lastName: "Listed" })
	}
	const all = await clerk.users.getUserList()
	assert.equal(all.data.length, all.totalCount)
	assert.equal(await clerk.users.getCount(), all.totalCount)
	const some = await clerk.users.getUserList({ limit: 2, offset: 1, orderBy: "+created_at", emailAddress: [0, 1, 2, 3].map(i => `list${i}@example.org`) })
	assert.equal(some.totalCount, 4)
	assert.deepEqual(some.data.map(u => u.emailAddresses[0].emailAddress), ["list1@example.org", "list2@example.org"])
	const byQuery = await clerk.users.getUserList({ query: "list3@" })
	assert.deepEqual(byQuery.data.map(u => u.emailAddresses[0].emailAddress), ["list3@example.org"])
	assert.equal(byQuery.totalCount, 1)
	const byId = await clerk.users.getUserList({ userId: [ada.id] })
	assert.deepEqual(byId.data.map(u => u.id), [ada.id])
	const byExternal = await clerk.users.getUserList({ externalId: ["ext-1"] })
	assert.deepEqual(byExternal.data.map(u => u.id), [ada.id])
	assert.equal(await clerk.users.getCount({ query: "Listed" }), 5)
})

await test("users/update", async () => {
	const u = await clerk.users.updateUser(ada.id, { firstName: "Augusta", externalId: "ext-2", password: "difference engine no. 2" })
	assert.equal(u.firstName, "Augusta")
	assert.equal(u.lastName, "Lovelace")
	assert.equal(u.externalId, "ext-2")
	assert.ok(u.updatedAt >= ada.updatedAt)
})

await test("users/metadata merge", async () => {
	const u = await clerk.users.updateUserMetadata(ada.id, { publicMetadata: { nested: { drop: null, camelCase: [1] } } })
	assert.deepEqual(u.publicMetadata, { plan: "gold", nested: { keep: 1, camelCase: [1] } })
	assert.deepEqual(u.privateMetadata, { secret: true })
})

await test("users/metadata replace", async () => {
	const u = await clerk.users.replaceUserMetadata(ada.id, { publicMetadata: { only: 1 } })
	assert.deepEqual(u.publicMetadata, { only: 1 })
	assert.deepEqual(u.privateMetadata, { secret: true })
})

await test("users/verifyPassword", async () => {
	const yes = await clerk.users.verifyPassword({ userId: ada.id, password: "difference engine no. 2" })
	assert.equal(yes.verified, true)
	await refused(422, "incorrect_password", () => clerk.users.verifyPassword({ userId: ada.id, password: "analytical engine no. 1" }))
})

await test("users/profile image", async () => {
	const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64")
	const u = await clerk.users.updateUserProfileImage(ada.id, { file: new File([png], "me.png", { type: "image/png" }) })
	assert.equal(u.hasImage, true)
	const res = await fetch(new URL(u.imageUrl, base))
	assert.equal(res.status, 200)
	assert.match(res.headers.get("content-type"), /^image\//)
	const gone = await clerk.users.deleteUserProfileImage(ada.id)
	assert.equal(gone.hasImage, false)
})

await test("users/ban", async () => {
	const bob = await clerk.users.createUser({ emailAddress: ["bob@example.org"], password: "analytical engine no. 1" })
	const session = await clerk.sessions.createSession({ userId: bob.id })
	assert.equal((await clerk.users.banUser(bob.id)).banned, true)
	assert.notEqual((await clerk.sessions.getSession(session.id)).status, "active")
	assert.equal((await clerk.users.getUserList({ banned: true })).totalCount, 1)
	const res = await fetch(fapi + "/v1/client/sign_ins", { method: "POST", body: new URLSearchParams({ identifier: "bob@example.org", password: "analytical engine no. 1" }) })
	assert.ok(res.status >= 400, "a banned user signs in")
	assert.equal((await clerk.users.unbanUser(bob.id)).banned, false)
})

await test("users/lock", async () => {
	const u = await clerk.users.lockUser(ada.id)
	assert.equal(u.locked, true)
	const res = await fetch(fapi + "/v1/client/sign_ins", { method: "POST", body: new URLSearchParams({ identifier: "ada@example.org", password: "difference engine no. 2" }) })
	assert.equal(res.status, 403)
	assert.equal((await clerk.users.unlockUser(ada.id)).locked, false)
})

await test("users/organizations", async () => {
	const list = await clerk.users.getOrganizationMembershipList({ userId: ada.id })
	assert.deepEqual([list.data, list.totalCount], [[], 0])
})

await test("emailAddresses", async () => {
	const e = await clerk.emailAddresses.createEmailAddress({ userId: ada.id, emailAddress: "countess@example.org", verified: true })
	assert.match(e.id, /^idn_/)
	assert.equal(e.verification.status, "verified")
	assert.equal((await clerk.emailAddresses.getEmailAddress(e.id)).emailAddress, "countess@example.org")
	await clerk.emailAddresses.updateEmailAddress(e.id, { primary: true })
	assert.equal((await clerk.users.getUser(ada.id)).primaryEmailAddressId, e.id)
	const old = (await clerk.users.getUser(ada.id)).emailAddresses.find(x => x.id !== e.id)
	const gone = await clerk.emailAddresses.deleteEmailAddress(old.id)
	assert.deepEqual([gone.id, gone.deleted], [old.id, true])
	await refused(422, "form_identifier_exists", () => clerk.emailAddresses.createEmailAddress({ userId: ada.id, emailAddress: email }))
})

await test("sessions/list and get", async () => {
	const list = await clerk.sessions.getSessionList({ userId, status: "active" })
	assert.ok(list.data.some(s => s.id === first.sessionId))
	assert.equal(list.totalCount, list.data.length)
	const s = await clerk.sessions.getSession(first.sessionId)
	assert.deepEqual([s.userId, s.status], [userId, "active"])
	assert.match(s.clientId, /^client_/)
	await refused(404, "resource_not_found", () => clerk.sessions.getSession("sess_none"))
})

await test("sessions/getToken", async () => {
	const { jwt } = await clerk.sessions.getToken(first.sessionId)
	const claims = await verifyToken(jwt, { secretKey, apiUrl })
	assert.deepEqual([claims.sid, claims.sub], [first.sessionId, userId])
	const long = await clerk.sessions.getToken(first.sessionId, undefined, 600)
	const { exp, iat } = await verifyToken(long.jwt, { secretKey, apiUrl })
	assert.equal(exp - iat, 600)
	await refused(404, "jwt_template_not_found", () => clerk.sessions.getToken(first.sessionId, "no-such-template"))
})

await test("clients", async () => {
	const s = await clerk.sessions.getSession(first.sessionId)
	const c = await clerk.clients.getClient(s.clientId)
	assert.equal(c.id, s.clientId)
	assert.ok(c.sessions.some(x => x.id === first.sessionId))
	assert.equal(c.lastActiveSessionId, first.sessionId)
	const list = await clerk.clients.getClientList()
	assert.ok(list.data.some(x => x.id === c.id))
	const verified = await clerk.clients.verifyClient(first.jar.cookies.get("__client"))
	assert.equal(verified.id, c.id)
	await assert.rejects(() => clerk.clients.verifyClient("made-up"))
})

await test("sessions/revoke", async () => {
	const other = await signIn()
	const s = await clerk.sessions.revokeSession(other.sessionId)
	assert.equal(s.status, "revoked")
	const res = await fetch(base + "/api/me", { headers: { authorization: "Bearer " + other.jwt } })
	assert.equal(res.status, 401)
})

await test("host/accepts what @clerk/backend accepts", async () => {
	const res = await fetch(base + "/api/me", { headers: { authorization: "Bearer " + first.jwt } })
	assert.equal(res.status, 200)
	assert.equal((await res.json()).user_id, userId)
})

await test("users/delete", async () => {
	const gone = await clerk.users.deleteUser(ada.id)
	assert.equal(gone.id, ada.id)
	await refused(404, "resource_not_found", () => clerk.users.getUser(ada.id))
	await refused(404, "resource_not_found", () => clerk.users.deleteUser(ada.id))
})

await test("instance", async () => {
	const i = await clerk.instance.get()
	assert.ok(i.id)
})

await test("users/import", async () => {
	const plain = env("FOREIGN_PASSWORD")
	for (const [passwordHasher, passwordDigest] of Object.entries(JSON.parse(env("DIGESTS")))) {
		const emailAddress = passwordHasher + "@import.example"
		const u = await clerk.users.createUser({ emailAddress: [emailAddress], passwordDigest, passwordHasher })
		assert.equal(u.passwordEnabled, true)
		const signIn = pw => fetch(fapi + "/v1/client/sign_ins", {
			method: "POST", body: new URLSearchParams({ identifier: emailAddress, password: pw }), headers: { origin: base },
		})
		const wrong = await signIn("letmein")
		assert.equal((await wrong.json()).errors[0].code, "form_password_incorrect", passwordHasher)
		for (const state of ["as it came", "hashed anew"]) {
			assert.equal((await (await signIn(plain)).json()).response?.status, "complete", passwordHasher + ", " + state)
		}
		assert.equal((await clerk.users.verifyPassword({ userId: u.id, password: plain })).verified, true)
	}
	await clerk.users.updateUser(userId, { passwordHasher: "md5", passwordDigest: JSON.parse(env("DIGESTS")).md5 })
	assert.equal((await clerk.users.verifyPassword({ userId, password: plain })).verified, true)
	await refused(422, "form_password_digest_invalid_code", () => clerk.users.createUser({
		emailAddress: ["x@import.example"], passwordHasher: "bcrypt", passwordDigest: "$2a$31$" + "x".repeat(53) }))
})

await test("users/set and unset compromised", async () => {
	const u = await clerk.users.createUser({ emailAddress: ["leak@import.example"], password: "analytical engine no. 1" })
	const session = await clerk.sessions.createSession({ userId: u.id })
	const signIn = async () => {
		const res = await fetch(fapi + "/v1/client/sign_ins", {
			method: "POST", body: new URLSearchParams({ identifier: "leak@import.example", password: "analytical engine no. 1" }), headers: { origin: base },
		})
		const { response, errors } = await res.json()
		return errors?.[0]?.code ?? response.status
	}
	assert.equal((await clerk.users.setPasswordCompromised(u.id)).id, u.id)
	assert.equal(await signIn(), "form_password_compromised")
	assert.equal((await clerk.sessions.getSession(session.id)).status, "pending") // until there is another password
	await clerk.users.unsetPasswordCompromised(u.id)
	assert.equal(await signIn(), "complete")
	await clerk.users.setPasswordCompromised(u.id, { revokeAllSessions: true })
	assert.equal((await clerk.sessions.getSession(session.id)).status, "revoked")
})

// ticket is what a link of ours carries.
const ticket = link => new URL(link).searchParams.get("ticket")

// use sends a ticket to the Frontend API and returns the status, or the code of
// the refusal.
const use = async (what, ticket, more = {}) => {
	const res = await fetch(`${fapi}/v1/client/${what}`, {
		method: "POST", body: new URLSearchParams({ strategy: "ticket", ticket, ...more }), headers: { origin: base },
	})
	const { response, errors } = await res.json()
	return errors?.[0]?.code ?? response.status
}

await test("signInTokens", async () => {
	const t = await clerk.signInTokens.createSignInToken({ userId, expiresInSeconds: 600 })
	assert.equal(t.status, "pending")
	assert.equal(t.userId, userId)
	assert.equal(ticket(t.url), t.token)
	assert.equal(await use("sign_ins", t.token), "complete")
	assert.equal(await use("sign_ins", t.token), "sign_in_token_already_used_code")
	const gone = await clerk.signInTokens.revokeSignInToken((await clerk.signInTokens.createSignInToken({ userId, expiresInSeconds: 600 })).id)
	assert.equal(gone.status, "revoked")
	await refused(400, "sign_in_token_cannot_be_revoked_code", () => clerk.signInTokens.revokeSignInToken(gone.id))
	await refused(404, "resource_not_found", () => clerk.signInTokens.createSignInToken({ userId: "user_none", expiresInSeconds: 600 }))
})

await test("actorTokens", async () => {
	const t = await clerk.actorTokens.create({ userId, actor: { sub: "user_support" }, expiresInSeconds: 600, sessionMaxDurationInSeconds: 600 })
	assert.equal(t.status, "pending")
	assert.deepEqual(t.actor, { sub: "user_support" })
	const jar = new Jar()
	const post = async (path, body = {}) => {
		const res = await fetch(fapi + path, { method: "POST", body: new URLSearchParams(body), headers: { origin: base, cookie: String(jar) } })
		jar.take(res.headers)
		return res.json()
	}
	const { response } = await post("/v1/client/sign_ins", { strategy: "ticket", ticket: t.token })
	const { jwt } = await post(`/v1/client/sessions/${response.created_session_id}/tokens`)
	jar.set("__session", jwt).set("__session_" + suffix(jar), jwt)
	const auth = (await clerk.authenticateRequest(page(jar), options)).toAuth()
	assert.equal(auth.userId, userId)
	assert.equal(auth.actor.sub, "user_support")
	assert.equal((await clerk.sessions.getSession(response.created_session_id)).actor.sub, "user_support")
	const gone = await clerk.actorTokens.revoke((await clerk.actorTokens.create({ userId, actor: { sub: "user_support" } })).id)
	assert.equal(gone.status, "revoked")
	await refused(404, "actor_token_subject_not_found", () => clerk.actorTokens.create({ userId: "user_none", actor: { sub: "user_support" } }))
})

await test("invitations", async () => {
	const one = await clerk.invitations.createInvitation({ emailAddress: "guest@invited.example", publicMetadata: { plan: "pro" }, notify: false, expiresInDays: 7, redirectUrl: base + "/sign-up" })
	assert.equal(one.status, "pending")
	assert.deepEqual(one.publicMetadata, { plan: "pro" })
	await refused(400, "duplicate_record", () => clerk.invitations.createInvitation({ emailAddress: "guest@invited.example" }))
	assert.equal(await use("sign_ups", ticket(one.url), { password: "analytical engine no. 1" }), "complete")
	const { data: [guest] } = await clerk.users.getUserList({ emailAddress: ["guest@invited.example"] })
	assert.deepEqual(guest.publicMetadata, { plan: "pro" })
	assert.equal(guest.primaryEmailAddress.verification.status, "verified")
	const bulk = await clerk.invitations.createInvitationBulk([
		{ emailAddress: "a@invited.example", notify: false }, { emailAddress: "b@invited.example", notify: false, publicMetadata: { some_key: 1 } },
	])
	assert.deepEqual((bulk.data ?? bulk).map(i => i.emailAddress), ["a@invited.example", "b@invited.example"])
	const list = await clerk.invitations.getInvitationList({ status: "pending", query: "invited.example" })
	assert.equal(list.totalCount, 2)
	const gone = await clerk.invitations.revokeInvitation(list.data[0].id)
	assert.equal(gone.status, "revoked")
	assert.equal(gone.revoked, true)
	assert.equal((await clerk.invitations.getInvitationList({ status: "accepted" })).data[0].id, one.id)
})

await test("waitlistEntries", async () => {
	const one = await clerk.waitlistEntries.create({ emailAddress: "one@waits.example", notify: false })
	assert.equal(one.status, "pending")
	const bulk = await clerk.waitlistEntries.createBulk([{ emailAddress: "two@waits.example", notify: false }])
	assert.equal((bulk.data ?? bulk)[0].emailAddress, "two@waits.example")
	assert.equal((await clerk.waitlistEntries.invite(one.id)).status, "invited")
	await refused(409, "waitlist_entry_already_invited", () => clerk.waitlistEntries.invite(one.id))
	assert.equal((await clerk.waitlistEntries.reject((bulk.data ?? bulk)[0].id)).status, "rejected")
	assert.equal((await clerk.waitlistEntries.list({ status: "invited" })).data[0].invitation.emailAddress, "one@waits.example")
	assert.equal((await clerk.waitlistEntries.delete(one.id)).deleted, true)
})

await test("allowlist and blocklist", async () => {
	for (const [api, make, list, remove] of [
		[clerk.allowlistIdentifiers, "createAllowlistIdentifier", "getAllowlistIdentifierList", "deleteAllowlistIdentifier"],
		[clerk.blocklistIdentifiers, "createBlocklistIdentifier", "getBlocklistIdentifierList", "deleteBlocklistIdentifier"],
	]) {
		const one = await api[make]({ identifier: "*@Listed.example" })
		assert.equal(one.identifier, "*@listed.example")
		const all = await api[list]()
		assert.equal(all.totalCount, 1)
		assert.equal(all.data[0].id, one.id)
		await refused(400, "duplicate_record", () => api[make]({ identifier: "*@listed.example" }))
		await api[remove](one.id)
		assert.equal((await api[list]()).totalCount, 0)
	}
	const on = await clerk.instance.updateRestrictions({ blockEmailSubaddresses: true })
	assert.equal(on.blockEmailSubaddresses, true)
	assert.equal((await clerk.instance.updateRestrictions({ blockEmailSubaddresses: false })).blockEmailSubaddresses, false)
})

await test("testingTokens", async () => {
	const { token } = await clerk.testingTokens.createTestingToken()
	const res = await fetch(`${fapi}/v1/client?__clerk_testing_token=${token}`, { method: "POST", headers: { origin: base } })
	assert.equal((await res.json()).response.captcha_bypass, true)
})

await test("organizations", async () => {
	const org = await clerk.organizations.createOrganization({ name: "Acme", slug: "acme-js", createdBy: userId, publicMetadata: { plan: "pro" }, maxAllowedMemberships: 9 })
	assert.equal(org.slug, "acme-js")
	assert.equal(org.maxAllowedMemberships, 9)
	assert.deepEqual(org.publicMetadata, { plan: "pro" })
	assert.equal((await clerk.organizations.getOrganization({ slug: "acme-js" })).id, org.id)
	assert.equal((await clerk.organizations.updateOrganization(org.id, { name: "Acme Inc" })).name, "Acme Inc")
	assert.deepEqual((await clerk.organizations.updateOrganizationMetadata(org.id, { privateMetadata: { some_key: 1 } })).privateMetadata, { some_key: 1 })
	const list = await clerk.organizations.getOrganizationList({ query: "acme", includeMembersCount: true, userId: [userId] })
	assert.equal(list.totalCount, 1)
	assert.equal(list.data[0].membersCount, 1)
	await refused(422, "form_identifier_exists", () => clerk.organizations.createOrganization({ name: "Other", slug: "acme-js" }))

	const guest = await clerk.users.createUser({ emailAddress: ["member@acme.example"], skipPasswordRequirement: true })
	const membership = await clerk.organizations.createOrganizationMembership({ organizationId: org.id, userId: guest.id, role: "org:member" })
	assert.equal(membership.role, "org:member")
	assert.equal(membership.publicUserData.userId, guest.id)
	assert.equal((await clerk.organizations.updateOrganizationMembership({ organizationId: org.id, userId: guest.id, role: "org:admin" })).role, "org:admin")
	assert.deepEqual((await clerk.organizations.updateOrganizationMembershipMetadata({ organizationId: org.id, userId: guest.id, publicMetadata: { desk: 4 } })).publicMetadata, { desk: 4 })
	const members = await clerk.organizations.getOrganizationMembershipList({ organizationId: org.id, query: "member", orderBy: "+created_at" })
	assert.equal(members.totalCount, 1)
	assert.equal((await clerk.organizations.getOrganizationMembershipList({ organizationId: org.id, role: ["org:admin"] })).totalCount, 2)
	assert.equal((await clerk.users.getOrganizationMembershipList({ userId: guest.id })).data[0].organization.id, org.id)
	await refused(400, "already_a_member_in_organization", () => clerk.organizations.createOrganizationMembership({ organizationId: org.id, userId: guest.id, role: "org:member" }))

	const invitation = await clerk.organizations.createOrganizationInvitation({ organizationId: org.id, inviterUserId: userId, emailAddress: "new@acme.example", role: "org:member", publicMetadata: { a: 1 } })
	assert.equal(invitation.status, "pending")
	const bulk = await clerk.organizations.createOrganizationInvitationBulk(org.id, [{ inviterUserId: userId, emailAddress: "b@acme.example", role: "org:member" }, { inviterUserId: userId, emailAddress: "c@acme.example", role: "org:admin" }])
	assert.equal(bulk.data.length, 2)
	assert.equal((await clerk.organizations.getOrganizationInvitationList({ organizationId: org.id, status: ["pending"] })).totalCount, 3)
	assert.equal((await clerk.organizations.getOrganizationInvitation({ organizationId: org.id, invitationId: invitation.id })).emailAddress, "new@acme.example")
	assert.equal((await clerk.organizations.revokeOrganizationInvitation({ organizationId: org.id, invitationId: invitation.id, requestingUserId: userId })).status, "revoked")

	const domain = await clerk.organizations.createOrganizationDomain({ organizationId: org.id, name: "acme.example", enrollmentMode: "automatic_invitation", verified: true })
	assert.equal(domain.name, "acme.example")
	assert.equal((await clerk.organizations.getOrganizationDomainList({ organizationId: org.id })).totalCount, 1)
	const changed = await clerk.organizations.updateOrganizationDomain({ organizationId: org.id, domainId: domain.id, enrollmentMode: "manual_invitation" })
	assert.equal(changed.enrollmentMode ?? changed.enrollment_mode, "manual_invitation") // the SDK leaves it as it came
	await clerk.organizations.deleteOrganizationDomain({ organizationId: org.id, domainId: domain.id })

	const logo = await clerk.organizations.updateOrganizationLogo(org.id, { file: new Blob([Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64")], { type: "image/png" }), uploaderUserId: userId })
	assert.equal(logo.hasImage, true)
	assert.equal((await clerk.organizations.deleteOrganizationLogo(org.id)).hasImage, false)
	assert.equal((await clerk.organizations.deleteOrganizationMembership({ organizationId: org.id, userId: guest.id })).publicUserData.userId, guest.id)
	await refused(400, "organization_minimum_permissions_needed", () => clerk.organizations.deleteOrganizationMembership({ organizationId: org.id, userId }))
	const gone = await clerk.organizations.deleteOrganization(org.id)
	assert.equal(gone.deleted, true)
	await refused(404, "resource_not_found", () => clerk.organizations.getOrganization({ organizationId: org.id }))
})

await test("organization permissions and roles", async () => {
	const permission = await clerk.organizationPermissions.createOrganizationPermission({ name: "Burn reports", key: "org:reports:burn" })
	assert.equal(permission.key, "org:reports:burn")
	assert.equal((await clerk.organizationPermissions.getOrganizationPermission(permission.id)).key, "org:reports:burn")
	assert.equal((await clerk.organizationPermissions.updateOrganizationPermission({ permissionId: permission.id, name: "Burn" })).name, "Burn")
	const total = list => list.totalCount ?? list.total_count // the SDK leaves some of these as they came
	assert.equal(total(await clerk.organizationPermissions.getOrganizationPermissionList({ query: "burn" })), 1)
	const role = await clerk.organizationRoles.createOrganizationRole({ name: "Auditor", key: "org:auditor" })
	assert.equal(role.key, "org:auditor")
	const held = await clerk.organizationRoles.assignPermissionToOrganizationRole({ organizationRoleId: role.id, permissionId: permission.id })
	assert.deepEqual(held.permissions.map(p => p.key), ["org:reports:burn"])
	assert.deepEqual((await clerk.organizationRoles.removePermissionFromOrganizationRole({ organizationRoleId: role.id, permissionId: permission.id })).permissions, [])
	assert.equal((await clerk.organizationRoles.updateOrganizationRole({ organizationRoleId: role.id, name: "Reviewer" })).name, "Reviewer")
	assert.equal(total(await clerk.organizationRoles.getOrganizationRoleList({ query: "reviewer" })), 1)
	await clerk.organizationRoles.deleteOrganizationRole(role.id)
	await clerk.organizationPermissions.deleteOrganizationPermission(permission.id)
	const sets = await clerk.roleSets.getRoleSetList()
	assert.equal(total(sets), 1)
	assert.equal((sets.data[0].creatorRole ?? sets.data[0].creator_role).key, "org:admin")
})
