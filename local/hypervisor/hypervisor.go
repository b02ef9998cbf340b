// Package hypervisor is the host of the local Azure's virtual machines: it boots
// each one from its custom data as Ignition would, and keeps it running until it
// is stopped or removed. A bootstrap machine becomes a control plane, which is a
// process of its own; every other one becomes a node that joins by certificate
// request and heartbeats like a kubelet.
//
// The package knows nothing of Azure's resources: who may reach what is the
// Network's to say. Nor does it look into a control plane, which is package
// openshift's.
package hypervisor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/hypervisor/pods"
)

// VM is the configuration of a machine.
type VM struct {
	ID            string // resource id, in any case
	Name          string
	ResourceGroup string
	Location      string
	Size          string
	Zone          string // empty when regional
	PrivateIP     string
	VNetID        string
	SubnetID      string
	CustomData    []byte // Ignition, decoded; may hold secrets
	ImageSKU      string
	DiskGB        int
}

// LogValue names the machine and nothing that it was given.
func (vm VM) LogValue() slog.Value { return slog.StringValue(vm.ID) }

// Network is what a machine can reach.
type Network interface {
	// Dial opens a connection from a machine to host:port, where host is a name that the machine
	// could not resolve itself, or an address.
	Dial(ctx context.Context, from VM, network, address string) (net.Conn, error)
}

// Options are what a Host needs. All but Authorities and Programs must be set.
type Options struct {
	Dir     string // for its own use only
	Network Network
	// ControlPlane is a program that, with --dir HOME, runs the control plane
	// whose machine was written to HOME.
	ControlPlane []string
	// Programs are run for pods with these images, each in a container of Container,
	// a program that calls RunContainer. Other pods are simulated.
	Programs    pods.Programs
	Container   []string
	Authorities *x509.CertPool // what every machine's image trusts; nil for the system's
	Log         *slog.Logger
}

// ErrNotRunning is the answer of a machine that is off, absent or still booting.
var ErrNotRunning = errors.New("connection refused: no machine answers")

// The power states of State.
const (
	Running = "running"
	Stopped = "stopped"
)

// Host runs all machines of one directory.
type Host struct {
	options Options
	ctx     context.Context
	work    sync.WaitGroup

	mu            sync.Mutex
	machines      map[string]*machine      // by lower-cased id
	controlPlanes map[string]*controlPlane // by name
	closed        bool
}

// Open takes over the directory: it ends processes of a killed predecessor, finishes removals, and
// powers on the machines that were running. Everything stops with ctx; Wait returns when it has.
func Open(ctx context.Context, options Options) (*Host, error) {
	h := &Host{options: options, ctx: ctx, machines: map[string]*machine{}, controlPlanes: map[string]*controlPlane{}}
	for _, dir := range []string{h.machinesDir(), h.controlPlanesDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("machines: %w", err)
		}
		if err := removeLeftovers(dir); err != nil {
			return nil, fmt.Errorf("machines: %w", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.load(); err != nil {
		return nil, fmt.Errorf("machines: %w", err)
	}
	if err := h.loadControlPlanes(); err != nil {
		return nil, fmt.Errorf("machines: %w", err)
	}
	for _, m := range h.machines {
		if m.record.Running {
			h.powerOn(m)
		}
	}
	return h, nil
}

// load reads every machine's record. A directory without one was never promised.
func (h *Host) load() error {
	entries, err := os.ReadDir(h.machinesDir())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		dir := filepath.Join(h.machinesDir(), entry.Name())
		m, err := loadMachine(dir)
		if errors.Is(err, os.ErrNotExist) {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			return err
		}
		if m != nil {
			h.machines[key(m.record.VM.ID)] = m
		}
	}
	return nil
}

// Start powers a machine on, and creates it if needed. A running machine continues.
func (h *Host) Start(_ context.Context, vm VM) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errors.New("the host of the machines is stopping")
	}
	m := h.machines[key(vm.ID)]
	if m == nil {
		made, err := newMachine(h.machinesDir(), vm)
		if err != nil {
			return fmt.Errorf("machine %s: %w", vm.Name, err)
		}
		m = made
		h.machines[key(vm.ID)] = m
	}
	was := m.record.Running
	if err := m.save(record{VM: vm, Running: true}); err != nil {
		return fmt.Errorf("machine %s: %w", vm.Name, err)
	}
	if !was {
		h.powerOn(m)
	}
	return nil
}

