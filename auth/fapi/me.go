package fapi

import (
	"bytes"
	"encoding/json"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

func (c *call) getMe() (any, error) { return c.me(nil) }

// me is the acting user as last stored.
func (c *call) me(err error) (any, error) {
	if err != nil {
		return nil, err
	}
	u := c.enc.User(c.actor.User, c.e.Now())
	ms, err := c.e.Listed(c.ctx(), c.actor)
	u.OrganizationMemberships = c.enc.OrganizationMemberships(ms)
	return u, err
}

// updateMe changes the profile. Unsafe metadata has an endpoint of its own;
// older clients send it here, and mean to replace what is there.
func (c *call) updateMe() (any, error) {
	p := engine.ProfileParams{FirstName: c.given("first_name"), LastName: c.given("last_name"), Username: c.given("username"),
		PrimaryEmailAddressID: c.optional("primary_email_address_id"), PrimaryPhoneNumberID: c.optional("primary_phone_number_id")}
	if m, ok := c.form.JSONObject("unsafe_metadata"); ok {
		if m == nil {
			m = json.RawMessage("{}")
		}
		p.UnsafeMetadata = m
	}
	if c.optional("primary_web3_wallet_id") != nil {
		c.form.Fail("form_param_unknown", "primary_web3_wallet_id", "is not enabled for this application")
	}
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.me(c.e.UpdateProfile(c.ctx(), c.actor, p))
}

// updateMetadata merges into the unsafe metadata; a null deletes its key.
func (c *call) updateMetadata() (any, error) {
	if !c.form.Has("unsafe_metadata") {
		return nil, fault.New("form_param_missing", "unsafe_metadata")
	}
	patch, _ := c.form.JSONObject("unsafe_metadata")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.me(c.e.MergeUnsafeMetadata(c.ctx(), c.actor, patch))
}

func (c *call) deleteMe() (any, error) {
	id := c.actor.User.ID
	if err := c.e.DeleteSelf(c.ctx(), c.actor); err != nil {
		return nil, err
	}
	return wire.NewDeleted("user", id), nil
}

// changePassword sets a password. Other sessions end unless the form says
// otherwise.
func (c *call) changePassword() (any, error) {
	current, _ := c.form.String("current_password")
	plain := c.form.Require("new_password")
	signOut, ok := c.form.Bool("sign_out_of_other_sessions")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.me(c.e.ChangePassword(c.ctx(), c.actor, current, plain, signOut || !ok))
}

func (c *call) removePassword() (any, error) {
	current, _ := c.form.String("current_password")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.me(c.e.RemovePassword(c.ctx(), c.actor, current))
}

// image is a picture that belongs to something.
type image struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	PublicURL string `json:"public_url"`
}

// setProfileImage decodes a picture, encodes it anew and stores that.
func (c *call) setProfileImage() (any, error) {
	file, ok := c.form.File("file")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if !ok || len(file.Data) == 0 {
		return nil, fault.New("form_param_missing", "file")
	}
	img, err := c.pictures.Decode(c.ctx(), bytes.NewReader(file.Data))
	if err != nil {
		return nil, pictureError(err)
	}
	if err := c.e.SetProfileImage(c.ctx(), c.actor, img.ContentType, img.Data); err != nil {
		return nil, err
	}
	id := c.actor.User.ImageID
	return image{Object: "image", ID: id, Name: "profile", PublicURL: c.enc.Images.Image(id)}, nil
}

func (c *call) deleteProfileImage() (any, error) {
	id := c.actor.User.ImageID
	if id == "" {
		return nil, fault.New("resource_not_found", "")
	}
	if err := c.e.SetProfileImage(c.ctx(), c.actor, "", nil); err != nil {
		return nil, err
	}
	return wire.NewDeleted("image", id), nil
}

// mySessions lists the user's live sessions on all devices.
func (c *call) mySessions() (any, error) {
	ss, err := c.e.MySessions(c.ctx(), c.actor)
	out := make([]*frontend.Session, 0, len(ss))
	for _, s := range ss {
		out = append(out, c.enc.Session(&engine.SessionView{Session: s, User: c.actor.User}, c.e.Now()))
	}
	return bare{out}, err
}

// myActiveSessions is the list of devices.
func (c *call) myActiveSessions() (any, error) {
	ss, err := c.e.MySessions(c.ctx(), c.actor)
	out := make([]frontend.ActiveSession, 0, len(ss))
	for _, s := range ss {
		out = append(out, c.enc.ActiveSession(s, c.e.Now()))
	}
	return bare{out}, err
}

// revokeMySession ends a session of the user's own. If it is one of this
// browser's, the browser is told that its state has changed.
func (c *call) revokeMySession() (any, error) {
	s, err := c.e.RevokeMySession(c.ctx(), c.actor, c.id("session_id"))
	if err != nil {
		return nil, err
	}
	if s.ClientID == c.b.Client.ID {
		c.b.Changed = true
	}
	return c.enc.Session(&engine.SessionView{Session: s, User: c.actor.User}, c.e.Now()), nil
}
