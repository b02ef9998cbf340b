package cloud_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/local/cloud"
)

// The pollers of the official clients are those with which the service follows
// its own operations in Azure, too.
func TestOperationsAreFollowedByTheirSignedAddresses(t *testing.T) {
	w := newFixture(t, cloud.Options{SignOperations: true})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.group("g")
	often := &runtime.PollUntilDoneOptions{Frequency: 10 * time.Millisecond}
	networks := made[*armnetwork.VirtualNetworksClient](t)(armnetwork.NewVirtualNetworksClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	put, err := networks.BeginCreateOrUpdate(ctx, "g", "vnet", armnetwork.VirtualNetwork{Location: to.Ptr("eastus"),
		Properties: &armnetwork.VirtualNetworkPropertiesFormat{AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr("10.0.0.0/22")}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put.PollUntilDone(ctx, often); err != nil {
		t.Error(err)
	}
	groups := made[*armresources.ResourceGroupsClient](t)(armresources.NewResourceGroupsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	gone, err := groups.BeginDelete(ctx, "g", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.PollUntilDone(ctx, often); err != nil {
		t.Error(err)
	}
}

func TestASignedAddressCountsOnlyAsItWasGiven(t *testing.T) {
	w := newFixture(t, cloud.Options{SignOperations: true})
	w.group("g")
	const cluster = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c?api-version=2023-11-22"
	w.want(w.demo(), http.MethodPut, cluster, object{"location": "eastus"}, http.StatusCreated, "")
	_, header, _ := w.call(w.demo(), http.MethodDelete, cluster, nil)
	status, location := header.Get("Azure-AsyncOperation"), header.Get("Location")
	if len(status) < 4000 || len(location) < 4000 {
		t.Fatalf("addresses of %d and %d bytes: %s", len(status), len(location), status)
	}
	a, b := query(t, status), query(t, location)
	if a.Get("t") != b.Get("t") || a.Get("c") != b.Get("c") || a.Get("s") == b.Get("s") || a.Get("h") == b.Get("h") || a.Get("api-version") == "" {
		t.Errorf("%s\n%s", status, location)
	}
	path := strings.TrimPrefix(status, w.Origin)
	w.want(w.demo(), http.MethodGet, path, nil, http.StatusOK, "")
	bare, _, _ := strings.Cut(path, "&t=")
	w.want(w.demo(), http.MethodGet, bare, nil, http.StatusBadRequest, "InvalidOperationUrl")
	w.want(w.demo(), http.MethodGet, strings.Replace(path, "&t=", "&t=1", 1), nil, http.StatusBadRequest, "InvalidOperationUrl")
	w.restart()
	w.want(w.demo(), http.MethodGet, path, nil, http.StatusOK, "")
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
