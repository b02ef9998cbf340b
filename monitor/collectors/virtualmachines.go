package collectors

import "context"

// virtualMachine is what is read of a VirtualMachineInstance of OpenShift Virtualization.
type virtualMachine struct {
	Metadata named `json:"metadata"`
	Status   struct {
		Phase string `json:"phase"`
		Guest struct {
			KernelRelease string `json:"kernelRelease"`
			Machine       string `json:"machine"`
			Name          string `json:"name"`
			VersionID     string `json:"versionId"`
		} `json:"guestOSInfo"`
	} `json:"status"`
}

// virtualMachines reports the customer's virtual machines in the cluster, if it has OpenShift
// Virtualization.
func virtualMachines(ctx context.Context, l *Look) error {
	err := list(ctx, l, "/apis/kubevirt.io/v1/virtualmachineinstances", nil, func(vm *virtualMachine) {
		says := vm.Metadata.Annotations
		l.gauge("cnv.virtualmachineinstance.info", map[string]string{"namespace": vm.Metadata.Namespace, "name": vm.Metadata.Name, "phase": vm.Status.Phase,
			"os": says["vm.kubevirt.io/os"], "workload": says["vm.kubevirt.io/workload"], "flavor": says["vm.kubevirt.io/flavor"],
			"guest_os_kernel_release": vm.Status.Guest.KernelRelease, "guest_os_arch": vm.Status.Guest.Machine,
			"guest_os_name": vm.Status.Guest.Name, "guest_os_version_id": vm.Status.Guest.VersionID})
	})
	if absent(err) {
		return nil
	}
	return err
}
