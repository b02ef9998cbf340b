package compute

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
	"github.com/aro-rp/aro/local/hypervisor"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	group        = "demo"
	location     = "eastus"
	prefix       = "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/"
)

// fixture is the engine with networks, machines that only remember, and the SDK.
type fixture struct {
	*armcompute.ClientFactory
	t       *testing.T
	engine  *resources.Engine
	compute *Compute
	host    *host
	console *httptest.Server
}

func newFixture(t *testing.T, limits map[string]int) *fixture {
	t.Helper()
	w := &fixture{t: t, host: &host{known: map[string]hypervisor.VM{}, on: map[string]bool{}}}
	db, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	w.must(err)
	w.engine = resources.New(resources.Options{State: db, Origin: "https://localhost:8443", Grace: 5 * time.Second})
	t.Cleanup(func() { w.engine.Close(); _ = db.Close() })
	w.console = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.compute.Console().ServeHTTP(rw, r) }))
	t.Cleanup(w.console.Close)
	networks := network.New(w.engine, slog.New(slog.DiscardHandler))
	w.compute = New(Options{Engine: w.engine, Machines: w.host, Watch: networks.Watch, Origin: w.console.URL, Limits: limits, Log: slog.New(slog.DiscardHandler)})
	w.must(w.engine.Start(context.Background()))
	w.create("/subscriptions/"+subscription, object{})
	w.create("/subscriptions/"+subscription+"/resourceGroups/"+group, object{"location": location})
	w.create(prefix+"Microsoft.Network/virtualNetworks/vnet", object{"location": location, "properties": object{
		"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/16"}}, "subnets": []any{object{"name": "s", "properties": object{"addressPrefix": "10.0.0.0/24"}}},
	}})
	w.ClientFactory, err = armcompute.NewClientFactory(subscription, anyToken{}, &arm.ClientOptions{DisableRPRegistration: true, ClientOptions: policy.ClientOptions{
		Transport: wire{w.engine}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	w.must(err)
	return w
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) refused(err error, code string) {
	w.t.Helper()
	var refusal *azcore.ResponseError
	if !errors.As(err, &refusal) || refusal.ErrorCode != code {
		w.t.Errorf("got %v, want a refusal with code %s", err, code)
	}
}

func (w *fixture) create(path string, body object) *resources.Resource {
	w.t.Helper()
	r, err := w.engine.Create(context.Background(), path, body)
	w.must(err)
	return r
}

func finish[T any](poller *runtime.Poller[T], err error) (T, error) {
	if err != nil {
		return *new(T), err
	}
	return poller.PollUntilDone(context.Background(), &runtime.PollUntilDoneOptions{Frequency: 10 * time.Millisecond})
}

// put makes a virtual machine with an interface of its own name.
func (w *fixture) put(name string, edit func(*armcompute.VirtualMachine)) (armcompute.VirtualMachine, error) {
	w.t.Helper()
	nic := prefix + "Microsoft.Network/networkInterfaces/" + name + "-nic"
	w.create(nic, object{"location": location, "properties": object{"ipConfigurations": []any{
		object{"name": "ip", "properties": object{"subnet": object{"id": prefix + "Microsoft.Network/virtualNetworks/vnet/subnets/s"}}},
	}}})
	vm := armcompute.VirtualMachine{Location: to.Ptr(location), Zones: []*string{to.Ptr("2")}, Properties: &armcompute.VirtualMachineProperties{
		HardwareProfile: &armcompute.HardwareProfile{VMSize: to.Ptr(armcompute.VirtualMachineSizeTypes("Standard_D8s_v5"))},
		StorageProfile: &armcompute.StorageProfile{
			ImageReference: &armcompute.ImageReference{SKU: to.Ptr("aro_419")},
			OSDisk: &armcompute.OSDisk{
				Name: to.Ptr(name + "_OSDisk"), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesFromImage), DiskSizeGB: to.Ptr[int32](128),
				ManagedDisk: &armcompute.ManagedDiskParameters{StorageAccountType: to.Ptr(armcompute.StorageAccountTypesPremiumLRS)},
			},
		},
		OSProfile: &armcompute.OSProfile{
			ComputerName: to.Ptr(name), AdminUsername: to.Ptr("core"), AdminPassword: to.Ptr("NotActuallyApplied!"),
			CustomData: to.Ptr(base64.StdEncoding.EncodeToString([]byte("ignition of " + name))),
		},
		NetworkProfile: &armcompute.NetworkProfile{NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{ID: to.Ptr(nic)}}},
	}}
	if edit != nil {
		edit(&vm)
	}
	made, err := finish(w.NewVirtualMachinesClient().BeginCreateOrUpdate(context.Background(), group, name, vm, nil))
	return made.VirtualMachine, err
}

