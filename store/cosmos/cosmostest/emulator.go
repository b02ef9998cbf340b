// Package cosmostest serves a Cosmos DB account on the loopback for tests: the emulator of
// package emulator. Any client can use it, real processes included.
//
// It implements the protocol and does not interpret documents.
package cosmostest

import (
	"encoding/base64"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/store/cosmos/emulator"
)

// Start serves an empty account until the test ends and returns its endpoint and
// key. On first use it installs the emulator into the repository's cache, which
// needs Node.js 20 and npm; without them the test fails. With -short the test is
// skipped.
func Start(t testing.TB) (endpoint, key string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: starts a Cosmos DB server")
	}
	server, err := emulator.Start(t.Context(), filepath.Join(repository(t), ".cache", "cosmos-emulator"))
	must(t, err)
	t.Cleanup(server.Close)
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	return front.URL, base64.StdEncoding.EncodeToString([]byte("the emulator takes any key"))
}

// repository is the folder above the test that has the go.mod.
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
