package machineconfig

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Annotations of nodes.
const (
	current = "machineconfiguration.openshift.io/currentConfig"
	desired = "machineconfiguration.openshift.io/desiredConfig"
	state   = "machineconfiguration.openshift.io/state"
	reason  = "machineconfiguration.openshift.io/reason"
	done    = "Done"
	working = "Working"
	mirror  = "kubernetes.io/config.mirror"
)

const (
	// settle is how long a config waits for further changes before it is rolled out.
	settle = 30 * time.Second
	// drainAgain is how often it is seen whether a drained node's pods have gone.
	drainAgain = time.Second
)

// rollOut brings the nodes of a pool to its config, at most spec.maxUnavailable at a time: each is cordoned, drained, given the
// config and let in again. Machines that boot, and those of a cluster that is being installed, have it at once.
func (o *operator) rollOut(ctx context.Context, pool *machineconfigurationv1.MachineConfigPool, to *rendering, nodes []*corev1.Node, installing bool) (again time.Duration, err error) {
	capacity, err := unavailable(pool, len(nodes))
	if err != nil {
		return 0, err
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	for _, n := range nodes {
		if isMoving(n) || n.Spec.Unschedulable || !isReady(n) {
			capacity--
		}
	}
	age := time.Since(to.config.CreationTimestamp.Time)
	for _, n := range nodes {
		switch {
		case n.Annotations[current] == "" || installing && n.Annotations[current] != to.config.Name:
			err = o.mark(ctx, n, place{to.config.Name, to.config.Name, n.Spec.Unschedulable})
		case isMoving(n):
			again = drainAgain
			err = o.move(ctx, n)
		case n.Annotations[current] == to.config.Name || pool.Spec.Paused:
		case age < settle:
			again = settle - age
		case capacity > 0 && isReady(n):
			capacity--
			again = drainAgain
			err = o.begin(ctx, n, to.config)
		}
		if err != nil {
			return 0, fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return again, nil
}

// unavailable is how many of a pool's nodes may be so at a time.
func unavailable(pool *machineconfigurationv1.MachineConfigPool, nodes int) (int, error) {
	if pool.Spec.MaxUnavailable == nil {
		return 1, nil
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(pool.Spec.MaxUnavailable, nodes, false)
	if err != nil {
		return 0, fmt.Errorf("spec.maxUnavailable: %w", err)
	}
	return max(n, 1), nil
}

func isMoving(n *corev1.Node) bool { return n.Annotations[current] != n.Annotations[desired] }

func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// begin cordons a node, unless it can have the config while its pods run.
func (o *operator) begin(ctx context.Context, n *corev1.Node, to *machineconfigurationv1.MachineConfig) error {
	from := &machineconfigurationv1.MachineConfig{}
	err := o.client.Get(ctx, client.ObjectKey{Name: n.Annotations[current]}, from)
	if apierrors.IsNotFound(err) {
		from, err = nil, nil
	}
	if err != nil {
		return err
	}
	if !needsDrain(from, to) {
		return o.mark(ctx, n, place{to.Name, to.Name, n.Spec.Unschedulable})
	}
	return o.mark(ctx, n, place{n.Annotations[current], to.Name, true})
}

// move evicts the pods of a cordoned node. Once they have gone, the machine restarts with its config.
func (o *operator) move(ctx context.Context, n *corev1.Node) error {
	var pods corev1.PodList
	if err := o.live.List(ctx, &pods, client.MatchingFields{"spec.nodeName": n.Name}); err != nil {
		return err
	}
	left := 0
	for i := range pods.Items {
		pod := &pods.Items[i]
		if stays(pod) {
			continue
		}
		left++
		if pod.DeletionTimestamp != nil {
			continue
		}
		eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
		err := o.client.SubResource("eviction").Create(ctx, pod, eviction)
		// A budget is kept for as long as it takes: 429. Under two budgets the eviction fails for ever, which is for others to end.
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsTooManyRequests(err) && !apierrors.IsInternalError(err) {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return o.mark(ctx, n, place{n.Annotations[desired], n.Annotations[desired], false})
}

// stays reports whether a drain leaves a pod where it is.
func stays(pod *corev1.Pod) bool {
	if _, static := pod.Annotations[mirror]; static || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return true
	}
	by := metav1.GetControllerOf(pod)
	return by != nil && by.Kind == "DaemonSet"
}

// place is where a node is in a rollout: the config that it has and the one that it is to have.
type place struct {
	has, wants    string
	unschedulable bool
}

func (o *operator) mark(ctx context.Context, n *corev1.Node, at place) error {
	now := done
	if at.has != at.wants {
		now = working
	}
	marked := n.DeepCopy()
	for name, value := range map[string]string{current: at.has, desired: at.wants, state: now, reason: ""} {
		metav1.SetMetaDataAnnotation(&marked.ObjectMeta, name, value)
	}
	marked.Spec.Unschedulable = at.unschedulable
	return o.client.Patch(ctx, marked, client.MergeFromWithOptions(n, client.MergeFromWithOptimisticLock{}))
}