func (w *fixture) power(name string) string {
	w.t.Helper()
	view, err := w.NewVirtualMachinesClient().InstanceView(context.Background(), group, name, nil)
	w.must(err)
	for _, status := range view.Statuses {
		if state, found := strings.CutPrefix(*status.Code, "PowerState/"); found {
			return state
		}
	}
	return ""
}

// host records its calls.
type host struct {
	mu    sync.Mutex
	known map[string]hypervisor.VM
	on    map[string]bool
}

func (h *host) Start(_ context.Context, vm hypervisor.VM) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[resources.Key(vm.ID)], h.on[resources.Key(vm.ID)] = vm, true
	return nil
}

func (h *host) Stop(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on[resources.Key(id)] = false
	return nil
}

func (h *host) Remove(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.known, resources.Key(id))
	delete(h.on, resources.Key(id))
	return nil
}

func (h *host) State(id string) (string, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, exists := h.known[resources.Key(id)]; !exists {
		return "", nil
	}
	if h.on[resources.Key(id)] {
		return hypervisor.Running, []byte("booted " + nameOf(id))
	}
	return hypervisor.Stopped, []byte("off")
}

func (h *host) vm(name string) (hypervisor.VM, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	vm, ok := h.known[resources.Key(prefix+virtualMachines+"/"+name)]
	return vm, ok
}

// wire carries requests of the SDK to the engine.
type wire struct{ engine *resources.Engine }

func (x wire) Do(r *http.Request) (*http.Response, error) {
	call := &resources.Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header}
	if r.Body != nil {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if len(content) > 0 {
			if err := json.Unmarshal(content, &call.Body); err != nil {
				return nil, err
			}
		}
	}
	status, header, body := 0, http.Header{}, any(nil)
	answer, err := x.engine.Serve(r.Context(), call)
	if err != nil {
		refusal := resources.AsError(err)
		status, body = refusal.Status, object{"error": refusal}
	} else {
		status, body = answer.Status, answer.Body
		if answer.Header != nil {
			header = answer.Header
		}
	}
	header.Set("Content-Type", "application/json")
	content, err := json.Marshal(body)
	if body == nil {
		content = nil
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(content)), Request: r}, err
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestVirtualMachineRunsWithWhatItWasGiven(t *testing.T) {
	w := newFixture(t, nil)
	made, err := w.put("vm", nil)
	w.must(err)
	vm, _ := w.host.vm("vm")
	if string(vm.CustomData) != "ignition of vm" || vm.PrivateIP != "10.0.0.4" || vm.Zone != "2" || vm.Size != "Standard_D8s_v5" || vm.ImageSKU != "aro_419" || vm.DiskGB != 128 ||
		!strings.HasSuffix(vm.VNetID, "/virtualNetworks/vnet") || vm.ResourceGroup != group {
		t.Errorf("the machine was told %+v", vm)
	}
	if made.Properties.OSProfile.CustomData != nil || made.Properties.OSProfile.AdminPassword != nil {
		t.Error("a secret is shown")
	}
	got, err := w.NewVirtualMachinesClient().Get(context.Background(), group, "vm", &armcompute.VirtualMachinesClientGetOptions{Expand: to.Ptr(armcompute.InstanceViewTypesInstanceView)})
	w.must(err)
	if *got.Properties.ProvisioningState != resources.Succeeded || len(got.Properties.InstanceView.Statuses) != 2 || *got.Properties.VMID == "" {
		t.Errorf("%+v", got.Properties.InstanceView)
	}
	if again, err := w.put("vm", nil); err != nil || *again.Properties.VMID != *made.Properties.VMID {
		t.Errorf("a repeated PUT: %v", err)
	}
	_, err = w.put("vm", func(vm *armcompute.VirtualMachine) { vm.Properties.OSProfile.CustomData = to.Ptr("bmV3") })
	w.refused(err, "PropertyChangeNotAllowed")
	_, err = w.put("bad", func(vm *armcompute.VirtualMachine) { vm.Properties.OSProfile.CustomData = to.Ptr("no base64!") })
	w.refused(err, "InvalidParameter")
	_, err = w.put("thief", func(vm *armcompute.VirtualMachine) {
		vm.Properties.NetworkProfile.NetworkInterfaces[0].ID = to.Ptr(prefix + "Microsoft.Network/networkInterfaces/vm-nic")
	})
	w.refused(err, "NicInUse")
}

