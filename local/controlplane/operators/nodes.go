package operators

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
)

const (
	masterLabel = "node-role.kubernetes.io/master"
	workerLabel = "node-role.kubernetes.io/worker"
	// masters is how many a control plane has.
	masters = 3
)

// nodes counts the cluster's nodes.
type nodes struct {
	masters, readyMasters int
	workers, readyWorkers int
	wantedWorkers         int // by machine sets
	sleeping              []string
}

func (o *operators) nodes(ctx context.Context) (nodes, error) {
	var n nodes
	var list corev1.NodeList
	if err := o.client.List(ctx, &list); err != nil {
		return n, err
	}
	for i := range list.Items {
		node := &list.Items[i]
		_, master := node.Labels[masterLabel]
		_, worker := node.Labels[workerLabel]
		up := isReady(node)
		if master {
			n.masters++
			if up {
				n.readyMasters++
			} else {
				n.sleeping = append(n.sleeping, node.Name)
			}
		}
		if worker {
			n.workers++
			if up {
				n.readyWorkers++
			}
		}
	}
	var sets machinev1beta1.MachineSetList
	if err := o.client.List(ctx, &sets); err != nil {
		return n, err
	}
	for _, set := range sets.Items {
		n.wantedWorkers += int(ptr.Deref(set.Spec.Replicas, 1))
	}
	return n, nil
}

// enoughWorkers is where two routers can run, or as many as there shall be.
func (n nodes) enoughWorkers() bool {
	return n.readyWorkers >= min(2, max(1, n.wantedWorkers))
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// bootstrap reports to the installer's clients that the control plane no longer needs the bootstrap
// machine.
func (o *operators) bootstrap(ctx context.Context) (time.Duration, error) {
	n, err := o.nodes(ctx)
	if err != nil || n.readyMasters < masters {
		return 0, err
	}
	state := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "bootstrap"}}
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(state), state); err != nil {
		return 0, err
	}
	if state.Data["status"] == "complete" {
		return 0, nil
	}
	patch := client.MergeFrom(state.DeepCopy())
	state.Data = map[string]string{"status": "complete"}
	return 0, o.client.Patch(ctx, state, patch)
}
