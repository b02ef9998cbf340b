package hypervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/ignition/v2/config/v3_3/types"

	"github.com/aro-rp/aro/local/supervisor"
)

const (
	// stopGrace is how long a control plane may take to finish requests under way.
	stopGrace = 8 * time.Second
	// lookEvery is how soon a machine's console shows that its control plane ended.
	lookEvery = 250 * time.Millisecond
	// lastWords is how much of an ended control plane's log a console repeats.
	lastWords = 4 << 10
)

// controlPlane is a control plane and the process that is kept running for it. It runs
// while one of its members does, and is destroyed with the last. The host's lock
// guards all of it but the process.
type controlPlane struct {
	dir     string
	ports   ports
	running bool
	stop    context.CancelFunc
	process *supervisor.Process
	done    chan struct{} // closed when no process is left
}

// controlPlaneName is that of the control plane which a bootstrap machine begins.
func controlPlaneName(vm VM) string {
	return strings.TrimSuffix(strings.ToLower(vm.Name), "-bootstrap") + "-" + digest(vm.ID)
}

func newControlPlane(dir string, p ports) *controlPlane {
	done := make(chan struct{})
	close(done)
	return &controlPlane{dir: dir, ports: p, stop: func() {}, done: done}
}

// loadControlPlanes finds the control planes that have members and deletes the others.
func (h *Host) loadControlPlanes() error {
	entries, err := os.ReadDir(h.controlPlanesDir())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		dir := filepath.Join(h.controlPlanesDir(), entry.Name())
		if err := stopPlane(dir); err != nil {
			return err
		}
		if len(h.members(entry.Name())) == 0 {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			continue
		}
		p := newControlPlane(dir, ports{})
		if err := readJSON(filepath.Join(dir, portsFile), &p.ports); err != nil {
			h.options.Log.Warn("the ports of a control plane are lost; it gets others", "dir", dir, "error", err)
			p.ports = ports{}
		}
		h.controlPlanes[entry.Name()] = p
	}
	return nil
}

// stopPlane ends the process that a killed predecessor left in a control plane.
func stopPlane(dir string) error { return supervisor.StopLeftover(filepath.Join(dir, "pid")) }

// members are the machines that a control plane consists of.
func (h *Host) members(name string) []*machine {
	var members []*machine
	for _, m := range h.machines {
		if m.disk.ControlPlane == name {
			members = append(members, m)
		}
	}
	return members
}

// settlePlanes makes processes run where a member does. The lock must be held.
func (h *Host) settlePlanes() {
	for name, p := range h.controlPlanes {
		members, wanted := h.members(name), false
		for _, m := range members {
			wanted = wanted || m.record.Running
		}
		switch {
		case len(members) == 0:
			h.destroyPlane(name, p)
		case wanted && !p.running && !h.closed:
			h.startPlane(name, p)
		case !wanted && p.running:
			p.running = false
			p.stop()
		}
	}
}

func (h *Host) destroyPlane(name string, p *controlPlane) {
	delete(h.controlPlanes, name)
	trash, err := discardDir(p.dir)
	if err != nil { // the next Open deletes what has no member
		h.options.Log.Warn("a control plane cannot be deleted yet", "dir", p.dir, "error", err)
	}
	p.stop()
	if p.process != nil {
		p.process.Kill() // nothing needs what it would finish
	}
	h.background(func() {
		<-p.done
		if err == nil {
			h.discard(trash)
		}
	})
}

// startPlane returns at once; the process of the last run may have to end first.
func (h *Host) startPlane(name string, p *controlPlane) {
	ctx, stop := context.WithCancel(h.ctx)
	program := h.options.ControlPlane
	process := &supervisor.Process{
		Name:    "control plane " + name,
		Path:    program[0],
		Args:    append(program[1:len(program):len(program)], "--dir", p.dir),
		LogFile: filepath.Join(p.dir, "log"),
		PIDFile: filepath.Join(p.dir, "pid"),
		Grace:   stopGrace,
		Log:     h.options.Log,
	}
	last, done := p.done, make(chan struct{})
	p.running, p.stop, p.process, p.done = true, stop, process, done
	h.work.Go(func() {
		defer close(done)
		defer stop()
		<-last
		if err := h.settlePorts(ctx, name, p); err != nil {
			h.logConsoles(name, "control plane: %v", err)
			return
		}
		nodes, err := h.serveNodes(ctx, name)
		if err != nil {
			h.logConsoles(name, "control plane: %v", err)
			return
		}
		process.Args = append(process.Args, "--nodes", nodes)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			h.watch(ctx, name, process)
		}()
		_ = process.Run(ctx) // it never gives up, so it has no error
		stop()
		<-watched
	})
}

