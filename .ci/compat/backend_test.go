package compat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestBackendJS runs testdata/backend.mjs with @clerk/backend against a host.
func TestBackendJS(t *testing.T) {
	t.Parallel()
	node := tool(t, "Node.js", "node")
	for _, c := range []struct {
		name string
		host func(*testing.T) *host
	}{
		{"memory", func(t *testing.T) *host { return newHost(t, withOrganizations) }},
		{"sqlite, without a URL", func(t *testing.T) *host { return newHost(t, onSQLite(t), anywhere, withOrganizations) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.host(t)
			u := h.person(t, "node@example.com")
			stale := map[string]string{}
			for _, c := range h.cookies(t, u.ID, 5*time.Minute, "compat") {
				stale[c.Name] = c.Value
			}
			staleJSON, err := json.Marshal(stale)
			if err != nil {
				t.Fatal(err)
			}
			digestsJSON, err := json.Marshal(digests)
			if err != nil {
				t.Fatal(err)
			}
			dir, err := filepath.Abs(modules)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), node, "testdata/backend.mjs")
			cmd.Env = append(cmd.Environ(), "MODULES="+dir, "BASE="+h.url, "PUBLISHABLE_KEY="+h.PublishableKey(), "SECRET_KEY="+h.SecretKey(),
				"EMAIL=node@example.com", "PASSWORD="+password, "USER_ID="+u.ID, "STALE="+string(staleJSON),
				"DIGESTS="+string(digestsJSON), "FOREIGN_PASSWORD="+foreignPassword)
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("node: %v\n%s", err, complaints.Bytes())
			}
			results := 0
			for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); results++ {
				var r struct {
					Name  string
					Error *string
				}
				if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
					t.Fatalf("%q: %v", lines.Text(), err)
				}
				t.Run(r.Name, func(t *testing.T) {
					if r.Error != nil {
						t.Error(*r.Error)
					}
				})
			}
			if results < 40 {
				t.Errorf("only %d results", results)
			}
		})
	}
}
