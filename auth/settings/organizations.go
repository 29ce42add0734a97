package settings

import "slices"

// Organizations says what is offered of organizations.
type Organizations struct {
	Enabled bool `json:"enabled"`
	// ForceSelection: nobody acts without an organization; there are no personal
	// accounts.
	ForceSelection bool `json:"force_selection"`
	// MembersCreate lets users found organizations, CreateLimit of them unless
	// the user has another limit; 0 is no limit.
	MembersCreate bool `json:"members_create"`
	CreateLimit   int  `json:"create_limit"`
	// MaxMemberships is how many members and open invitations a new organization
	// can have; 0 is no limit.
	MaxMemberships int `json:"max_memberships"`
	// AdminDelete lets members of new organizations who may delete them do so.
	AdminDelete bool `json:"admin_delete"`
	// Slugs gives organizations a name for URLs.
	Slugs bool `json:"slugs"`
	// Domains lets organizations have verified domains; EnrollmentModes are the
	// ways in which people with an address there come in by themselves:
	// automatic_invitation, automatic_suggestion.
	Domains         bool     `json:"domains"`
	EnrollmentModes []string `json:"enrollment_modes"`
	// Teams lets organizations have teams.
	Teams bool `json:"teams"`
}

// enrollmentModes are those that can be switched on.
var enrollmentModes = []string{"automatic_invitation", "automatic_suggestion"}

// DefaultOrganizations is what an instance offers that only switches
// organizations on.
func DefaultOrganizations() Organizations {
	return Organizations{MembersCreate: true, CreateLimit: 100, MaxMemberships: 5, AdminDelete: true}
}

func (o Organizations) validate(check func(ok bool, field, problem string, args ...any)) {
	check(o.Enabled || !o.ForceSelection && !o.Domains && !o.Teams, "organizations.enabled", "must be on for what else is")
	check(o.MaxMemberships >= 0 && o.MaxMemberships <= 1<<30, "organizations.max_memberships", "must be 0 or more")
	check(o.CreateLimit >= 0 && o.CreateLimit <= 1<<30, "organizations.create_limit", "must be 0 or more")
	for _, m := range o.EnrollmentModes {
		check(slices.Contains(enrollmentModes, m), "organizations.enrollment_modes", "%q is unknown", m)
	}
}
