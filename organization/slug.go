package organization

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/usherauth/usher/store"
)

const (
	maxNameLen = 256 // code points
	maxSlugLen = 64
	// slugRest is how long a slug that was given up belongs to nobody: links to
	// it are still about.
	slugRest = 90 * 24 * time.Hour
)

// A slugClaim says whose a slug is, or was until FreedAt. Its ID is the slug,
// so that two who want one collide.
type slugClaim struct {
	store.Meta
	OrganizationID string    `json:"organization_id"`
	FreedAt        time.Time `json:"freed_at,omitzero"`
}

// SlugKind is where slugs are claimed.
var SlugKind = &store.Kind{Name: "organization_slug"}

var slugs = store.Table[slugClaim, *slugClaim]{Kind: SlugKind}

// StoreEntries is empty: claims are found by slug.
func (*slugClaim) StoreEntries() []store.Entry { return nil }

// reservedSlugs are words that applications use in paths, or that say more than
// an organization should.
var reservedSlugs = strings.Fields(`about account accounts admin administrator api app apps assets auth billing blog bot
contact console create-organization dashboard docs email example explore faq favicon feed help home host hosting html http https
images img inbox index internal invite invitations join js legal link links localhost login logout mail me members metrics
new news no-reply noreply notifications null oauth official org organization organizations orgs page pages password payment
payments personal ping plan plans policy postmaster pricing privacy private profile public register robots root rss search
security select self session sessions settings setup shop sign-in sign-out sign-up signin signout signup sitemap sso staff
static stats status store subscribe support sys system team teams terms test tos trust undefined unsubscribe update upload
uploads user users usher verify webhook webhooks well-known wiki www you`)

// CheckSlug refuses what can be no slug: it has 1 to 64 characters of a-z, 0-9
// and single hyphens between them, at least one letter, is not reserved, and
// does not look like an ID or a domain in other letters.
func CheckSlug(slug string) error {
	switch {
	case slug == "" || len(slug) > maxSlugLen || strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("%w: must have 1 to 64 characters of a-z, 0-9 and -", ErrSlug)
	case strings.Trim(slug, "0123456789-") == "":
		return fmt.Errorf("%w: must have a letter", ErrSlug)
	case slug[0] == '-' || slug[len(slug)-1] == '-' || strings.Contains(slug, "--"):
		return fmt.Errorf("%w: hyphens stand alone, between other characters", ErrSlug)
	case slices.Contains(reservedSlugs, slug):
		return fmt.Errorf("%w: reserved", ErrSlug)
	}
	return nil
}

// SetSlug claims a slug for o, who gives up the former one; empty is none. The
// caller stores o.
func SetSlug(ctx context.Context, tx store.Tx, o *Organization, slug string, now time.Time) error {
	if slug == o.Slug {
		return nil
	}
	if slug != "" {
		if err := CheckSlug(slug); err != nil {
			return err
		}
		c, err := slugs.Get(ctx, tx, slug)
		switch {
		case missing(err):
			c = &slugClaim{Meta: store.Meta{ID: slug}}
		case err != nil:
			return err
		case c.OrganizationID != o.ID && (c.FreedAt.IsZero() || now.Before(c.FreedAt.Add(slugRest))):
			return ErrSlugTaken
		}
		c.OrganizationID, c.FreedAt, c.Expires = o.ID, time.Time{}, time.Time{}
		if err := slugs.Put(ctx, tx, c); err != nil {
			return err
		}
	}
	if err := freeSlug(ctx, tx, o.ID, o.Slug, now); err != nil {
		return err
	}
	o.Slug = slug
	return nil
}

// freeSlug gives a slug up.
func freeSlug(ctx context.Context, tx store.Tx, id, slug string, now time.Time) error {
	if slug == "" {
		return nil
	}
	c, err := slugs.Get(ctx, tx, slug)
	if missing(err) || err == nil && c.OrganizationID != id {
		return nil
	}
	if err != nil {
		return err
	}
	c.FreedAt = now
	c.Expires = now.Add(slugRest)
	return slugs.Put(ctx, tx, c)
}

// SuggestSlug makes a slug of a name, with a few random characters behind it so
// that it is nobody's yet.
func SuggestSlug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxSlugLen-16 {
			break
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = "org"
	}
	return base + "-" + strings.ToLower(rand.Text()[:8])
}

// linkLike matches what mail programs and pages turn into a link.
var linkLike = regexp.MustCompile(`(?i)://|\bwww\.|\b(https?|ftp|file|data|mailto|javascript|vbscript):`)

// CheckName returns a name trimmed, or ErrName if it is empty, longer than 256
// code points, or holds markup, a link, or characters that change how a line
// is read.
func CheckName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxNameLen {
		return "", fmt.Errorf("%w: must have 1 to %d characters", ErrName, maxNameLen)
	}
	for _, r := range name {
		if r == utf8.RuneError || r == '<' || r == '>' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return "", fmt.Errorf("%w: character %U", ErrName, r)
		}
	}
	if linkLike.MatchString(norm.NFKC.String(name)) {
		return "", fmt.Errorf("%w: holds a link", ErrName)
	}
	return name, nil
}
