package machineconfig

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
)

// merger lays one Ignition config over another. What it does not know it refuses
// to lose: the config is rejected.
type merger struct {
	files map[string]map[string]any
	dirs  map[string]map[string]any
	links map[string]map[string]any
	units map[string]map[string]any
	users map[string]map[string]any
	disks map[string]any // storage.disks, filesystems, raid: the last one wins
}

func newMerger() *merger {
	return &merger{
		files: map[string]map[string]any{}, dirs: map[string]map[string]any{}, links: map[string]map[string]any{},
		units: map[string]map[string]any{}, users: map[string]map[string]any{}, disks: map[string]any{},
	}
}

// ignition is a config of version 2 or 3, as far as they have the same form.
type ignition struct {
	Ignition struct {
		Version string `json:"version"`
	} `json:"ignition"`
	Passwd struct {
		Users []map[string]any `json:"users"`
	} `json:"passwd"`
	Storage map[string]json.RawMessage `json:"storage"`
	Systemd struct {
		Units []map[string]any `json:"units"`
	} `json:"systemd"`
}

func (m *merger) add(raw []byte) error {
	if len(raw) == 0 { // only kernel arguments or extensions
		return nil
	}
	var config ignition
	if err := json.Unmarshal(raw, &config); err != nil {
		return errors.New("spec.config is no Ignition config")
	}
	old := strings.HasPrefix(config.Ignition.Version, "2.")
	if !old && !strings.HasPrefix(config.Ignition.Version, "3.") {
		return fmt.Errorf("version %q of Ignition is not known", config.Ignition.Version)
	}
	for kind, content := range config.Storage {
		if err := m.addStorage(kind, content, old); err != nil {
			return fmt.Errorf("storage.%s: %w", kind, err)
		}
	}
	for _, unit := range config.Systemd.Units {
		m.units[text(unit, "name")] = unit
	}
	for _, user := range config.Passwd.Users {
		m.addUser(user)
	}
	return nil
}

func (m *merger) addStorage(kind string, content []byte, old bool) error {
	byPath := map[string]map[string]map[string]any{"files": m.files, "directories": m.dirs, "links": m.links}[kind]
	if byPath == nil {
		var any any
		if err := json.Unmarshal(content, &any); err != nil {
			return err
		}
		m.disks[kind] = any
		return nil
	}
	var list []map[string]any
	if err := json.Unmarshal(content, &list); err != nil {
		return err
	}
	for _, item := range list {
		if old {
			// Version 2 named the root's file system, and overwrote by default.
			delete(item, "filesystem")
			if _, said := item["overwrite"]; !said {
				item["overwrite"] = true
			}
		}
		byPath[text(item, "path")] = item
	}
	return nil
}

// addUser collects the keys of one user.
func (m *merger) addUser(user map[string]any) {
	name := text(user, "name")
	if have, known := m.users[name]; known {
		keys, _ := have["sshAuthorizedKeys"].([]any)
		more, _ := user["sshAuthorizedKeys"].([]any)
		for _, key := range more {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		maps.Copy(have, user)
		if len(keys) > 0 {
			have["sshAuthorizedKeys"] = keys
		}
		return
	}
	m.users[name] = user
}

func (m *merger) addFile(path string, mode int, content []byte) {
	m.files[path] = map[string]any{
		"path": path, "mode": mode, "overwrite": true,
		"contents": map[string]any{"source": "data:;base64," + base64.StdEncoding.EncodeToString(content)},
	}
}

func (m *merger) config() ([]byte, error) {
	storage := maps.Clone(m.disks)
	for kind, items := range map[string]map[string]map[string]any{"files": m.files, "directories": m.dirs, "links": m.links} {
		if len(items) > 0 {
			storage[kind] = ordered(items)
		}
	}
	return json.Marshal(map[string]any{
		"ignition": map[string]any{"version": "3.2.0"},
		"storage":  storage,
		"systemd":  map[string]any{"units": ordered(m.units)},
		"passwd":   map[string]any{"users": ordered(m.users)},
	})
}

func ordered(items map[string]map[string]any) []map[string]any {
	list := make([]map[string]any, 0, len(items))
	for _, key := range slices.Sorted(maps.Keys(items)) {
		list = append(list, items[key])
	}
	return list
}

func text(item map[string]any, name string) string {
	value, _ := item[name].(string)
	return value
}

// sorted is the order in which machine configs overrule each other.
func sorted(items []machineconfigurationv1.MachineConfig) []machineconfigurationv1.MachineConfig {
	return slices.SortedFunc(slices.Values(items), func(a, b machineconfigurationv1.MachineConfig) int {
		return cmp.Compare(a.Name, b.Name)
	})
}
