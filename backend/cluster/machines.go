package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
)

// machines are the virtual machines of clusters.
type machines struct {
	azure     *azureAccess
	validator Validator
	graph     *graphStore
	log       *slog.Logger
}

// deployMachines starts the bootstrap machine and the masters.
func (s *machines) deployMachines(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	_, err = clients.Deploy(ctx, w, managedGroup(c), machinesDeployment, func() (t azure.Template, err error) {
		if err := removeFailedMasters(ctx, clients, w); err != nil {
			return t, err
		}
		machines, err := s.machineTemplate(ctx, clients, w)
		if err != nil {
			return t, err
		}
		t = azure.Template{Body: machines.Template(), Parameters: map[string]any{}}
		if machines.Bootstrap != nil && machines.Bootstrap.Account == "" {
			t.Parameters[template.SignatureParameter], err = s.graph.delegatedSignature(ctx, c)
		}
		return t, err
	})
	return err
}

func (s *machines) machineTemplate(ctx context.Context, clients *azure.Clients, w *Work) (*template.Machines, error) {
	c := w.Resource()
	result, err := s.graph.readGraph(ctx, c)
	if err != nil {
		return nil, err
	}
	m := &c.Properties.MasterProfile
	capabilities, err := s.validator.Capabilities(ctx, clients, c.Location, m.VMSize)
	if err != nil {
		return nil, err
	}
	others, err := s.validator.Capabilities(ctx, clients, c.Location, c.Properties.WorkerProfiles[0].VMSize)
	if err != nil {
		return nil, err
	}
	t := templateOf(c)
	t.Zones = firstZones(c)
	machines := &template.Machines{
		Cluster: t, VMSize: m.VMSize, Image: template.Image(imageOf(c.Properties.ClusterProfile.Version, capabilities, others)),
		EncryptionAtHost: m.EncryptionAtHost == model.Enabled, DiskEncryptionSetID: m.DiskEncryptionSetID,
		AcceleratedNetworking: arm.EqualFold(capabilities["AcceleratedNetworkingEnabled"], "True"), MasterIgnition: result.MasterIgnition,
	}
	if there, err := bootstrapIsThere(ctx, clients, w); there || err != nil {
		return machines, err
	}
	url, err := blobService(ctx, clients, c)
	machines.Bootstrap = &template.Bootstrap{BlobURL: url + ignitionContainer + "/" + ignitionBlob}
	if !c.UsesWorkloadIdentity() {
		machines.Bootstrap.Account = storageAccount(c)
		machines.Bootstrap.SignedAt = c.Internal.Operation.StartedAt.Add(-graceForClocks)
	}
	return machines, err
}

// bootstrapIsThere reports whether a bootstrap machine exists: an existing one keeps its custom
// data, and Azure rejects any other. One that Azure failed to create is removed, because another
// PUT would leave it as it is.
func bootstrapIsThere(ctx context.Context, clients *azure.Clients, w *Work) (bool, error) {
	c := w.Resource()
	machine, err := clients.VirtualMachines.Get(ctx, managedGroup(c), bootstrapName(c), nil)
	switch {
	case azure.NotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case !isFailed(&machine.VirtualMachine):
		return true, nil
	}
	return false, removeMachine(ctx, clients, w, bootstrapName(c))
}

// removeFailedMasters removes the masters that Azure could not create or start in time, so that the
// deployment recreates them: a PUT of an existing failed machine would leave it as it is.
func removeFailedMasters(ctx context.Context, clients *azure.Clients, w *Work) error {
	c := w.Resource()
	return inParallel(masterNames(c), func(name string) error {
		machine, err := clients.VirtualMachines.Get(ctx, managedGroup(c), name, nil)
		if azure.NotFound(err) || err == nil && !isFailed(&machine.VirtualMachine) {
			return nil
		}
		if err != nil {
			return err
		}
		return removeMachine(ctx, clients, w, name)
	})
}

func masterNames(c *model.Cluster) []string {
	names := make([]string, masters)
	for i := range names {
		names[i] = fmt.Sprintf("%s-master-%d", c.Internal.InfraID, i)
	}
	return names
}

func isFailed(machine *armcompute.VirtualMachine) bool {
	return machine.Properties != nil && deref(machine.Properties.ProvisioningState) == "Failed"
}

func bootstrapName(c *model.Cluster) string { return c.Internal.InfraID + "-bootstrap" }

// removeBootstrap removes the bootstrap machine, and then the resources that it used.
func (s *machines) removeBootstrap(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	if err := removeMachine(ctx, clients, w, bootstrapName(c)); err != nil {
		return err
	}
	return deleteInterface(ctx, clients, w, bootstrapName(c)+"-nic")
}

