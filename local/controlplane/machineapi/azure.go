package machineapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
)

const (
	// operationPatience bounds one long-running operation.
	operationPatience = 10 * time.Minute
	// pollEvery is as often as the SDK allows, where Azure does not say.
	pollEvery = time.Second
)

// azure is one subscription, seen with one set of credentials.
type azure struct {
	subscription string
	vms          *armcompute.VirtualMachinesClient
	disks        *armcompute.DisksClient
	nics         *armnetwork.InterfacesClient
}

// virtualMachine is what a machine's status shows of its virtual machine.
type virtualMachine struct{ id, state string }

// find returns nil for a virtual machine that is not there.
func (a *azure) find(ctx context.Context, spec *machinev1beta1.AzureMachineProviderSpec, name string) (*virtualMachine, error) {
	answer, err := a.vms.Get(ctx, spec.ResourceGroup, name, nil)
	if isStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return describe(&answer.VirtualMachine), nil
}

func describe(vm *armcompute.VirtualMachine) *virtualMachine {
	v := &virtualMachine{}
	if vm.ID != nil {
		v.id = *vm.ID
	}
	if vm.Properties != nil && vm.Properties.ProvisioningState != nil {
		v.state = *vm.Properties.ProvisioningState
	}
	return v
}

// create makes the network interface and the machine; repeating it is harmless.
func (a *azure) create(ctx context.Context, spec *machinev1beta1.AzureMachineProviderSpec, name string, userData []byte) (*virtualMachine, error) {
	ctx, cancel := context.WithTimeout(ctx, operationPatience)
	defer cancel()
	nics, err := a.nics.BeginCreateOrUpdate(ctx, spec.ResourceGroup, nicName(name), a.nic(spec), nil)
	nic, err := result(ctx, nics, err)
	if err != nil {
		return nil, fmt.Errorf("network interface: %w", err)
	}
	vms, err := a.vms.BeginCreateOrUpdate(ctx, spec.ResourceGroup, name, machineBody(spec, name, *nic.ID, userData), nil)
	vm, err := result(ctx, vms, err)
	if err != nil {
		return nil, fmt.Errorf("virtual machine: %w", err)
	}
	return describe(&vm.VirtualMachine), nil
}

// remove deletes in the order that Azure demands. What is gone already is fine.
func (a *azure) remove(ctx context.Context, spec *machinev1beta1.AzureMachineProviderSpec, name string) error {
	ctx, cancel := context.WithTimeout(ctx, operationPatience)
	defer cancel()
	vms, err := a.vms.BeginDelete(ctx, spec.ResourceGroup, name, nil)
	if err := finish(ctx, vms, err); err != nil {
		return fmt.Errorf("virtual machine: %w", err)
	}
	nics, err := a.nics.BeginDelete(ctx, spec.ResourceGroup, nicName(name), nil)
	if err := finish(ctx, nics, err); err != nil {
		return fmt.Errorf("network interface: %w", err)
	}
	disks, err := a.disks.BeginDelete(ctx, spec.ResourceGroup, diskName(name), nil)
	if err := finish(ctx, disks, err); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	return nil
}

func nicName(machine string) string { return machine + "-nic" }

func diskName(machine string) string { return machine + "_OSDisk" }

func (a *azure) nic(spec *machinev1beta1.AzureMachineProviderSpec) armnetwork.Interface {
	network := spec.NetworkResourceGroup
	if network == "" {
		network = spec.ResourceGroup
	}
	ip := &armnetwork.InterfaceIPConfigurationPropertiesFormat{
		PrivateIPAllocationMethod: to.Ptr(armnetwork.IPAllocationMethodDynamic),
		Subnet: &armnetwork.Subnet{ID: to.Ptr(fmt.Sprintf(
			"/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/virtualNetworks/%s/subnets/%s", a.subscription, network, spec.Vnet, spec.Subnet))},
	}
	for _, balancer := range []string{spec.PublicLoadBalancer, spec.InternalLoadBalancer} {
		if balancer != "" {
			ip.LoadBalancerBackendAddressPools = append(ip.LoadBalancerBackendAddressPools, &armnetwork.BackendAddressPool{ID: to.Ptr(fmt.Sprintf(
				"/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/loadBalancers/%s/backendAddressPools/%s",
				a.subscription, spec.ResourceGroup, balancer, pool(balancer, spec)))})
		}
	}
	return armnetwork.Interface{
		Location: &spec.Location,
		Properties: &armnetwork.InterfacePropertiesFormat{
			EnableAcceleratedNetworking: &spec.AcceleratedNetworking,
			IPConfigurations:            []*armnetwork.InterfaceIPConfiguration{{Name: to.Ptr("pipConfig"), Properties: ip}},
		},
	}
}

