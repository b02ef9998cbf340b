// Package machineset keeps a cluster's workers at two or more.
package machineset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace       = "openshift-machine-api"
	roleLabel       = "machine.openshift.io/cluster-api-machine-role"
	fewest    int32 = 2
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "MachineSet",
		Summary: "Raises the replicas of a worker MachineSet when all of them together want less than two machines. A customer's own MachineSet, whose name does not " +
			"have the cluster's infrastructure id, turns this off.",
		Flag:      flags.MachineSet,
		Watches:   []controller.Watch{{Kind: machinev1beta1.GroupVersion.WithKind("MachineSet"), Namespace: namespace, Spec: true}},
		Rules:     []controller.Rule{{Namespace: namespace, PolicyRule: controller.ResourceRule("patch", machinev1beta1.GroupName, "machinesets")}},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	var list machinev1beta1.MachineSetList
	if err := r.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list machine sets: %w", err)
	}
	sets := slices.DeleteFunc(list.Items, func(s machinev1beta1.MachineSet) bool {
		return !arm.EqualFold(s.Labels[roleLabel], "worker") || s.DeletionTimestamp != nil
	})
	if len(sets) == 0 || slices.ContainsFunc(sets, func(s machinev1beta1.MachineSet) bool { return !strings.Contains(s.Name, r.Cluster.Spec.InfraID) }) {
		return nil
	}
	// The largest is raised: it is where machines could be made before.
	slices.SortFunc(sets, func(a, b machinev1beta1.MachineSet) int {
		return cmp.Or(cmp.Compare(replicas(b), replicas(a)), cmp.Compare(a.Name, b.Name))
	})
	var sum int32
	for _, s := range sets {
		sum += replicas(s)
	}
	if sum >= fewest {
		return nil
	}
	raised, before := sets[0].DeepCopy(), sets[0].DeepCopy()
	n := replicas(sets[0]) + fewest - sum
	raised.Spec.Replicas = &n
	r.Log.InfoContext(ctx, "too few workers are wanted", "machineSet", raised.Name, "replicas", n)
	// With the version that was read: a change since then causes another reconcile.
	if err := r.Patch(ctx, raised, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("raise the machine set %s: %w", raised.Name, err)
	}
	return nil
}

func replicas(s machinev1beta1.MachineSet) int32 {
	if s.Spec.Replicas == nil {
		return 1 // the definition's default
	}
	return *s.Spec.Replicas
}
