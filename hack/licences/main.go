// Command licences writes the licences of everything that the binaries link: of Go
// itself and of each module, with the folders of its packages. It fails if a module
// has none.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// own is the prefix of the paths of this project's modules, whose licence is
// LICENSE.
const own = "github.com/aro-rp/aro"

// programs are the binaries: the folder of a module, a package, and the command that
// prints the flags with which it is built.
var programs = []program{
	{dir: ".", path: "./cmd/aro"},
	{dir: ".", path: "./cmd/aro-operator"},
	{dir: "local", path: "./cmd/aro-local"},
	{dir: "registry", path: "."},
	{dir: "prometheus", path: "."},
	{dir: "installer", path: "./cmd/aro-installer", flags: []string{"./build.sh", "--flags"}},
}

type program struct {
	dir, path string
	flags     []string
}

func main() {
	output := flag.String("o", "bin/THIRD-PARTY-LICENSES.txt", "file to write")
	flag.Parse()
	if err := run(*output); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(output string) error {
	modules, err := linked(".", programs)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := write(&text, modules); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	return os.WriteFile(output, text.Bytes(), 0o644)
}

// module is a third party's module, with the folders of its linked packages.
type module struct {
	name, root string
	folders    []string
}

// linked lists the modules of the programs, whose folders are below root.
func linked(root string, programs []program) ([]*module, error) {
	byName := map[string]*module{}
	for _, p := range programs {
		out, err := p.list(filepath.Join(root, p.dir))
		if err != nil {
			return nil, fmt.Errorf("list %s in %s: %w", p.path, p.dir, err)
		}
		if err := collect(byName, out); err != nil {
			return nil, fmt.Errorf("list %s in %s: %w", p.path, p.dir, err)
		}
	}
	var all []*module
	for _, m := range byName {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *module) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// list asks Go for the packages that are linked.
func (p program) list(dir string) ([]byte, error) {
	command := exec.Command("go", "list", "-deps", "-json=Dir,Module,Standard", p.path)
	command.Dir, command.Stderr = dir, os.Stderr
	if len(p.flags) > 0 {
		ask := exec.Command(p.flags[0], p.flags[1:]...)
		ask.Dir, ask.Stderr = dir, os.Stderr
		flags, err := ask.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(p.flags, " "), err)
		}
		command.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(string(flags)))
	}
	return command.Output()
}

// collect parses the output of go list.
func collect(byName map[string]*module, listed []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(listed))
	for {
		var p struct {
			Dir    string
			Module *struct{ Path, Version, Dir string }
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Path == own || strings.HasPrefix(p.Module.Path, own+"/") {
			continue
		}
		name := p.Module.Path + " " + p.Module.Version
		if byName[name] == nil {
			byName[name] = &module{name: name, root: p.Module.Dir}
		}
		byName[name].folders = append(byName[name].folders, p.Dir)
	}
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|copyright|patents)([-.].*)?$`)

// files returns the licences and notices that apply to the linked packages: those
// in their folders and in all parent folders within the module.
func (m *module) files() ([]string, error) {
	var found []string
	seen := map[string]bool{}
	for _, folder := range m.folders {
		for ; strings.HasPrefix(folder, m.root) && !seen[folder]; folder = filepath.Dir(folder) {
			seen[folder] = true
			entries, err := os.ReadDir(folder)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.Type().IsRegular() && licenceFile.MatchString(e.Name()) && !strings.HasSuffix(e.Name(), ".go") {
					found = append(found, filepath.Join(folder, e.Name()))
				}
			}
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return nil, fmt.Errorf("module %s has no licence", m.name)
	}
	return found, nil
}

// write writes all licences, and fails with the names of the modules that have
// none.
func write(to *bytes.Buffer, modules []*module) error {
	fmt.Fprintf(to, "Licences of what the programs beside this file are made of, beside their own.\n")
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	root := strings.TrimSpace(string(goroot))
	all := append([]*module{{name: "The Go standard library " + runtime.Version(), root: root, folders: []string{root}}}, modules...)
	var missing []error
	for _, m := range all {
		files, err := m.files()
		if err != nil {
			missing = append(missing, err)
			continue
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			fmt.Fprintf(to, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 80), m.name, strings.TrimPrefix(file, m.root+"/"), bytes.TrimSpace(text))
		}
	}
	return errors.Join(missing...)
}
