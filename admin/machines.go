package admin

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/azure"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
)

// AdminListVirtualMachines lists the virtual machines of the cluster.
func (a *API) AdminListVirtualMachines(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		list := api.VirtualMachineList{Value: []api.VirtualMachine{}}
		for pages := m.VirtualMachines.NewListPager(m.group, &armcompute.VirtualMachinesClientListOptions{Expand: new(armcompute.ExpandTypeForListVMsInstanceView)}); pages.More(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, vm := range page.Value {
				list.Value = append(list.Value, m.describe(vm))
			}
		}
		slices.SortFunc(list.Value, func(x, y api.VirtualMachine) int { return strings.Compare(x.Name, y.Name) })
		return armhttp.Value(c, http.StatusOK, list)
	})
}

func (m *managed) describe(vm *armcompute.VirtualMachine) api.VirtualMachine {
	shown := api.VirtualMachine{Name: optional(vm.Name), ControlPlane: m.isMaster(optional(vm.Name))}
	if len(vm.Zones) > 0 {
		shown.Zone = vm.Zones[0]
	}
	if p := vm.Properties; p != nil {
		shown.ProvisioningState, shown.PowerState = p.ProvisioningState, present(powerOf(p.InstanceView))
		if p.HardwareProfile != nil {
			shown.Size = present(string(optional(p.HardwareProfile.VMSize)))
		}
	}
	return shown
}

// isMaster knows control plane machines by their names.
func (m *managed) isMaster(name string) bool {
	return m.cluster.Internal.InfraID != "" && strings.HasPrefix(arm.ToLower(name), arm.ToLower(m.cluster.Internal.InfraID)+"-master-")
}

// powerOf is the power state of a machine; empty if it is not known.
func powerOf(view *armcompute.VirtualMachineInstanceView) string {
	if view == nil {
		return ""
	}
	for _, status := range view.Statuses {
		if state, found := strings.CutPrefix(optional(status.Code), "PowerState/"); found {
			return state
		}
	}
	return ""
}

// machine reads a virtual machine of the cluster, with its power state.
func (m *managed) machine(ctx context.Context, name string) (*armcompute.VirtualMachine, error) {
	vm, err := m.VirtualMachines.Get(ctx, m.group, name, &armcompute.VirtualMachinesClientGetOptions{Expand: new(armcompute.InstanceViewTypesInstanceView)})
	if azure.NotFound(err) {
		return nil, arm.ResourceNotFound.At("vmName", "The cluster has no virtual machine %s.", arm.Sent(name))
	}
	if err != nil {
		return nil, err
	}
	if vm.Properties == nil {
		vm.Properties = &armcompute.VirtualMachineProperties{}
	}
	return &vm.VirtualMachine, nil
}

// maxConsole bounds a console that is returned, in bytes.
const maxConsole = 32 << 20

// AdminGetSerialConsole returns what a machine has written to its serial console.
func (a *API) AdminGetSerialConsole(ec echo.Context, _, _, _ string, p api.AdminGetSerialConsoleParams) error {
	c := ec.(*call)
	c.Subject = p.VMName
	if err := (names{"vmName": p.VMName}).check(); err != nil {
		return err
	}
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		data, err := m.VirtualMachines.RetrieveBootDiagnosticsData(ctx, m.group, p.VMName, nil)
		if azure.NotFound(err) {
			return arm.ResourceNotFound.At("vmName", "The cluster has no virtual machine %s, or it has no boot diagnostics.", arm.Sent(p.VMName))
		}
		if err != nil {
			return err
		}
		address, err := url.Parse(optional(data.SerialConsoleLogBlobURI))
		parts := []string{}
		if err == nil {
			parts = strings.Split(address.Path, "/")
		}
		if len(parts) < 3 {
			return arm.RequestNotAllowed.At("vmName", "Azure has no console of the machine yet.")
		}
		n := len(parts)
		blobs, err := a.Azure.BlobsWithSAS(address.Scheme+"://"+address.Host+strings.Join(parts[:n-2], "/")+"/", address.RawQuery)
		if err != nil {
			return err
		}
		log, err := blobs.DownloadStream(ctx, parts[n-2], parts[n-1], nil)
		if err != nil {
			return err
		}
		defer func() { _ = log.Body.Close() }()
		return c.Stream(http.StatusOK, "text/plain; charset=utf-8", io.LimitReader(log.Body, maxConsole))
	})
}

