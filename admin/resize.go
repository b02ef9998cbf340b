package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	corev1 "k8s.io/api/core/v1"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/openshift"
)

const (
	// readyLimit is how long a machine may take to be a ready node again, and settledLimit the operators
	// of the control plane to be well.
	readyLimit, settledLimit = 30 * time.Minute, 10 * time.Minute
	// lookEvery is the time between looks.
	lookEvery = 2 * time.Second
	// rollbackLimit bounds what is done to bring a machine back.
	rollbackLimit = 15 * time.Minute
)

// AdminResizeControlPlane changes the size of all control plane machines, one after the other. It goes
// on when its caller leaves: half of it is worse than all or nothing.
func (a *API) AdminResizeControlPlane(ec echo.Context, _, _, _ string, p api.AdminResizeControlPlaneParams) error {
	c := ec.(*call)
	size, err := masterSize(p.VMSize)
	if err != nil {
		return err
	}
	c.Subject = size
	return a.azureStream(c, func(ctx context.Context, m *managed, e *events) error {
		k, err := a.open(c)
		if err != nil {
			return err
		}
		defer k.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actions[c.Operation].limit)
		defer cancel()
		r := &resizing{m: m, k: k, e: e, about: a.Azure.SubjectOf(m.cluster), size: size, deallocate: p.DeallocateVM == nil || *p.DeallocateVM, dryRun: c.DryRun}
		return r.run(ctx)
	})
}

// resizing is a resize of a control plane.
type resizing struct {
	m          *managed
	k          clusterAPI
	e          *events
	about      azure.Subject
	size       string
	deallocate bool
	dryRun     bool
}

func (r *resizing) say(format string, args ...any) { r.e.report(fmt.Sprintf(format, args...)) }

func (r *resizing) run(ctx context.Context) error {
	nodes, err := r.k.masters(ctx)
	if err != nil {
		return err
	}
	results := runChecks(ctx, (&readiness{m: r.m, k: r.k, about: r.about, size: r.size, nodes: nodes}).checks())
	if faults := failed(results); faults.Len() > 0 {
		return faults.Err()
	}
	for _, node := range slices.Backward(nodes) {
		if err := r.machine(ctx, &node); err != nil {
			return err
		}
	}
	return nil
}