// pool is the backend pool that all machines of the cluster are in: every load
// balancer has it by the name of the public one.
func pool(balancer string, spec *machinev1beta1.AzureMachineProviderSpec) string {
	if spec.PublicLoadBalancer != "" {
		return spec.PublicLoadBalancer
	}
	const internal = "-internal"
	if len(balancer) > len(internal) && balancer[len(balancer)-len(internal):] == internal {
		return balancer[:len(balancer)-len(internal)]
	}
	return balancer
}

func machineBody(spec *machinev1beta1.AzureMachineProviderSpec, name, nic string, userData []byte) armcompute.VirtualMachine {
	vm := armcompute.VirtualMachine{
		Location: &spec.Location,
		Tags:     map[string]*string{},
		Properties: &armcompute.VirtualMachineProperties{
			HardwareProfile: &armcompute.HardwareProfile{VMSize: to.Ptr(armcompute.VirtualMachineSizeTypes(spec.VMSize))},
			NetworkProfile: &armcompute.NetworkProfile{NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{
				ID: &nic, Properties: &armcompute.NetworkInterfaceReferenceProperties{Primary: to.Ptr(true)},
			}}},
			OSProfile: &armcompute.OSProfile{
				ComputerName: &name, AdminUsername: to.Ptr("core"),
				// Ignition overrides both; Azure requires a login.
				AdminPassword:      to.Ptr("NotActuallyApplied!"),
				CustomData:         to.Ptr(base64.StdEncoding.EncodeToString(userData)),
				LinuxConfiguration: &armcompute.LinuxConfiguration{DisablePasswordAuthentication: to.Ptr(false)},
			},
			StorageProfile:     storage(spec, name),
			DiagnosticsProfile: &armcompute.DiagnosticsProfile{BootDiagnostics: &armcompute.BootDiagnostics{Enabled: to.Ptr(true)}},
		},
	}
	for key, value := range spec.Tags {
		vm.Tags[key] = &value
	}
	if spec.Zone != "" {
		vm.Zones = []*string{&spec.Zone}
	}
	if profile := spec.SecurityProfile; profile != nil && profile.EncryptionAtHost != nil {
		vm.Properties.SecurityProfile = &armcompute.SecurityProfile{EncryptionAtHost: profile.EncryptionAtHost}
	}
	return vm
}

func storage(spec *machinev1beta1.AzureMachineProviderSpec, name string) *armcompute.StorageProfile {
	image := &armcompute.ImageReference{}
	if spec.Image.ResourceID != "" {
		image.ID = &spec.Image.ResourceID
	} else {
		image.Publisher, image.Offer, image.SKU, image.Version = &spec.Image.Publisher, &spec.Image.Offer, &spec.Image.SKU, &spec.Image.Version
	}
	disk := &armcompute.ManagedDiskParameters{StorageAccountType: to.Ptr(armcompute.StorageAccountTypes(spec.OSDisk.ManagedDisk.StorageAccountType))}
	if set := spec.OSDisk.ManagedDisk.DiskEncryptionSet; set != nil && set.ID != "" {
		disk.DiskEncryptionSet = &armcompute.DiskEncryptionSetParameters{ID: &set.ID}
	}
	return &armcompute.StorageProfile{
		ImageReference: image,
		OSDisk: &armcompute.OSDisk{
			Name:         to.Ptr(diskName(name)),
			CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesFromImage),
			OSType:       to.Ptr(armcompute.OperatingSystemTypesLinux),
			DiskSizeGB:   &spec.OSDisk.DiskSizeGB,
			ManagedDisk:  disk,
		},
	}
}

// result waits for what a Begin function started, unless that failed.
func result[T any](ctx context.Context, poller *runtime.Poller[T], err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
}

// finish waits for a deletion; it is no error if another client deleted the resource first.
func finish[T any](ctx context.Context, poller *runtime.Poller[T], err error) error {
	_, err = result(ctx, poller, err)
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func isStatus(err error, status int) bool {
	var refused *azcore.ResponseError
	return errors.As(err, &refused) && refused.StatusCode == status
}
