package bapi

import (
	"bytes"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/organization"
)

// orgs is the host's view of all organizations.
func (c *call) orgs() engine.Organizations { return c.engine.Organizations() }

// orgPage reads limit, offset and order_by.
func orgPage(q *httpx.Form) organization.Page {
	var p organization.Page
	p.Offset, p.Limit = page(q)
	p.OrderBy, _ = q.StringMax("order_by", 64)
	return p
}

// ofOrg calls do with the ID of the organization in the path.
func (c *call) ofOrg(do func(id string) (any, error)) (any, error) {
	id, err := c.id("organization_id")
	if err != nil {
		return nil, err
	}
	return do(id)
}

// ofPart calls do with the IDs in the path of the organization and of something
// inside.
func (c *call) ofPart(name string, do func(id, part string) (any, error)) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		part, err := c.id(name)
		if err != nil {
			return nil, err
		}
		return do(id, part)
	})
}

// oneOrg answers with the organization that do returns.
func (c *call) oneOrg(do func(id string) (*organization.Organization, error)) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		o, err := do(id)
		if err != nil {
			return nil, err
		}
		return c.encoder().Organization(o), nil
	})
}

// pageOf answers a page of a list.
func pageOf[V, T any](list []V, total int, one func(V) T) wire.List[T] {
	out := make([]T, 0, len(list))
	for _, v := range list {
		out = append(out, one(v))
	}
	return wire.NewList(out, total)
}

// paged answers with a page of a list, or with why there is none.
func paged[V, T any](one func(V) T) func(list []V, total int, err error) (any, error) {
	return func(list []V, total int, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return pageOf(list, total, one), nil
	}
}

// shown answers with one thing, or with why there is none.
func shown[V, T any](one func(V) T) func(v V, err error) (any, error) {
	return func(v V, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return one(v), nil
	}
}

func listOrganizations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	var f organization.Filter
	f.Query, _ = q.StringMax("query", 256)
	f.IDs, f.NotIDs = signed(values(q, "organization_id"))
	f.UserIDs, f.NotUserIDs = signed(values(q, "user_id"))
	q.Bool("include_members_count")
	missing, _ := q.Bool("include_missing_member_with_elevated_permissions")
	if err := q.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.orgs().List(c.r.Context(), f, p)
	if err != nil {
		return nil, err
	}
	enc := c.encoder()
	out := pageOf(list, total, enc.Organization)
	if !missing {
		return out, nil
	}
	managed, err := c.orgs().Managed(c.r.Context(), list...)
	for i, o := range list {
		none := !managed[o.ID]
		out.Data[i].MissingManager = &none
	}
	return out, err
}

func getOrganization(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	q.Bool("include_members_count")
	missing, _ := q.Bool("include_missing_member_with_elevated_permissions")
	if err := q.Err(); err != nil {
		return nil, err
	}
	return c.ofOrg(func(id string) (any, error) {
		o, err := c.orgs().Get(c.r.Context(), id)
		if err != nil {
			return nil, err
		}
		out := c.encoder().Organization(o)
		if missing {
			managed, err := c.orgs().Managed(c.r.Context(), o)
			if err != nil {
				return nil, err
			}
			none := !managed[o.ID]
			out.MissingManager = &none
		}
		return out, nil
	})
}

func createOrganization(c *call) (any, error) {
	f, err := c.body("name", "slug", "created_by", "public_metadata", "private_metadata", "max_allowed_memberships", "created_at", "role_set_key")
	if err != nil {
		return nil, err
	}
	p := organization.CreateParams{Name: f.Require("name")}
	p.Slug, _ = f.String("slug")
	p.CreatedBy, _ = f.String("created_by")
	p.PublicMetadata, _ = f.JSONObject("public_metadata")
	p.PrivateMetadata, _ = f.JSONObject("private_metadata")
	if n := readCount(f, "max_allowed_memberships"); n != nil {
		if p.MaxMemberships = *n; *n == 0 {
			p.MaxMemberships = -1
		}
	}
	p.CreatedAt = readCreatedAt(f, c.engine.Now())
	f.String("role_set_key") // there is one
	if err := f.Err(); err != nil {
		return nil, err
	}
	o, err := c.orgs().Create(c.r.Context(), p)
	if err != nil {
		return nil, err
	}
	return c.encoder().Organization(o), nil
}

