package operators

import (
	"context"
	"fmt"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pools reports how many machines of each pool are up. A machine has what it was
// served at boot; nothing is rolled out to it later.
func (o *operators) pools(ctx context.Context) (time.Duration, error) {
	var list machineconfigurationv1.MachineConfigPoolList
	if err := o.client.List(ctx, &list); err != nil {
		return 0, err
	}
	var found corev1.NodeList
	if err := o.client.List(ctx, &found); err != nil {
		return 0, err
	}
	for i := range list.Items {
		if err := o.reportPool(ctx, &list.Items[i], found.Items); err != nil {
			return 0, fmt.Errorf("machine config pool %s: %w", list.Items[i].Name, err)
		}
	}
	return 0, nil
}

func (o *operators) reportPool(ctx context.Context, pool *machineconfigurationv1.MachineConfigPool, all []corev1.Node) error {
	selector, err := metav1.LabelSelectorAsSelector(pool.Spec.NodeSelector)
	if err != nil {
		return err
	}
	status := pool.Status.DeepCopy()
	status.ObservedGeneration = pool.Generation
	status.MachineCount, status.ReadyMachineCount = 0, 0
	for i := range all {
		if !selector.Matches(labels.Set(all[i].Labels)) {
			continue
		}
		status.MachineCount++
		if isReady(&all[i]) {
			status.ReadyMachineCount++
		}
	}
	status.UpdatedMachineCount = status.MachineCount
	status.UnavailableMachineCount = status.MachineCount - status.ReadyMachineCount
	updated := status.UnavailableMachineCount == 0
	for kind, holds := range map[machineconfigurationv1.MachineConfigPoolConditionType]bool{
		machineconfigurationv1.MachineConfigPoolUpdated:  updated,
		machineconfigurationv1.MachineConfigPoolUpdating: !updated,
		machineconfigurationv1.MachineConfigPoolDegraded: false,
	} {
		setPoolCondition(status, kind, holds)
	}
	if equality.Semantic.DeepEqual(status, &pool.Status) {
		return nil
	}
	pool.Status = *status
	return o.client.Status().Update(ctx, pool)
}

func setPoolCondition(status *machineconfigurationv1.MachineConfigPoolStatus, kind machineconfigurationv1.MachineConfigPoolConditionType, holds bool) {
	condition := machineconfigurationv1.MachineConfigPoolCondition{Type: kind, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now()}
	if holds {
		condition.Status = corev1.ConditionTrue
	}
	for i, have := range status.Conditions {
		if have.Type == kind {
			if have.Status != condition.Status {
				status.Conditions[i] = condition
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}

// newPool selects the machines of a role.
func newPool(role string) *machineconfigurationv1.MachineConfigPool {
	return &machineconfigurationv1.MachineConfigPool{
		ObjectMeta: metav1.ObjectMeta{Name: role, Labels: map[string]string{"machineconfiguration.openshift.io/mco-built-in": ""}},
		Spec: machineconfigurationv1.MachineConfigPoolSpec{
			MachineConfigSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"machineconfiguration.openshift.io/role": role}},
			NodeSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{"node-role.kubernetes.io/" + role: ""}},
		},
	}
}

// network reports the configured network: nothing migrates it.
func (o *operators) network(ctx context.Context) (time.Duration, error) {
	var network configv1.Network
	if err := o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &network); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	status := network.Status.DeepCopy()
	status.ClusterNetwork, status.ServiceNetwork = network.Spec.ClusterNetwork, network.Spec.ServiceNetwork
	status.NetworkType = network.Spec.NetworkType
	if status.ClusterNetworkMTU == 0 {
		mtu, err := o.mtu(ctx)
		if err != nil {
			return 0, err
		}
		status.ClusterNetworkMTU = mtu
	}
	if equality.Semantic.DeepEqual(status, &network.Status) {
		return 0, nil
	}
	network.Status = *status
	return 0, o.client.Update(ctx, &network) // the kind has no status of its own
}

// mtu is what the tunnels leave of the machines' own.
func (o *operators) mtu(ctx context.Context) (int, error) {
	const machines, large, tunnel = 1500, 3900, 100
	err := o.client.Get(ctx, client.ObjectKey{Name: "99-master-mtu"}, &machineconfigurationv1.MachineConfig{})
	if client.IgnoreNotFound(err) != nil {
		return 0, err
	}
	if err != nil {
		return machines - tunnel, nil //nolint:nilerr // it is not there
	}
	return large - tunnel, nil
}
