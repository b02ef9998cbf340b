package damage

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/harness"
)

// onKeys starts a process without a worker on the database with a key file of its own.
func onKeys(path string, lines ...string) (*harness.Process, error) {
	keys := path + ".own"
	if err := os.WriteFile(keys, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return nil, err
	}
	return harness.Launch(harness.Options{Binary: binary, Store: "sqlite:" + path, Args: []string{"--no-backend", "--encryption-keys", keys}})
}

func TestAProcessWithOtherKeysDoesNotStart(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "aro.db")
	first := harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + path, Args: []string{"--no-backend"}})
	client := harness.NewClient(first.URL, nil)
	ready := func(want int) bool {
		r, err := client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: "/healthz/ready"})
		return err == nil && r.Status == want
	}
	if !ready(http.StatusOK) {
		t.Fatal("it is not ready with its own keys")
	}

	refused := func(why string, p *harness.Process, err error, says string) {
		t.Helper()
		if err == nil {
			p.Kill()
			t.Errorf("%s: it started", why)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: it ended with %v", why, err)
		}
	}
	other, err := onKeys(path, store.NewKey())
	refused("other keys", other, err, "the encryption keys are not those of the database")

	file := path + ".keys"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	without, err := harness.Launch(harness.Options{Binary: binary, Store: "sqlite:" + path, Args: []string{"--no-backend"}})
	refused("no keys", without, err, "the database has documents already")
	if _, err := os.Stat(file); err == nil {
		t.Error("it made new keys over a filled database")
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	// A newer key that the first process cannot know.
	newer := store.NewKey()
	second, err := onKeys(path, newer, string(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Kill)
	s := &stage{t: t}
	s.eventually("the first process is not ready any more", func() bool { return ready(http.StatusServiceUnavailable) })
	if err := os.WriteFile(file, []byte(newer+"\n"+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.eventually("with the newer key it is", func() bool { return ready(http.StatusOK) })
}
