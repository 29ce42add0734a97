package factor

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"github.com/usherauth/usher/auth/settings"
)

// TestCode is the code of every test identifier.
const TestCode = "424242"

// testTag marks an address as one for tests.
const testTag = "+clerk_test"

// TestIdentifier reports whether settings in test mode give an e-mail address
// or phone number [TestCode], and send it nothing: addresses with +clerk_test
// before the @, and the fictitious numbers +1 XXX 555 0100 to 0199.
func TestIdentifier(s *settings.Settings, identifier string) bool {
	if !s.TestMode {
		return false
	}
	if local, _, ok := strings.Cut(identifier, "@"); ok {
		return strings.Contains(local, testTag)
	}
	return len(identifier) == len("+12015550100") && strings.HasPrefix(identifier, "+1") && identifier[5:10] == "55501" &&
		strings.Trim(identifier[1:], "0123456789") == ""
}

// drawCode draws the six digits for a target, and reports whether they are to
// be sent.
func drawCode(s *settings.Settings, target string) (code string, send bool, err error) {
	if TestIdentifier(s, target) {
		return TestCode, false, nil
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	return fmt.Sprintf("%06d", n), true, err
}