func TestPowerIsTheOwnersToSwitch(t *testing.T) {
	w := newFixture(t, nil)
	_, err := w.put("vm", nil)
	w.must(err)
	ctx, client := context.Background(), w.NewVirtualMachinesClient()
	_, err = finish(client.BeginDeallocate(ctx, group, "vm", nil))
	w.must(err)
	if got := w.power("vm"); got != deallocated {
		t.Errorf("power is %s", got)
	}
	_, err = finish(client.BeginRestart(ctx, group, "vm", nil))
	w.refused(err, "OperationNotAllowed")
	if _, err := w.put("vm", nil); err != nil || w.power("vm") != deallocated {
		t.Errorf("a PUT powered the machine on, or failed: %v", err)
	}
	w.must(w.compute.Resume(ctx))
	if power, _ := w.host.State(prefix + virtualMachines + "/vm"); power == hypervisor.Running {
		t.Error("resuming powered on what was deallocated")
	}
	_, err = finish(client.BeginStart(ctx, group, "vm", nil))
	w.must(err)
	if got := w.power("vm"); got != running {
		t.Errorf("power is %s", got)
	}
	_, err = finish(client.BeginPowerOff(ctx, group, "vm", nil))
	w.must(err)
	if got := w.power("vm"); got != stopped {
		t.Errorf("power is %s", got)
	}
	_, err = finish(client.BeginStart(ctx, group, "vm", nil))
	w.must(err)
	w.host.mu.Lock()
	clear(w.host.known) // the host's disk is lost
	w.host.mu.Unlock()
	w.must(w.compute.Resume(ctx))
	if _, exists := w.host.vm("vm"); !exists {
		t.Error("resuming did not bring the machine back")
	}
}

