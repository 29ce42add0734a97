package ui

import (
	"testing"
	"time"

	"github.com/usherauth/usher/session"
)

func TestMask(t *testing.T) {
	for address, want := range map[string]string{"ada@example.com": "a•••@example.com", "é@x.test": "é•••@x.test", "@x.test": "•••", "": "•••"} {
		if got := mask(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Hour: "just now", 0: "just now", 119 * time.Second: "just now",
		2 * time.Minute: "2 minutes ago", 59 * time.Minute: "59 minutes ago", time.Hour: "1 hour ago", 23 * time.Hour: "23 hours ago",
		24 * time.Hour: "1 day ago", 40 * 24 * time.Hour: "40 days ago"} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestDevice(t *testing.T) {
	now := time.Unix(1e9, 0)
	for want, act := range map[string]session.Activity{
		"Unknown browser":         {},
		"Firefox 128 on Linux":    {BrowserName: "Firefox", BrowserVersion: "128.0.1", DeviceType: "Linux"},
		"curl":                    {BrowserName: "curl"},
		"Unknown browser on iPad": {DeviceType: "iPad", BrowserVersion: "1"},
	} {
		s := session.New("user_1", "client_1", 0, 0, now)
		s.Activity = act
		if got := device(s, s.ID, now); got.Name != want || !got.This {
			t.Errorf("%+v: %+v, want %q", act, got, want)
		}
	}
}

func TestInputRefusesUnknownAttributes(t *testing.T) {
	for _, pairs := range [][]string{{"onclick", "x"}, {"type"}} {
		if _, err := input(&Page{}, "a", "A", pairs...); err == nil {
			t.Errorf("%q was taken", pairs)
		}
	}
}
