package ui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// A handler answers one exchange. An error that it returns becomes a page of
// its own; what belongs beside a field it has shown itself.
type handler func(*exchange) error

// A route is what a path answers. page is where to go on when something fails,
// if it is not the path itself; a path that only takes a POST leads there when
// it is asked for: people reload what a refused form left in the bar.
type route struct {
	get, post handler
	page      string
}

// routes lists every path below PagesPath. Nothing behind get writes.
func routes() map[string]route {
	return map[string]route{
		"": {page: "/user"},

		"/sign-in":                 {get: getSignIn, post: postSignIn},
		"/sign-in/password":        {get: getPassword, post: postPassword},
		"/sign-in/send":            {post: postSendCode, page: "/sign-in/code"},
		"/sign-in/code":            {get: getCode, post: postCode},
		"/sign-in/link":            {get: getLinkWait, post: postLinkWait},
		"/sign-in/app":             {get: getSecond(byApp, "sign_in_app"), post: postSecond(byApp, "sign_in_app")},
		"/sign-in/sms":             {get: getSecondSMS, post: postSecondSMS},
		"/sign-in/sms/send":        {post: postSecondSend, page: "/sign-in/sms"},
		"/sign-in/backup-code":     {get: getSecond(byBackup, "sign_in_backup_code"), post: postSecond(byBackup, "sign_in_backup_code")},
		"/sign-in/passkey":         {post: postSignInPasskey, page: "/sign-in"},
		"/sign-in/passkey/options": {post: postSignInPasskeyOptions, page: "/sign-in"},
		"/sign-in/new-password":    {get: getNewPassword, post: postNewPassword},
		"/sign-in/trust":           {get: getTrust, post: postTrust},
		"/sign-in/trust/send":      {post: postTrustSend, page: "/sign-in/trust"},
		"/sign-in/ticket":          {post: postTicket, page: "/sign-in"},
		"/sign-in/switch":          {post: postSwitch, page: "/sign-in"},
		"/sign-in/new":             {get: getNew},

		"/sign-in/social":          {get: getSignInSocial, post: postSignInSocial, page: "/sign-in"},
		"/sign-in/social/transfer": {post: postTransferToSignIn, page: "/sign-in"},
		"/sign-up/social":          {get: getSignUpSocial, post: postSignUpSocial, page: "/sign-up"},
		"/sign-up/social/transfer": {post: postTransferToSignUp, page: "/sign-up"},
		"/sign-up/continue":        {get: getContinue, post: postContinue},

		"/sign-up":                 {get: getSignUp, post: postSignUp},
		"/sign-up/passkey":         {get: getSignUpPasskey, post: postSignUpPasskey},
		"/sign-up/passkey/options": {post: postSignUpPasskeyOptions, page: "/sign-up/passkey"},
		"/sign-up/verify":          {get: getSignUpVerify, post: postSignUpVerify},
		"/sign-up/send":            {post: postSignUpSend, page: "/sign-up/verify"},

		"/waitlist":      {get: getWaitlist, post: postWaitlist},
		"/waitlist/done": {get: getWaitlistDone},

		"/link":      {get: getLink, post: postLink},
		"/link/done": {get: getLinkDone},
		"/unlock":    {get: getUnlock, post: postUnlock},

		"/verify":       {get: getStepUp, post: postStepUp},
		"/verify/start": {post: postStepUpStart, page: "/verify"},
		"/verify/send":  {post: postStepUpSend, page: "/verify"},

		"/verify/passkey":         {post: postStepUpPasskey, page: "/verify"},
		"/verify/passkey/options": {post: postStepUpPasskeyOptions, page: "/verify"},

		"/tasks":          {get: getTasks},
		"/tasks/password": {post: withForm(postTaskPassword), page: "/tasks"},

		"/sign-out": {get: getSignOut, post: postSignOut},

		"/user":                  {get: getUser},
		"/user/profile":          {post: withForm(postProfile), page: "/user"},
		"/user/password":         {post: withForm(postUserPassword), page: "/user"},
		"/user/password/remove":  {post: withForm(postPasswordRemove), page: "/user"},
		"/user/picture":          {get: getPicture, post: postPicture, page: "/user"},
		"/user/picture/remove":   {post: postPictureRemove, page: "/user"},
		"/user/emails":           {post: withForm(emails.postAdd), page: "/user"},
		"/user/emails/send":      {post: emails.postSend(), page: "/user"},
		"/user/emails/verify":    {get: emails.getVerify, post: withForm(emails.postVerify)},
		"/user/emails/primary":   {post: emails.postPrimary(), page: "/user"},
		"/user/emails/remove":    {post: emails.postRemove(), page: "/user"},
		"/user/connected":        {post: postConnect, page: "/user"},
		"/user/connected/remove": {post: postDisconnect, page: "/user"},
		"/user/phones":           {post: withForm(phones.postAdd), page: "/user"},
		"/user/phones/send":      {post: phones.postSend(), page: "/user"},
		"/user/phones/verify":    {get: phones.getVerify, post: withForm(phones.postVerify)},
		"/user/phones/primary":   {post: phones.postPrimary(), page: "/user"},
		"/user/phones/remove":    {post: phones.postRemove(), page: "/user"},
		"/user/phones/second":    {post: withID(postPhoneSecond), page: "/user"},
		"/user/phones/first":     {post: phones.change("phone-first", releasePhone), page: "/user"},
		"/user/phones/default":   {post: phones.change("phone-default", makePhoneDefault), page: "/user"},
		"/user/app":              {post: postApp, page: "/user"},
		"/user/app/verify":       {post: withForm(postAppVerify), page: "/user"},
		"/user/app/remove":       {post: postAppRemove, page: "/user"},
		"/user/backup-codes":     {post: postCodes, page: "/user"},
		"/user/passkeys":         {post: withForm(postPasskey), page: "/user"},
		"/user/passkeys/options": {post: postPasskeyOptions, page: "/user"},
		"/user/passkeys/rename":  {post: withForm(postPasskeyRename), page: "/user"},
		"/user/passkeys/remove":  {post: withID(postPasskeyRemove), page: "/user"},
		"/user/devices/end":      {post: withForm(postDeviceEnd), page: "/user"},
		"/user/delete":           {get: getDelete, post: withForm(postDelete)},
	}
}

