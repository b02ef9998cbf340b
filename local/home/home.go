// Package home is the directory of one local cluster: its Spec, the port of its
// API server, its certificates, its kubeconfigs and its kubeadmin password.
// What was made once stays, so that a cluster keeps its identity over restarts.
//
// It starts no process and opens no connection; nobody else writes these files.
package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/backend/controlplane"
)

const (
	// Host is the address that every local API server listens on.
	Host = "127.0.0.1"
	// EtcdSocket is the name of the socket at which the cluster's etcd answers. In
	// a private directory it needs neither certificates nor a port. It looks like
	// HOST:PORT because etcd insists on that.
	EtcdSocket = "etcd.sock:2379"
)

// Home is the directory of one cluster. Its files are readable by their owner
// alone.
type Home struct{ dir string }

// At returns the home in dir. Nothing is read or made.
func At(dir string) Home { return Home{dir: dir} }

// Furnish writes spec, and makes what a cluster needs besides it unless it is
// there already. Repeating it after a crash completes what was left half made.
func (h Home) Furnish(spec controlplane.Spec) error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return fmt.Errorf("home of a cluster: %w", err)
	}
	if err := h.makeCertificates(spec); err != nil {
		return fmt.Errorf("home of cluster %s: certificates: %w", spec.ID, err)
	}
	if err := h.makePassword(); err != nil {
		return fmt.Errorf("home of cluster %s: password: %w", spec.ID, err)
	}
	// The Spec is written last: a home that has one is complete but for its port.
	content, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return fmt.Errorf("home of cluster %s: spec: %w", spec.ID, err)
	}
	if err := write(h.path("spec.json"), content); err != nil {
		return fmt.Errorf("home of cluster %s: spec: %w", spec.ID, err)
	}
	return nil
}

// Spec reads what the cluster should be; fs.ErrNotExist if that was never written.
func (h Home) Spec() (controlplane.Spec, error) {
	var spec controlplane.Spec
	content, err := os.ReadFile(h.path("spec.json"))
	if err != nil {
		return spec, fmt.Errorf("spec: %w", err)
	}
	if err := json.Unmarshal(content, &spec); err != nil {
		return spec, fmt.Errorf("spec %s: %w", h.path("spec.json"), err)
	}
	return spec, nil
}

// Port is where the API server listens; 0 if none was chosen yet.
func (h Home) Port() (int, error) {
	content, err := os.ReadFile(h.path("port"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("port: %w", err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("port in %s: %w", h.path("port"), err)
	}
	return port, nil
}

// SetPort keeps the port and makes the kubeconfigs that lead to it.
func (h Home) SetPort(port int) error {
	for _, user := range []string{Admin, ControllerManager} {
		config, err := h.kubeconfig(user, port)
		if err != nil {
			return fmt.Errorf("kubeconfig of %s: %w", user, err)
		}
		if err := write(h.KubeconfigFile(user), config); err != nil {
			return fmt.Errorf("kubeconfig of %s: %w", user, err)
		}
	}
	if err := write(h.path("port"), []byte(strconv.Itoa(port)+"\n")); err != nil {
		return fmt.Errorf("port: %w", err)
	}
	return nil
}

// URL is where the API server answers at port.
func URL(port int) string {
	return "https://" + net.JoinHostPort(Host, strconv.Itoa(port))
}

// LogFile receives the output of the cluster's process.
func (h Home) LogFile() string { return h.path("log") }

// PIDFile names the cluster's process.
func (h Home) PIDFile() string { return h.path("pid") }

// Dir is the directory itself.
func (h Home) Dir() string { return h.dir }

func (h Home) path(name string) string { return filepath.Join(h.dir, name) }

// write replaces a file as a whole: a crash leaves the old one or the new one.
func write(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// exists tells whether there is a file at path.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
