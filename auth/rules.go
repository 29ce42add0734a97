package auth

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/usherauth/usher/organization"
)

// OrganizationID is the ID of the active organization, empty if there is none.
func (id *Identity) OrganizationID() string {
	if id.Claims == nil || id.Claims.Organization == nil {
		return ""
	}
	return id.Claims.Organization.ID
}

// HasRole reports whether the person has a role, such as org:admin, in the
// active organization. It works in templates as it is:
// {{if .Identity.HasRole "org:admin"}}.
func (id *Identity) HasRole(role string) bool {
	return id.SignedIn() && id.Claims != nil && id.Claims.HasRole(role)
}

// HasPermission reports whether the person holds a permission of the host's,
// written org:feature:permission, in the active organization. It works in
// templates as it is.
func (id *Identity) HasPermission(permission string) bool {
	return id.SignedIn() && id.Claims != nil && id.Claims.HasPermission(permission)
}

// errNoOrganization, errRole and errPermission say which rule is not kept, to
// the host and to logs.
var (
	errNoOrganization = errors.New("auth: no active organization")
	errRole           = errors.New("auth: role missing")
	errPermission     = errors.New("auth: permission missing")
	errNot            = errors.New("auth: rule kept that must not be")
	errTeam           = errors.New("auth: not in the team")
)

// InOrganization lets those pass who have an active organization.
//
//go:noinline
func InOrganization() Rule {
	return func(id *Identity) error {
		if id.probe != nil || id.OrganizationID() != "" {
			return nil
		}
		return errNoOrganization
	}
}

// Role lets those pass who have a role, such as org:admin, in the active
// organization. Prefer [Permission]: roles change. Like there, [Auth.Require]
// panics if there is no such role.
//
//go:noinline
func Role(role string) Rule {
	return func(id *Identity) error {
		if id.probe != nil {
			id.probe.roles = append(id.probe.roles, role)
			return nil
		}
		if id.HasRole(role) {
			return nil
		}
		return fmt.Errorf("%w: %s", errRole, role)
	}
}

// Permission lets those pass who hold a permission, written
// org:feature:permission, in the active organization. The token says so: no
// database is asked. [Auth.Require] panics, like http.ServeMux does at a bad
// pattern, if there is no such permission: one is declared in
// Config.Organizations, or made through the Backend API before the start.
//
//go:noinline
func Permission(permission string) Rule {
	return func(id *Identity) error {
		if id.probe != nil {
			id.probe.permissions = append(id.probe.permissions, permission)
			return nil
		}
		if id.HasPermission(permission) {
			return nil
		}
		return fmt.Errorf("%w: %s", errPermission, permission)
	}
}

// Any lets those pass who keep one of the rules.
//
//go:noinline
func Any(rules ...Rule) Rule {
	return func(id *Identity) error {
		var errs []error
		for _, rule := range rules {
			err := rule.ask(id)
			if err == nil && id.probe == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// All lets those pass who keep every rule.
//
//go:noinline
func All(rules ...Rule) Rule {
	return func(id *Identity) error {
		for _, rule := range rules {
			if err := rule.ask(id); err != nil {
				return err
			}
		}
		return nil
	}
}

// Not lets those pass who do not keep a rule.
//
//go:noinline
func Not(rule Rule) Rule {
	return func(id *Identity) error {
		if err := rule.ask(id); err == nil && id.probe == nil {
			return errNot
		}
		return nil
	}
}

// ask is the rule's answer. While rules are looked through for what they name,
// those of the host are not asked: they know nothing of that.
func (r Rule) ask(id *Identity) error {
	if r == nil {
		panic("auth: nil rule")
	}
	if id.probe != nil && !r.own() {
		return nil
	}
	return r(id)
}

// ownRules is where the code of the rules of this package is. It is in one
// place for each, as the functions that make them are not inlined.
var ownRules struct {
	once sync.Once
	at   map[uintptr]bool
}

func (r Rule) own() bool {
	ownRules.once.Do(func() {
		ownRules.at = map[uintptr]bool{}
		for _, own := range []Rule{InOrganization(), Role(""), Permission(""), Any(), All(), Not(nil), Team("")} {
			ownRules.at[reflect.ValueOf(own).Pointer()] = true
		}
	})
	return ownRules.at[reflect.ValueOf(r).Pointer()]
}

// named is what rules speak of.
type named struct{ permissions, roles []string }

// checkRules panics if a rule is nil, or names a permission or role that nobody
// can have.
func (a *Auth) checkRules(rules []Rule) {
	probe := &Identity{probe: &named{}}
	for _, rule := range rules {
		_ = rule.ask(probe)
	}
	for _, p := range probe.probe.permissions {
		switch {
		case organization.IsSystemPermission(p):
			panic(fmt.Sprintf("auth: permission %q is built in and never in a token: ask for the role", p))
		case !slices.Contains(a.declared.permissions, p):
			panic(fmt.Sprintf("auth: permission %q is not declared in Config.Organizations; there are: %s", p, strings.Join(a.declared.permissions, ", ")))
		}
	}
	for _, r := range probe.probe.roles {
		if !slices.Contains(a.declared.roles, "org:"+strings.TrimPrefix(r, "org:")) {
			panic(fmt.Sprintf("auth: role %q is not declared in Config.Organizations; there are: %s", r, strings.Join(a.declared.roles, ", ")))
		}
	}
}
