package notify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

const (
	codeCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	maxCode        = 64
)

// view is what templates see: text only, and no methods to call.
type view struct {
	Subject                       string
	AppName, AppURL               string
	UserName, InviterName         string
	Email, Method                 string
	OrganizationName              string
	OTPCode, ActionURL, ExpiresIn string
	Device, Place, Address, At    string
}

// view cleans the data, each field by what it is.
func (r *Renderer) view(d Data) (view, error) {
	if d.AppName == "" {
		d.AppName = r.AppName
	}
	if r.AppURL != "" {
		d.AppURL = r.AppURL
	}
	v := view{
		AppName: cleanLine(d.AppName), UserName: CleanName(d.UserName), InviterName: CleanName(d.InviterName), Method: CleanName(d.Method), OrganizationName: CleanName(d.OrganizationName),
		OTPCode: d.OTPCode, ExpiresIn: Words(d.ExpiresIn),
		Device: CleanName(d.RequestedFrom.Device), Place: CleanName(d.RequestedFrom.Place), Address: cleanAddr(d.RequestedFrom.Address),
	}
	if v.AppName == "" {
		v.AppName = "this application"
	}
	if !d.RequestedFrom.At.IsZero() {
		v.At = d.RequestedFrom.At.UTC().Format("2 January 2006, 15:04 UTC")
	}
	if bareAddress(d.Email) {
		v.Email = d.Email
	}
	if len(d.OTPCode) > maxCode || strings.Trim(d.OTPCode, codeCharacters) != "" {
		return view{}, fmt.Errorf("%w: the code has other characters than letters, digits and hyphens", ErrTemplate)
	}
	var err error
	if v.AppURL, err = r.link(d.AppURL); err != nil {
		return view{}, err
	}
	v.ActionURL, err = r.link(d.ActionURL)
	return v, err
}

// link checks that raw leads to the application, and writes it anew. Only what
// is configured says where that is, never the data of one mail.
func (r *Renderer) link(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	refused := fmt.Errorf("%w: a link does not lead to the configured application", ErrTemplate)
	own, err := httpx.ParseOrigin(raw)
	if err != nil {
		return "", refused // also every path without a host
	}
	listed := slices.Clone(r.LinkOrigins)
	if r.AppURL != "" {
		listed = append(listed, r.AppURL)
	}
	if len(listed) == 0 {
		u, err := url.Parse(own)
		if err != nil || !httpx.IsLoopback(u.Hostname()) {
			return "", refused
		}
		listed = []string{own}
	}
	origins, err := httpx.NewOrigins(listed...)
	if err != nil {
		return "", fmt.Errorf("%w: AppURL or LinkOrigins: %w", ErrTemplate, err)
	}
	link, err := httpx.Redirects{Origins: origins}.Check(nil, "action_url", raw)
	if err != nil {
		return "", refused
	}
	return link, nil
}

// Words says a duration as people do, rounded down: "10 minutes", "1 hour".
// It is empty for nothing or less.
func Words(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour && d != time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour && d != 24*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