func TestDiskOutlivesItsMachineAndGoesAfterIt(t *testing.T) {
	w := newFixture(t, nil)
	_, err := w.put("vm", nil)
	w.must(err)
	ctx := context.Background()
	_, err = finish(w.NewDisksClient().BeginDelete(ctx, group, "vm_OSDisk", nil))
	w.refused(err, "OperationNotAllowed")
	_, err = finish(w.NewVirtualMachinesClient().BeginDelete(ctx, group, "vm", nil))
	w.must(err)
	if _, exists := w.host.vm("vm"); exists {
		t.Error("the machine still runs")
	}
	disk, err := w.NewDisksClient().Get(ctx, group, "vm_OSDisk", nil)
	w.must(err)
	if disk.ManagedBy != nil || *disk.Properties.DiskState != armcompute.DiskStateUnattached || *disk.SKU.Name != armcompute.DiskStorageAccountTypesPremiumLRS {
		t.Errorf("%+v", disk.Properties)
	}
	_, err = w.put("vm", nil)
	w.refused(err, "ConflictingUserInput")
	_, err = finish(w.NewDisksClient().BeginDelete(ctx, group, "vm_OSDisk", nil))
	w.must(err)
	_, err = w.put("vm", func(vm *armcompute.VirtualMachine) {
		vm.Properties.StorageProfile.OSDisk.DeleteOption = to.Ptr(armcompute.DiskDeleteOptionTypesDelete)
		vm.Properties.NetworkProfile.NetworkInterfaces[0].Properties = &armcompute.NetworkInterfaceReferenceProperties{DeleteOption: to.Ptr(armcompute.DeleteOptionsDelete)}
	})
	w.must(err)
	_, err = finish(w.NewVirtualMachinesClient().BeginDelete(ctx, group, "vm", nil))
	w.must(err)
	for _, id := range []string{prefix + disks + "/vm_OSDisk", prefix + "Microsoft.Network/networkInterfaces/vm-nic"} {
		if _, found, err := w.engine.Find(ctx, id); err != nil || found {
			t.Errorf("%s is left (%v)", id, err)
		}
	}
}

func TestQuotaCountsTheCoresThatRun(t *testing.T) {
	w := newFixture(t, map[string]int{coresUsage: 16})
	ctx := context.Background()
	for _, name := range []string{"one", "two"} {
		_, err := w.put(name, nil)
		w.must(err)
	}
	_, err := w.put("three", nil)
	w.refused(err, "QuotaExceeded")
	got := map[string]int32{}
	pager := w.NewUsageClient().NewListPager(location, nil)
	page, err := pager.NextPage(ctx)
	w.must(err)
	for _, usage := range page.Value {
		got[*usage.Name.Value] = *usage.CurrentValue
	}
	if got[coresUsage] != 16 || got["standardDSv5Family"] != 16 || got[vmsUsage] != 2 || got[premiumUsage] != 2 {
		t.Errorf("%v", got)
	}
	_, err = finish(w.NewVirtualMachinesClient().BeginDeallocate(ctx, group, "one", nil))
	w.must(err)
	_, err = w.put("three", nil)
	w.must(err)
	_, err = finish(w.NewVirtualMachinesClient().BeginStart(ctx, group, "one", nil))
	w.refused(err, "QuotaExceeded")
}

func TestAResizedMachineKeepsItsDisk(t *testing.T) {
	w := newFixture(t, map[string]int{coresUsage: 16})
	made, err := w.put("vm", nil)
	w.must(err)
	resize := func(size armcompute.VirtualMachineSizeTypes) (armcompute.VirtualMachine, error) {
		return w.put("vm", func(vm *armcompute.VirtualMachine) {
			vm.Properties.HardwareProfile.VMSize = to.Ptr(size)
			vm.Properties.StorageProfile.OSDisk.ManagedDisk = nil
			vm.Properties.OSProfile.ComputerName = nil
		})
	}
	resized, err := resize("Standard_D16s_v5")
	w.must(err)
	disk := resized.Properties.StorageProfile.OSDisk.ManagedDisk
	if disk == nil || disk.ID == nil || *disk.ID != *made.Properties.StorageProfile.OSDisk.ManagedDisk.ID || *disk.StorageAccountType != armcompute.StorageAccountTypesPremiumLRS {
		t.Errorf("the disk is %+v", disk)
	}
	if name := resized.Properties.OSProfile.ComputerName; name == nil || *name != "vm" {
		t.Errorf("the computer's name is %v", name)
	}
	if vm, _ := w.host.vm("vm"); vm.Size != "Standard_D16s_v5" {
		t.Errorf("the machine has the size %s", vm.Size)
	}
	_, err = resize("Standard_D32s_v5")
	w.refused(err, "QuotaExceeded")
}

