package ui

import (
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
)

func postInvite(x *exchange) error {
	return inOrganization("invite", []string{"email_address", "role"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		var ps []engine.InviteParams
		for _, address := range strings.FieldsFunc(v["email_address"], func(r rune) bool { return strings.ContainsRune(" ,;\n\r\t", r) }) {
			ps = append(ps, engine.InviteParams{EmailAddress: address, Role: v["role"]})
		}
		if len(ps) == 0 {
			return empty("email_address")
		}
		if _, err := x.p.engine.Invite(x.ctx(), a, id, ps); err != nil {
			return err
		}
		return x.redirect("/organization", "org-invited")
	})(x)
}

func postRevokeInvitation(x *exchange) error {
	return inOrganization("", []string{"id"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if _, err := x.p.engine.RevokeInvitation(x.ctx(), a, id, v["id"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-revoked")
	})(x)
}

func postDecideRequest(x *exchange) error {
	return inOrganization("", []string{"id", "decision"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		accept := v["decision"] == "accept"
		if _, err := x.p.engine.DecideRequest(x.ctx(), a, id, v["id"], accept); err != nil {
			return err
		}
		if accept {
			return x.redirect("/organization", "org-let-in")
		}
		return x.redirect("/organization", "org-turned-down")
	})(x)
}

func postMemberRole(x *exchange) error {
	return inOrganization("", []string{"user", "role"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if _, err := x.p.engine.SetMemberRole(x.ctx(), a, id, v["user"], v["role"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-role")
	})(x)
}

func postRemoveMember(x *exchange) error {
	return inOrganization("", []string{"user"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if v["user"] == a.User.ID {
			return fault.New("form_param_value_invalid", "user").Say("Leave the organization instead.")
		}
		if _, err := x.p.engine.RemoveMember(x.ctx(), a, id, v["user"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-removed")
	})(x)
}

func postLeave(x *exchange) error {
	return inOrganization("", nil, func(x *exchange, a *engine.Actor, id string, _ map[string]string) error {
		if _, err := x.p.engine.RemoveMember(x.ctx(), a, id, a.User.ID); err != nil {
			return err
		}
		if err := x.choose(a, ""); err != nil {
			return err
		}
		return x.redirect("/organizations", "org-left")
	})(x)
}
