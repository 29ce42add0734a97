package auth_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Rows of the security reference (C are credentials, L codes and links, P
// second factors and passkeys, S sessions, T tokens, O providers, M
// organizations, W input and output, R faults) that have tests, named for
// them, in this version; a removed test is noticed here.
const requiredRows = `C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20 C21
L01 L02 L03 L04 L05 L06 L07 L08 L09 L10 L11 L12 L13 L14 L15 L16
P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 P13
S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19
T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11 T12 T13 T14 T16 T17
O01 O02 O03 O04 O05 O06 O07 O08 O09 O10 O11 O14 O15
M01 M02 M03 M04 M05 M06 M07 M08 M09 M10 M12 M13 M14 M15
W01 W04 W05 W06 W07 W08 W09 W10 W12 W13 W14 W15 W16 W17 W19 W20
R01 R02 R03 R04 R05 R09 R10 R11 R13 R14 R15 R16 R18 R19 R20 R22 R23 R24 R25 R26 R27 R29 R30 R31`

// laterRows concern what this version does not have, or are shown elsewhere.
var laterRows = map[string]string{
	"T15": "token templates",
	"O12": "usher is no authorization server yet: it has no authorize endpoint",
	"O13": "no authorization server: it gives out neither codes nor refresh tokens",
	"O16": "no authorization server: it has no device flow",
	"M11": "there is no dashboard",
	"W02": "webhooks",
	"W03": "webhooks",
	"W11": "no test of its own: R29 and T14 fill the limiters and caches",
	"W18": "templates are the host's own files, not an operator's",
	"R06": "connections cut during COMMIT", "R07": "failover", "R08": "slow databases", "R12": "clocks apart",
	"R17": "notifications between instances; they poll", "R21": "webhooks",
	"R28": "restoring a backup", "R32": "a million users", "R33": "settings cut off",
}

var (
	testName  = regexp.MustCompile(`(?m)^func Test(?:Attack|Fault)((?:_[A-Z]\d\d)+)|"(?:Test)?(?:Attack|Fault)((?:_[A-Z]\d\d)+)`)
	rowName   = regexp.MustCompile(`[A-Z]\d\d`)
	tableLine = regexp.MustCompile(`(?m)^\| ([A-Z]\d\d) \|`)
)

// testedRows finds the rows that tests of the module are named for.
func testedRows(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range testName.FindAllStringSubmatch(string(src), -1) {
			for _, row := range rowName.FindAllString(m[1]+m[2], -1) {
				rows[row] = append(rows[row], path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSecurityRowsHaveTests(t *testing.T) {
	tested, required := testedRows(t), strings.Fields(requiredRows)
	for _, row := range required {
		if len(tested[row]) == 0 {
			t.Errorf("no test is named for row %s", row)
		}
		if why, ok := laterRows[row]; ok {
			t.Errorf("row %s is required and excused (%s)", row, why)
		}
	}
	reference, err := os.ReadFile("../../shared/reference/security.md")
	if err != nil {
		t.Logf("the reference is not beside the module: only the list of this file was checked")
		return
	}
	var without []string
	for _, m := range tableLine.FindAllSubmatch(reference, -1) {
		row := string(m[1])
		if len(tested[row]) > 0 {
			continue
		}
		without = append(without, row)
		if _, excused := laterRows[row]; !excused && strings.ContainsRune("CLPSTOMWR", rune(row[0])) {
			t.Errorf("row %s has no test and no reason", row)
		}
	}
	t.Logf("%d rows have tests; without: %s", len(tested), strings.Join(without, " "))
	for _, row := range slices.Sorted(maps.Keys(laterRows)) {
		t.Logf("%s: %s", row, laterRows[row])
	}
}
