// Package useragent names the device and the browser behind a User-Agent
// header, well enough for a list of one's own sessions.
//
//	a := useragent.Parse(r.UserAgent())
//	// {DeviceType: "iPhone", IsMobile: true, BrowserName: "Safari", BrowserVersion: "17.4", OS: "iOS"}
//
// # What it refuses
//
// It tells no bots from people and no model from another, reads no client
// hints, and is nothing to base a decision on: the header says what its sender
// likes. It looks at 512 bytes, once per name in its tables.
package useragent

import "strings"

// maxLength of what is looked at, in bytes.
const maxLength = 512

// An Agent is what a User-Agent header says. A field is empty when it says
// nothing that is known.
type Agent struct {
	// DeviceType is iPhone, iPad, iPod, Android, Macintosh, Windows, Linux,
	// Chromebook, and so on.
	DeviceType string
	// IsMobile: a phone or a tablet.
	IsMobile bool
	// BrowserName is Chrome, Safari, Firefox, Edge, and so on, or the product
	// that the header begins with, such as curl.
	BrowserName string
	// BrowserVersion is at most 32 bytes of digits, dots and letters.
	BrowserVersion string
	// OS is iOS, iPadOS, Android, macOS, Windows, Linux, ChromeOS, and so on.
	OS string
}

// devices are looked for in order: what several systems claim comes last.
var devices = []struct {
	token, device, os string
	mobile            bool
}{
	{"Windows Phone", "Windows Phone", "Windows Phone", true},
	{"iPhone", "iPhone", "iOS", true},
	{"iPad", "iPad", "iPadOS", true},
	{"iPod", "iPod", "iOS", true},
	{"Tizen", "Tizen", "Tizen", false},
	{"Web0S", "TV", "webOS", false},
	{"KAIOS", "KaiOS", "KaiOS", true},
	{"HarmonyOS", "HarmonyOS", "HarmonyOS", true},
	{"OpenHarmony", "HarmonyOS", "HarmonyOS", true},
	{"Android", "Android", "Android", true},
	{"CrOS", "Chromebook", "ChromeOS", false},
	{"Windows", "Windows", "Windows", false},
	{"Macintosh", "Macintosh", "macOS", false},
	{"FreeBSD", "FreeBSD", "FreeBSD", false},
	{"OpenBSD", "OpenBSD", "OpenBSD", false},
	{"Linux", "Linux", "Linux", false},
	{"X11", "Linux", "Linux", false},
}

// browsers are looked for in order: nearly all claim to be Chrome, and Chrome
// claims to be Safari. version is the token before the number, if another.
var browsers = []struct{ token, name, version string }{
	{"Edg/", "Edge", ""}, {"EdgA/", "Edge", ""}, {"EdgiOS/", "Edge", ""}, {"Edge/", "Edge", ""},
	{"OPR/", "Opera", ""}, {"OPiOS/", "Opera", ""}, {"OPT/", "Opera Touch", ""},
	{"Opera", "Opera", "Version/"},
	{"SamsungBrowser/", "Samsung Internet", ""},
	{"YaBrowser/", "Yandex Browser", ""},
	{"Vivaldi/", "Vivaldi", ""},
	{"UCBrowser/", "UC Browser", ""},
	{"DuckDuckGo/", "DuckDuckGo", ""}, {"Ddg/", "DuckDuckGo", ""},
	{"MiuiBrowser/", "Mi Browser", ""},
	{"HuaweiBrowser/", "Huawei Browser", ""},
	{"Silk/", "Silk", ""},
	{"Electron/", "Electron", ""},
	{"FxiOS/", "Firefox", ""}, {"Focus/", "Firefox Focus", ""}, {"Firefox/", "Firefox", ""},
	{"CriOS/", "Chrome", ""}, {"HeadlessChrome/", "Headless Chrome", ""},
	{"Chromium/", "Chromium", ""}, {"; wv)", "Android WebView", "Chrome/"}, {"Chrome/", "Chrome", ""},
	{"MSIE ", "Internet Explorer", ""}, {"Trident/", "Internet Explorer", "rv:"},
	{"Safari/", "Safari", "Version/"},
}

// Parse reads a User-Agent header. It cannot fail: what it does not know stays
// empty.
func Parse(ua string) Agent {
	ua = ua[:min(len(ua), maxLength)]
	var a Agent
	for _, d := range devices {
		if strings.Contains(ua, d.token) {
			a.DeviceType, a.OS, a.IsMobile = d.device, d.os, d.mobile
			break
		}
	}
	for _, b := range browsers {
		if !strings.Contains(ua, b.token) {
			continue
		}
		a.BrowserName, a.BrowserVersion = b.name, versionAfter(ua, b.token)
		if v := versionAfter(ua, b.version); v != "" {
			a.BrowserVersion = v
		}
		return a
	}
	if strings.HasPrefix(ua, "Mozilla/") { // says nothing: every browser begins so
		return a
	}
	a.BrowserName, a.BrowserVersion = product(ua)
	return a
}

// versionAfter returns the number that follows token.
func versionAfter(ua, token string) string {
	_, rest, ok := strings.Cut(ua, token)
	if token == "" || !ok {
		return ""
	}
	return span(rest, ".")
}

// product splits what another client begins with: name/version.
func product(ua string) (name, version string) {
	name = span(ua, "-_.")
	if rest, ok := strings.CutPrefix(ua[len(name):], "/"); ok {
		version = span(rest, ".-")
	}
	return name, version
}

// span is the beginning of s, 32 bytes at most, of ASCII letters, digits and
// the other bytes given.
func span(s, other string) string {
	i := 0
	for ; i < len(s) && i < 32; i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(other, c) < 0 {
			break
		}
	}
	return s[:i]
}
