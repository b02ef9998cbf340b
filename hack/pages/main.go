// Command pages writes the Go code of the portal's pages, beside the .templ files that
// it is made from. Its output is deterministic.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

func main() {
	dir := flag.String("dir", "portal", "directory of the .templ files, also in folders below")
	flag.Parse()
	if err := write(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	for name, code := range files {
		if err := os.WriteFile(filepath.Join(dir, name), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the code of each .templ file in dir and below, by the path of its Go file in dir.
func generate(dir string) (map[string][]byte, error) {
	sources, err := below(dir, ".templ")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, source := range sources {
		page, err := parser.Parse(filepath.Join(dir, source))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		name := filepath.Base(source)
		var code bytes.Buffer
		if _, err := generator.Generate(page, &code, generator.WithFileName(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		formatted, err := format.Source(code.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		files[strings.TrimSuffix(source, ".templ")+"_templ.go"] = formatted
	}
	return files, nil
}

// below returns the paths in dir of the files whose names end so.
func below(dir, ending string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(entry.Name(), ending) {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		paths = append(paths, rel)
		return err
	})
	return paths, err
}
