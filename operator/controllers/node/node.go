// Package node finishes drains that take too long.
package node

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// Annotations of nodes: the machine config operator's, and this operator's.
const (
	mco           = "machineconfiguration.openshift.io/"
	currentConfig = mco + "currentConfig"
	desiredConfig = mco + "desiredConfig"
	state         = mco + "state"
	reason        = mco + "reason"
	drainStart    = "aro.openshift.io/drainStartTime"
)

const (
	masterLabel = "node-role.kubernetes.io/master"
	mirror      = "kubernetes.io/config.mirror"
	// patience is how long a drain may take before budgets of pods do not count any more.
	patience = time.Hour
	// lookAgain is how often it is seen whether pods are gone that were deleted.
	lookAgain = 5 * time.Second
)

var kind = corev1.SchemeGroupVersion.WithKind("Node")

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "Node",
		Summary: "Finishes drains of workers by the machine config operator that take longer than an hour: the pods that are left are deleted, whatever their disruption " +
			"budgets say, except those of DaemonSets. Eviction would not do: one of a pod under two budgets fails for ever. Masters are never touched.",
		Flag:    flags.NodeDrainer,
		Watches: []controller.Watch{{Kind: kind, Of: &corev1.Node{}, Keep: keep, Matches: concerns}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("patch", "", "nodes")},
			{PolicyRule: controller.ResourceRule("list delete", "", "pods")},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

// keep leaves of a node in memory what reports whether it is drained: a reconcile then reads nothing.
func keep(o any) (any, error) {
	n, is := o.(*corev1.Node)
	if !is {
		return o, nil
	}
	kept := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, UID: n.UID, ResourceVersion: n.ResourceVersion}}
	kept.Spec.Unschedulable = n.Spec.Unschedulable
	if _, is := n.Labels[masterLabel]; is {
		kept.Labels = map[string]string{masterLabel: ""}
	}
	for _, name := range []string{currentConfig, desiredConfig, state, reason, drainStart} {
		if value, is := n.Annotations[name]; is {
			metav1.SetMetaDataAnnotation(&kept.ObjectMeta, name, value)
		}
	}
	if ready(n) {
		kept.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	}
	return kept, nil
}

func reconcile(ctx context.Context, r *controller.Request) error {
	var nodes corev1.NodeList
	if err := r.Cached.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	var busy []string
	for i := range nodes.Items {
		if !concerns(&nodes.Items[i]) {
			continue
		}
		progress, err := look(ctx, r, &nodes.Items[i])
		if err != nil {
			return err
		}
		if progress != "" {
			busy = append(busy, progress)
		}
	}
	r.Progressing(strings.Join(busy, "; "))
	return nil
}

// concerns reports, by its metadata, whether a node needs a reconcile.
func concerns(n client.Object) bool {
	if _, master := n.GetLabels()[masterLabel]; master {
		return false
	}
	_, noted := n.GetAnnotations()[drainStart]
	return noted || wantsDrain(n.GetAnnotations())
}

func wantsDrain(a map[string]string) bool {
	return a[currentConfig] != "" && a[desiredConfig] != "" && a[currentConfig] != a[desiredConfig] &&
		(a[state] == "Working" || a[state] == "Degraded" && strings.HasPrefix(a[reason], "failed to drain node"))
}

func drains(n *corev1.Node) bool {
	return wantsDrain(n.Annotations) && n.Spec.Unschedulable && ready(n)
}

// look returns what is in progress on a node, as it is known. It is read only before its pods are deleted, which
// cannot be undone.
func look(ctx context.Context, r *controller.Request, known *corev1.Node) (progress string, err error) {
	if !drains(known) {
		return "", forget(ctx, r, known)
	}
	start, err := time.Parse(time.RFC3339, known.Annotations[drainStart])
	if err != nil {
		start = r.Now.UTC()
		if err := note(ctx, r, known.Name, start.Format(time.RFC3339)); err != nil {
			return "", err
		}
	}
	if left := start.Add(patience).Sub(r.Now); left > 0 {
		r.Again(left)
		return "node " + known.Name + " is draining", nil
	}
	return finish(ctx, r, known.Name)
}

// finish deletes the pods of a node that drains for too long, if it still does.
func finish(ctx context.Context, r *controller.Request, name string) (progress string, err error) {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := r.Read(ctx, n); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	waiting := 0
	if drains(n) {
		if waiting, err = remove(ctx, r, name); err != nil {
			return "", err
		}
	}
	if waiting == 0 {
		return "", forget(ctx, r, n)
	}
	r.Again(lookAgain)
	return fmt.Sprintf("node %s drains for more than %s: %d pods are being deleted", name, patience, waiting), nil
}

func ready(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// forget removes the note of a drain that is over.
func forget(ctx context.Context, r *controller.Request, n *corev1.Node) error {
	if _, noted := n.Annotations[drainStart]; !noted {
		return nil
	}
	return note(ctx, r, n.Name, nil)
}

// note writes the note of a drain's start, or removes it. No other program writes it, and a node that is gone
// needs none.
func note(ctx context.Context, r *controller.Request, name string, start any) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{drainStart: start}}})
	if err != nil {
		return fmt.Errorf("note on the node %s: %w", name, err)
	}
	n := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.SetGroupVersionKind(kind)
	if err := r.Patch(ctx, n, client.RawPatch(types.MergePatchType, body)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("note on the node %s: %w", name, err)
	}
	return nil
}

// remove deletes a node's pods, each with its own grace, and counts those that are
// still there.
func remove(ctx context.Context, r *controller.Request, node string) (waiting int, err error) {
	var pods corev1.PodList
	if err := r.List(ctx, &pods, client.MatchingFields{"spec.nodeName": node}); err != nil {
		return 0, fmt.Errorf("list pods of %s: %w", node, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if _, static := pod.Annotations[mirror]; static || ofDaemonSet(pod) {
			continue
		}
		if pod.DeletionTimestamp == nil {
			if err := r.Delete(ctx, pod, client.Preconditions{UID: &pod.UID}); client.IgnoreNotFound(err) != nil {
				return 0, fmt.Errorf("delete the pod %s/%s: %w", pod.Namespace, pod.Name, err)
			}
		}
		waiting++
	}
	return waiting, nil
}

func ofDaemonSet(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "DaemonSet"
}
