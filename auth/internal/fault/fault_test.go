package fault_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// internal marks errors that a person learns nothing about: they are faults of
// the program or the operator, not of the request.
const internal = fault.Internal

// exported lists every exported error of the packages below with the code that
// a person sees.
var exported = map[string]map[string]struct {
	err  error
	code string
}{
	"../../../store": {
		"ErrNotFound": {store.ErrNotFound, "resource_not_found"}, "ErrConflict": {store.ErrConflict, "conflict"},
		"ErrReadOnly": {store.ErrReadOnly, internal}, "ErrInvalid": {store.ErrInvalid, internal},
		"ErrUnavailable": {store.ErrUnavailable, "service_unavailable"}, "ErrTxDone": {store.ErrTxDone, internal},
		"ErrCorrupt": {store.ErrCorrupt, internal}, "ErrSchema": {store.ErrSchema, internal},
	},
	"../../../user": {
		"ErrInvalidEmailAddress":     {user.ErrInvalidEmailAddress, "form_param_format_invalid"},
		"ErrInvalidUsername":         {user.ErrInvalidUsername, "form_username_invalid_character"},
		"ErrInvalidPhoneNumber":      {user.ErrInvalidPhoneNumber, "form_param_format_invalid"},
		"ErrUsernameCharacter":       {user.ErrUsernameCharacter, "form_username_invalid_character"},
		"ErrUsernameDigits":          {user.ErrUsernameDigits, "form_username_needs_non_number_char"},
		"ErrUsernamePhoneNumber":     {user.ErrUsernamePhoneNumber, "form_username_cannot_be_phone_number"},
		"ErrUsernameReserved":        {user.ErrUsernameReserved, "form_identifier_exists"},
		"ErrAlreadyAdded":            {user.ErrAlreadyAdded, "identification_exists"},
		"ErrTooManyUnverified":       {user.ErrTooManyUnverified, "too_many_unverified_identifications"},
		"ErrNotVerified":             {user.ErrNotVerified, "form_verification_needed"},
		"ErrTooManyExternalAccounts": {user.ErrTooManyExternalAccounts, "too_many_unverified_identifications"},
		"ErrTooManyPasskeys":         {user.ErrTooManyPasskeys, "passkey_quota_exceeded"},
		"ErrLastIdentification":      {user.ErrLastIdentification, "identification_deletion_failed"},
		"ErrBanned":                  {user.ErrBanned, "user_banned"}, "ErrLocked": {&user.LockedError{}, "user_locked"},
		"ErrNoPassword": {user.ErrNoPassword, "no_password_set"}, "ErrMetadata": {user.ErrMetadata, "form_param_exceeds_allowed_size"},
		"ErrName": {user.ErrName, "form_param_format_invalid"}, "ErrLocale": {user.ErrLocale, "form_param_format_invalid"}, "ErrOrder": {user.ErrOrder, "form_param_value_invalid"},
	},
	"../../../session": {
		"ErrOver": {session.ErrOver, "invalid_action_for_session"}, "ErrClientSecret": {session.ErrClientSecret, "authentication_invalid"},
		"ErrClientReused": {session.ErrClientReused, "authentication_invalid"},
	},
	"../../../organization": {
		"ErrName":               {organization.ErrName, "form_param_format_invalid"},
		"ErrSlug":               {organization.ErrSlug, "form_param_format_invalid"},
		"ErrSlugTaken":          {organization.ErrSlugTaken, "form_identifier_exists"},
		"ErrFull":               {organization.ErrFull, "organization_membership_quota_exceeded"},
		"ErrAlreadyMember":      {organization.ErrAlreadyMember, "already_a_member_in_organization"},
		"ErrLastManager":        {organization.ErrLastManager, "organization_minimum_permissions_needed"},
		"ErrUnknownRole":        {organization.ErrUnknownRole, "form_param_value_invalid"},
		"ErrMissingPermission":  {organization.ErrMissingPermission, "missing_organization_permission"},
		"ErrRoleKey":            {organization.ErrRoleKey, "form_param_format_invalid"},
		"ErrTooManyRoles":       {organization.ErrTooManyRoles, "organization_instance_roles_quota_exceeded"},
		"ErrSystemRole":         {organization.ErrSystemRole, "organization_role_system"},
		"ErrRoleCreator":        {organization.ErrRoleCreator, "organization_missing_creator_role_permissions"},
		"ErrRoleCreatorUse":     {organization.ErrRoleCreatorUse, "organization_role_used_as_creator_role"},
		"ErrRoleDefaultUse":     {organization.ErrRoleDefaultUse, "organization_role_used_as_default_role"},
		"ErrRoleAssigned":       {organization.ErrRoleAssigned, "organization_role_assigned_to_members"},
		"ErrRoleInvited":        {organization.ErrRoleInvited, "organization_role_exists_in_invitations"},
		"ErrPermissionKey":      {organization.ErrPermissionKey, "form_param_format_invalid"},
		"ErrUnknownPermission":  {organization.ErrUnknownPermission, "form_param_value_invalid"},
		"ErrSystemPermission":   {organization.ErrSystemPermission, "organization_system_permission_not_modifiable"},
		"ErrTooManyPermissions": {organization.ErrTooManyPermissions, "organization_instance_permissions_quota_exceeded"},
		"ErrInvited":            {organization.ErrInvited, "organization_invitation_not_unique"},
		"ErrInvitationAccepted": {organization.ErrInvitationAccepted, "organization_invitation_already_accepted"},
		"ErrInvitationRevoked":  {organization.ErrInvitationRevoked, "organization_invitation_revoked_code"},
		"ErrInvitationOver":     {organization.ErrInvitationOver, "organization_invitation_not_pending"},
		"ErrExpiry":             {organization.ErrExpiry, "form_param_value_invalid"},
		"ErrRequestOver":        {organization.ErrRequestOver, "resource_not_found"},
		"ErrSuggestionAccepted": {organization.ErrSuggestionAccepted, "organization_suggestion_already_accepted"},
		"ErrDomain":             {organization.ErrDomain, "form_param_format_invalid"},
		"ErrDomainCommon":       {organization.ErrDomainCommon, "organization_domain_common"},
		"ErrDomainBlocked":      {organization.ErrDomainBlocked, "organization_domain_blocked"},
		"ErrDomainExists":       {organization.ErrDomainExists, "organization_domain_already_exists"},
		"ErrDomainTaken":        {organization.ErrDomainTaken, "organization_domain_already_exists"},
		"ErrTooManyDomains":     {organization.ErrTooManyDomains, "organization_domain_quota_exceeded"},
		"ErrDomainUnverified":   {organization.ErrDomainUnverified, "organization_domain_mode_invalid"},
		"ErrEnrollmentMode":     {organization.ErrEnrollmentMode, "form_param_value_invalid"},
		"ErrAffiliation":        {organization.ErrAffiliation, "form_param_value_invalid"},
		"ErrTeamName":           {organization.ErrTeamName, "form_param_format_invalid"},
		"ErrTooManyTeams":       {organization.ErrTooManyTeams, "team_quota_exceeded"},
		"ErrOrder":              {organization.ErrOrder, "form_param_value_invalid"},
	},
	"../../../user/password": {
		"ErrBusy": {&password.BusyError{RetryAfter: time.Second}, "service_unavailable"}, "ErrTooLarge": {password.ErrTooLarge, "form_password_size_in_bytes_exceeded"},
		"ErrTooLong": {password.ErrTooLong, "form_password_length_too_long"}, "ErrInvalidText": {password.ErrInvalidText, "form_password_validation_failed"},
		"ErrTooLongForHash": {password.ErrTooLongForHash, "password_too_long_needs_reset"}, "ErrMalformed": {password.ErrMalformed, internal},
		"ErrUnknownFormat": {password.ErrUnknownFormat, internal}, "ErrUnknownPepper": {password.ErrUnknownPepper, internal},
		"ErrParams": {password.ErrParams, internal}, "ErrTooCostly": {password.ErrTooCostly, internal},
		"ErrPolicy": {&password.PolicyError{Code: password.CodeTooShort, Limit: 8}, "form_password_length_too_short"},
	},
}

