// Package cosmostest runs a Cosmos DB server on the loopback for tests: the
// emulator @vercel/cosmosdb-server, pinned by the files in emulator/, behind a
// proxy that adds what it lacks. Any client can use it, other processes included.
//
// It implements the protocol and does not interpret documents.
package cosmostest

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	// installTimeout bounds the first installation of the emulator.
	installTimeout = 5 * time.Minute
	stopTimeout    = 5 * time.Second
)

//go:embed emulator
var pinned embed.FS

// Start serves an empty account until the test ends and returns its endpoint and
// key. On first use it installs the emulator into the repository's cache, which
// needs Node.js 20 and npm; without them the test fails. With -short the test is
// skipped.
func Start(t testing.TB) (endpoint, key string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: starts a Cosmos DB server")
	}
	emulator := &url.URL{Scheme: "http", Host: "127.0.0.1:" + startEmulator(t, installEmulator(t))}
	front := httptest.NewServer(newProxy(emulator))
	t.Cleanup(front.Close)
	return front.URL, base64.StdEncoding.EncodeToString([]byte("the emulator takes any key"))
}

// startEmulator runs the emulator installed in dir and returns its port.
func startEmulator(t testing.TB, dir string) string {
	t.Helper()
	cmd := exec.Command("node", "server.js")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // it ends when its input ends, also if this process is killed
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		kill := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("the Cosmos DB emulator did not start: %v", lines.Err())
	}
	return lines.Text()
}

// installEmulator returns a folder with the emulator and its dependencies.
func installEmulator(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(repository(t), ".cache", "cosmos-emulator")
	must(t, os.MkdirAll(dir, 0o755))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	must(t, err)
	defer func() { _ = lock.Close() }()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)) // one installation at a time
	var pins []byte
	for _, name := range []string{"server.js", "package.json", "package-lock.json"} {
		pins, err = pinned.ReadFile("emulator/" + name)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), pins, 0o644))
	}
	installed := filepath.Join(dir, "installed.json")
	if have, _ := os.ReadFile(installed); bytes.Equal(have, pins) {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("install the Cosmos DB emulator (needs Node.js 20 or newer with npm): %v\n%s", err, out)
	}
	must(t, os.WriteFile(installed, pins, 0o644))
	return dir
}

// repository returns the parent folder with the go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	must(t, err)
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("Cosmos DB emulator: %v", err)
	}
}
