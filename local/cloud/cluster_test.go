package cloud_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/hypervisor"
)

// host stands for the machines: it only remembers which run.
type host struct {
	mutex sync.Mutex
	vms   map[string]hypervisor.VM
}

func (h *host) Start(_ context.Context, vm hypervisor.VM) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.vms[strings.ToLower(vm.ID)] = vm
	return nil
}

func (h *host) Stop(context.Context, string) error { return nil }

func (h *host) Remove(_ context.Context, id string) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.vms, strings.ToLower(id))
	return nil
}

func (h *host) State(string) (string, []byte) { return "running", nil }

func (h *host) Dial(context.Context, string, int) (net.Conn, error) {
	return nil, errors.New("connection refused")
}

// firstParty acts as the service's application with the certificate of its vault.
func (w *fixture) firstParty() azcore.TokenCredential {
	w.t.Helper()
	content, found, err := w.Vault.SecretValue(context.Background(), "aro-svc", cloud.FirstPartyCertificate)
	if err != nil || !found {
		w.t.Fatal(found, err)
	}
	chain, key, err := azidentity.ParseCertificates([]byte(content), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	credential, err := azidentity.NewClientCertificateCredential(cloud.TenantID, cloud.FirstPartyApplication, chain, key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: w.cloud(), Transport: w.Client()}, DisableInstanceDiscovery: true, SendCertificateChain: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return credential
}

// TestTheServicesTemplatesAreDeployed makes and deletes the resources of a cluster
// with the templates, the identities and the clients of the service.
func TestTheServicesTemplatesAreDeployed(t *testing.T) {
	h := &host{vms: map[string]hypervisor.VM{}}
	w := newFixture(t, cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		log := slog.New(slog.DiscardHandler)
		n := network.New(a.Engine, log)
		compute.New(compute.Options{Engine: a.Engine, Machines: h, Watch: n.Watch, Origin: a.Origin, Log: log})
		return nil
	}}})
	ctx := context.Background()
	w.group("g")
	const vnet = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
	w.want(w.demo(), http.MethodPut, vnet+"?api-version=1", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/16"}},
		"subnets": []any{
			object{"name": "master", "properties": object{"addressPrefix": "10.0.0.0/24", "privateLinkServiceNetworkPolicies": "Disabled"}},
			object{"name": "worker", "properties": object{"addressPrefix": "10.0.1.0/24"}},
		},
	}}, http.StatusCreated, "")

	firstParty, err := w.Entra.ServicePrincipal(ctx, cloud.FirstPartyApplication)
	if err != nil {
		t.Fatal(err)
	}
	credential := w.firstParty()
	if err := w.Access.Assign(ctx, firstParty.ObjectID, "42f3c60f-e7b1-46d7-ba56-6de681664342", vnet); err != nil {
		t.Fatal(err)
	}
	_, clusterPrincipal := w.newApplication()

	// ARM lets the first party make the managed group and then owns it.
	const managed = customer + "/resourceGroups/managed"
	groups, err := armresources.NewResourceGroupsClient(cloud.CustomerSubscription, credential, w.clients())
	if err != nil {
		t.Fatal(err)
	}
	const cluster = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	if _, err := groups.CreateOrUpdate(ctx, "managed", armresources.ResourceGroup{Location: to.Ptr("eastus"), ManagedBy: to.Ptr(cluster)}, nil); err != nil {
		t.Fatal(err)
	}
	base := template.Base{
		Cluster: template.Cluster{GroupID: managed, Location: "eastus", InfraID: "infra-abcde", Zones: []string{"1", "2", "3"}, PublicAPI: true, PublicIngress: true, PublicOutbound: true, MasterSubnetID: vnet + "/subnets/master"},
		Storage: template.Storage{Account: "clusterabc", RegistryAccount: "imageregistryabc"}, ServiceSubscription: cloud.ServiceSubscription,
		Access: template.Access{ServicePrincipalID: clusterPrincipal, ResourceProviderID: firstParty.ObjectID, Excluded: []string{clusterPrincipal, firstParty.ObjectID}},
	}
	deploy := func(name string, document object) {
		t.Helper()
		client, err := armresources.NewDeploymentsClient(cloud.CustomerSubscription, credential, w.clients())
		if err != nil {
			t.Fatal(err)
		}
		poller, err := client.BeginCreateOrUpdate(ctx, "managed", name, armresources.Deployment{Properties: &armresources.DeploymentProperties{Mode: to.Ptr(armresources.DeploymentModeIncremental), Template: document}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := poller.PollUntilDone(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	deploy("storage", base.Template())
	deploy("storage", base.Template()) // a second run changes nothing
	balancers, err := armnetwork.NewLoadBalancersClient(cloud.CustomerSubscription, credential, w.clients())
	if err != nil {
		t.Fatal(err)
	}
	internal, err := balancers.Get(ctx, "managed", "infra-abcde-internal", nil)
	if err != nil {
		t.Fatal(err)
	}
	if ip := internal.Properties.FrontendIPConfigurations[0].Properties.PrivateIPAddress; ip == nil || !strings.HasPrefix(*ip, "10.0.0.") {
		t.Errorf("the internal frontend has %v", ip)
	}
	machineTemplate := template.Machines{
		Cluster: base.Cluster, VMSize: "Standard_D8s_v5", Image: template.Image{Publisher: "azureopenshift", Offer: "aro4", SKU: "aro_419", Version: "9.6.20251015"},
		MasterIgnition: []byte(`{"ignition":{"version":"3.2.0"}}`), Bootstrap: &template.Bootstrap{BlobURL: w.Origin + "/blob/clusterabc/ignition/bootstrap.ign", Account: "clusterabc", SignedAt: time.Now()},
	}
	deploy("resources", machineTemplate.Template())
	t.Logf("deployed in %v", time.Since(start))
	bootstrap := h.vms[strings.ToLower(managed+"/providers/Microsoft.Compute/virtualMachines/infra-abcde-bootstrap")]
	if len(h.vms) != 4 || !strings.Contains(string(bootstrap.CustomData), "bootstrap.ign?") || !strings.Contains(string(bootstrap.CustomData), "sig=") {
		t.Errorf("%d machines, the bootstrap's custom data is %s", len(h.vms), bootstrap.CustomData)
	}

	// The owner of the subscription meets the deny assignment, but may delete it all with the group's cluster.
	w.want(w.demo(), http.MethodDelete, managed+"/providers/Microsoft.Network/networkSecurityGroups/infra-abcde-nsg?api-version=1", nil, http.StatusForbidden, "DenyAssignmentAuthorizationFailed")
	w.want(w.demo(), http.MethodDelete, managed+"?api-version=1", nil, http.StatusForbidden, "DenyAssignmentAuthorizationFailed")
	poller, err := groups.BeginDelete(ctx, "managed", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if len(h.vms) != 0 {
		t.Errorf("%d machines are left", len(h.vms))
	}
	left, err := w.Engine.Below(ctx, managed, "")
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

func TestStorageIsOpenedToSubnetsThatReachItDirectly(t *testing.T) {
	w := newFixture(t, cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		network.New(a.Engine, slog.New(slog.DiscardHandler))
		return nil
	}}})
	w.group("g")
	const network, account = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet", customer + "/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/opened?api-version=1"
	body := object{"location": "eastus", "sku": object{"name": "Standard_LRS"}, "properties": object{
		"networkAcls": object{"defaultAction": "Deny", "virtualNetworkRules": []any{object{"id": network + "/subnets/s"}}}}}
	put := func(status int, endpoints ...any) {
		w.want(w.demo(), http.MethodPut, network+"?api-version=1", object{"location": "eastus", "properties": object{
			"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/16"}},
			"subnets":      []any{object{"name": "s", "properties": object{"addressPrefix": "10.0.0.0/24", "serviceEndpoints": endpoints}}}}}, status, "")
	}
	w.want(w.demo(), http.MethodPut, account, body, http.StatusBadRequest, "NetworkAclsValidationFailure")
	put(http.StatusCreated)
	w.want(w.demo(), http.MethodPut, account, body, http.StatusBadRequest, "NetworkAclsValidationFailure")
	put(http.StatusOK, object{"service": "Microsoft.Storage"})
	w.want(w.demo(), http.MethodPut, account, body, http.StatusOK, "")
}
