// Package machineapi does what OpenShift's machine API, its machine approver and
// its cloud credential operator do: it makes the machines of machine sets in
// Azure, notes which node each machine became, lets the nodes of known machines
// join, and hands operators their credentials.
//
// Azure is reached through the official clients alone. The package starts no
// machine by itself and knows nothing of how they run.
package machineapi

import (
	"errors"

	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

const (
	// Namespace holds all machines.
	Namespace = "openshift-machine-api"
	// RoleLabel tells masters from workers.
	RoleLabel = "machine.openshift.io/cluster-api-machine-role"
	setLabel  = "machine.openshift.io/cluster-api-machineset"
	// finalizer keeps a machine until its virtual machine is gone.
	finalizer   = "machine.machine.openshift.io"
	masterLabel = "node-role.kubernetes.io/master"
	// deleteFirst marks the machine to go when a set shrinks.
	deleteFirst = "machine.openshift.io/delete-machine"
)

var (
	// errNoAzure is what keeps machines from being made without a cloud.
	errNoAzure = errors.New("no cloud is known to make machines in")
	// errNoMaster holds machines back for a while.
	errNoMaster = errors.New("no master is ready")
)

// Add gives m all controllers of the package. cloud may be nil: then nothing is
// made or deleted in Azure.
func Add(m manager.Manager, cloud *Cloud) error {
	c := m.GetClient()
	if err := addMachines(m, &machines{client: c, cloud: cloud}); err != nil {
		return err
	}
	sets := &sets{client: c}
	if err := watch.Add(m, "machine-set", sets.reconcile, &machinev1beta1.MachineSet{}, &machinev1beta1.Machine{}, &corev1.Node{}); err != nil {
		return err
	}
	masters := &masters{client: c}
	if err := watch.Add(m, "control-plane-machine-set", masters.reconcile, &machinev1.ControlPlaneMachineSet{}, &machinev1beta1.Machine{}); err != nil {
		return err
	}
	if err := addApprover(m); err != nil {
		return err
	}
	return addCredentials(m)
}

// ready reports whether a node is ready.
func ready(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func key(name string) client.ObjectKey { return client.ObjectKey{Namespace: Namespace, Name: name} }
