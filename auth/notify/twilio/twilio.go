// Package twilio sends text messages through Twilio's Programmable Messaging,
// or anything that speaks its HTTP API.
//
//	sender := &twilio.Sender{
//		AccountSID: "AC…", AuthToken: os.Getenv("TWILIO_TOKEN"), From: "+15017122661",
//	}
//	a, err := auth.New(ctx, auth.Config{SMS: sender, …})
//
// # What it refuses
//
// Plain http to anything but this machine, redirects (the token would go
// along), answers that do not end, and senders that are neither a number, a
// name nor a messaging service.
package twilio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/notify"
)

const (
	// DefaultBaseURL is Twilio's own API.
	DefaultBaseURL = "https://api.twilio.com"
	// DefaultTimeout is how long one delivery may take when [Sender.Timeout] is 0.
	DefaultTimeout = 10 * time.Second

	maxAnswer   = 64 << 10
	maxDetail   = 300
	maxValidity = 10 * time.Hour // what ValidityPeriod can say
)

// ErrConfig is a [Sender] that cannot work as it is set up.
var ErrConfig = errors.New("twilio: bad configuration")

// Sender sends through one account. Its fields must not change while it is
// used. Printing it does not show the token.
type Sender struct {
	// AccountSID names the account that pays: AC and 32 digits.
	AccountSID string
	// KeySID and AuthToken open the API: an API key with its secret, or, with
	// KeySID empty, the account with its token.
	KeySID, AuthToken string
	// From is the sender: a number in E.164, an alphanumeric name, or a messaging
	// service (MG…).
	From string
	// BaseURL is where the API is; empty: [DefaultBaseURL].
	BaseURL string
	// Client sends the requests; nil: http.DefaultClient. It follows no redirects.
	Client *http.Client
	// Timeout bounds one delivery; 0 is [DefaultTimeout].
	Timeout time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

var _ notify.SMSSender = (*Sender)(nil)

// An Error is what the API answered. It is [notify.ErrPermanent] when the
// message or its receiver is to blame, so that another try is of no use; what is
// wrong with the account or the sender may be mended, and is temporary.
type Error struct {
	Status  int    // of HTTP
	Code    int    // Twilio's own number; 0: none was given
	Message string // without the receiver's number
}

func (e *Error) Error() string {
	return fmt.Sprintf("twilio: status %d, code %d: %s", e.Status, e.Code, e.Message)
}

// Is makes errors.Is(err, notify.ErrPermanent) hold for those that are.
func (e *Error) Is(target error) bool { return target == notify.ErrPermanent && e.permanent() }

// mendable are Twilio's codes that blame the account, the sender or the moment
// although their status is 400.
var mendable = map[int]bool{
	20003: true,                                                                  // authenticate
	20005: true,                                                                  // account not active
	21212: true, 21603: true, 21606: true, 21607: true, 21659: true, 21660: true, // the sender
	21611: true,                                                                  // the sender's queue is full
	21701: true, 21702: true, 21703: true, 21704: true, 21705: true, 21709: true, // the messaging service
	30001: true, 30002: true, // queue overflow, account suspended
}

func (e *Error) permanent() bool { return e.Status == http.StatusBadRequest && !mendable[e.Code] }

// Check says what is wrong with the settings, all of it, as [ErrConfig]. It
// does not connect.
func (s *Sender) Check() error {
	var errs []error
	bad := func(what string) { errs = append(errs, fmt.Errorf("%w: %s", ErrConfig, what)) }
	if !strings.HasPrefix(s.AccountSID, "AC") || strings.Trim(s.AccountSID, letters) != "" {
		bad("AccountSID does not begin with AC, or has other characters than letters and digits")
	}
	if s.AuthToken == "" {
		bad("AuthToken is empty")
	}
	if s.From == "" {
		bad("From is empty")
	}
	if s.Timeout < 0 {
		bad("Timeout is negative")
	}
	if _, err := s.endpoint(); err != nil {
		bad("BaseURL must be an https URL, or http on this machine, without query")
	}
	return errors.Join(errs...)
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (s *Sender) endpoint() (string, error) {
	u, err := url.Parse(cmp.Or(s.BaseURL, DefaultBaseURL))
	if err != nil {
		return "", err
	}
	secure := u.Scheme == "https" || u.Scheme == "http" && httpx.IsLoopback(u.Hostname())
	if !secure || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", ErrConfig
	}
	return u.JoinPath("2010-04-01", "Accounts", s.AccountSID, "Messages.json").String(), nil
}

// SendSMS delivers one message: it returns when Twilio has taken it.
func (s *Sender) SendSMS(ctx context.Context, m notify.SMS) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	form := url.Values{"To": {m.To}, "Body": {m.Body}}
	if strings.HasPrefix(s.From, "MG") && len(s.From) == 34 {
		form.Set("MessagingServiceSid", s.From)
	} else {
		form.Set("From", s.From)
	}
	if !m.Expires.IsZero() {
		left := m.Expires.Sub(s.now())
		if left <= 0 {
			return notify.ErrExpired
		}
		form.Set("ValidityPeriod", strconv.Itoa(max(1, int(min(left, maxValidity)/time.Second))))
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, DefaultTimeout))
	defer cancel()
	return s.post(ctx, form, m.To)
}

func (s *Sender) post(ctx context.Context, form url.Values, to string) error {
	endpoint, err := s.endpoint()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("%w: %s", ErrConfig, clean(err, to))
	}
	r.SetBasicAuth(cmp.Or(s.KeySID, s.AccountSID), s.AuthToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	res, err := s.client().Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("twilio: %w", ctx.Err())
		}
		return fmt.Errorf("twilio: %s", clean(err, to))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil // taken, whatever happens to the rest of the answer
	}
	if err != nil {
		return fmt.Errorf("twilio: status %d: %s", res.StatusCode, clean(err, to))
	}
	var said struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said) != nil {
		said.Message = http.StatusText(res.StatusCode)
	}
	return &Error{Status: res.StatusCode, Code: said.Code, Message: clean(errors.New(said.Message), to)}
}

// client is the host's own without redirects.
func (s *Sender) client() *http.Client {
	c := http.Client{}
	if s.Client != nil {
		c = *s.Client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// clean takes the receiver's number out of an error's text.
func clean(err error, to string) string {
	text := err.Error()
	for _, number := range []string{to, url.QueryEscape(to), strings.TrimPrefix(to, "+")} {
		text = strings.ReplaceAll(text, number, "…")
	}
	return httpx.Clean(text, maxDetail)
}

func (s *Sender) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// String names the account and not the token.
func (s Sender) String() string { return fmt.Sprintf("twilio.Sender{%s}", s.AccountSID) }

// GoString is String.
func (s Sender) GoString() string { return s.String() }

// LogValue is String.
func (s Sender) LogValue() slog.Value { return slog.StringValue(s.String()) }
