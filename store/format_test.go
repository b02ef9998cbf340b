package store_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

func TestADatabaseOfALaterFormatIsRefusedByName(t *testing.T) {
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(driver, keys)
	defer func() { _ = s.Close() }()
	for _, build := range []string{"v1", "v2"} { // the second of a format changes nothing
		if err := s.CheckFormat(t.Context(), build); err != nil {
			t.Fatal(err)
		}
	}
	containers := store.Containers()
	container := containers[slices.IndexFunc(containers, func(c *store.Container) bool { return c.Name == "KeyProbes" })]
	r, err := driver.Read(t.Context(), container, "keys", "format")
	if err != nil || !bytes.Contains(r.Body, []byte(`"build":"v1"`)) {
		t.Fatalf("%s, %v", r.Body, err)
	}
	r.Body = bytes.ReplaceAll(bytes.ReplaceAll(r.Body, []byte(`"format":1`), []byte(`"format":2`)), []byte(`"build":"v1"`), []byte(`"build":"v9"`))
	if _, err := driver.Replace(t.Context(), container, r); err != nil {
		t.Fatal(err)
	}
	err = s.CheckFormat(t.Context(), "v2")
	var newer *store.NewerError
	if !errors.As(err, &newer) || newer.Format != 2 || newer.Build != "v9" || !strings.Contains(err.Error(), "start build v9 or a later one") {
		t.Errorf("it ended with %v", err)
	}
}
