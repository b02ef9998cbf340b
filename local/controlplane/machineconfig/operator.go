package machineconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

// operator stands in for OpenShift's machine config operator.
type operator struct {
	client client.Client
	live   client.Reader
}

// Add gives m the controller that makes machine configs of KubeletConfigs, renders those of each pool into one, and rolls that out.
func Add(m manager.Manager) error {
	o := &operator{client: m.GetClient(), live: m.GetAPIReader()}
	return watch.Add(m, "machine-config", o.reconcile, &corev1.Node{}, &machineconfigurationv1.MachineConfigPool{}, &machineconfigurationv1.MachineConfig{},
		&machineconfigurationv1.KubeletConfig{}, &configv1.ClusterVersion{})
}

func (o *operator) reconcile(ctx context.Context) (again time.Duration, err error) {
	var pools machineconfigurationv1.MachineConfigPoolList
	var configs machineconfigurationv1.MachineConfigList
	var nodes corev1.NodeList
	for _, list := range []client.ObjectList{&pools, &configs, &nodes} {
		if err := o.client.List(ctx, list); err != nil {
			return 0, err
		}
	}
	if err := o.kubelets(ctx, pools.Items, configs.Items); err != nil {
		return 0, err
	}
	installing, err := o.installing(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for i := range pools.Items {
		pool := &pools.Items[i]
		if pool.DeletionTimestamp != nil {
			continue
		}
		after, err := o.pool(ctx, pool, configs.Items, members(pool, pools.Items, nodes.Items), installing)
		if err != nil {
			failed = append(failed, fmt.Errorf("machine config pool %s: %w", pool.Name, err))
		}
		if after > 0 && (again == 0 || after < again) {
			again = after
		}
	}
	return again, errors.Join(failed...)
}

// installing reports whether the cluster has no release yet that is complete.
func (o *operator) installing(ctx context.Context) (bool, error) {
	var version configv1.ClusterVersion
	if err := o.client.Get(ctx, client.ObjectKey{Name: "version"}, &version); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	return !slices.ContainsFunc(version.Status.History, func(h configv1.UpdateHistory) bool { return h.State == configv1.CompletedUpdate }), nil
}

// members are the nodes of a pool. A master is one whatever other pools select it, and a pool of the customer's takes
// its nodes from the workers'.
func members(pool *machineconfigurationv1.MachineConfigPool, all []machineconfigurationv1.MachineConfigPool, nodes []corev1.Node) []*corev1.Node {
	selects := func(pool *machineconfigurationv1.MachineConfigPool, n *corev1.Node) bool {
		selector, err := metav1.LabelSelectorAsSelector(pool.Spec.NodeSelector)
		return err == nil && selector.Matches(labels.Set(n.Labels))
	}
	rank := func(name string) int {
		switch name {
		case "master":
			return 0
		case "worker":
			return 2
		default:
			return 1
		}
	}
	var found []*corev1.Node
	for i := range nodes {
		n := &nodes[i]
		if selects(pool, n) && !slices.ContainsFunc(all, func(other machineconfigurationv1.MachineConfigPool) bool {
			return rank(other.Name) < rank(pool.Name) && selects(&other, n)
		}) {
			found = append(found, n)
		}
	}
	return found
}

// pool renders a pool's config, rolls it out, and reports how far that is.
func (o *operator) pool(ctx context.Context, pool *machineconfigurationv1.MachineConfigPool, configs []machineconfigurationv1.MachineConfig, nodes []*corev1.Node, installing bool) (again time.Duration, err error) {
	target, err := renderPool(pool, configs)
	if err != nil { // which the customer has to change
		return 0, o.report(ctx, pool, nil, nodes, err)
	}
	if err := o.ensure(ctx, target, configs); err != nil {
		return 0, err
	}
	if !equality.Semantic.DeepEqual(pool.Spec.Configuration, target.of) {
		patch := client.MergeFrom(pool.DeepCopy())
		pool.Spec.Configuration = target.of
		if err := o.client.Patch(ctx, pool, patch); err != nil {
			return 0, err
		}
	}
	if again, err = o.rollOut(ctx, pool, target, nodes, installing); err != nil {
		return 0, err
	}
	return again, o.report(ctx, pool, target, nodes, nil)
}

// report notes how many machines of a pool are up, and have its config. Without a target it cannot be rendered.
func (o *operator) report(ctx context.Context, pool *machineconfigurationv1.MachineConfigPool, target *rendering, nodes []*corev1.Node, fault error) error {
	status := pool.Status.DeepCopy()
	status.ObservedGeneration = pool.Generation
	status.MachineCount, status.UpdatedMachineCount, status.ReadyMachineCount = int32(len(nodes)), 0, 0 //nolint:gosec // fewer than a cluster's nodes
	status.UnavailableMachineCount = 0
	for _, n := range nodes {
		updated := target != nil && n.Annotations[current] == target.of.Name && !isMoving(n)
		available := isReady(n) && !n.Spec.Unschedulable
		if updated {
			status.UpdatedMachineCount++
		}
		if updated && available {
			status.ReadyMachineCount++
		}
		if !available {
			status.UnavailableMachineCount++
		}
	}
	updated := target != nil && status.UpdatedMachineCount == status.MachineCount && status.UnavailableMachineCount == 0
	if updated {
		status.Configuration = target.of
	}
	setPoolCondition(status, machineconfigurationv1.MachineConfigPoolUpdated, updated, nil)
	setPoolCondition(status, machineconfigurationv1.MachineConfigPoolUpdating, !updated && fault == nil && !pool.Spec.Paused, nil)
	setPoolCondition(status, machineconfigurationv1.MachineConfigPoolRenderDegraded, fault != nil, fault)
	setPoolCondition(status, machineconfigurationv1.MachineConfigPoolDegraded, fault != nil, fault)
	if equality.Semantic.DeepEqual(status, &pool.Status) {
		return nil
	}
	pool.Status = *status
	return o.client.Status().Update(ctx, pool)
}

func setPoolCondition(status *machineconfigurationv1.MachineConfigPoolStatus, kind machineconfigurationv1.MachineConfigPoolConditionType, holds bool, why error) {
	condition := machineconfigurationv1.MachineConfigPoolCondition{Type: kind, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now()}
	if holds {
		condition.Status = corev1.ConditionTrue
	}
	if why != nil {
		condition.Message = why.Error()
	}
	for i, have := range status.Conditions {
		if have.Type == kind {
			if have.Status != condition.Status || have.Message != condition.Message {
				status.Conditions[i] = condition
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}
