package instance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// address is the one value of the instance's metadata that documents may use.
const address = "{{ ds.meta_data.imds.network.interface[0].ipv4.ipAddress[0].privateIpAddress }}"

const cloudConfigHeader = "#cloud-config"

// boot executes the cloud-init document, in cloud-init's order: files, packages, commands. Instances boot one
// after another, and a unit starts when the one before answers: machines of a scale set do not share processors, and
// those that serve would wait here for those that start.
func (h *Host) boot(r *running) error {
	h.booting.Lock()
	defer h.booting.Unlock()
	if now, err := h.find(r.ID); err != nil || now != r {
		return nil // it was removed meanwhile
	}
	text := string(r.CustomData)
	if first, rest, _ := strings.Cut(text, "\n"); strings.TrimSpace(first) == "## template: jinja" {
		text = strings.ReplaceAll(rest, address, r.Address)
		if at := strings.Index(text, "{{"); at >= 0 {
			return fmt.Errorf("the document asks for %q, which a simulated machine does not know", strings.SplitN(text[at:], "\n", 2)[0])
		}
	}
	if !strings.HasPrefix(text, cloudConfigHeader) {
		return errors.New("the custom data is no cloud-config; a simulated machine reads nothing else")
	}
	var members map[string]any
	var document struct {
		Packages   []string `json:"packages"`
		WriteFiles []struct {
			Path        string `json:"path"`
			Permissions string `json:"permissions"`
			Content     string `json:"content"`
		} `json:"write_files"`
		RunCmd [][]string `json:"runcmd"`
	}
	if err := errors.Join(yaml.Unmarshal([]byte(text), &members), yaml.Unmarshal([]byte(text), &document)); err != nil {
		return fmt.Errorf("the cloud-config: %w", err)
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains([]string{"packages", "write_files", "runcmd"}, member) {
			r.logf("not simulated: %s of the cloud-config", member)
		}
	}
	for _, f := range document.WriteFiles {
		mode, err := strconv.ParseUint(f.Permissions, 8, 32)
		if err != nil {
			return fmt.Errorf("permissions of %s: %w", f.Path, err)
		}
		if err := writeFile(r.path(f.Path), f.Content, os.FileMode(mode)); err != nil {
			return err
		}
	}
	if len(document.Packages) > 0 {
		r.logf("not simulated: packages %s are not installed", strings.Join(document.Packages, ", "))
	}
	for _, args := range document.RunCmd {
		if err := h.command(h.ctx, r, args); err != nil {
			if errors.Is(err, errNotSimulated) {
				r.logf("not simulated: %s", strings.Join(args, " "))
				continue
			}
			return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
		r.logf("ran: %s", strings.Join(args, " "))
	}
	return nil
}

func writeFile(name, content string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), mode)
}

// path is where a file of the instance is on this machine.
func (r *running) path(name string) string {
	return filepath.Join(r.dir, "root", filepath.FromSlash(path.Clean("/"+name)))
}

// command does one command of the boot, or of a run command.
func (h *Host) command(ctx context.Context, r *running, args []string) error {
	switch {
	case len(args) >= 3 && path.Base(args[0]) == "aro-install":
		return h.install(r, args[1], args[2])
	case len(args) < 2 || args[0] != "systemctl":
		return errNotSimulated
	case args[1] == "daemon-reload":
		return nil // units are read when they start
	}
	verb, names := args[1], slices.DeleteFunc(slices.Clone(args[2:]), func(a string) bool { return strings.HasPrefix(a, "-") })
	for _, name := range names {
		if !strings.Contains(name, ".") {
			name += ".service"
		}
		if _, err := os.Stat(r.path("/etc/systemd/system/" + name)); err != nil || !strings.HasSuffix(name, ".service") {
			return errNotSimulated
		}
		switch verb {
		case "enable", "start":
			if err := h.startUnit(r, name); err != nil {
				return err
			}
			h.settle(ctx, r, name)
		case "stop", "disable":
			if err := h.stopUnit(ctx, r, name); err != nil {
				return err
			}
		case "restart":
			if err := errors.Join(h.stopUnit(ctx, r, name), h.startUnit(r, name)); err != nil {
				return err
			}
		default:
			return errNotSimulated
		}
	}
	return nil
}

// install makes the programs of an image those of the instance. No registry is contacted: the image
// stands for a directory of this machine.
func (h *Host) install(r *running, image, destination string) error {
	dir, ok := h.Programs(image)
	if !ok {
		return fmt.Errorf("no programs are known for the image %s", image)
	}
	target := r.path(destination)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return err
	}
	r.logf("simulated: %s has the programs of %s, from %s; the registry was not asked", destination, image, dir)
	return os.Symlink(dir, target)
}

// settings reads a file of variables, as systemd does, with paths of the instance in place.
func (r *running) settings(name string) ([]string, error) {
	content, err := os.ReadFile(r.path(name))
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range bytes.Lines(content) {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%s: %q is no variable", name, text)
		}
		if strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) && len(value) > 1 {
			value = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, "$", "\\`", "`").Replace(value[1 : len(value)-1])
		}
		all = append(all, key+"="+r.translate(value))
	}
	return all, nil
}

// translate is a value with a path of the instance as a path of this machine, if there is
// such a file, or its directory.
func (r *running) translate(value string) string {
	if !strings.HasPrefix(value, "/") {
		return value
	}
	if _, err := os.Lstat(filepath.Dir(r.path(value))); err != nil {
		return value
	}
	return r.path(value)
}