// removeMachine removes a machine of the deployment with its disk.
func removeMachine(ctx context.Context, clients *azure.Clients, w *Work, name string) error {
	group := managedGroup(w.Resource())
	ctx, op := deletion(ctx, clients, w, "machine "+name)
	machine, err := clients.VirtualMachines.BeginDelete(ctx, group, name, &armcompute.VirtualMachinesClientBeginDeleteOptions{ResumeToken: op.Token})
	if err := deleted(ctx, op, machine, err); err != nil {
		return err
	}
	diskName := name + "_OSDisk"
	ctx, op = deletion(ctx, clients, w, "disk "+diskName)
	disk, err := clients.Disks.BeginDelete(ctx, group, diskName, &armcompute.DisksClientBeginDeleteOptions{ResumeToken: op.Token})
	return deleted(ctx, op, disk, err)
}

func deleteInterface(ctx context.Context, clients *azure.Clients, w *Work, name string) error {
	ctx, op := deletion(ctx, clients, w, "network interface "+name)
	poller, err := clients.Interfaces.BeginDelete(ctx, managedGroup(w.Resource()), name, &armnetwork.InterfacesClientBeginDeleteOptions{ResumeToken: op.Token})
	return deleted(ctx, op, poller, err)
}

// deletion returns the deletion of a resource, and the context for its Begin method.
func deletion(ctx context.Context, clients *azure.Clients, w *Work, what string) (context.Context, *azure.Operation) {
	return clients.Operation(ctx, w, "the deletion of "+what)
}

// deleted awaits the end of a deletion. A resource that does not exist counts as deleted.
func deleted[T any](ctx context.Context, op *azure.Operation, poller *runtime.Poller[T], err error) error {
	_, err = azure.Await(ctx, op, poller, err)
	if azure.NotFound(err) {
		return nil
	}
	return err
}

// startMachines starts stopped machines: an update needs the masters. Workers are started too, but
// not waited for: a worker for which Azure has no capacity must not stop the update.
func (s *machines) startMachines(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	names, err := machineNames(ctx, clients, managedGroup(c))
	if err != nil {
		return err
	}
	err = inParallel(names, func(name string) error {
		err := s.startMachine(ctx, w, clients, name)
		if err == nil || isMaster(c, name) || ctx.Err() != nil {
			return err
		}
		s.log.WarnContext(ctx, "worker not started", "resource_id", c.ID, "machine", name, "error", err)
		return nil
	})
	return err
}

func (s *machines) startMachine(ctx context.Context, w *Work, clients *azure.Clients, name string) error {
	c := w.Resource()
	ctx, op := clients.Operation(ctx, w, "the start of machine "+name)
	if op.Token == "" { // with one, it may look started before the operation has ended
		stopped, err := isStopped(ctx, w, clients, name)
		if err != nil || !stopped {
			return err
		}
	}
	poller, err := clients.VirtualMachines.BeginStart(ctx, managedGroup(c), name, &armcompute.VirtualMachinesClientBeginStartOptions{ResumeToken: op.Token})
	if isMaster(c, name) {
		_, err = azure.Await(ctx, op, poller, err)
	}
	return err
}

// isStopped reports whether a machine is stopped. For one that is about to stop it returns a
// wait.Later.
func isStopped(ctx context.Context, w *Work, clients *azure.Clients, name string) (bool, error) {
	view, err := clients.VirtualMachines.InstanceView(ctx, managedGroup(w.Resource()), name, nil)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(powerState(&view.VirtualMachineInstanceView)) {
	case "deallocated", "stopped":
		return true, nil
	case "deallocating", "stopping":
		return false, laterFor("virtual machine "+name, w, "the machine "+name+" to stop, to be started again")
	}
	return false, nil
}

// isMaster recognizes masters by their names: those that the service creates and those that the
// cluster creates as replacements.
func isMaster(c *model.Cluster, name string) bool {
	return strings.HasPrefix(strings.ToLower(name), strings.ToLower(c.Internal.InfraID)+"-master-")
}

func machineNames(ctx context.Context, clients *azure.Clients, group string) ([]string, error) {
	var names []string
	for pages := clients.VirtualMachines.NewListPager(group, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, vm := range page.Value {
			names = append(names, deref(vm.Name))
		}
	}
	return names, nil
}

func powerState(view *armcompute.VirtualMachineInstanceView) string {
	for _, status := range view.Statuses {
		if state, found := strings.CutPrefix(deref(status.Code), "PowerState/"); found {
			return state
		}
	}
	return ""
}

// atOnce bounds how many calls one step makes at the same time.
const atOnce = 10

// inParallel calls do for each item, and joins the errors.
func inParallel[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(item)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
