package operators

import (
	"context"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

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
