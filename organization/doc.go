// Package organization holds groups of users and what they may do in them:
// organizations, memberships, roles, permissions, invitations, domains and
// teams, with the rules that hold over them.
//
//	roles, err := organization.LoadRoles(ctx, tx)
//	...
//	o, err := organization.Create(ctx, tx, roles, organization.CreateParams{Name: "Acme"}, now)
//	...
//	_, err = organization.Add(ctx, tx, o, roles, organization.NewMember{UserID: id, Role: roles.Creator()}, now)
//
// # The guard record
//
// An [Organization] guards everything inside it: who adds, changes or removes
// a membership or an invitation also Puts the organization, which counts its
// members, by role too, and its open invitations. Quotas, the last manager and
// counts are therefore decided at the write and right under any interleaving,
// and nothing has to be counted. A role that the host made is Put with each
// assignment, so that it cannot be deleted meanwhile; the [RoleSet] guards the
// list of roles.
//
// Nothing that an organization owns hangs on a person: CreatedBy is a note and
// may name somebody who is gone.
package organization
