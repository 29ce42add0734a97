//go:build linux

package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the process itself may cost. The goals are those of a quiet machine of
// two cores; the test only asserts that they are not missed by far.
const (
	firstStartGoal = 200 * time.Millisecond // schema, keys and secrets are made
	laterStartGoal = 30 * time.Millisecond
	restGoal       = 30 << 20 // bytes of resident memory
	sizeLimit      = 25e6     // bytes of the stripped binary
	slack          = 3
)

// buildDir is where build puts the binary; TestMain removes it.
var buildDir string

// build compiles the example once for all tests.
var build = sync.OnceValues(func() (path string, err error) {
	if buildDir, err = os.MkdirTemp("", "quickstart"); err != nil {
		return "", err
	}
	path = filepath.Join(buildDir, "quickstart")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

func binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the binary on a database and returns how long it took to the first
// answer, and how much memory it has when it rests.
func start(t testing.TB, binary, db string) (ready time.Duration, resident int64) {
	t.Helper()
	addr := freeAddr(t)
	cmd := exec.Command(binary, "-addr", addr, "-db", db)
	var log strings.Builder
	cmd.Stderr = &log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGKILL) // as hard as it may come: the next start must not mind
		cmd.Wait()
	}()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		res, err := client.Get("http://" + addr + "/")
		if err == nil {
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Fatalf("the first answer is %s", res.Status)
			}
			ready = time.Since(begin)
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("no answer: %v\n%s", err, log.String())
		}
		time.Sleep(time.Millisecond) // another process: there is nothing else to wait for
	}
	// At rest is after its background jobs have had their first turns.
	time.Sleep(1500 * time.Millisecond)
	return ready, residentOf(t, cmd.Process.Pid)
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// residentOf reads VmRSS of a process.
func residentOf(t testing.TB, pid int) int64 {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestProcess: the binary is small, starts at once, with a new database and
// with the same one again after a kill, and rests in little memory.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a binary")
	}
	bin := binary(t)
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > sizeLimit {
		t.Errorf("the stripped binary has %d bytes, more than %.0f", info.Size(), sizeLimit)
	}
	db := filepath.Join(t.TempDir(), "usher.db")
	first, _ := start(t, bin, db)
	later, resident := start(t, bin, db)
	// One start may meet a busy machine; the best of three says more.
	for range 2 {
		if first > slack*firstStartGoal {
			again, _ := start(t, bin, filepath.Join(t.TempDir(), "usher.db"))
			first = min(first, again)
		}
		if later > slack*laterStartGoal {
			again, _ := start(t, bin, db)
			later = min(later, again)
		}
	}
	if first > slack*firstStartGoal {
		t.Errorf("the first start took %v", first)
	}
	if later > slack*laterStartGoal {
		t.Errorf("a later start took %v", later)
	}
	if resident > slack*restGoal {
		t.Errorf("%d bytes are resident at rest", resident)
	}
}

// BenchmarkProcess reports the medians of first and later starts, memory at
// rest and the size of the binary: `go test -bench Process -benchtime 9x`. The
// limit beside them is the bare start of a program that does nothing.
func BenchmarkProcess(b *testing.B) {
	bin := binary(b)
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	var first, later, resident, bare []float64
	for b.Loop() {
		db := filepath.Join(b.TempDir(), "usher.db")
		f, _ := start(b, bin, db)
		l, r := start(b, bin, db)
		first, later = append(first, f.Seconds()*1e3), append(later, l.Seconds()*1e3)
		resident = append(resident, float64(r)/(1<<20))
		begin := time.Now()
		if err := exec.Command(bin, "-h").Run(); err != nil { // says how it is used, and exits
			b.Fatal(err)
		}
		bare = append(bare, time.Since(begin).Seconds()*1e3)
	}
	for _, v := range [][]float64{first, later, resident, bare} {
		slices.Sort(v)
	}
	b.ReportMetric(first[len(first)/2], "first-ms")
	b.ReportMetric(later[len(later)/2], "later-ms")
	b.ReportMetric(bare[len(bare)/2], "bare-ms")
	b.ReportMetric(resident[len(resident)/2], "rest-MiB")
	b.ReportMetric(float64(info.Size())/1e6, "stripped-MB")
	b.ReportMetric(0, "ns/op")
}
