package compat

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// sightings are shared by the tabs of a profile.
type sightings struct {
	mu       sync.Mutex
	requests []string
	failures []string // console errors, exceptions, failed responses
	expected []string
}

// listen notes requests and everything that is an error.
func (s *sightings) listen(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		s.requests = append(s.requests, ev.Request.Method+" "+ev.Request.URL)
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			s.failures = append(s.failures, fmt.Sprintf("response %d %s", ev.Response.Status, ev.Response.URL))
		}
	case *runtime.EventExceptionThrown:
		d := ev.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		s.failures = append(s.failures, "exception "+text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			var words []string
			for _, a := range ev.Args {
				words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
			}
			s.failures = append(s.failures, fmt.Sprintf("console.%s %s", ev.Type, strings.Join(words, " ")))
		}
	case *log.EventEntryAdded:
		// Responses are noted by their status.
		if ev.Entry.Level == log.EntryLevelError && ev.Entry.Source != log.EntrySourceNetwork {
			s.failures = append(s.failures, fmt.Sprintf("log %s %s", ev.Entry.Source, ev.Entry.Text))
		}
	}
}

// complaints are what should not have been seen.
func (s *sightings) complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	if len(s.requests) == 0 {
		out = append(out, "no request was seen: nobody was listening")
	}
	for _, r := range s.requests {
		if _, raw, _ := strings.Cut(r, " "); !loopback(raw) {
			out = append(out, "a request left the machine: "+r)
		}
	}
	for _, f := range s.failures {
		if !slices.ContainsFunc(s.expected, func(e string) bool { return strings.Contains(f, e) }) {
			out = append(out, "in the browser: "+f)
		}
	}
	return out
}

// loopback reports whether a URL leads nowhere but to this machine.
func loopback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "data", "about":
		return true
	case "blob":
		return loopback(u.Opaque)
	}
	return u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost"
}