// Every exported error of the packages below has a row above, and the answer
// that the row says.
func TestEveryExportedErrorHasAnAnswer(t *testing.T) {
	for dir, rows := range exported {
		for _, name := range sentinels(t, dir) {
			row, ok := rows[name]
			if !ok {
				t.Errorf("%s: %s has no row", dir, name)
				continue
			}
			for _, err := range []error{row.err, fmt.Errorf("wrapped: %w", row.err)} {
				if got := fault.From(err); got.Code != row.code {
					t.Errorf("%s.%s is answered with %s, want %s", dir, name, got.Code, row.code)
				} else if !errors.Is(got, row.err) {
					t.Errorf("%s.%s: the cause is lost", dir, name)
				}
			}
		}
	}
}

// sentinels lists the exported variables of a package whose names begin with
// Err.
func sentinels(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				for _, n := range s.(*ast.ValueSpec).Names {
					if strings.HasPrefix(n.Name, "Err") {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	if len(names) == 0 {
		t.Fatalf("no errors found in %s", dir)
	}
	return names
}

// Every code of the password policy and of the HTTP layer is in the table.
func TestTable(t *testing.T) {
	codes := fault.Codes()
	for _, c := range []string{password.CodeTooShort, password.CodeTooLong, password.CodeTooLarge, password.CodeNoUpper, password.CodeNoLower,
		password.CodeNoNumber, password.CodeNoSpecial, password.CodeMatchesIdentifier, password.CodePwned, password.CodeNotStrongEnough, password.CodeInvalidText,
		httpx.CodeMissing, httpx.CodeNil, httpx.CodeUnknown, httpx.CodeDuplicate, httpx.CodeFormat, httpx.CodeType, httpx.CodeTooLarge,
		httpx.CodeArraySize, httpx.CodeTime, httpx.CodeQueryMissing, httpx.CodeQueryValue, httpx.CodeBodyTooLarge, httpx.CodeBodyInvalid,
		httpx.CodeContentType, httpx.CodeMalformed, httpx.CodeOriginInvalid, httpx.CodeOriginMultiple,
		httpx.CodeOriginConflict, httpx.CodeHostInvalid, httpx.CodeRedirectForeign, httpx.CodeRedirectRefused} {
		if !slices.Contains(codes, c) {
			t.Errorf("%s is not in the table", c)
		}
	}
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, c := range codes {
		e := fault.New(c, "")
		if !name.MatchString(c) || e.Message == "" || e.LongMessage == "" || http.StatusText(e.Status()) == "" || e.Status() < 400 {
			t.Errorf("row %q is not whole: %+v", c, e)
		}
	}
	if e := fault.New("no_such_code", ""); e.Code != fault.Internal || e.Status() != 500 {
		t.Errorf("an unknown code: %+v", e)
	}
}

// W20: what is not in the table tells nothing.
func TestAttack_W20_UnknownErrorsTellNothing(t *testing.T) {
	e := fault.From(errors.New(`pq: relation "usher_user" does not exist`))
	if e.Code != fault.Internal || strings.Contains(e.Message+e.LongMessage, "usher_user") || e.Status() != 500 {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(e.Error(), "usher_user") {
		t.Error("the log does not learn the cause")
	}
}

func TestList(t *testing.T) {
	one, two := fault.New("form_param_missing", "a"), fault.New("form_param_nil", "b")
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"nil": {nil, nil}, "one": {one, []string{"form_param_missing"}},
		"two":                {errors.Join(one, two), []string{"form_param_missing", "form_param_nil"}},
		"one and a cause":    {errors.Join(one, errors.New("x")), []string{"form_param_missing"}},
		"only a cause":       {errors.New("x"), []string{fault.Internal}},
		"fields":             {httpx.FieldErrors{{Code: "form_param_nil", Param: "a"}, {Code: "form_param_unknown", Param: "b"}}, []string{"form_param_nil", "form_param_unknown"}},
		"a canceled request": {context.Canceled, []string{"service_unavailable"}},
		"a taken address":    {&store.DuplicateError{Kind: "user", Index: "email"}, []string{"form_identifier_exists"}},
	} {
		var got []string
		for _, e := range fault.List(c.err) {
			got = append(got, e.Code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if !errors.Is(fmt.Errorf("x: %w", one), fault.New("form_param_missing", "other")) || errors.Is(one, two) {
		t.Error("errors are the same if their codes are")
	}
	if with := one.With("k", 1); one.Meta != nil || with.Meta["k"] != 1 {
		t.Error("With changes its receiver")
	}
}