func TestConsoleOpensToWhoHasItsURL(t *testing.T) {
	w := newFixture(t, nil)
	_, err := w.put("vm", nil)
	w.must(err)
	data, err := w.NewVirtualMachinesClient().RetrieveBootDiagnosticsData(context.Background(), group, "vm", nil)
	w.must(err)
	read := func(address string) (int, string) {
		response, err := http.Get(address)
		w.must(err)
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		w.must(err)
		return response.StatusCode, string(content)
	}
	if status, log := read(*data.SerialConsoleLogBlobURI); status != http.StatusOK || log != "booted vm" {
		t.Errorf("%d %s", status, log)
	}
	u, err := url.Parse(*data.SerialConsoleLogBlobURI)
	w.must(err)
	for member, value := range map[string]string{"id": prefix + virtualMachines + "/other", "se": "99999999999", "sig": ""} {
		query := u.Query()
		query.Set(member, value)
		forged := *u
		forged.RawQuery = query.Encode()
		if status, _ := read(forged.String()); status != http.StatusForbidden {
			t.Errorf("with another %s: %d, want 403", member, status)
		}
	}
	expired := w.compute.consoles.url(prefix+virtualMachines+"/vm", time.Now().Add(-time.Minute))
	if status, _ := read(expired); status != http.StatusForbidden {
		t.Errorf("expired: %d, want 403", status)
	}
}

func TestDataDisksSayWhichMachineHasThem(t *testing.T) {
	w := newFixture(t, nil)
	w.create(prefix+disks+"/data", object{"location": "eastus", "properties": object{"diskSizeGB": 10.0, "creationData": object{"createOption": "Empty"}}})
	managedBy := func(name string) string {
		t.Helper()
		disk, err := w.NewDisksClient().Get(context.Background(), group, name, nil)
		w.must(err)
		if disk.ManagedBy == nil {
			return ""
		}
		return nameOf(*disk.ManagedBy)
	}
	attach := func(all ...*armcompute.DataDisk) func(*armcompute.VirtualMachine) {
		return func(vm *armcompute.VirtualMachine) { vm.Properties.StorageProfile.DataDisks = all }
	}
	existing := &armcompute.DataDisk{Lun: to.Ptr[int32](0), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesAttach), ManagedDisk: &armcompute.ManagedDiskParameters{ID: to.Ptr(prefix + disks + "/data")}}
	empty := &armcompute.DataDisk{Lun: to.Ptr[int32](1), Name: to.Ptr("fresh"), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesEmpty), DiskSizeGB: to.Ptr[int32](20)}
	made, err := w.put("vm", attach(existing, empty))
	w.must(err)
	if all := made.Properties.StorageProfile.DataDisks; len(all) != 2 || *all[1].ManagedDisk.ID != prefix+disks+"/fresh" || *all[0].DiskSizeGB != 10 {
		t.Errorf("%+v", all)
	}
	if managedBy("data") != "vm" || managedBy("fresh") != "vm" {
		t.Errorf("data is managed by %q, fresh by %q", managedBy("data"), managedBy("fresh"))
	}
	_, err = finish(w.NewDisksClient().BeginDelete(context.Background(), group, "data", nil))
	w.refused(err, "OperationNotAllowed")
	_, err = w.put("other", attach(existing))
	w.refused(err, "AttachDiskWhileBeingDetached")
	_, err = w.put("vm", attach(existing, &armcompute.DataDisk{Lun: to.Ptr[int32](0), CreateOption: to.Ptr(armcompute.DiskCreateOptionTypesEmpty)}))
	w.refused(err, "InvalidParameter")
	_, err = w.put("vm", attach(existing))
	w.must(err)
	if managedBy("fresh") != "" {
		t.Error("a disk that was taken away is still attached")
	}
	_, err = finish(w.NewVirtualMachinesClient().BeginDelete(context.Background(), group, "vm", nil))
	w.must(err)
	if managedBy("data") != "" {
		t.Error("a disk is attached to a machine that is gone")
	}
}
