package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// The ports of a control plane machine that its process answers.
	apiServerPort     = 6443
	machineConfigPort = 22623
	// loopback is where the process listens instead.
	loopback = "127.0.0.1"
	// portsFile has the ports on which the process listens.
	portsFile = "ports.json"
)

// Ports of control planes are below those that systems give to outgoing
// connections, so that a stopped one mostly finds its own free again.
const (
	firstPort = 20000
	portCount = 10000
	portTries = 100
	// portPatience is how long a control plane waits for its own ports.
	portPatience = 3 * time.Second
	portPoll     = 50 * time.Millisecond
)

// ports are those of this machine which stand for the control plane's own.
type ports struct {
	APIServer     int `json:"apiServer"`
	MachineConfig int `json:"machineConfig"`
}

func (p ports) all() []int { return []int{p.APIServer, p.MachineConfig} }

// address is where a port of a member really is.
func (p ports) address(port int) (address string, listens bool) {
	switch port {
	case apiServerPort:
		return at(p.APIServer), true
	case machineConfigPort:
		return at(p.MachineConfig), true
	}
	return "", false
}

func (p ports) has(address string) bool {
	return address == at(p.APIServer) || address == at(p.MachineConfig)
}

func at(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// choosePorts takes free ones that no other control plane has, stopped or not.
func (h *Host) choosePorts(p *controlPlane) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := map[int]bool{}
	for _, other := range h.controlPlanes {
		for _, port := range other.ports.all() {
			taken[port] = true
		}
	}
	var chosen ports
	for _, port := range []*int{&chosen.APIServer, &chosen.MachineConfig} {
		for try := 0; *port == 0; try++ {
			if try == portTries {
				return errors.New("no free port for a control plane")
			}
			candidate := firstPort + rand.IntN(portCount)
			if !taken[candidate] && free(candidate) {
				*port, taken[candidate] = candidate, true
			}
		}
	}
	if err := writeJSON(filepath.Join(p.dir, portsFile), chosen); err != nil {
		return fmt.Errorf("ports: %w", err)
	}
	p.ports = chosen
	return nil
}

// settlePorts makes sure that the ports can be used. Nothing outside this host
// knows them, so others serve as well.
func (h *Host) settlePorts(ctx context.Context, name string, p *controlPlane) error {
	if p.ports == (ports{}) {
		return h.choosePorts(p)
	}
	deadline := time.Now().Add(portPatience)
	for _, port := range p.ports.all() {
		for !free(port) {
			if time.Now().After(deadline) {
				h.options.Log.WarnContext(ctx, "another program uses a port of a control plane, which gets others", "control_plane", name, "port", port)
				return h.choosePorts(p)
			}
			// A process that was killed a moment ago may still hold it.
			if err := sleep(ctx, portPoll); err != nil {
				return err
			}
		}
	}
	return nil
}

func free(port int) bool {
	listener, err := net.Listen("tcp", at(port))
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