// watch writes to the members' consoles when and why their control plane ends.
func (h *Host) watch(ctx context.Context, name string, process *supervisor.Process) {
	var seen error
	for sleep(ctx, lookEvery) == nil {
		exit := process.Exit()
		if exit == nil || exit == seen { //nolint:errorlint // the same exit, not one like it
			continue
		}
		seen = exit
		h.logConsoles(name, "control plane: ended with %v and is started again; it said last:", exit)
		for line := range bytes.Lines(tail(process.LogFile, lastWords)) {
			h.logConsoles(name, "control plane: %s", bytes.TrimSpace(line))
		}
	}
}

// logConsoles writes to the console of every running member.
func (h *Host) logConsoles(name, format string, args ...any) {
	h.mu.Lock()
	var logs []*bootLog
	for _, m := range h.members(name) {
		if m.record.Running {
			logs = append(logs, m.log)
		}
	}
	h.mu.Unlock()
	for _, log := range logs {
		log.printf(format, args...)
	}
}

// bootstrap makes a control plane of a bootstrap machine's configuration.
func (h *Host) bootstrap(ctx context.Context, m *machine, vm VM, cfg types.Config, f *fetcher) error {
	name := controlPlaneName(vm)
	dir := filepath.Join(h.controlPlanesDir(), name)
	h.mu.Lock()
	p := h.controlPlanes[name]
	h.mu.Unlock()
	if p != nil {
		m.log.printf("bootstrap: the control plane exists already; this machine joins it")
		return h.join(m, disk{Role: roleBootstrap, ControlPlane: name, Keys: keysOf(cfg)}, p)
	}
	if err := os.RemoveAll(dir); err != nil { // half of an earlier try
		return err
	}
	if err := f.write(ctx, cfg, filepath.Join(dir, "root")); err != nil {
		return err
	}
	p = newControlPlane(dir, ports{})
	if err := h.choosePorts(p); err != nil {
		return err
	}
	m.log.printf("bootstrap: wrote %d files and %d units", len(cfg.Storage.Files), len(cfg.Systemd.Units))
	return h.join(m, disk{Role: roleBootstrap, ControlPlane: name, Keys: keysOf(cfg)}, p)
}

// join notes that the machine need not be provisioned again, and makes it a
// member of its control plane, p, if it is one of any.
func (h *Host) join(m *machine, d disk, p *controlPlane) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.machines[key(m.record.VM.ID)] != m {
		return errors.New("the machine was removed meanwhile")
	}
	if known := h.controlPlanes[d.ControlPlane]; p != nil && known != nil && known != p || p != nil && h.ctx.Err() != nil {
		return errors.New("the control plane went meanwhile")
	}
	if err := writeJSON(m.diskFile(), d); err != nil {
		return err
	}
	m.disk = d
	if p != nil {
		h.controlPlanes[d.ControlPlane] = p
		h.settlePlanes()
	}
	return nil
}

// planeAt is the control plane one of whose ports is at the address.
func (h *Host) planeAt(address string) (name string, p *controlPlane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, p := range h.controlPlanes {
		if p.ports.has(address) {
			return name, p
		}
	}
	return "", nil
}

// greet waits until the machine's own control plane answers, and logs it.
func (h *Host) greet(ctx context.Context, m *machine, vm VM) {
	for _, service := range []struct {
		name string
		port int
	}{{"API server", apiServerPort}, {"machine config server", machineConfigPort}} {
		for {
			conn, err := h.Dial(ctx, vm.ID, service.port)
			if err == nil {
				_ = conn.Close()
				break
			}
			if sleep(ctx, lookEvery) != nil {
				return
			}
		}
		m.log.printf("bootstrap: the %s listens on port %d", service.name, service.port)
	}
}

// tail is the end of a file, from the begin of a line.
func tail(path string, size int64) []byte {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Appendf(nil, "(no log: %v)", err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > size {
		if _, err := file.Seek(-size, io.SeekEnd); err != nil {
			return nil
		}
	}
	content, _ := io.ReadAll(io.LimitReader(file, size))
	if int64(len(content)) == size {
		if _, rest, found := bytes.Cut(content, []byte("\n")); found {
			return rest
		}
	}
	return content
}
