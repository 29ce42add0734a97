package auth_test

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// modules are those that go.mod requires directly, each with the reason why.
var modules = map[string]string{
	"github.com/boombuler/barcode":    "the QR code that hands a secret to an authenticator app",
	"github.com/ccojocar/zxcvbn-go":   "guesses how hard a password is to guess",
	"github.com/coreos/go-oidc/v3":    "checks ID tokens of social providers",
	"github.com/getkin/kin-openapi":   "tests: answers are held against the published description of the API",
	"github.com/go-webauthn/webauthn": "reads what devices answer with passkeys, and verifies it",
	"github.com/golang-jwt/jwt/v5":    "reads and writes signed tokens",
	"github.com/google/go-cmp":        "tests: says where two values differ",
	"github.com/jackc/pgx/v5":         "driver for PostgreSQL",
	"github.com/pquerna/otp":          "codes of authenticator apps",
	"github.com/nyaruka/phonenumbers": "tests: the port of libphonenumber that user/phone is held against, and gets its table from",
	"github.com/wneessen/go-mail":     "MIME and SMTP with every kind of TLS",
	"go.etcd.io/bbolt":                "the database of the example of a custom store",
	"go.uber.org/goleak":              "tests: no goroutine is left behind",
	"golang.org/x/crypto":             "argon2id, bcrypt, scrypt",
	"golang.org/x/image":              "scales profile pictures, and reads WebP",
	"golang.org/x/net":                "IDNA for the domains of e-mail addresses",
	"golang.org/x/oauth2":             "exchanges and renews tokens at social providers",
	"golang.org/x/text":               "Unicode normal forms of passwords and names",
	"modernc.org/sqlite":              "driver for SQLite without CGO",
	"pgregory.net/rapid":              "tests: the conformance suite draws its histories with it",
}

// A new module needs a reason here, and one that is no longer required leaves
// the list.
func TestAttack_W14_EveryModuleHasAReason(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", "../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		found[r.Path] = true
		if modules[r.Path] == "" {
			t.Errorf("go.mod requires %s for no reason", r.Path)
		}
	}
	for path := range modules {
		if !found[path] {
			t.Errorf("%s is listed and not required", path)
		}
	}
	for _, r := range mod.Replace {
		t.Errorf("%s is replaced: others would get something else", r.Old.Path)
	}
}
