package ui

// OrganizationPaths are those of the pages of organizations: that show
// something, and that take a form.
func OrganizationPaths() (gets, posts []string) {
	for path, r := range organizationRoutes() {
		if r.get != nil {
			gets = append(gets, path)
		}
		if r.post != nil {
			posts = append(posts, path)
		}
	}
	return gets, posts
}
