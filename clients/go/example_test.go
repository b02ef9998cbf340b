package aro_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"

	aro "github.com/aro-rp/aro/clients/go/aro20250725"
	"github.com/aro-rp/aro/clients/go/aro20250725/fake"
)

// service is a fake that knows one cluster, shop, and is polled once more before an
// operation is over.
func service() *fake.OpenShiftClustersServer {
	shop := aro.OpenShiftCluster{Name: to.Ptr("shop"), Properties: &aro.OpenShiftClusterProperties{ProvisioningState: to.Ptr(aro.ProvisioningStateSucceeded)}}
	return &fake.OpenShiftClustersServer{
		BeginCreateOrUpdate: func(_ context.Context, _, name string, cluster aro.OpenShiftCluster, _ *aro.OpenShiftClustersClientBeginCreateOrUpdateOptions) (
			r azfake.PollerResponder[aro.OpenShiftClustersClientCreateOrUpdateResponse], e azfake.ErrorResponder) {
			if name != "shop" {
				r.AddNonTerminalResponse(http.StatusCreated, nil)
				r.SetTerminalError(http.StatusConflict, "OperationFailed")
				return r, e
			}
			cluster.Name, cluster.Properties = shop.Name, shop.Properties
			r.AddNonTerminalResponse(http.StatusCreated, nil)
			r.SetTerminalResponse(http.StatusOK, aro.OpenShiftClustersClientCreateOrUpdateResponse{OpenShiftCluster: cluster}, nil)
			return r, e
		},
		Get: func(_ context.Context, _, name string, _ *aro.OpenShiftClustersClientGetOptions) (
			r azfake.Responder[aro.OpenShiftClustersClientGetResponse], e azfake.ErrorResponder) {
			if name != "shop" {
				e.SetResponseError(http.StatusNotFound, "ResourceNotFound")
				return r, e
			}
			r.SetResponse(http.StatusOK, aro.OpenShiftClustersClientGetResponse{OpenShiftCluster: shop}, nil)
			return r, e
		},
		NewListPager: func(*aro.OpenShiftClustersClientListOptions) (r azfake.PagerResponder[aro.OpenShiftClustersClientListResponse]) {
			page := aro.OpenShiftClustersClientListResponse{OpenShiftClusterList: aro.OpenShiftClusterList{Value: []*aro.OpenShiftCluster{&shop}}}
			r.AddPage(http.StatusOK, page, nil)
			r.AddPage(http.StatusOK, page, nil)
			return r
		},
	}
}

// clusters is a client of the fake. A real one has a credential of azidentity and,
// for Azure's public cloud, no options.
func clusters() (*aro.OpenShiftClustersClient, error) {
	return aro.NewOpenShiftClustersClient("00000000-0000-0000-0000-000000000001", &azfake.TokenCredential{},
		&arm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: fake.NewOpenShiftClustersServerTransport(service())}})
}

func Example() {
	ctx := context.Background()
	client, err := clusters()
	if err != nil {
		fmt.Println(err)
		return
	}
	creation, err := client.BeginCreateOrUpdate(ctx, "contoso", "shop", aro.OpenShiftCluster{Location: to.Ptr("westeurope")}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	cluster, err := creation.PollUntilDone(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*cluster.Name, *cluster.Location, *cluster.Properties.ProvisioningState)

	_, err = client.Get(ctx, "contoso", "other", nil)
	var failed *azcore.ResponseError
	if errors.As(err, &failed) {
		fmt.Println(failed.StatusCode, failed.ErrorCode)
	}
	// Output:
	// shop westeurope Succeeded
	// 404 ResourceNotFound
}

func TestAFakeListsPageByPage(t *testing.T) {
	client, err := clusters()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for pager := client.NewListPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, cluster := range page.Value {
			names = append(names, *cluster.Name)
		}
	}
	if len(names) != 2 || names[0] != "shop" {
		t.Errorf("the pages list %q", names)
	}
}

func TestAFakesOperationFailsTyped(t *testing.T) {
	client, err := clusters()
	if err != nil {
		t.Fatal(err)
	}
	creation, err := client.BeginCreateOrUpdate(t.Context(), "contoso", "other", aro.OpenShiftCluster{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = creation.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: 1})
	var failed *azcore.ResponseError
	if !errors.As(err, &failed) || failed.StatusCode != http.StatusConflict || failed.ErrorCode != "OperationFailed" {
		t.Errorf("got %v, want 409 OperationFailed", err)
	}
}