// serve finds the route and runs it.
func (p *pages) serve(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(httpx.TrimSlash(r.URL.Path), p.site.PagesPath)
	for _, file := range []asset{p.style, p.script, p.work} {
		if below && path == file.path {
			file.serve(w, r)
			return
		}
	}
	x := &exchange{p: p, w: w, r: r, settings: p.engine.Settings(r.Context())}
	rt, known := p.routes[path]
	if !below || !known {
		x.fail(fault.New("resource_not_found", ""))
		return
	}
	x.path, x.home = path, rt.page
	if x.home == "" {
		x.home = path
	}
	h := rt.get
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if h == nil {
			h = func(x *exchange) error { return x.redirect(rt.page, "") }
		}
	case http.MethodPost:
		h = rt.post
	default:
		h = nil
	}
	if h == nil {
		w.Header().Set("Allow", allowed(rt))
		x.fail(fault.New("method_not_allowed", ""))
		return
	}
	if err := x.begin(); err != nil {
		x.fail(err)
		return
	}
	if r.Method == http.MethodPost && (strings.HasPrefix(path, "/user/") || strings.HasPrefix(path, "/tasks/")) && !slices.Contains(open, path) {
		if ok, err := x.stepUp(); !ok || err != nil {
			if err != nil {
				x.fail(err)
			}
			return
		}
	}
	if err := h(x); err != nil {
		x.fail(err)
	}
}

func allowed(rt route) string {
	if rt.post == nil {
		return "GET, HEAD"
	}
	return "GET, HEAD, POST"
}
