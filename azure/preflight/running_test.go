package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure/preflight"
)

// masters are machines of a control plane, one in each zone.
func masters(size string) (all []*armcompute.VirtualMachine) {
	for _, zone := range []string{"1", "2", "3"} {
		all = append(all, &armcompute.VirtualMachine{Zones: []*string{&zone}, Properties: &armcompute.VirtualMachineProperties{
			HardwareProfile: &armcompute.HardwareProfile{VMSize: new(armcompute.VirtualMachineSizeTypes(size))},
			StorageProfile:  &armcompute.StorageProfile{OSDisk: &armcompute.OSDisk{ManagedDisk: &armcompute.ManagedDiskParameters{StorageAccountType: new(armcompute.StorageAccountTypesPremiumLRS)}}}}})
	}
	return all
}

func (w *fakeAzure) running() preflight.Running {
	w.t.Helper()
	_, a := w.validator()
	clients, err := a.Clients(strings.TrimPrefix(sub, "/subscriptions/"), a.Service())
	if err != nil {
		w.t.Fatal(err)
	}
	c := spCluster()
	return preflight.NewRunning(c, clients, a.SubjectOf(c))
}

func TestASizeIsCheckedWhereTheMachinesAre(t *testing.T) {
	t.Parallel()
	zones := func(names ...string) map[string]any {
		return map[string]any{"locationInfo": []any{map[string]any{"location": "eastus", "zones": ids(names...)}}}
	}
	restriction := func(kind string, names ...string) map[string]any {
		return map[string]any{"restrictions": []any{map[string]any{"type": kind, "reasonCode": "NotAvailableForSubscription", "values": ids("eastus"),
			"restrictionInfo": map[string]any{"locations": ids("eastus"), "zones": ids(names...)}}}}
	}
	for name, test := range map[string]struct {
		sku  map[string]any
		says []string
	}{
		"well":                   {sku: sku("Standard_D16s_v3", nil)},
		"unknown in the region":  {says: []string{"does not exist in eastus"}},
		"not in a zone":          {sku: sku("Standard_D16s_v3", zones("1", "2")), says: []string{"zone 3"}},
		"restricted in a region": {sku: sku("Standard_D16s_v3", restriction("Location")), says: []string{"restricted in eastus"}},
		"restricted in a zone":   {sku: sku("Standard_D16s_v3", restriction("Zone", "2")), says: []string{"zone 2"}},
		"without premium disks":  {sku: sku("Standard_D16s_v3", map[string]any{"capabilities": []any{map[string]any{"name": "PremiumIO", "value": "False"}}}), says: []string{"premium disks"}},
	} {
		w := newFakeAzure(t)
		w.bodies[sub+"/providers/Microsoft.Compute/skus"] = list(sku("Standard_D8s_v3", nil))
		if test.sku != nil {
			w.bodies[sub+"/providers/Microsoft.Compute/skus"] = list(test.sku)
		}
		faults, err := w.running().SizeFor(t.Context(), masters("Standard_D8s_v3"), "Standard_D16s_v3")
		checkFaults(t, name, faults, err, test.says)
	}
}

func TestAQuotaIsCheckedForWhatAResizeAdds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		was    string
		usages []any
		says   []string
	}{
		"the cores of the old size are free": {"Standard_D8s_v3", []any{usage("cores", 24, 0), usage("standardDSv3Family", 24, 0)}, nil},
		"too few":                            {"Standard_D8s_v3", []any{usage("cores", 24, 0), usage("standardDSv3Family", 23, 0)}, []string{"24 more of the quota standardDSv3Family"}},
		"both too few":                       {"Standard_D8s_v3", []any{usage("cores", 0, 0), usage("standardDSv3Family", 0, 0)}, []string{"quota cores", "quota standardDSv3Family"}},
		"another family":                     {"Standard_D8s_v5", []any{usage("cores", 24, 0), usage("standardDSv3Family", 47, 0)}, []string{"48 more of the quota standardDSv3Family"}},
		"smaller":                            {"Standard_D32s_v3", []any{usage("cores", 0, 0), usage("standardDSv3Family", 0, 0)}, nil},
		"the size already":                   {"standard_d16s_v3", []any{usage("cores", 0, 0), usage("standardDSv3Family", 0, 0)}, nil},
	} {
		w := newFakeAzure(t)
		w.bodies[locate] = list(test.usages...)
		faults, err := w.running().QuotaFor(t.Context(), masters(test.was), "Standard_D16s_v3")
		checkFaults(t, name, faults, err, test.says)
	}
}

func TestTheNetworkOfARunningClusterIsChecked(t *testing.T) {
	t.Parallel()
	w := newFakeAzure(t)
	w.workers["provisioningState"] = "Failed"
	faults, err := w.running().Networks(t.Context())
	checkFaults(t, "networks", faults, err, []string{"/subnets/master\" must have the cluster's network security group", "/subnets/worker\" is in state Failed", "/subnets/worker\" must have"})
	servers, err := w.running().NameServers(t.Context())
	if err != nil || len(servers) != 1 {
		t.Errorf("%v, %v", servers, err)
	}
}

// checkFaults fails unless each of the faults has one of the texts, in their order.
func checkFaults(t *testing.T, name string, faults []*arm.Error, err error, says []string) {
	t.Helper()
	var got []string
	for _, fault := range faults {
		got = append(got, fault.Message)
	}
	if err != nil || !slices.EqualFunc(got, says, strings.Contains) {
		t.Errorf("%s: %q, %v; want %q", name, got, err, says)
	}
}
