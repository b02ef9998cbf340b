package network

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	// proberSettle is the time between two looks which probes there are.
	proberSettle = 500 * time.Millisecond
	// proberTimeout bounds one probe.
	proberTimeout = 5 * time.Second
)

// probing identifies an instance and its probe.
type probing struct{ instance, probe string }

// prober checks the health of scale sets' instances by the probes of load balancers. Virtual
// machines are not probed: each connection shows whether they answer.
type prober struct {
	mu      sync.Mutex
	healthy map[probing]bool
	running map[probing]context.CancelFunc
	work    sync.WaitGroup
}

// Healthy reports the state of an instance by a probe.
func (n *Network) Healthy(instance, probe string) bool {
	n.prober.mu.Lock()
	defer n.prober.mu.Unlock()
	return n.prober.healthy[probing{resources.Key(instance), resources.Key(probe)}]
}

// probeAll probes until ctx ends.
func (n *Network) probeAll(ctx context.Context) {
	p := &n.prober
	p.mu.Lock()
	p.healthy, p.running = map[probing]bool{}, map[probing]context.CancelFunc{}
	p.mu.Unlock()
	defer p.work.Wait()
	ticker := time.NewTicker(proberSettle)
	defer ticker.Stop()
	for {
		if t, err := n.topology(ctx); err == nil {
			n.settleProbes(ctx, t)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// settleProbes begins and ends probes until they are those of the topology.
func (n *Network) settleProbes(ctx context.Context, t *topology) {
	wanted := map[probing]target{}
	for _, balancer := range t.of(loadBalancers) {
		for _, rule := range resources.Objects(balancer.Get(rules)) {
			properties := resources.Object(rule["properties"])
			probe := partOf(balancer, probes, refID(properties["probe"]))
			for _, pool := range poolsOfRule(properties) {
				for _, instance := range t.instancesIn(pool) {
					if probe != nil {
						wanted[probing{resources.Key(instance.ID), resources.Key(textAt(probe, "id"))}] = target{instance.ID, resources.Object(probe["properties"])}
					}
				}
			}
		}
	}
	n.prober.mu.Lock()
	defer n.prober.mu.Unlock()
	for key, stop := range n.prober.running {
		if _, keep := wanted[key]; !keep {
			stop()
			delete(n.prober.running, key)
			delete(n.prober.healthy, key)
		}
	}
	for key, at := range wanted {
		if n.prober.running[key] != nil {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		n.prober.running[key] = stop
		n.prober.work.Go(func() { n.probe(ctx, key, at) })
	}
}

// target is the endpoint of a probe.
type target struct {
	instance string
	probe    object
}

// probe checks one instance: it becomes healthy with the first success, and unhealthy after the
// probe's number of consecutive failures.
func (n *Network) probe(ctx context.Context, key probing, at target) {
	interval := time.Duration(max(number(at.probe["intervalInSeconds"]), 1)) * time.Second
	limit := max(number(at.probe["numberOfProbes"]), 1)
	client := &http.Client{Timeout: proberTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // probes check no certificates
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return n.dialAny(ctx, []backend{{at.instance, number(at.probe["port"])}})
		},
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for failed := 0; ; {
		if n.answers(ctx, client, at) {
			failed = 0
		} else {
			failed++
		}
		n.prober.mu.Lock()
		if ctx.Err() != nil {
			n.prober.mu.Unlock()
			return
		}
		if failed == 0 || failed >= limit {
			n.prober.healthy[key] = failed == 0
		}
		n.prober.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (n *Network) answers(ctx context.Context, client *http.Client, at target) bool {
	ctx, cancel := context.WithTimeout(ctx, proberTimeout)
	defer cancel()
	protocol, port := textAt(at.probe, "protocol"), number(at.probe["port"])
	if arm.EqualFold(protocol, "Tcp") {
		conn, err := n.dialAny(ctx, []backend{{at.instance, port}})
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, arm.ToLower(protocol)+"://instance:"+strconv.Itoa(port)+textAt(at.probe, "requestPath"), nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// poolsOfRule are the ids of the pools that a rule forwards to.
func poolsOfRule(properties object) []string {
	var all []string
	for _, id := range append(refIDs(properties["backendAddressPools"]), refID(properties["backendAddressPool"])) {
		if id != "" {
			all = append(all, id)
		}
	}
	return all
}
