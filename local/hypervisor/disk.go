package hypervisor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// removingPrefix marks directories that are no longer used.
const removingPrefix = ".removing-"

// machine is one virtual machine. The host's lock guards all that changes.
type machine struct {
	dir      string
	log      *bootLog
	record   record
	disk     disk
	kubelet  string        // where its kubelet answers; empty while it does not
	ssh      string        // where its SSH server answers, likewise
	powerOff func()        // ends the run there is
	done     chan struct{} // closed when no run is left
}

// record is the requested state of a machine.
type record struct {
	VM      VM
	Running bool
}

// disk is what the first boot left on the machine's disk: later boots skip
// Ignition. Role is empty until that boot succeeded.
type disk struct {
	Role         string
	ControlPlane string // that the machine is a member of
	Kubeconfig   []byte // to join with
	KubeletCA    []byte // authorities of those who may ask its kubelet, PEM
	Hosts        hosts
	Keys         []string // of the user core, for SSH
}

// The role of a machine whose pool is none of these is its pool's name.
const (
	roleBootstrap = "bootstrap"
	roleMaster    = "master"
	roleWorker    = "worker"
)

// newMachine makes the directory of a machine that never ran. Its name is new,
// so nothing that a removed namesake still writes gets in.
func newMachine(parent string, vm VM) (*machine, error) {
	dir := filepath.Join(parent, digest(vm.ID)+"-"+strings.ToLower(rand.Text()[:6]))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return atDir(dir), nil
}

func atDir(dir string) *machine {
	done := make(chan struct{})
	close(done)
	return &machine{dir: dir, log: &bootLog{path: filepath.Join(dir, "boot.log")}, powerOff: func() {}, done: done}
}

// loadMachine reads what an earlier process left; fs.ErrNotExist if that is nothing.
func loadMachine(dir string) (*machine, error) {
	m := atDir(dir)
	if err := readJSON(m.recordFile(), &m.record); err != nil {
		return nil, err
	}
	if err := readJSON(m.diskFile(), &m.disk); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return m, nil
}

// save stores the requested state, or changes nothing.
func (m *machine) save(r record) error {
	if err := writeJSON(m.recordFile(), r); err != nil {
		return err
	}
	m.record = r
	return nil
}

// forget deletes the record. The next Open deletes the directory of a machine without one.
func (m *machine) forget() error {
	if err := os.Remove(m.recordFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (m *machine) recordFile() string { return filepath.Join(m.dir, "vm.json") }

func (m *machine) diskFile() string { return filepath.Join(m.dir, "disk.json") }

// files are what Ignition wrote, unless the machine is a bootstrap machine: then they are those of
// its control plane.
func (m *machine) files() string { return filepath.Join(m.dir, "root") }

func (m *machine) identityFile() string { return filepath.Join(m.dir, "kubelet.json") }

// discardDir gives a directory a name under which it is deleted, now or at the
// next start.
func discardDir(dir string) (trash string, err error) {
	trash = filepath.Join(filepath.Dir(dir), removingPrefix+filepath.Base(dir)+"-"+rand.Text()[:6])
	return trash, os.Rename(dir, trash)
}

// discard deletes a directory that is not needed any more.
func (h *Host) discard(dir string) {
	for {
		err := os.RemoveAll(dir)
		if err == nil {
			return
		}
		h.options.Log.Warn("files of something removed are still there", "dir", dir, "error", err)
		select {
		case <-h.ctx.Done(): // the next Open goes on
			return
		case <-time.After(time.Second):
		}
	}
}

func removeLeftovers(dir string) error {
	leftovers, err := filepath.Glob(filepath.Join(dir, removingPrefix+"*"))
	if err != nil {
		return err
	}
	for _, leftover := range leftovers {
		if err := stopPlane(leftover); err != nil {
			return err
		}
		if err := os.RemoveAll(leftover); err != nil {
			return err
		}
	}
	return nil
}

// digest is short and the same for every spelling of a resource id.
func digest(id string) string {
	sum := sha256.Sum256([]byte(key(id)))
	return hex.EncodeToString(sum[:6])
}

func readJSON(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file as a whole: a crash leaves the old one or the new one.
func writeJSON(path string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
