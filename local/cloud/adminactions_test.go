package cloud_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/hypervisor"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
)

// consoleHost is a host whose machines have something on their consoles.
type consoleHost struct{ *host }

func (consoleHost) State(string) (string, []byte) { return "running", []byte("it boots\n") }

// asDemo is Azure with an identity that may do everything in the customer's subscription.
type asDemo struct {
	*azure.Azure
	demo azcore.TokenCredential
}

func (a asDemo) FirstParty(string) azcore.TokenCredential { return a.demo }

// TestEngineersActOnMachines uses the admin API against Azure's protocols.
func TestEngineersActOnMachines(t *testing.T) {
	h := &host{vms: map[string]hypervisor.VM{}}
	w := newFixture(t, cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		log := slog.New(slog.DiscardHandler)
		n := network.New(a.Engine, log)
		c := compute.New(compute.Options{Engine: a.Engine, Machines: consoleHost{h}, Watch: n.Watch, Origin: a.Origin, Log: log})
		a.Mount(compute.ConsolePrefix, c.Console())
		return nil
	}}})
	ask := w.engineers(t)
	const group = customer + "/resourceGroups/managed"
	put := func(path string, body object) {
		t.Helper()
		body["location"] = "eastus"
		w.want(w.demo(), http.MethodPut, path+"?api-version=1", body, http.StatusCreated, "")
	}
	ask("GET", "/resources", 400, "does not exist")
	put(group, object{})
	ask("GET", "/resources", 400, "is not managed by the cluster")
	w.want(w.demo(), http.MethodDelete, group+"?api-version=1", nil, http.StatusOK, "")
	w.within(10*time.Second, "group is gone", func() bool {
		status, _, _ := w.call(w.demo(), http.MethodGet, group+"?api-version=1", nil)
		return status == http.StatusNotFound
	})
	put(group, object{"managedBy": clusterOfEngineers})
	const provider = group + "/providers/"
	put(provider+"Microsoft.Network/networkSecurityGroups/nsg", object{"properties": object{"securityRules": []any{object{"name": "api", "properties": object{
		"protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "6443", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": "Allow", "priority": 101, "direction": "Inbound"}}}}})
	put(provider+"Microsoft.Network/virtualNetworks/v", object{"properties": object{"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/16"}},
		"subnets": []any{object{"name": "s", "properties": object{"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": object{"id": provider + "Microsoft.Network/networkSecurityGroups/nsg"}}}}}})
	for _, name := range []string{"infra-master-0", "infra-worker-0"} {
		put(provider+"Microsoft.Network/networkInterfaces/"+name+"-nic", object{"properties": object{"ipConfigurations": []any{object{"name": "c", "properties": object{
			"subnet": object{"id": provider + "Microsoft.Network/virtualNetworks/v/subnets/s"}}}}}})
		put(provider+"Microsoft.Compute/virtualMachines/"+name, object{"zones": []any{"1"}, "properties": object{
			"hardwareProfile": object{"vmSize": "Standard_D8s_v5"},
			"storageProfile":  object{"imageReference": object{"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_419", "version": "9.6.20251015"}, "osDisk": object{"createOption": "FromImage"}},
			"osProfile":       object{"computerName": name, "adminUsername": "core", "adminPassword": "NotUsed1!"},
			"networkProfile":  object{"networkInterfaces": []any{object{"id": provider + "Microsoft.Network/networkInterfaces/" + name + "-nic"}}}}})
	}
	put(provider+"Microsoft.Network/publicIPAddresses/old", object{"sku": object{"name": "Standard"}, "properties": object{"publicIPAllocationMethod": "Static"}})

	ask("GET", "/resources", 200, `"Microsoft.Network/publicIPAddresses"`)
	ask("GET", "/virtualmachines", 200, `"name":"infra-master-0","controlPlane":true,"size":"Standard_D8s_v5","zone":"1","powerState":"running"`, `"controlPlane":false`)
	ask("GET", "/serialconsole?vmName=infra-master-0", 200, "it boots\n")
	ask("GET", "/serialconsole?vmName=none", 404, "no virtual machine")
	ask("GET", "/effectiveroutetable?nic=infra-master-0-nic", 200, `"VnetLocal"`)
	ask("GET", "/effectivesecuritygroups?nic=infra-master-0-nic", 200, `"securityRules/api"`, `"6443-6443"`, `"defaultSecurityRules/DenyAllInBound"`)
	ask("GET", "/effectivesecuritygroups?nic=none", 404, "no network interface")
	const ended, failed = `"outcome":"Succeeded"`, `"outcome":"Failed"`
	power := func(state string) {
		t.Helper()
		ask("GET", "/virtualmachines", 200, `"name":"infra-master-0","controlPlane":true,"size":"Standard_D8s_v5","zone":"1","powerState":"`+state+`"`)
	}
	ask("POST", "/stopvm?vmName=infra-master-0&dryRun=true", 200, "dry run of stopping the machine; its power state is running", ended)
	power("running")
	ask("POST", "/stopvm?vmName=infra-master-0", 200, ended)
	power("stopped")
	ask("POST", "/redeployvm?vmName=infra-master-0", 200, failed, "OperationNotAllowed")
	ask("POST", "/stopvm?vmName=infra-master-0&deallocateVM=true", 200, ended)
	power("deallocated")
	ask("POST", "/startvm?vmName=infra-master-0", 200, "power state is deallocated", ended)
	power("running")
	ask("POST", "/redeployvm?vmName=infra-master-0", 200, ended)
	ask("POST", "/startvm?vmName=none", 404, "no virtual machine")
	ask("POST", "/startvm?vmName=..", 400, "vmName")
	ask("POST", "/resize?vmName=infra-worker-0&vmSize=Standard_D16s_v5", 400, "Only control plane machines")
	ask("POST", "/resize?vmName=infra-master-0&vmSize=Standard_D2s_v3", 400, "cannot have the size")
	ask("POST", "/resize?vmName=infra-master-0&vmSize=standard_d16s_v5", 200, "resizing the machine to Standard_D16s_v5", ended)
	ask("GET", "/virtualmachines", 200, `"name":"infra-master-0","controlPlane":true,"size":"Standard_D16s_v5"`)
	const old = "/deletemanagedresource?managedResourceID=" + provider + "Microsoft.Network/publicIPAddresses/old"
	ask("POST", old+"&dryRun=true", 200, "would be deleted", ended)
	ask("POST", old, 200, "deleting", ended)
	ask("POST", old, 404, "no such resource")
	for id, want := range map[string]struct {
		status int
		says   string
	}{
		provider + "Microsoft.Network/privateEndpoints/x":                                  {403, "are not deleted"},
		provider + "Microsoft.Network/PRIVATELINKSERVICES/x":                               {403, "are not deleted"},
		provider + "Microsoft.Storage/storageAccounts/x":                                   {403, "Storage"},
		customer + "/resourceGroups/other/providers/Microsoft.Network/publicIPAddresses/x": {400, "not in the managed resource group"},
		group: {400, "not in the managed resource group"},
		"/subscriptions/00000000-0000-0000-0000-0000000000ff/resourceGroups/managed/providers/Microsoft.Network/publicIPAddresses/x": {400, "not in the managed resource group"},
		"nonsense": {400, "id of a resource"},
		provider + "Microsoft.Network/networkSecurityGroups/nsg": {200, failed},
	} {
		ask("POST", "/deletemanagedresource?managedResourceID="+id, want.status, want.says)
	}
}

