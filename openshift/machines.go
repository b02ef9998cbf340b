package openshift

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Where machines are, and the label that separates workers from masters.
const (
	machineNamespace = "openshift-machine-api"
	machineRole      = "machine.openshift.io/cluster-api-machine-role"
	workerRole       = "worker"
	workerNode       = "node-role.kubernetes.io/worker"
)

// CapacityError means that Azure cannot provide a machine.
type CapacityError struct{ Machine, Message string }

func (e *CapacityError) Error() string { return fmt.Sprintf("machine %s: %s", e.Machine, e.Message) }

// WorkersReady checks that at least so many workers run and are ready. A machine
// that failed because of quota or capacity does not recover: that is a
// *CapacityError.
func (c *Cluster) WorkersReady(ctx context.Context, atLeast int) (missing string, err error) {
	var machines machinev1beta1.MachineList
	if err := c.List(ctx, &machines, Where{machineNamespace, machineRole + "=" + workerRole}); err != nil {
		return "", fmt.Errorf("list machines: %w", err)
	}
	running := 0
	for i := range machines.Items {
		switch m := &machines.Items[i]; phase(m) {
		case machinev1beta1.PhaseRunning:
			running++
		case machinev1beta1.PhaseFailed:
			if why := capacityMessage(m); why != "" {
				return "", &CapacityError{m.Name, why}
			}
		}
	}
	if running < atLeast {
		return fmt.Sprintf("%d worker machines to run, %d do", atLeast, running), nil
	}
	var nodes corev1.NodeList
	if err := c.List(ctx, &nodes, Where{Labels: workerNode}); err != nil {
		return "", fmt.Errorf("list nodes: %w", err)
	}
	if ready := countReady(nodes.Items); ready < atLeast {
		return fmt.Sprintf("%d worker nodes to be ready, %d are", atLeast, ready), nil
	}
	return "", nil
}

func phase(m *machinev1beta1.Machine) string {
	if m.Status.Phase == nil {
		return ""
	}
	return *m.Status.Phase
}

func countReady(nodes []corev1.Node) (n int) {
	for i := range nodes {
		for _, condition := range nodes[i].Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

// capacityCodes are Azure's codes for a machine without capacity or quota.
var capacityCodes = []string{"QuotaExceeded", "SkuNotAvailable", "NotAvailableForSubscription", "OperationNotAllowed",
	"AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest"}

// capacityMessage returns Azure's message if a machine failed because of quota or
// capacity.
func capacityMessage(m *machinev1beta1.Machine) string {
	var texts []string
	if m.Status.ErrorMessage != nil {
		texts = append(texts, *m.Status.ErrorMessage)
	}
	if m.Status.ProviderStatus != nil {
		var status machinev1beta1.AzureMachineProviderStatus
		if json.Unmarshal(m.Status.ProviderStatus.Raw, &status) == nil {
			for _, condition := range status.Conditions {
				texts = append(texts, condition.Message)
			}
		}
	}
	for _, text := range texts {
		if slices.ContainsFunc(capacityCodes, func(code string) bool { return strings.Contains(text, code) }) {
			return Short(text)
		}
	}
	return ""
}

// Pool is a machine set of workers.
type Pool struct {
	Name, Zone          string
	Count               int
	VMSize              string
	DiskSizeGB          int
	NetworkGroup        string // resource group of the virtual network
	VirtualNetwork      string
	Subnet              string
	EncryptionAtHost    bool
	DiskEncryptionSetID string
}

// Pools returns the worker pools of the cluster, by name, those that
// customers created included. A machine set that cannot be parsed is omitted: it is not the service's.
func (c *Cluster) Pools(ctx context.Context) ([]Pool, error) {
	var sets machinev1beta1.MachineSetList
	if err := c.List(ctx, &sets, Where{Namespace: machineNamespace}); err != nil {
		return nil, fmt.Errorf("list machine sets: %w", err)
	}
	var pools []Pool
	for i := range sets.Items {
		set := &sets.Items[i]
		if set.Spec.Template.Labels[machineRole] != workerRole {
			continue
		}
		pool, err := poolOf(set)
		if err == nil {
			pools = append(pools, pool)
		}
	}
	slices.SortFunc(pools, func(a, b Pool) int { return cmp.Compare(a.Name, b.Name) })
	return pools, nil
}

func poolOf(set *machinev1beta1.MachineSet) (Pool, error) {
	spec, err := providerSpec(set.Spec.Template.Spec.ProviderSpec.Value)
	if err != nil {
		return Pool{}, err
	}
	pool := Pool{Name: set.Name, Zone: spec.Zone, Count: 1, VMSize: spec.VMSize, DiskSizeGB: int(spec.OSDisk.DiskSizeGB),
		NetworkGroup: spec.NetworkResourceGroup, VirtualNetwork: spec.Vnet, Subnet: spec.Subnet}
	if set.Spec.Replicas != nil {
		pool.Count = int(*set.Spec.Replicas)
	}
	if spec.SecurityProfile != nil && spec.SecurityProfile.EncryptionAtHost != nil {
		pool.EncryptionAtHost = *spec.SecurityProfile.EncryptionAtHost
	}
	if encryption := spec.OSDisk.ManagedDisk.DiskEncryptionSet; encryption != nil {
		pool.DiskEncryptionSetID = encryption.ID
	}
	return pool, nil
}

func providerSpec(value *runtime.RawExtension) (*machinev1beta1.AzureMachineProviderSpec, error) {
	if value == nil {
		return nil, errors.New("no provider spec")
	}
	spec := &machinev1beta1.AzureMachineProviderSpec{}
	if err := json.Unmarshal(value.Raw, spec); err != nil {
		return nil, fmt.Errorf("provider spec: %w", err)
	}
	return spec, nil
}
