package auth_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/usherauth/usher/"

// layers says what each package of the module may import of it, by prefix. A
// package that is not named has the rules of the folder above it.
var layers = map[string][]string{
	"token":                       {},
	"store":                       {},
	"store/internal":              {"store"},
	"store/memory":                {"store"},
	"store/sqlite":                {"store", "store/internal"},
	"store/postgres":              {"store", "store/internal"},
	"storetest":                   {"store", "store/memory", "storetest"},
	"user":                        {"store"},
	"user/password":               {"user/password"},
	"user/totp":                   {},
	"user/backupcode":             {"user"},
	"user/passkey":                {"user"},
	"user/phone":                  {"user"},
	"session":                     {"store"},
	"organization":                {"store", "user"},
	"session/useragent":           {},
	"auth/settings":               {},
	"auth/notify":                 {"auth/notify", "auth/internal/httpx"},
	"auth/internal/httpx":         {},
	"auth/internal/limit":         {},
	"auth/internal/outbound":      {},
	"auth/internal/picture":       {},
	"auth/internal/fault":         {"auth/internal/httpx", "user", "session", "organization", "store"},
	"auth/linking":                {},
	"auth/oauth":                  {"auth/internal/outbound", "auth/oauth"},
	"auth/access":                 {"store", "user"},
	"auth/ticket":                 {"auth/internal/fault", "organization", "store", "user"},
	"auth/captcha":                {},
	"auth/factor":                 {"auth/oauth", "auth/ticket", "auth/internal/fault", "auth/notify", "auth/settings", "user", "session", "store"},
	"auth/lockout":                {"store"},
	"auth/reverify":               {"auth/factor", "auth/internal/fault", "auth/settings", "user", "session", "store"},
	"auth/signin":                 {"auth/oauth", "auth/factor", "auth/internal/fault", "auth/settings", "user", "session", "store", "auth/ticket"},
	"auth/signup":                 {"auth/oauth", "auth/factor", "auth/internal/fault", "auth/settings", "user", "session", "store", "auth/ticket"},
	"auth/internal/engine":        {"auth/oauth", "auth/linking", "auth/factor", "auth/signin", "auth/signup", "auth/reverify", "auth/lockout", "auth/notify", "auth/settings", "auth/internal/fault", "auth/internal/limit", "auth/internal/picture", "user", "session", "organization", "store", "token", "auth/access", "auth/captcha", "auth/ticket"},
	"auth/internal/site":          {"auth/internal/engine", "auth/internal/httpx", "session"},
	"auth/internal/wire":          {"auth/oauth", "auth/internal", "auth/factor", "auth/signin", "auth/signup", "auth/reverify", "auth/settings", "user", "session", "organization", "store", "token", "auth/access", "auth/captcha", "auth/ticket"},
	"auth/fapi":                   {"auth/oauth", "auth/internal", "auth/factor", "auth/signin", "auth/signup", "auth/reverify", "auth/settings", "user", "session", "organization", "store", "token", "auth/captcha", "auth/ticket"},
	"auth/bapi":                   {"auth/oauth", "auth/internal", "auth/factor", "auth/settings", "user", "session", "organization", "store", "token", "auth/access", "auth/notify", "auth/ticket"},
	"auth/ui":                     {"auth/oauth", "auth/internal", "auth/factor", "auth/signin", "auth/signup", "auth/reverify", "auth/settings", "user", "session", "organization", "store", "auth/captcha", "auth/ticket"},
	"auth":                        {"auth", "user", "session", "organization", "store", "token"},
	"examples/verifyonly":         {"token"},
	"examples/customstore":        {"store"},
	"examples/multitenant":        {"auth", "organization", "store", "user"},
	"examples/quickstart":         {"auth", "store"},
	"store/postgres/postgrestest": {"store"},
}

// outside says which modules only these packages may link.
var outside = map[string][]string{
	"modernc.org/sqlite":              {"store/sqlite"},
	"github.com/jackc/pgx":            {"store/postgres"},
	"go.etcd.io/bbolt":                {"examples/customstore"},
	"github.com/wneessen/go-mail":     {"auth/notify/smtp"},
	"github.com/golang-jwt/jwt":       {"token"},
	"github.com/coreos/go-oidc":       {"auth/oauth"},
	"golang.org/x/oauth2":             {"auth/oauth"},
	"pgregory.net/rapid":              {"storetest", "organization"},
	"github.com/pquerna/otp":          {"user/totp"},
	"github.com/boombuler":            {"user/totp"},
	"github.com/go-webauthn":          {"user/passkey"},
	"github.com/nyaruka/phonenumbers": {"user/phone"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportRules(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		check(t, p)
	}
	if seen < 20 {
		t.Fatalf("only %d packages seen", seen)
	}
}

func check(t *testing.T, p pkg) {
	name := strings.TrimPrefix(p.ImportPath, module)
	rule := longest(name)
	for _, imp := range p.Imports {
		if own, ok := strings.CutPrefix(imp, module); ok {
			if own == "auth" && rule != "examples/quickstart" && rule != "examples/multitenant" && name != "auth/authtest" {
				t.Errorf("%s imports the façade", name)
			}
			if rule != "auth" && !slices.ContainsFunc(layers[rule], func(may string) bool { return under(own, may) }) && !under(own, name) {
				t.Errorf("%s imports %s, which the rules of %s do not allow", name, own, rule)
			}
			continue
		}
		for mod, users := range outside {
			if strings.HasPrefix(imp, mod) && !slices.ContainsFunc(users, func(u string) bool { return under(name, u) }) {
				t.Errorf("%s imports %s, which belongs to %v", name, imp, users)
			}
		}
	}
}

// longest finds the rule that fits name best.
func longest(name string) (best string) {
	for rule := range layers {
		if under(name, rule) && len(rule) > len(best) {
			best = rule
		}
	}
	return best
}

func under(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

// A service that only verifies links nothing but the JWT library.
func TestTokenLinksOnlyJWT(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"token").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep != module+"token" && !strings.HasPrefix(dep, "github.com/golang-jwt/jwt/") {
			t.Errorf("token links %s", dep)
		}
	}
}
