import { createRoot } from "react-dom/client"
import { ClerkProvider, Show, SignIn, UserButton, useAuth, useUser } from "@clerk/react"

function Me() {
	const { isSignedIn, userId, signOut } = useAuth()
	const { user } = useUser()
	if (!isSignedIn) return <SignIn routing="hash" fallbackRedirectUrl="/react" />
	return (
		<>
			<p id="me">{userId}</p>
			<p id="email">{user?.primaryEmailAddress?.emailAddress}</p>
			<UserButton />
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