// change is a change of a virtual machine.
type change struct {
	// doing says what happens, as in "starting the machine".
	doing string
	// allowed refuses machines to which it cannot be done; nil refuses none.
	allowed func(m *managed, vm *armcompute.VirtualMachine) error
	run     func(ctx context.Context, m *managed) error
}

// changeMachine changes a virtual machine and reports the progress.
func (a *API) changeMachine(c *call, name string, what change) error {
	c.Subject = name
	if err := (names{"vmName": name}).check(); err != nil {
		return err
	}
	return a.azureStream(c, func(ctx context.Context, m *managed, e *events) error {
		vm, err := m.machine(ctx, name)
		if err != nil {
			return err
		}
		if what.allowed != nil {
			if err := what.allowed(m, vm); err != nil {
				return err
			}
		}
		was := "; its power state is " + powerOf(vm.Properties.InstanceView)
		if c.DryRun {
			e.report("dry run of " + what.doing + was)
			return nil
		}
		e.report(what.doing + was)
		return what.run(ctx, m)
	})
}

// AdminStartVirtualMachine starts a machine.
func (a *API) AdminStartVirtualMachine(ec echo.Context, _, _, _ string, p api.AdminStartVirtualMachineParams) error {
	return a.changeMachine(ec.(*call), p.VMName, change{doing: "starting the machine", run: func(ctx context.Context, m *managed) error {
		return m.start(ctx, p.VMName)
	}})
}

func (m *managed) start(ctx context.Context, name string) error {
	_, err := azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armcompute.VirtualMachinesClientStartResponse], error) {
		return m.VirtualMachines.BeginStart(ctx, m.group, name, nil)
	})
	return err
}

// AdminStopVirtualMachine stops a machine, which then keeps its place or gives it back.
func (a *API) AdminStopVirtualMachine(ec echo.Context, _, _, _ string, p api.AdminStopVirtualMachineParams) error {
	deallocate := optional(p.DeallocateVM)
	doing := "stopping the machine"
	if deallocate {
		doing = "stopping and deallocating the machine"
	}
	return a.changeMachine(ec.(*call), p.VMName, change{doing: doing, run: func(ctx context.Context, m *managed) error {
		return m.stop(ctx, p.VMName, deallocate)
	}})
}

func (m *managed) stop(ctx context.Context, name string, deallocate bool) (err error) {
	if deallocate {
		_, err = azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armcompute.VirtualMachinesClientDeallocateResponse], error) {
			return m.VirtualMachines.BeginDeallocate(ctx, m.group, name, nil)
		})
		return err
	}
	_, err = azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armcompute.VirtualMachinesClientPowerOffResponse], error) {
		return m.VirtualMachines.BeginPowerOff(ctx, m.group, name, nil)
	})
	return err
}

// AdminRedeployVirtualMachine moves a machine to another host of Azure.
func (a *API) AdminRedeployVirtualMachine(ec echo.Context, _, _, _ string, p api.AdminRedeployVirtualMachineParams) error {
	return a.changeMachine(ec.(*call), p.VMName, change{doing: "redeploying the machine", allowed: keepsItsDisk, run: func(ctx context.Context, m *managed) error {
		_, err := azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armcompute.VirtualMachinesClientRedeployResponse], error) {
			return m.VirtualMachines.BeginRedeploy(ctx, m.group, p.VMName, nil)
		})
		return err
	}})
}

// keepsItsDisk refuses a machine that would lose its disk with its host.
func keepsItsDisk(_ *managed, vm *armcompute.VirtualMachine) error {
	storage := vm.Properties.StorageProfile
	if storage != nil && storage.OSDisk != nil && storage.OSDisk.DiffDiskSettings != nil {
		return arm.Forbidden.At("vmName", "The machine has an ephemeral disk, which a redeployment would empty.")
	}
	return nil
}

