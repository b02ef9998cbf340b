// Package nodefiles writes the files of nodes, and packs them into MachineConfigs as
// the machine config operator keeps them.
//
// The templates are those of the installer, byte for byte, and a test holds them to
// it: a cluster's first upgrade must not find other files than it was installed with.
package nodefiles

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ignitionVersion is that of the format; every supported release reads it.
const ignitionVersion = "3.2.0"

const roleLabel = "machineconfiguration.openshift.io/role"

// File is a file of a node, root's, which replaces one that is there.
type File struct {
	Path    string
	Mode    int
	Content []byte
}

// Unit is an enabled unit of systemd.
type Unit struct {
	Name    string
	Content []byte
}

// Empty is the MachineConfig of a role without anything.
func Empty(name, role string) *machineconfigurationv1.MachineConfig {
	return &machineconfigurationv1.MachineConfig{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{roleLabel: role}}}
}

// MachineConfig is a MachineConfig of a role with files and units.
func MachineConfig(name, role string, files []File, units []Unit) (*machineconfigurationv1.MachineConfig, error) {
	type object = map[string]any
	config := object{"ignition": object{"version": ignitionVersion}}
	if len(files) > 0 {
		var list []object
		for _, f := range files {
			list = append(list, object{
				"path": f.Path, "mode": f.Mode, "overwrite": true, "user": object{"name": "root"},
				"contents": object{"source": "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString(f.Content)},
			})
		}
		config["storage"] = object{"files": list}
	}
	if len(units) > 0 {
		var list []object
		for _, u := range units {
			list = append(list, object{"name": u.Name, "enabled": true, "contents": string(u.Content)})
		}
		config["systemd"] = object{"units": list}
	}
	raw, err := json.Marshal(config) // members in the order of their names, as the server keeps them
	if err != nil {
		return nil, fmt.Errorf("machine config %s: %w", name, err)
	}
	made := Empty(name, role)
	made.Spec.Config = runtime.RawExtension{Raw: raw}
	return made, nil
}
