// Package clients holds the check that the generated Go and Python clients are
// those of today's specs. What generates them is generate.sh.
package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const root = "../.."

// recorded are the sums of all inputs and outputs of the last generation, by path.
func recorded(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "clients", "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if sum, path, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			sums[path] = sum
		}
	}
	return sums
}

func TestClientsAreThoseOfTheSpecs(t *testing.T) {
	sums := recorded(t)
	present := map[string]bool{}
	for _, dir := range []string{"openapi/arm", "openapi/common-types", "clients/go", "clients/python/aro_redhatopenshift"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			path, err = filepath.Rel(root, path)
			if isPart(filepath.ToSlash(path)) {
				present[filepath.ToSlash(path)] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"generate.sh", "decode/main.go", "package-lock.json"} {
		present["hack/clients/"+path] = true
	}
	for path := range sums {
		if !present[path] {
			t.Errorf("%s is gone; run make clients", path)
		}
	}
	for path := range present {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); sums[path] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not what the clients were generated with; run make clients", path)
		}
	}
}

// isPart reports whether a file is an input or an output of the generation.
func isPart(path string) bool {
	switch {
	case strings.Contains(path, "/examples/"), strings.HasSuffix(path, ".pyc"):
		return false
	case strings.HasPrefix(path, "openapi/"):
		return true
	}
	return strings.HasPrefix(path, "clients/go/aro") || strings.HasPrefix(path, "clients/python/aro_redhatopenshift/v")
}

func TestTypesOfThePythonEntryAreThoseOfItsVersions(t *testing.T) {
	entry := filepath.Join(root, "clients/python/aro_redhatopenshift")
	kept, err := os.ReadFile(filepath.Join(entry, "__init__.pyi"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := exec.Command("python3", "stub.py", entry).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(fresh) != string(kept) {
		t.Error("clients/python/aro_redhatopenshift/__init__.pyi is stale; run make clients")
	}
}

var long = flag.Bool("long", false, "generate a version, as make soak does")

// The sums could be edited by hand, so one version is really generated.
func TestGenerationGivesTheClientsThatAreThere(t *testing.T) {
	if !*long {
		t.Skip("runs Node.js and Python for a minute, with -args -long")
	}
	into := t.TempDir()
	cmd := exec.Command("./generate.sh", "--into", into, "2023-11-22")
	timer := time.AfterFunc(8*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compared := 0
	for _, dir := range []string{"go/aro20231122", "python/aro_redhatopenshift/v2023_11_22"} {
		err := filepath.WalkDir(filepath.Join(into, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(into, path)
			if err != nil {
				return err
			}
			fresh, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			compared++
			if kept, err := os.ReadFile(filepath.Join(root, "clients", name)); err != nil || string(kept) != string(fresh) {
				t.Errorf("clients/%s is stale; run make clients", filepath.ToSlash(name))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if compared < 40 {
		t.Errorf("only %d files were compared", compared)
	}
}
