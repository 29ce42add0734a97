package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/notify/twilio"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	secret  = "s3cret-token"
	ada     = "+14155552671"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// api is a Twilio that answers as it is told and remembers what it was asked.
func api(t *testing.T, status int, body string) (*twilio.Sender, *[]*http.Request) {
	t.Helper()
	var seen []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		seen = append(seen, r)
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return &twilio.Sender{AccountSID: account, AuthToken: secret, From: "+15017122661", BaseURL: srv.URL, Now: func() time.Time { return now }}, &seen
}

func sms() notify.SMS {
	return notify.SMS{ID: "sms_1", To: ada, Body: "424242 is your code\n\n@acme.example #424242", Expires: now.Add(10 * time.Minute)}
}

func TestSend(t *testing.T) {
	s, seen := api(t, 201, `{"sid":"SM1","status":"queued"}`)
	if err := s.SendSMS(t.Context(), sms()); err != nil {
		t.Fatal(err)
	}
	r := (*seen)[0]
	name, password, _ := r.BasicAuth()
	want := url.Values{"To": {ada}, "From": {"+15017122661"}, "Body": {sms().Body}, "ValidityPeriod": {"600"}}
	if r.Method != "POST" || r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" || name != account || password != secret ||
		r.PostForm.Encode() != want.Encode() || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("asked %s %s as %s with %v", r.Method, r.URL, name, r.PostForm)
	}
	s.KeySID, s.From = "SK1", "MG0123456789abcdef0123456789abcdef"
	m := sms()
	m.Expires = time.Time{}
	if err := s.SendSMS(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r = (*seen)[1]
	if name, _, _ := r.BasicAuth(); name != "SK1" || r.PostForm.Get("MessagingServiceSid") != s.From || r.PostForm.Has("From") || r.PostForm.Has("ValidityPeriod") {
		t.Errorf("as %s with %v", name, r.PostForm)
	}
}

// What the message is to blame for is for good; everything else may be mended.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status    int
		body      string
		code      int
		permanent bool
	}{
		{400, `{"code":21211,"message":"The 'To' number +14155552671 is not a valid phone number.","status":400}`, 21211, true},
		{400, `{"code":21408,"message":"Permission to send an SMS has not been enabled for the region"}`, 21408, true},
		{400, `{"code":21610,"message":"unsubscribed recipient"}`, 21610, true}, {400, `{"code":21614,"message":"not a mobile number"}`, 21614, true},
		{400, `{}`, 0, true}, {400, `<html>`, 0, true},
		{400, `{"code":21606,"message":"From is not SMS-capable"}`, 21606, false}, {400, `{"code":21611,"message":"queue is full"}`, 21611, false},
		{400, `{"code":21705,"message":"Messaging Service"}`, 21705, false},
		{401, `{"code":20003,"message":"Authenticate"}`, 20003, false}, {403, `{"code":20005}`, 20005, false}, {404, `{"code":20404}`, 20404, false},
		{429, `{"code":20429,"message":"Too Many Requests"}`, 20429, false}, {500, ``, 0, false}, {503, `{"code":20503}`, 20503, false},
		{302, ``, 0, false},
	} {
		s, seen := api(t, c.status, c.body)
		err := s.SendSMS(t.Context(), sms())
		e, ok := errors.AsType[*twilio.Error](err)
		if !ok || e.Status != c.status || e.Code != c.code || errors.Is(err, notify.ErrPermanent) != c.permanent {
			t.Errorf("%d %s: %v, permanent %v", c.status, c.body, err, errors.Is(err, notify.ErrPermanent))
		}
		if err != nil && (strings.Contains(err.Error(), ada[1:]) || strings.Contains(err.Error(), secret)) {
			t.Errorf("%d: the error tells %v", c.status, err)
		}
		if len(*seen) != 1 {
			t.Errorf("%d: %d requests", c.status, len(*seen))
		}
	}
}

// A service that hangs, is not there or never ends its answer costs the
// time-out at most.
func TestFault_R23_SMSServiceDown(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"hangs": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"drips": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"hangs up": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"endless":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); w.Write(make([]byte, 1<<20)) },
		"bad gzip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(502)
		},
		"not there": nil,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // so that the server sees the client leave
			serve(w, r)
		}))
		s := &twilio.Sender{AccountSID: account, AuthToken: secret, From: "Acme", BaseURL: srv.URL, Timeout: 50 * time.Millisecond, Now: func() time.Time { return now }}
		if serve == nil {
			srv.Close()
		}
		err := s.SendSMS(t.Context(), sms())
		if err == nil || errors.Is(err, notify.ErrPermanent) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}

func TestCheck(t *testing.T) {
	good := twilio.Sender{AccountSID: account, AuthToken: secret, From: "Acme"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*twilio.Sender){
		"account": func(s *twilio.Sender) { s.AccountSID = "AC/../x" }, "no account": func(s *twilio.Sender) { s.AccountSID = "" }, "token": func(s *twilio.Sender) { s.AuthToken = "" },
		"from": func(s *twilio.Sender) { s.From = "" }, "time-out": func(s *twilio.Sender) { s.Timeout = -1 },
		"plain": func(s *twilio.Sender) { s.BaseURL = "http://api.example.com" }, "userinfo": func(s *twilio.Sender) { s.BaseURL = "https://a:b@api.example.com" },
		"query": func(s *twilio.Sender) { s.BaseURL = "https://api.example.com/?x=1" }, "no URL": func(s *twilio.Sender) { s.BaseURL = "api.example.com" },
	} {
		s := good
		spoil(&s)
		if err := s.Check(); !errors.Is(err, twilio.ErrConfig) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.SendSMS(t.Context(), sms()); !errors.Is(err, twilio.ErrConfig) || errors.Is(err, notify.ErrPermanent) {
			t.Errorf("%s: send: %v", name, err)
		}
	}
	for name, m := range map[string]notify.SMS{"number": {To: "4155552671", Body: "x"}, "body": {To: ada}} {
		if err := good.SendSMS(t.Context(), m); !errors.Is(err, notify.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	late := sms()
	late.Expires = now
	s, seen := api(t, 201, `{}`)
	if err := s.SendSMS(t.Context(), late); !errors.Is(err, notify.ErrExpired) || len(*seen) != 0 {
		t.Errorf("too late: %v, %d requests", err, len(*seen))
	}
}

func TestAttack_W10_TokenIsNotPrinted(t *testing.T) {
	s := twilio.Sender{AccountSID: account, AuthToken: secret, From: "Acme"}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s), fmt.Sprintf("%v", &s), s.LogValue().String()} {
		if strings.Contains(text, secret) {
			t.Errorf("printed as %s", text)
		}
	}
}

func ExampleSender() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Println(r.FormValue("To"), r.FormValue("Body"))
	}))
	defer srv.Close()
	s := &twilio.Sender{AccountSID: account, AuthToken: "token", From: "+15017122661", BaseURL: srv.URL}
	err := s.SendSMS(context.Background(), notify.SMS{To: "+14155552671", Body: "424242 is your code."})
	fmt.Println(err)
	// Output:
	// +14155552671 424242 is your code.
	// <nil>
}