// Stop powers a machine off and keeps its disk. One that is off or absent stays so.
func (h *Host) Stop(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.machines[key(id)]
	if m == nil || !m.record.Running {
		return nil
	}
	if err := m.save(record{VM: m.record.VM}); err != nil {
		return fmt.Errorf("machine %s: %w", m.record.VM.Name, err)
	}
	m.powerOff()
	h.settlePlanes()
	return nil
}

// Remove powers a machine off and destroys its disk.
func (h *Host) Remove(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.machines[key(id)]
	if m == nil {
		return nil
	}
	// Without its record the machine does not return after a crash. Its directory keeps its name
	// until the machine has ended: pods create files in it until then.
	if err := m.forget(); err != nil {
		return fmt.Errorf("machine %s: %w", m.record.VM.Name, err)
	}
	delete(h.machines, key(id))
	m.powerOff()
	h.settlePlanes()
	h.background(func() {
		<-m.done
		h.discard(m.dir)
	})
	return nil
}

// State is the power state, empty for a machine that does not exist, and what
// the machine wrote to its serial console.
func (h *Host) State(id string) (power string, bootLog []byte) {
	h.mu.Lock()
	m := h.machines[key(id)]
	if m == nil {
		h.mu.Unlock()
		return "", nil
	}
	power = Stopped
	if m.record.Running {
		power = Running
	}
	h.mu.Unlock()
	return power, m.log.read()
}

// Dial opens a connection to a port of the machine. It fails at once with ErrNotRunning while
// nothing listens there.
func (h *Host) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	address, err := h.listener(id, port)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, refused(port) // where the port really is, is of no interest
	}
	return conn, nil
}

// listener is where a port of the machine really is.
func (h *Host) listener(id string, port int) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.machines[key(id)]
	if m == nil || !m.record.Running {
		return "", refused(port)
	}
	if port == kubeletPort && m.kubelet != "" {
		return m.kubelet, nil
	}
	if port == sshPort && m.ssh != "" {
		return m.ssh, nil
	}
	p := h.controlPlanes[m.disk.ControlPlane]
	if p == nil {
		return "", refused(port)
	}
	address, listens := p.ports.address(port)
	if !listens {
		return "", refused(port)
	}
	return address, nil
}

func refused(port int) error { return fmt.Errorf("%w on port %d", ErrNotRunning, port) }

// Wait returns when everything has stopped, after the context of Open ended.
func (h *Host) Wait() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.work.Wait()
}

// background runs what Wait waits for. What is not run any more, the next Open
// does. The lock must be held.
func (h *Host) background(f func()) {
	if !h.closed {
		h.work.Go(f)
	}
}

// powerOn runs the machine once its last run is over. The lock must be held.
func (h *Host) powerOn(m *machine) {
	ctx, cancel := context.WithCancel(h.ctx)
	last, done := m.done, make(chan struct{})
	m.powerOff, m.done = cancel, done
	h.settlePlanes()
	vm := m.record.VM
	h.work.Go(func() {
		defer close(done)
		defer cancel()
		<-last
		h.run(ctx, m, vm)
	})
}

func (h *Host) machinesDir() string { return filepath.Join(h.options.Dir, "machines") }

func (h *Host) controlPlanesDir() string { return filepath.Join(h.options.Dir, "control-planes") }

// key is how a resource id is compared.
func key(id string) string { return strings.ToLower(id) }
