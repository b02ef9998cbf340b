// Package machine reports whether the machines are as the service supports them.
package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace       = "openshift-machine-api"
	roleLabel       = "machine.openshift.io/cluster-api-machine-role"
	masters         = 3
	smallestDiskGiB = 128
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "Machine",
		Summary: "Reports machines that the service does not support: other images, small disks of workers, identities of their own, and numbers that differ from what " +
			"their machine sets specify. It changes nothing.",
		Flag: flags.Machine,
		Watches: []controller.Watch{
			{Kind: machinev1beta1.GroupVersion.WithKind("Machine"), Namespace: namespace, Spec: true},
			{Kind: machinev1beta1.GroupVersion.WithKind("MachineSet"), Namespace: namespace, Spec: true},
		},
		Reports: controller.Finding, Condition: "MachineValid",
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	var machines machinev1beta1.MachineList
	if err := r.List(ctx, &machines, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list machines: %w", err)
	}
	var sets machinev1beta1.MachineSetList
	if err := r.List(ctx, &sets, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list machine sets: %w", err)
	}
	if found := deviations(machines.Items, sets.Items); len(found) > 0 {
		r.Report(operatorv1.ConditionFalse, "CheckFailed", strings.Join(found, "\n")+"\n")
	} else {
		r.Report(operatorv1.ConditionTrue, "CheckDone", "")
	}
	return nil
}

// deviations returns the deviations from the supported state, always in the same order.
func deviations(machines []machinev1beta1.Machine, sets []machinev1beta1.MachineSet) []string {
	var found []string
	have := map[bool]int{}
	for i := range machines {
		role := machines[i].Labels[roleLabel]
		if role == "" {
			found = append(found, fmt.Sprintf("machine %s: has no label %s", machines[i].Name, roleLabel))
			continue
		}
		have[role == "master"]++
		for _, fault := range faults(machines[i].Spec.ProviderSpec, role == "master") {
			found = append(found, fmt.Sprintf("machine %s: %s", machines[i].Name, fault))
		}
	}
	slices.Sort(found)
	wanted := 0
	for i := range sets {
		if n := sets[i].Spec.Replicas; n != nil {
			wanted += int(*n)
		}
	}
	if have[true] != masters {
		found = append(found, fmt.Sprintf("there are %d masters, want %d", have[true], masters))
	}
	if have[false] != wanted {
		found = append(found, fmt.Sprintf("there are %d workers, want %d", have[false], wanted))
	}
	return found
}

func faults(spec machinev1beta1.ProviderSpec, master bool) []string {
	if spec.Value == nil {
		return []string{"has no provider spec"}
	}
	var azure machinev1beta1.AzureMachineProviderSpec
	if err := json.Unmarshal(spec.Value.Raw, &azure); err != nil {
		return []string{"has a provider spec that cannot be read"}
	}
	var found []string
	if !master && azure.OSDisk.DiskSizeGB < smallestDiskGiB {
		found = append(found, fmt.Sprintf("its disk has %d GiB, at least %d are supported", azure.OSDisk.DiskSizeGB, smallestDiskGiB))
	}
	if image := azure.Image; image.Publisher != "azureopenshift" || image.Offer != "aro4" {
		found = append(found, fmt.Sprintf("its image is of %s/%s, only azureopenshift/aro4 is supported", image.Publisher, image.Offer))
	}
	if azure.ManagedIdentity != "" {
		found = append(found, "it has a managed identity, which is not supported")
	}
	return found
}
