// Command trim copies the parts of a Go module that other packages use. From
// packages that match -stub it copies declarations only: their functions panic.
//
// aro-installer is built from such a copy of the OpenShift installer. The installer
// supports ten clouds, whose SDKs are more than half of what it compiles, and has
// packages in which each function has a branch for each cloud; build tags cannot
// take them away. The copy is made from the source of the version in go.mod at
// each build, and nothing of it is committed.
package main

import (
	"flag"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	var s settings
	flag.StringVar(&s.module, "module", "", "path of the module to copy")
	flag.StringVar(&s.from, "from", "", "folder of its source")
	flag.StringVar(&s.users, "users", "", "folder of the packages, and their tests, that use it")
	flag.StringVar(&s.to, "to", "", "folder to write")
	flag.StringVar(&s.stub, "stub", "^$", "regular expression for packages whose functions are not needed")
	flag.StringVar(&s.tags, "tags", "", "build tags")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "trim:", err)
		os.Exit(1)
	}
}

type settings struct{ module, from, users, to, stub, tags string }

func run(s settings) error {
	stub, err := regexp.Compile(s.stub)
	if err != nil {
		return err
	}
	platform := build.Default
	platform.BuildTags = strings.Split(s.tags, ",")
	source := &source{module: s.module, dir: s.from, platform: &platform, stub: stub, packages: map[string]*goPackage{}}
	users, err := source.users(s.users)
	if err != nil {
		return err
	}
	r := &reach{source: source, used: map[string]bool{}}
	if err := r.from(users); err != nil {
		return err
	}
	if err := os.RemoveAll(s.to); err != nil {
		return err
	}
	for _, p := range source.packages {
		if len(r.kept[p]) == 0 {
			continue
		}
		if err := r.write(p, s.to); err != nil {
			return fmt.Errorf("package %s: %w", p.path, err)
		}
	}
	for _, name := range []string{"go.mod", "LICENSE", "NOTICE"} {
		text, err := os.ReadFile(filepath.Join(s.from, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