// readCount reads a number that is not negative; null and absent are nil.
func readCount(f *httpx.Form, name string) *int {
	n, ok := f.Int(name)
	if !ok || f.Null(name) {
		return nil
	}
	if n < 0 || n > 1<<30 {
		f.Fail("form_param_value_invalid", name, "must be 0 or more")
		return nil
	}
	count := int(n)
	return &count
}

// given is the text of a field; null and absent are nil.
func given(f *httpx.Form, name string) *string {
	v, ok := f.String(name)
	if !ok || f.Null(name) {
		return nil
	}
	return &v
}

func updateOrganization(c *call) (any, error) {
	return c.oneOrg(func(id string) (*organization.Organization, error) {
		// Metadata has an endpoint of its own; clients of earlier versions send it
		// here.
		f, err := c.body("name", "slug", "max_allowed_memberships", "admin_delete_enabled", "created_at", "role_set_key", "public_metadata", "private_metadata")
		if err != nil {
			return nil, err
		}
		p := engine.UpdateOrganizationParams{Name: given(f, "name"), Slug: given(f, "slug"), MaxMemberships: readCount(f, "max_allowed_memberships"),
			AdminDeleteEnabled: optional(f, "admin_delete_enabled")}
		p.PublicMetadata, _ = f.JSONObject("public_metadata")
		p.PrivateMetadata, _ = f.JSONObject("private_metadata")
		if at := readCreatedAt(f, c.engine.Now()); !at.IsZero() {
			p.CreatedAt = &at
		}
		f.String("role_set_key")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.orgs().Update(c.r.Context(), id, p)
	})
}

func deleteOrganization(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		o, err := c.orgs().Delete(c.r.Context(), id)
		if err != nil {
			return nil, err
		}
		return c.encoder().DeletedOrganization(o), nil
	})
}

func mergeOrgMetadata(c *call) (any, error)   { return c.orgMetadata(true) }
func replaceOrgMetadata(c *call) (any, error) { return c.orgMetadata(false) }

func (c *call) orgMetadata(merge bool) (any, error) {
	return c.oneOrg(func(id string) (*organization.Organization, error) {
		f, err := c.body("public_metadata", "private_metadata")
		if err != nil {
			return nil, err
		}
		public, _ := f.JSONObject("public_metadata")
		private, _ := f.JSONObject("private_metadata")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.orgs().SetMetadata(c.r.Context(), id, public, private, merge)
	})
}

// logo is an organization with what older clients call the logo's URL.
type logo struct {
	*backend.Organization
	LogoURL string `json:"logo_url"`
}

// setOrgLogo stores a picture that is decoded and encoded anew.
func setOrgLogo(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		if _, err := c.orgs().Get(c.r.Context(), id); err != nil {
			return nil, err
		}
		f, err := httpx.ParseUpload(c.w, c.r)
		if err != nil {
			return nil, err
		}
		file, ok := f.File("file")
		if !ok && f.Err() == nil {
			f.Fail(httpx.CodeMissing, "file", "must be included")
		}
		f.String("uploader_user_id")
		if err := f.Err(); err != nil {
			return nil, err
		}
		im, err := c.pictures.Decode(c.r.Context(), bytes.NewReader(file.Data))
		if err != nil {
			return nil, pictureError(err)
		}
		o, err := c.orgs().SetImage(c.r.Context(), id, im.ContentType, im.Data)
		if err != nil {
			return nil, err
		}
		out := c.encoder().Organization(o)
		return logo{out, out.ImageURL}, nil
	})
}

func deleteOrgLogo(c *call) (any, error) {
	return c.oneOrg(func(id string) (*organization.Organization, error) {
		return c.orgs().SetImage(c.r.Context(), id, "", nil)
	})
}

// readOrgStatus reads the status of invitations to list.
func readOrgStatus(q *httpx.Form) []organization.Status {
	vs, _ := q.Strings("status")
	var out []organization.Status
	for _, v := range vs {
		switch s := organization.Status(v); s {
		case organization.Pending, organization.Accepted, organization.Revoked, organization.Expired:
			out = append(out, s)
		case "":
		default:
			q.Fail(httpx.CodeQueryValue, "status", "is no status of an invitation")
		}
	}
	return out
}

// checkRedirect refuses where an invitation must not lead.
func (c *call) checkRedirect(f *httpx.Form) string {
	to, _ := f.StringMax("redirect_url", 2048)
	if to == "" {
		return ""
	}
	checked, err := c.site.Redirects.Check(c.r, "redirect_url", to)
	if err != nil {
		f.Fail(fault.From(err).Code, "redirect_url", "is not on an origin that is allowed here")
	}
	return checked
}
