package backend

// TotalCount is how many there are of something.
type TotalCount struct {
	Object     string `json:"object"`
	TotalCount int    `json:"total_count"`
}

// NewTotalCount says that there are n.
func NewTotalCount(n int) TotalCount { return TotalCount{Object: "total_count", TotalCount: n} }

// Verified says that what was shown is right.
type Verified struct {
	Verified bool `json:"verified"`
}

// Directives are Set-Cookie lines for a backend to hand on.
type Directives struct {
	Directives []string `json:"directives"`
}

// Instance is the instance itself.
type Instance struct {
	Object          string   `json:"object"`
	ID              string   `json:"id"`
	EnvironmentType string   `json:"environment_type"`
	AllowedOrigins  []string `json:"allowed_origins"` // null: none beside the site's own
	WorkspaceID     *string  `json:"workspace_id"`    // null: nobody's but the host's
}

// UserID says whose something was.
type UserID struct {
	UserID string `json:"user_id"`
}

// VerifiedCode says that a code was right, and of which kind it was.
type VerifiedCode struct {
	Verified bool   `json:"verified"`
	CodeType string `json:"code_type"`
}
