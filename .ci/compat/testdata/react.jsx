import { createRoot } from "react-dom/client"
import { useState } from "react"
import { ClerkProvider, Show, SignIn, UserButton, useAuth, useReverification, useUser } from "@clerk/react"

// Secret asks the host for something that needs a step-up.
function Secret() {
	const [answer, setAnswer] = useState("")
	const ask = useReverification(() => fetch("/secret", { method: "POST" }).then(r => r.json()))
	return (
		<>
			<button id="ask" onClick={() => ask().then(a => setAnswer(a.secret))}>ask</button>
			{answer && <p id="secret">{answer}</p>}
		</>
	)
}

function Me() {
	const { isSignedIn, userId, signOut } = useAuth()
	const { user } = useUser()
	if (!isSignedIn) return <SignIn routing="hash" fallbackRedirectUrl="/react" />
	return (
		<>
			<p id="me">{userId}</p>
			<p id="email">{user?.primaryEmailAddress?.emailAddress}</p>
			<UserButton />
			<Secret />
			<button id="out" onClick={() => signOut({ redirectUrl: "/react" })}>out</button>
		</>
	)
}

createRoot(document.getElementById("root")).render(
	<ClerkProvider publishableKey={document.body.dataset.key} proxyUrl="/__clerk">
		<Me />
		<Show when="signed-out"><p id="nobody">nobody</p></Show>
	</ClerkProvider>,
)
