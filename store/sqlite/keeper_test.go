package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Driver { return open(t, filepath.Join(t.TempDir(), "aro.db")) })
}

func open(t testing.TB, path string) store.Driver {
	t.Helper()
	k, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}