// clusterOfEngineers is the cluster on which engineers act.
const clusterOfEngineers = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"

// engineers serves the admin API, and returns a function that calls it and checks the response.
func (w *fixture) engineers(t *testing.T) func(method, path string, status int, says ...string) {
	t.Helper()
	found, err := azure.FindCloud(t.Context(), w.Origin, w.Client())
	if err != nil {
		t.Fatal(err)
	}
	service, err := azure.New(azure.Options{Cloud: found, Environment: &environment.Environment{Mode: environment.Test, TenantID: cloud.TenantID}, Transport: w.Client(), Service: w.demo()})
	if err != nil {
		t.Fatal(err)
	}
	e := edge.NewFixture(t, func(o *edge.Options) { o.Azure = asDemo{service, w.demo()} })
	id, _ := arm.ParseClusterID(clusterOfEngineers)
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Name, doc.Cluster.Location = id.String(), id.Name, "eastus"
	doc.Cluster.Internal.InfraID, doc.Cluster.Internal.TenantID = "infra", cloud.TenantID
	doc.Cluster.Properties.ClusterProfile.ResourceGroupID = customer + "/resourceGroups/managed"
	if err := e.Store.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	return func(method, path string, status int, says ...string) {
		t.Helper()
		answer := request(t, e.HTTP, method, "/admin"+id.String()+path)
		for _, word := range says {
			if answer.Code != status || !strings.Contains(answer.Body.String(), word) {
				t.Errorf("%s %s: %d %.600s; want %d with %q", method, path, answer.Code, answer.Body, status, word)
			}
		}
	}
}

func request(t *testing.T, server *httptest.Server, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &httptest.ResponseRecorder{Code: res.StatusCode, Body: bytes.NewBuffer(text)}
}
