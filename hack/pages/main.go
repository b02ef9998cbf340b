// Command pages writes the Go code of the portal's pages, beside the .templ files that
// it is made from. Its output is deterministic.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

func main() {
	dir := flag.String("dir", "portal", "directory of the .templ files")
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

// generate returns the code of each .templ file in dir, by the name of its Go file.
func generate(dir string) (map[string][]byte, error) {
	sources, err := filepath.Glob(filepath.Join(dir, "*.templ"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, source := range sources {
		page, err := parser.Parse(source)
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
		files[strings.TrimSuffix(name, ".templ")+"_templ.go"] = formatted
	}
	return files, nil
}
