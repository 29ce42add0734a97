// Package ui is usher's own pages: /auth/sign-in, /auth/sign-up, /auth/user and
// /auth/sign-out. They are rendered on the server, need no JavaScript, and make
// the same calls as the Frontend API.
//
//	pages, err := ui.New(engine, site, ui.Options{
//		AfterSignIn: "/home",
//		Overlay:     os.DirFS("theme"), // holds theme.css with :root { --accent: #0f766e }
//	})
//	if err != nil {
//		return err // names the file or field that is wrong
//	}
//	mux.Handle("/auth/", pages)
//
// A page that is asked for with ?redirect_url= leads there when the person is
// done, if the URL is on an allowed origin.
//
// # Making them one's own
//
// Every file can be replaced by one of the same name in [Options.Overlay], one
// file at a time. theme.css comes after the built-in style and is empty: it is
// the place for other colours, and for most hosts the only file they need. The
// templates are those of html/template, one per page, beside layout.html (the
// frame) and parts.html (fields, messages). They see a [Page] and call input,
// which makes a [Field] with its value, error and focus:
//
//	{{template "field" input . "identifier" "Email address" "autocomplete" "username"}}
//
// # What it refuses
//
// Writing on GET; a POST from another site; a redirect to an origin that is not
// listed, which is dropped; scripts and inline styles, by the
// Content-Security-Policy, also in templates of a host; frames around a page;
// caches. What a person is told of an internal error is a trace ID.
package ui
