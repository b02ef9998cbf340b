// Command generate writes the packages below generated/ from the specs below
// openapi/: one per api-version, one that lists them, and one for the admin API and the portal each.
//
// It fails if a property or a keyword of a spec would be lost. Its output is
// deterministic.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aro-rp/aro/hack/generate/emit"
	"github.com/aro-rp/aro/hack/generate/spec"
)

func main() {
	specs := flag.String("specs", "openapi", "directory of the specs")
	out := flag.String("out", "generated", "directory to write the packages to")
	flag.Parse()
	if err := generate(*specs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate writes every package. It writes nothing if one fails.
func generate(specs, out string) error {
	versions, err := os.ReadDir(filepath.Join(specs, "arm"))
	if err != nil {
		return err
	}
	shared, err := spec.ReadOverlay(filepath.Join(specs, "overlays", "all.yaml"))
	if err != nil {
		return err
	}
	files, idle, names := map[string][]byte{}, []string{}, []string{}
	for _, v := range versions {
		own, err := spec.ReadOverlay(filepath.Join(specs, "overlays", v.Name()+".yaml"))
		if err != nil {
			return err
		}
		if err := version(specs, v.Name(), shared, own, files); err != nil {
			return err
		}
		idle, names = append(idle, own.Idle()...), append(names, v.Name())
	}
	if idle = append(idle, shared.Idle()...); len(idle) > 0 {
		return fmt.Errorf("rules that nothing obeys:\n\t%s", strings.Join(idle, "\n\t"))
	}
	for _, name := range []string{"admin", "portal"} {
		if err := unversioned(specs, name, files); err != nil {
			return err
		}
	}
	if files[filepath.Join("registry", "registry.gen.go")], err = emit.Registry(names); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return write(out, files)
}

// version adds the files of one api-version's package.
func version(specs, v string, shared, own *spec.Overlay, files map[string][]byte) error {
	d, err := spec.ReadVersion(specs, v, shared, own)
	if err != nil {
		return err
	}
	pkg := emit.Package(v)
	code, err := emit.Version(d, pkg)
	if err != nil {
		return fmt.Errorf("api-version %s: %w", v, err)
	}
	for name, text := range code {
		files[filepath.Join(pkg, name)] = text
	}
	return nil
}

// unversioned adds the files of the package of an API without an api-version.
func unversioned(specs, name string, files map[string][]byte) error {
	d, err := spec.Read(filepath.Join(specs, name, name+".json"))
	if err != nil {
		return fmt.Errorf("%s API: %w", name, err)
	}
	code, err := emit.Unversioned(d, name)
	if err != nil {
		return fmt.Errorf("%s API: %w", name, err)
	}
	for file, text := range code {
		files[filepath.Join(name, file)] = text
	}
	return nil
}

// write writes the files below out and removes generated files that no longer
// exist.
func write(out string, files map[string][]byte) error {
	old, err := filepath.Glob(filepath.Join(out, "*", "*.gen.go"))
	if err != nil {
		return err
	}
	for _, path := range old {
		name, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		if _, ok := files[name]; !ok {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
