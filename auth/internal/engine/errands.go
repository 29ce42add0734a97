package engine

import (
	"bytes"
	"context"
	"errors"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/user"
)

// An errand is a call to another service. It waits in the outbox as mails do:
// it is written in the transaction that gives rise to it, holds nobody up, and
// is run again for some hours if the service does not answer.
type errand struct {
	Provider string `json:"provider"`
	// Tokens are to be revoked; they are no longer kept here.
	Tokens *oauth.Tokens `json:"tokens,omitempty"`
	// PictureURL is the picture that UserID has there, and is to have here.
	PictureURL string `json:"picture_url,omitempty"`
	UserID     string `json:"user_id,omitempty"`
}

// The slugs of errands, for the log.
const (
	revokeTokens = "revoke_tokens"
	fetchPicture = "fetch_picture"
)

// runErrand runs the errand of m.
func (e *Engine) runErrand(ctx context.Context, do *errand) error {
	st, ok := e.socialOf(do.Provider)
	if !ok { // it is not offered any more, and its secret is gone
		return nil
	}
	var err error
	if do.Tokens != nil {
		err = st.Client.Revoke(ctx, *do.Tokens)
	} else {
		err = e.takePicture(ctx, st.Client, do)
	}
	if f, ok := errors.AsType[*oauth.Error](err); ok && f.Code == oauth.Refused {
		err = errors.Join(notify.ErrPermanent, err)
	}
	return err
}

// revokeLater has a provider revoke tokens that t forgets.
func (e *Engine) revokeLater(ctx context.Context, t *txn, provider string, k *user.ExternalTokens) error {
	if st, ok := e.socialOf(provider); !ok || k.Access == "" || !st.Client.Revokes() {
		return nil
	}
	tokens := oauth.Tokens{Access: k.Access, Refresh: k.Refresh, Type: k.Type}
	return e.enqueue(ctx, t, outMail{Slug: revokeTokens, Errand: &errand{Provider: provider, Tokens: &tokens}})
}

// takePictureLater gives a new user the picture that another service has.
func (e *Engine) takePictureLater(ctx context.Context, t *txn, u *user.User, id *oauth.Identity) error {
	if id.PictureURL == "" {
		return nil
	}
	return e.enqueue(ctx, t, outMail{Slug: fetchPicture, Errand: &errand{Provider: id.Provider, UserID: u.ID, PictureURL: id.PictureURL}})
}

// takePicture fetches a picture, decodes it and encodes it anew as it does with
// those that people bring, and stores it, unless there is one by now. One that
// is no picture is not asked for again.
func (e *Engine) takePicture(ctx context.Context, c *oauth.Client, do *errand) error {
	data, err := c.Picture(ctx, do.PictureURL)
	if err != nil {
		return err
	}
	im, err := e.pictures.Decode(ctx, bytes.NewReader(data))
	if err != nil && ctx.Err() == nil {
		return errors.Join(notify.ErrPermanent, err)
	}
	if err != nil {
		return err
	}
	_, err = e.Users().change(ctx, do.UserID, func(t *txn, u *user.User) error {
		if u.ImageID != "" {
			return errUnchanged
		}
		return user.SetImage(ctx, t, u, im.ContentType, im.Data, t.now)
	})
	return missingAs(err, nil)
}