// masters are the nodes of the control plane by their names.
func (k clusterAPI) masters(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	if err := k.Read(ctx, "/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fmaster", &list); err != nil {
		return nil, ofCluster(err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}

func ready(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// machine resizes one machine, or goes on where an earlier resize ended.
func (r *resizing) machine(ctx context.Context, node *corev1.Node) error {
	vm, err := r.m.machine(ctx, node.Name)
	if err != nil {
		return err
	}
	was := ""
	if hardware := vm.Properties.HardwareProfile; hardware != nil {
		was = string(optional(hardware.VMSize))
	}
	running := powerOf(vm.Properties.InstanceView) == "running"
	switch {
	case arm.EqualFold(was, r.size) && running && ready(node) && !node.Spec.Unschedulable:
		r.say("%s has the size %s already", node.Name, r.size)
		return r.label(ctx, node.Name)
	case r.dryRun:
		r.say("%s would be drained, stopped, resized from %s to %s, and started", node.Name, was, r.size)
		return nil
	}
	r.say("%s: from %s to %s", node.Name, was, r.size)
	if ready(node) {
		if err := drained(node.Name, r.k.Drain(ctx, &openshift.Drain{Node: node.Name, Report: r.e.report})); err != nil {
			return r.back(ctx, node.Name, "", ofCluster(err))
		}
	}
	if running {
		r.say("%s: stopping", node.Name)
		if err := r.m.stop(ctx, node.Name, r.deallocate); err != nil {
			return r.back(ctx, node.Name, "", err)
		}
	}
	if !arm.EqualFold(was, r.size) {
		r.say("%s: resizing", node.Name)
		if err := r.m.resize(ctx, node.Name, r.size); err != nil {
			return r.back(ctx, node.Name, "", err)
		}
	}
	if err := r.startUp(ctx, node); err != nil {
		return r.back(ctx, node.Name, was, err)
	}
	return r.label(ctx, node.Name)
}

// startUp starts a machine and waits until the control plane is well with it.
func (r *resizing) startUp(ctx context.Context, before *corev1.Node) error {
	r.say("%s: starting", before.Name)
	if err := r.m.start(ctx, before.Name); err != nil {
		return err
	}
	err := r.await(ctx, readyLimit, func() (string, error) {
		var now corev1.Node
		if err := r.k.Read(ctx, "/api/v1/nodes/"+before.Name, &now); err != nil {
			return "", err
		}
		if !ready(&now) || now.Status.NodeInfo.BootID == before.Status.NodeInfo.BootID && ready(before) {
			return "node " + before.Name + " to be ready", nil
		}
		return "", nil
	})
	if err != nil {
		return err
	}
	if err := r.k.Cordon(ctx, before.Name, false, false); err != nil {
		return ofCluster(err)
	}
	return r.await(ctx, settledLimit, func() (string, error) {
		for _, name := range controlPlaneOperators {
			why, err := r.k.Unsettled(ctx, name)
			if err != nil {
				return "", err
			}
			if why != "" {
				return "the operator " + name + ", which is " + why, nil
			}
		}
		return "", nil
	})
}

// await looks until nothing is missing. An API server that does not answer may be about to.
func (r *resizing) await(ctx context.Context, limit time.Duration, look func() (missing string, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for said := ""; ; {
		missing, err := look()
		if err != nil {
			missing = "the API server: " + openshift.Why(err)
		}
		if missing == "" {
			return nil
		}
		if missing != said {
			r.say("waiting for %s", missing)
			said = missing
		}
		select {
		case <-ctx.Done():
			return arm.RequestNotAllowed.Errorf("It took too long to wait for %s.", missing)
		case <-time.After(lookEvery):
		}
	}
}

// back starts a machine whose resize failed, with the size that it had before, and returns why the
// resize failed.
func (r *resizing) back(ctx context.Context, name, size string, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	r.say("%s: the resize failed; going back", name)
	if size != "" {
		if err := r.m.stop(ctx, name, r.deallocate); err != nil {
			r.say("%s: cannot be stopped", name)
		}
		if err := r.m.resize(ctx, name, size); err != nil {
			r.say("%s: does not get back its size %s", name, size)
		}
	}
	if err := r.m.start(ctx, name); err != nil {
		r.say("%s: does not start", name)
	} else if err := r.await(ctx, rollbackLimit, func() (string, error) {
		var now corev1.Node
		if err := r.k.Read(ctx, "/api/v1/nodes/"+name, &now); err != nil || ready(&now) {
			return "", err
		}
		return "node " + name + " to be ready", nil
	}); err != nil {
		r.say("%s: is not a ready node", name)
	}
	if err := r.k.Cordon(ctx, name, false, false); err != nil {
		r.say("%s: stays cordoned", name)
	}
	return why
}

// label tells the cluster the size: the Machine, from which it would be made again, and the node.
func (r *resizing) label(ctx context.Context, name string) error {
	if r.dryRun {
		return nil
	}
	labels := map[string]string{"node.kubernetes.io/instance-type": r.size, "beta.kubernetes.io/instance-type": r.size}
	if err := r.k.Write(ctx, http.MethodPatch, "/api/v1/nodes/"+name, object("metadata", "labels", labels), nil); err != nil {
		return ofCluster(err)
	}
	const machines = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines/"
	change := object("spec", "providerSpec", map[string]any{"value": map[string]string{"vmSize": r.size}})
	change["metadata"] = map[string]any{"labels": map[string]string{"machine.openshift.io/instance-type": r.size}}
	return ofCluster(r.k.Write(ctx, http.MethodPatch, machines+name, change, nil))
}

func object(member, below string, value any) map[string]any {
	return map[string]any{member: map[string]any{below: value}}
}
