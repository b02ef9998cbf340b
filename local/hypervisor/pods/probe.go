package pods

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/probe"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	tcpprobe "k8s.io/kubernetes/pkg/probe/tcp"
	"k8s.io/utils/ptr"
)

// probe asks a container that runs how it is, until ctx ends.
func (w *workload) probe(ctx context.Context, c *corev1.Container) {
	if c.StartupProbe != nil {
		if !w.watch(ctx, c, "Startup", c.StartupProbe, func(well bool) (over bool) {
			if !well {
				w.restart(c.Name)
				return true
			}
			w.change(c.Name, func(s *corev1.ContainerStatus) { s.Started, s.Ready = ptr.To(true), c.ReadinessProbe == nil })
			return true
		}) {
			return
		}
	}
	if c.LivenessProbe != nil {
		go w.watch(ctx, c, "Liveness", c.LivenessProbe, func(well bool) (over bool) {
			if !well {
				w.restart(c.Name)
			}
			return !well
		})
	}
	if c.ReadinessProbe != nil {
		w.watch(ctx, c, "Readiness", c.ReadinessProbe, func(well bool) (over bool) {
			w.change(c.Name, func(s *corev1.ContainerStatus) { s.Ready = well && s.State.Running != nil })
			return false
		})
	}
}

// restart ends a container's process; what keeps it starts the next.
func (w *workload) restart(name string) {
	w.mu.Lock()
	kill := w.kill[name]
	w.mu.Unlock()
	if kill != nil {
		kill()
	}
}

// watch calls decide whenever the probe's thresholds are passed, until that says
// that it is over; false if ctx ended before.
func (w *workload) watch(ctx context.Context, c *corev1.Container, kind string, p *corev1.Probe, decide func(well bool) (over bool)) bool {
	if !pauseFor(ctx, time.Duration(p.InitialDelaySeconds)*time.Second) {
		return false
	}
	good, bad := int32(0), int32(0)
	for {
		problem := w.ask(p, c)
		if problem == "" {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
			_ = w.node.event(ctx, w.pod, corev1.EventTypeWarning, "Unhealthy", kind+" probe failed: "+problem)
		}
		if good == max(p.SuccessThreshold, 1) && decide(true) || bad == max(p.FailureThreshold, 1) && decide(false) {
			return true
		}
		if !pauseFor(ctx, time.Duration(max(p.PeriodSeconds, 1))*time.Second) {
			return false
		}
	}
}

// ask is what is wrong, or empty.
func (w *workload) ask(p *corev1.Probe, c *corev1.Container) string {
	timeout := time.Duration(max(p.TimeoutSeconds, 1)) * time.Second
	var result probe.Result
	var output string
	var err error
	switch {
	case p.HTTPGet != nil:
		action := p.HTTPGet.DeepCopy()
		action.Host = w.address
		var request *http.Request
		if request, err = httpprobe.NewRequestForHTTPGetAction(action, c, w.address, "probe"); err == nil {
			result, output, err = httpprobe.New(false).Probe(request, timeout)
		}
	case p.TCPSocket != nil:
		var port int
		if port, err = number(p.TCPSocket.Port, c); err == nil {
			result, output, err = tcpprobe.New().Probe(w.address, port, timeout)
		}
	case p.GRPC != nil:
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", net.JoinHostPort(w.address, strconv.Itoa(int(p.GRPC.Port))), timeout); err == nil {
			result, err = probe.Success, conn.Close()
		}
	case p.Exec != nil:
		result, output, err = w.byCommand(c, p.Exec.Command, timeout)
	default:
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if result == probe.Failure || result == probe.Unknown {
		return output
	}
	return ""
}

// number is that of a port that may have a name.
func number(port intstr.IntOrString, c *corev1.Container) (int, error) {
	if port.Type == intstr.Int {
		return port.IntValue(), nil
	}
	for _, p := range c.Ports {
		if p.Name == port.StrVal {
			return int(p.ContainerPort), nil
		}
	}
	return 0, fmt.Errorf("container %s has no port %q", c.Name, port.StrVal)
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
