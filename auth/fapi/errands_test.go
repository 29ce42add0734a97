package fapi_test

import (
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user"
)

// servePicture answers with a picture, or with what is none.
func servePicture(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/pictures/ada.png":
		png.Encode(w, image.NewRGBA(image.Rect(0, 0, 8, 8)))
	case "/pictures/page":
		w.Write([]byte("<script>alert(1)</script>"))
	default:
		http.Redirect(w, r, "/pictures/ada.png", http.StatusFound)
	}
}

// knows reports whether the provider takes an access token still.
func (s *socialRig) knows(token string) bool {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.url+"/fake/userinfo", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == 200
}

// Whatever takes an account at a provider away, its tokens are revoked there.
// That the provider does not answer holds nobody up, and is made up for.
func TestTokensAreRevoked(t *testing.T) {
	for name, remove := range map[string]func(s *socialRig, b *browser, uid, account string){
		"removed": func(_ *socialRig, b *browser, _, account string) {
			b.delete("/v1/me/external_accounts/" + account).ok()
		},
		"revoked": func(_ *socialRig, b *browser, _, account string) {
			b.delete("/v1/me/external_accounts/" + account + "/tokens").ok()
		},
		"deleted": func(_ *socialRig, b *browser, _, _ string) { b.delete("/v1/me").ok() },
		"by the host": func(s *socialRig, _ *browser, uid, account string) {
			if err := s.e.Users().DeleteExternalAccount(s.t.Context(), uid, account); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocial(t)
			b := s.browser()
			b.back(s.fake, b.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
			uid := b.signedInAs()
			account := b.get("/v1/me").ok().str("response.external_accounts.0.id")
			tokens, err := s.e.Users().AccessTokens(t.Context(), uid, "custom_mock")
			if err != nil || len(tokens) != 1 || !s.knows(tokens[0].Tokens.Access) {
				t.Fatalf("%v %v", tokens, err)
			}
			s.down.Store(true)
			remove(s, b, uid, account)
			s.countMails()
			s.down.Store(false)
			if !s.knows(tokens[0].Tokens.Access) {
				t.Fatal("a provider that does not answer has revoked")
			}
			s.advance(time.Minute)
			s.countMails()
			if s.knows(tokens[0].Tokens.Access) {
				t.Error("the token is good still")
			}
			if strings.Contains(s.log.String(), tokens[0].Tokens.Access) {
				t.Error("the token is in the log")
			}
		})
	}
}

// Who signs up by a provider gets the picture from there, decoded and encoded
// anew; what is no picture, or leads elsewhere, is left alone.
func TestPictureOfProvider(t *testing.T) {
	for path, want := range map[string]bool{"/pictures/ada.png": true, "/pictures/page": false, "/pictures/elsewhere": false, "": false} {
		s := newSocial(t)
		p := person(ada, true)
		if path != "" {
			p.PictureURL = s.url + path
		}
		b := s.browser()
		b.back(s.fake, b.leave("/v1/client/sign_ups", fake), p).lands("/done")
		s.countMails()
		me := b.get("/v1/me").ok().is("response.has_image", want)
		if url := me.str("response.image_url"); want && (!strings.Contains(url, "/img/img_") || strings.Contains(url, "pictures")) {
			t.Errorf("%s: %s", path, url)
		}
		s.advance(24 * time.Hour)
		s.countMails()
		if want != (s.pictures(t) == 1) {
			t.Errorf("%s: %d pictures", path, s.pictures(t))
		}
	}
	// One that the person has brought in the meantime stays.
	s := newSocial(t)
	p := person(ada, true)
	p.PictureURL = s.url + "/pictures/ada.png"
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), p).lands("/done")
	if _, err := s.e.Users().SetProfileImage(t.Context(), b.signedInAs(), "image/png", []byte("own")); err != nil {
		t.Fatal(err)
	}
	own := b.get("/v1/me").ok().str("response.image_url")
	s.countMails()
	b.get("/v1/me").ok().is("response.image_url", own)
}

// pictures is how many users have one.
func (s *socialRig) pictures(t *testing.T) (n int) {
	t.Helper()
	us, _, err := s.e.Users().List(t.Context(), user.Filter{}, user.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range us {
		if u.ImageID != "" {
			n++
		}
	}
	return n
}

// What tells the accounts of one provider apart is carried along.
func TestExternalAccountLabel(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.signUp(ada, good)
	b.back(s.fake, b.leave("/v1/me/external_accounts", fake), person("work@example.com", true)).lands("/done")
	p := person("", false)
	p.Subject = "s-2"
	b.back(s.fake, b.leave("/v1/me/external_accounts", fake), p).lands("/done")
	b.get("/v1/me").ok().is("response.external_accounts.0.label", "work@example.com").is("response.external_accounts.1.label", "Ada Lovelace")
}
