package clusters

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/aro-rp/aro/local/home"
)

// Ports of API servers are below those that systems give to outgoing connections,
// so that a stopped cluster mostly finds its own free again.
const (
	firstPort = 20000
	portCount = 10000
	portTries = 100
	// portPatience is how long a cluster waits for its own port.
	portPatience = 3 * time.Second
	portPoll     = 50 * time.Millisecond
)

// settlePort chooses the cluster's port once, and again only if another program
// has it now: kubeconfigs that were handed out lead to it.
func (c *Clusters) settlePort(h home.Home) error {
	port, err := h.Port()
	if err != nil {
		return err
	}
	if port != 0 && comesFree(port) {
		return nil
	}
	reserved, err := c.reserved()
	if err != nil {
		return err
	}
	for range portTries {
		candidate := firstPort + rand.IntN(portCount)
		if reserved[candidate] || !free(candidate) {
			continue
		}
		if port != 0 {
			c.log.Warn("another program uses the port of a cluster; its kubeconfig changes", "dir", h.Dir(), "old", port, "new", candidate)
		}
		return h.SetPort(candidate)
	}
	return errors.New("no free port for an API server")
}

// reserved are the ports of clusters that may not have been started yet.
func (c *Clusters) reserved() (map[int]bool, error) {
	ports := map[int]bool{}
	for id, cluster := range c.known {
		port, err := cluster.home.Port()
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", id, err)
		}
		ports[port] = true
	}
	return ports, nil
}

// comesFree gives a process that was killed a moment ago the time to let go of
// its port: it may count as ended while its last threads still hold it.
func comesFree(port int) bool {
	for deadline := time.Now().Add(portPatience); !free(port); time.Sleep(portPoll) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func free(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort(home.Host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
