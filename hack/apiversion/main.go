// Command apiversion creates an api-version: it copies the spec, the examples and the
// overlay of another one and replaces the date. The generators then register it. It
// prints the remaining manual steps.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var form = regexp.MustCompile(`^20\d\d-[01]\d-[0-3]\d(-preview)?$`)

func main() {
	to := flag.String("new", "", "the api-version to begin, such as 2026-03-01 or 2026-03-01-preview")
	from := flag.String("from", "", "the api-version to copy")
	specs := flag.String("specs", "openapi", "directory of the specs")
	flag.Parse()
	if err := begin(*specs, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "apiversion:", err)
		os.Exit(1)
	}
	fmt.Printf(left, *to, *from)
}

// left lists the manual steps.
const left = `%[1]s is a copy of %[2]s. Next, as docs/api-versions.md says:
- change openapi/arm/%[1]s/redhatopenshift.json and its examples; what behaves differently from
  other versions goes into openapi/overlays/%[1]s.yaml
- give a property that no version had before a member in model, at the same JSON path, and a
  line in test/rules/obeyed_test.go
- make generate; go test ./test/scenarios -update; the rows in docs/api-versions.md and
  openapi/openapi_test.go; the client in test/e2e/client_test.go
- make lint, and differences from %[2]s that are meant into openapi/lint/breaking.yaml; make test
`

// begin writes the files of the new version. It changes no existing file.
func begin(specs, from, to string) error {
	if !form.MatchString(to) || !form.MatchString(from) {
		return errors.New("-new and -from must be dates such as 2026-03-01, for previews with -preview")
	}
	source, target := filepath.Join(specs, "arm", from), filepath.Join(specs, "arm", to)
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists", target)
	}
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		return rewrite(path, filepath.Join(target, name), from, to)
	})
	if err != nil {
		return err
	}
	overlay := filepath.Join(specs, "overlays", from+".yaml")
	if _, err := os.Stat(overlay); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return rewrite(overlay, filepath.Join(specs, "overlays", to+".yaml"), from, to)
}

// rewrite copies a file and replaces the api-version in it.
func rewrite(from, to, old, next string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(strings.ReplaceAll(string(text), old, next)), 0o644)
}
