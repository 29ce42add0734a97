package organization

import "errors"

var (
	// ErrName: a name is empty, too long, or holds markup or a link.
	ErrName = errors.New("organization: name not acceptable")
	// ErrSlug: a slug is not made of a-z, 0-9 and hyphens, or is reserved.
	ErrSlug = errors.New("organization: slug not acceptable")
	// ErrSlugTaken: another organization has the slug, or had it recently.
	ErrSlugTaken = errors.New("organization: slug is taken")
	// ErrFull: members and open invitations have reached the quota.
	ErrFull = errors.New("organization: membership quota reached")
	// ErrAlreadyMember: the user is a member.
	ErrAlreadyMember = errors.New("organization: already a member")
	// ErrLastManager: somebody must keep the minimum permissions.
	ErrLastManager = errors.New("organization: somebody must keep the minimum permissions")
	// ErrUnknownRole: there is no such role.
	ErrUnknownRole = errors.New("organization: no such role")
	// ErrMissingPermission: who acts lacks a permission, or what is to be
	// granted or taken is more than they have.
	ErrMissingPermission = errors.New("organization: permission missing")

	// ErrRoleKey: the key of a role is not org:key.
	ErrRoleKey = errors.New("organization: role key not acceptable")
	// ErrTooManyRoles: there are MaxRoles roles of the host's own.
	ErrTooManyRoles = errors.New("organization: too many roles")
	// ErrSystemRole: the role is built in.
	ErrSystemRole = errors.New("organization: built-in role")
	// ErrRoleCreator: the role is, or is to be, given to founders, and must hold
	// the minimum permissions.
	ErrRoleCreator = errors.New("organization: creator role needs the minimum permissions")
	// ErrRoleCreatorUse: the role is given to founders.
	ErrRoleCreatorUse = errors.New("organization: role is the creator role")
	// ErrRoleDefaultUse: the role is given to those who join by themselves.
	ErrRoleDefaultUse = errors.New("organization: role is the default role")
	// ErrRoleAssigned: members have the role.
	ErrRoleAssigned = errors.New("organization: role is assigned to members")
	// ErrRoleInvited: the role is in open invitations.
	ErrRoleInvited = errors.New("organization: role is in open invitations")

	// ErrPermissionKey: a key is not org:feature:permission.
	ErrPermissionKey = errors.New("organization: permission key not acceptable")
	// ErrUnknownPermission: there is no such permission.
	ErrUnknownPermission = errors.New("organization: no such permission")
	// ErrSystemPermission: the permission is built in.
	ErrSystemPermission = errors.New("organization: built-in permission")
	// ErrTooManyPermissions: there are MaxPermissions of the host's own.
	ErrTooManyPermissions = errors.New("organization: too many permissions")

	// ErrInvited: the address has an open invitation.
	ErrInvited = errors.New("organization: invited already")
	// ErrInvitationAccepted: somebody has accepted the invitation.
	ErrInvitationAccepted = errors.New("organization: invitation accepted already")
	// ErrInvitationRevoked: the invitation was taken back.
	ErrInvitationRevoked = errors.New("organization: invitation revoked")
	// ErrInvitationOver: the invitation has run out.
	ErrInvitationOver = errors.New("organization: invitation not pending")
	// ErrExpiry: an invitation lasts 1 to 365 days.
	ErrExpiry = errors.New("organization: expiry not acceptable")
	// ErrRequestOver: the membership request was decided.
	ErrRequestOver = errors.New("organization: membership request not pending")
	// ErrSuggestionAccepted: the suggestion was accepted.
	ErrSuggestionAccepted = errors.New("organization: suggestion accepted already")

	// ErrDomain: the text is no domain.
	ErrDomain = errors.New("organization: not a domain")
	// ErrDomainCommon: everybody can have an address at the domain.
	ErrDomainCommon = errors.New("organization: domain of a mail provider")
	// ErrDomainBlocked: addresses at the domain are thrown away.
	ErrDomainBlocked = errors.New("organization: disposable domain")
	// ErrDomainExists: the organization has the domain already.
	ErrDomainExists = errors.New("organization: domain exists")
	// ErrDomainTaken: another organization has shown to be of the domain.
	ErrDomainTaken = errors.New("organization: domain belongs to another organization")
	// ErrTooManyDomains: the organization has MaxDomains.
	ErrTooManyDomains = errors.New("organization: too many domains")
	// ErrDomainUnverified: the domain must be verified first.
	ErrDomainUnverified = errors.New("organization: domain not verified")
	// ErrEnrollmentMode: the way of enrolling is unknown.
	ErrEnrollmentMode = errors.New("organization: enrollment mode not acceptable")
	// ErrAffiliation: the address is not at the domain.
	ErrAffiliation = errors.New("organization: address is not at the domain")

	// ErrTeamName: a team's name is empty or too long.
	ErrTeamName = errors.New("organization: team name not acceptable")
	// ErrTooManyTeams: the organization has MaxTeams.
	ErrTooManyTeams = errors.New("organization: too many teams")
)
