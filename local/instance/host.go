// Package instance runs the instances of scale sets on this machine. An instance has a directory in
// place of a disk: what its cloud-init document writes is below it, the programs of its image are
// those of a directory here, and its systemd units are processes that listen at the instance's own
// loopback address.
//
// It does what a document of the service's machines needs. It reports everything that it cannot do
// in the instance's boot log. It knows no cloud.
package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a Host.
type Options struct {
	// Dir has a directory for each instance.
	Dir string
	// Programs finds the directory with the programs of an image.
	Programs func(image string) (dir string, ok bool)
	// Environment is added to the environment of an instance's processes: how they reach the
	// identity endpoint.
	Environment func(m Machine) []string
	Log         *slog.Logger
}

// Machine is an instance.
type Machine struct {
	ID, Name, Location, Address string
	CustomData                  []byte
	Identities                  []string
}

// Host runs instances until its context ends.
type Host struct {
	Options
	ctx     context.Context
	work    sync.WaitGroup
	booting sync.Mutex

	mu      sync.Mutex
	running map[string]*running // by lower-case id
}

// running is an instance that was started.
type running struct {
	Machine
	dir  string
	log  *os.File
	mu   sync.Mutex
	unit map[string]*unit // by name
}

// NewHost makes a host that runs nothing yet. Instances end with ctx.
func NewHost(ctx context.Context, o Options) *Host {
	return &Host{Options: o, ctx: ctx, running: map[string]*running{}}
}

// Start boots an instance, unless it runs already.
func (h *Host) Start(_ context.Context, m Machine) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := strings.ToLower(m.ID)
	if h.running[key] != nil {
		return nil
	}
	r := &running{Machine: m, dir: h.dirOf(m.ID), unit: map[string]*unit{}}
	if err := os.MkdirAll(filepath.Join(r.dir, "root"), 0o700); err != nil {
		return fmt.Errorf("instance %s: %w", m.Name, err)
	}
	var err error
	if r.log, err = os.OpenFile(filepath.Join(r.dir, "boot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("instance %s: %w", m.Name, err)
	}
	h.running[key] = r
	h.work.Go(func() {
		if err := h.boot(r); err != nil {
			r.logf("FAILED: %v", err)
			h.Log.Warn("an instance did not boot", "instance", m.ID, "error", err, "log", r.log.Name())
		}
	})
	return nil
}

// dirOf is a directory by the names of the scale set and the instance.
func (h *Host) dirOf(id string) string {
	segments := strings.Split(strings.ToLower(id), "/")
	return filepath.Join(h.Dir, segments[len(segments)-3]+"_"+segments[len(segments)-1])
}

// logf adds a line to the boot log.
func (r *running) logf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.log, time.Now().UTC().Format(time.RFC3339)+" "+format+"\n", args...)
}

// Remove ends an instance at once, as a machine whose power is cut, and deletes its disk.
func (h *Host) Remove(_ context.Context, id string) error {
	h.mu.Lock()
	r := h.running[strings.ToLower(id)]
	delete(h.running, strings.ToLower(id))
	h.mu.Unlock()
	if r == nil {
		return os.RemoveAll(h.dirOf(id))
	}
	r.mu.Lock()
	units := r.unit
	r.unit = nil
	r.mu.Unlock()
	for _, u := range units {
		u.kill()
	}
	_ = r.log.Close()
	return os.RemoveAll(r.dir)
}

// Kill ends the processes of an instance at once; its units start them again.
func (h *Host) Kill(id string) error {
	r, err := h.find(id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.unit {
		u.process.Kill()
	}
	return nil
}

func (h *Host) find(id string) (*running, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.running[strings.ToLower(id)]
	if r == nil {
		return nil, fmt.Errorf("the instance %s does not run", id)
	}
	return r, nil
}

// Has reports whether an instance runs here.
func (h *Host) Has(id string) bool {
	_, err := h.find(id)
	return err == nil
}

// Dial opens a connection to a port of an instance.
func (h *Host) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	r, err := h.find(id)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(r.Address, strconv.Itoa(port)))
}

// RunScript runs a script of a run command. It knows systemctl's stop, start and restart
// of units, and refuses everything else.
func (h *Host) RunScript(ctx context.Context, id string, lines []string) (string, error) {
	r, err := h.find(id)
	if err != nil {
		return "", err
	}
	var output strings.Builder
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") || line == "set -e" {
			continue
		}
		if err := h.command(ctx, r, strings.Fields(line)); err != nil {
			r.logf("run command: %s: %v", line, err)
			return output.String(), err
		}
		r.logf("run command: %s", line)
		fmt.Fprintf(&output, "%s\n", line)
	}
	return output.String(), nil
}

// Wait returns when no process of an instance is left, after the host's context ended.
func (h *Host) Wait() { h.work.Wait() }

// errNotSimulated is why a command is refused.
var errNotSimulated = errors.New("this machine is simulated and cannot do that")