// AdminResizeVirtualMachine changes the size of a control plane machine.
func (a *API) AdminResizeVirtualMachine(ec echo.Context, _, _, _ string, p api.AdminResizeVirtualMachineParams) error {
	size, err := masterSize(p.VMSize)
	if err != nil {
		return err
	}
	allowed := func(m *managed, vm *armcompute.VirtualMachine) error {
		if !m.isMaster(optional(vm.Name)) {
			return arm.RequestNotAllowed.At("vmName", "Only control plane machines are resized. Workers are replaced by the machine sets of the cluster.")
		}
		if version := m.cluster.Properties.ClusterProfile.Version; !model.SupportedVMSizes(model.Master)[size].Supports(version) {
			return arm.InvalidParameter.At("vmSize", "OpenShift %s does not run on machines of the size %s.", version, size)
		}
		return nil
	}
	return a.changeMachine(ec.(*call), p.VMName, change{doing: "resizing the machine to " + size, allowed: allowed, run: func(ctx context.Context, m *managed) error {
		return m.resize(ctx, p.VMName, size)
	}})
}

// masterSize is a supported size of control plane machines, in the casing of Azure.
func masterSize(size string) (string, error) {
	for name := range model.SupportedVMSizes(model.Master) {
		if arm.EqualFold(name, size) {
			return name, nil
		}
	}
	return "", arm.InvalidParameter.At("vmSize", "Control plane machines cannot have the size %s. /admin/supportedvmsizes?vmRole=master lists those that they can have.", arm.Sent(size))
}

func (m *managed) resize(ctx context.Context, name, size string) error {
	update := armcompute.VirtualMachineUpdate{Properties: &armcompute.VirtualMachineProperties{
		HardwareProfile: &armcompute.HardwareProfile{VMSize: new(armcompute.VirtualMachineSizeTypes(size))}}}
	_, err := azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armcompute.VirtualMachinesClientUpdateResponse], error) {
		return m.VirtualMachines.BeginUpdate(ctx, m.group, name, update, nil)
	})
	return err
}

// AdminListSupportedVMSizes lists the sizes that machines may have.
func (a *API) AdminListSupportedVMSizes(ec echo.Context, p api.AdminListSupportedVMSizesParams) error {
	sizes := model.SupportedVMSizes(model.Role(arm.ToLower(p.VMRole)))
	if sizes == nil {
		return arm.InvalidParameter.At("vmRole", "It must be master or worker.")
	}
	list := api.VMSizeList{Value: []api.VMSize{}}
	for name, size := range sizes {
		list.Value = append(list.Value, api.VMSize{Name: name, CoreCount: int32(size.CoreCount), Family: size.Family})
	}
	slices.SortFunc(list.Value, func(x, y api.VMSize) int { return strings.Compare(x.Name, y.Name) })
	return armhttp.Value(ec, http.StatusOK, list)
}

// AdminGetEffectiveRoutes returns where traffic of a network interface goes.
func (a *API) AdminGetEffectiveRoutes(ec echo.Context, _, _, _ string, p api.AdminGetEffectiveRoutesParams) error {
	c := ec.(*call)
	return a.ofInterface(c, p.Nic, func(ctx context.Context, m *managed) (any, error) {
		return azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armnetwork.InterfacesClientGetEffectiveRouteTableResponse], error) {
			return m.Interfaces.BeginGetEffectiveRouteTable(ctx, m.group, p.Nic, nil)
		})
	})
}

// AdminGetEffectiveSecurityGroups returns which traffic a network interface may have.
func (a *API) AdminGetEffectiveSecurityGroups(ec echo.Context, _, _, _ string, p api.AdminGetEffectiveSecurityGroupsParams) error {
	c := ec.(*call)
	return a.ofInterface(c, p.Nic, func(ctx context.Context, m *managed) (any, error) {
		return azure.Finish(ctx, m.Clients, func(ctx context.Context) (*runtime.Poller[armnetwork.InterfacesClientListEffectiveNetworkSecurityGroupsResponse], error) {
			return m.Interfaces.BeginListEffectiveNetworkSecurityGroups(ctx, m.group, p.Nic, nil)
		})
	})
}

// ofInterface answers with what Azure says about a network interface.
func (a *API) ofInterface(c *call, nic string, read func(ctx context.Context, m *managed) (any, error)) error {
	c.Subject = nic
	if err := (names{"nic": nic}).check(); err != nil {
		return err
	}
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		if _, err := m.Interfaces.Get(ctx, m.group, nic, nil); azure.NotFound(err) {
			return arm.ResourceNotFound.At("nic", "The cluster has no network interface %s.", arm.Sent(nic))
		}
		value, err := read(ctx, m)
		if err != nil {
			return err
		}
		return armhttp.Value(c, http.StatusOK, value)
	})
}
