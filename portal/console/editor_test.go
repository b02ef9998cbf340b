package console

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEditorIsMadeOfItsSources(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for _, source := range []string{"build.mjs", "console.mjs", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "hack", "console", source))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(content)
	}
	editor, err := os.ReadFile(filepath.Join("..", "assets", "console.js"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(editor), "\n")
	if want := fmt.Sprintf("%x.", sum.Sum(nil)); !strings.HasSuffix(first, want) {
		t.Errorf("portal/assets/console.js is stale: run hack/console/build.sh")
	}
}
