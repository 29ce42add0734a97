package fapi

import (
	"encoding/json"
	"net/http"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/totp"
)

// createTOTP draws a secret for an authenticator app.
func (c *call) createTOTP() (any, error) {
	app, uri, err := c.e.CreateTOTP(c.ctx(), c.actor)
	if err != nil {
		return nil, err
	}
	out := totpObject(app)
	secret := totp.Text(app.Secret)
	out.Secret, out.URI = &secret, &uri
	return out, nil
}

func totpObject(app *user.TOTP) wire.TOTP {
	at := app.CreatedAt
	if app.VerifiedAt.After(at) {
		at = app.VerifiedAt
	}
	return wire.TOTP{Object: "totp", ID: app.ID, Verified: !app.VerifiedAt.IsZero(), CreatedAt: wire.Millis(app.CreatedAt), UpdatedAt: wire.Millis(at)}
}

// attemptTOTP takes an app into use. The first one brings backup codes along.
func (c *call) attemptTOTP() (any, error) {
	code := c.form.Require("code")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	app, codes, err := c.e.AttemptTOTP(c.ctx(), c.actor, code)
	if err != nil {
		return nil, err
	}
	out := totpObject(app)
	out.BackupCodes = codes
	return out, nil
}

func (c *call) deleteTOTP() (any, error) {
	id, err := c.e.DeleteTOTP(c.ctx(), c.actor)
	if err != nil {
		return nil, err
	}
	return wire.NewDeleted("totp", id), nil
}

// createBackupCodes makes new codes in place of the former ones.
func (c *call) createBackupCodes() (any, error) {
	f, codes, err := c.e.CreateBackupCodes(c.ctx(), c.actor)
	if err != nil {
		return nil, err
	}
	at := wire.Millis(f.BackupCreatedAt)
	return wire.BackupCodes{Object: "backup_code", ID: f.BackupID, Codes: codes, CreatedAt: at, UpdatedAt: at}, nil
}

// createPasskey begins to add a passkey: its challenge is for the device.
func (c *call) createPasskey() (any, error) {
	id, v, err := c.e.CreatePasskey(c.ctx(), c.actor)
	if err != nil {
		return nil, err
	}
	return wire.NewPendingPasskey(id, v, c.e.Now()), nil
}

func (c *call) getPasskey() (any, error) {
	id := c.id("passkey_id")
	k, v, err := c.e.Passkey(c.ctx(), c.actor, id)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return wire.NewPendingPasskey(id, v, c.e.Now()), nil
	}
	return wire.NewPasskey(k), nil
}

func (c *call) attemptPasskey() (any, error) {
	strategy, ok := c.form.String("strategy")
	proof := factor.Proof{Credential: c.form.Require("public_key_credential")}
	if ok && strategy != "" && strategy != "passkey" {
		c.form.Fail("form_param_value_invalid", "strategy", "must be passkey")
	}
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return passkeyObject(c.e.AttemptPasskey(c.ctx(), c.actor, c.id("passkey_id"), proof))
}

func (c *call) renamePasskey() (any, error) {
	name := c.form.Require("name")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return passkeyObject(c.e.RenamePasskey(c.ctx(), c.actor, c.id("passkey_id"), name))
}

func passkeyObject(k *user.Passkey, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return wire.NewPasskey(k), nil
}

func (c *call) deletePasskey() (any, error) {
	id := c.id("passkey_id")
	if err := c.e.DeletePasskey(c.ctx(), c.actor, id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("passkey", id), nil
}

// webauthn tells browsers which origins share the instance's passkeys.
func (c *call) webauthn() (any, error) {
	c.RelatedOrigins().ServeHTTP(c.w, c.r)
	return answered{}, nil
}

// RelatedOrigins serves the document of Related Origin Requests (WebAuthn Level
// 3, 5.11), which browsers look for at the root of the host that passkeys are
// for: pages of the origins in it may use them, whatever their domain.
func (a *API) RelatedOrigins() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origins := a.e.PasskeyOrigins()
		if !a.e.Settings(r.Context()).Passkeys.Enabled || len(origins) == 0 {
			a.refuse(w, r, fault.New("resource_not_found", ""))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		if err := json.NewEncoder(w).Encode(map[string][]string{"origins": origins}); err != nil {
			a.e.Log().DebugContext(r.Context(), "related origins not sent", "err", err)
		}
	})
}

// signUpPasskey is a sign-up with the passkey that is to stand in for a
// password.
type signUpPasskey struct {
	*frontend.SignUp
	Passkey *wire.Verification `json:"passkey"`
}

// prepareSignUpPasskey draws the challenge for a passkey. Clerk has nothing of
// the kind: the challenge is beside the sign-up, in passkey.nonce.
func (c *call) prepareSignUpPasskey() (any, error) {
	return c.signUpPasskey(c.e.PrepareSignUpPasskey(c.ctx(), c.b, c.id("sign_up_id")))
}

// attemptSignUpPasskey takes the answer of the device. A password is missing no
// more, and the sign-up may be complete.
func (c *call) attemptSignUpPasskey() (any, error) {
	proof := factor.Proof{Credential: c.form.Require("public_key_credential")}
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.signUpPasskey(c.e.AttemptSignUpPasskey(c.ctx(), c.b, c.id("sign_up_id"), proof))
}

func (c *call) signUpPasskey(a *signup.Attempt, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return signUpPasskey{c.enc.SignUp(c.e.ViewSignUp(c.ctx(), a)), wire.NewVerification(a.Verification("passkey"), c.e.Now())}, nil
}
