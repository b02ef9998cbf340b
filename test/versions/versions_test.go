// Package versions proves that an api-version is served and tested by its spec alone.
package versions

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/generated/registry"
)

// next is the api-version that the test begins.
const next = "2099-01-01"

// suites are the tests that range over all versions; drawn are those that draw values,
// of which fewer will do here.
var (
	suites = []string{"./openapi", "./hack/generate", "./armhttp", "./validation", "./test/message"}
	drawn  = []string{"./conversion"}
)

// TestANewVersionNeedsNoHand begins a version as make api-version does, in a copy of the
// tree, and runs every property suite there.
func TestANewVersionNeedsNoHand(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a copy of the tree")
	}
	root := t.TempDir()
	copyTree(t, filepath.Join("..", ".."), root)
	run := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if out := run("run", "./hack/apiversion", "-new", next, "-from", registry.Newest); !strings.Contains(out, "openapi/arm/"+next) {
		t.Errorf("what is left is not said: %s", out)
	}
	run("run", "./hack/generate")
	text, err := os.ReadFile(filepath.Join(root, "generated", "registry", "registry.gen.go"))
	if err != nil || !strings.Contains(string(text), `Newest = "`+next+`"`) {
		t.Fatalf("it is not the newest: %v", err)
	}
	out := run(append([]string{"test", "-v", "-timeout", "8m"}, suites...)...)
	if !strings.Contains(out, "/"+next) {
		t.Errorf("no test of the suites has %s in its name", next)
	}
	run(append(append([]string{"test", "-timeout", "8m"}, drawn...), "-rapid.checks=20")...)
}

// copyTree copies what the root module is made of.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	skip := []string{".git", ".cache", ".aro", "bin", "node_modules", "local", "installer", "python", "az-aro", "findings"}
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains(skip, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
