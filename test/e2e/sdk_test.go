package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	sdk "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"

	"github.com/aro-rp/aro/test/harness"
	"github.com/aro-rp/aro/test/simulated/provider"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	group        = "customer"
	location     = "eastus"
	// limit bounds a whole test.
	limit = 2 * time.Minute
)

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// token is a credential that needs no directory.
type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "not-a-real-token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// impatient shortens the pause between polls, which the service asks to be 10 s
// or more. The SDK prefers this header to Retry-After.
type impatient struct{ next http.RoundTripper }

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := i.next.RoundTrip(r)
	if err == nil && res.Header.Get("Retry-After") != "" {
		res.Header.Set("Retry-After-Ms", "100")
	}
	return res, err
}

// serve starts the service and returns the options of clients. A cluster whose name
// begins with "refused" cannot be created.
func serve(t *testing.T) (context.Context, *azarm.ClientOptions) {
	t.Helper()
	ctx, options, _ := serveClusters(t)
	return ctx, options
}

// serveClusters is serve, and the clusters of the service.
func serveClusters(t *testing.T) (context.Context, *azarm.ClientOptions, *harness.ControlPlanes) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	planes := harness.NewControlPlanes(t, harness.Behaviour{Boot: 300 * time.Millisecond, Removal: 200 * time.Millisecond,
		Refuse: func(spec provider.Spec) bool { return strings.HasPrefix(spec.Name, "refused") }})
	process := harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db"), ControlPlanes: planes.Address,
		Args: []string{"--location", location}})
	registered, err := harness.NewClient(process.URL, nil).Do(ctx, harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0",
		Body: harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}}})
	if err != nil || registered.Status >= 300 {
		t.Fatal(registered, err)
	}
	here := cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
		cloud.ResourceManager: {Endpoint: process.URL, Audience: "https://management.example.com"},
	}}
	return ctx, &azarm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Cloud:                           here,
			InsecureAllowCredentialWithHTTP: true,
			Retry:                           policy.RetryOptions{MaxRetries: -1}, // an answer that needs a retry is a failure here
			Transport:                       &http.Client{Transport: impatient{http.DefaultTransport}, Timeout: limit},
		},
		DisableRPRegistration: true,
	}, planes
}

// customer starts the service and returns what the SDK makes of it.
func customer(t *testing.T) (context.Context, *sdk.ClientFactory) {
	t.Helper()
	ctx, options := serve(t)
	factory, err := sdk.NewClientFactory(subscription, token{}, options)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, factory
}

// order is the cluster in the types of the SDK.
func order(name string) sdk.OpenShiftCluster {
	network := "/subscriptions/" + subscription + "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	return sdk.OpenShiftCluster{
		Location: to.Ptr(location),
		Tags:     map[string]*string{"stage": to.Ptr("test")},
		Properties: &sdk.OpenShiftClusterProperties{
			ClusterProfile: &sdk.ClusterProfile{
				Domain:               to.Ptr(name),
				ResourceGroupID:      to.Ptr("/subscriptions/" + subscription + "/resourceGroups/aro-" + name),
				FipsValidatedModules: to.Ptr(sdk.FipsValidatedModulesDisabled),
				PullSecret:           to.Ptr(`{"auths":{"registry.example.com":{"auth":"bm9ib2R5Om5vdGhpbmc="}}}`),
			},
			ServicePrincipalProfile: &sdk.ServicePrincipalProfile{ClientID: to.Ptr("11111111-2222-4333-8444-555555555555"), ClientSecret: to.Ptr("a secret")},
			NetworkProfile:          &sdk.NetworkProfile{PodCidr: to.Ptr("10.128.0.0/14"), ServiceCidr: to.Ptr("172.30.0.0/16")},
			MasterProfile:           &sdk.MasterProfile{VMSize: to.Ptr("Standard_D8s_v3"), SubnetID: to.Ptr(network + "master")},
			WorkerProfiles: []*sdk.WorkerProfile{{Name: to.Ptr("worker"), VMSize: to.Ptr("Standard_D4s_v3"), DiskSizeGB: to.Ptr[int32](128),
				SubnetID: to.Ptr(network + "worker"), Count: to.Ptr[int32](3)}},
			ApiserverProfile: &sdk.APIServerProfile{Visibility: to.Ptr(sdk.VisibilityPublic)},
			IngressProfiles:  []*sdk.IngressProfile{{Name: to.Ptr("default"), Visibility: to.Ptr(sdk.VisibilityPublic)}},
		},
	}
}

func TestTheSDKDoesTheWholeLifeOfACluster(t *testing.T) {
	t.Parallel()
	ctx, factory := customer(t)
	clusters := factory.NewOpenShiftClustersClient()
	const name = "whole-life"

	_, err := clusters.Get(ctx, group, name, nil)
	wantCode(t, err, http.StatusNotFound, "ResourceNotFound")

	creating, err := clusters.BeginCreateOrUpdate(ctx, group, name, order(name), nil)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	created, err := creating.PollUntilDone(ctx, nil)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if state := *created.Properties.ProvisioningState; state != sdk.ProvisioningStateSucceeded {
		t.Errorf("created cluster is %s", state)
	}
	if got := value(created.Properties.ApiserverProfile.URL); !strings.HasPrefix(got, "https://") {
		t.Errorf("URL of the API server is %q", got)
	}
	got, err := clusters.Get(ctx, group, name, nil)
	if err != nil || value(got.ID) != value(created.ID) || len(got.Properties.WorkerProfilesStatus) != 1 {
		t.Errorf("get: id %q, %d worker profiles in the status, %v", value(got.ID), len(got.Properties.WorkerProfilesStatus), err)
	}
	inBothLists(ctx, t, clusters, value(created.ID))
	credentials(ctx, t, clusters, name)
	change(ctx, t, clusters, name)

	deleting, err := clusters.BeginDelete(ctx, group, name, nil)
	if err != nil {
		t.Fatalf("delete: %v", err)
	}
	if _, err := deleting.PollUntilDone(ctx, nil); err != nil {
		t.Fatalf("delete: %v", err)
	}
	_, err = clusters.Get(ctx, group, name, nil)
	wantCode(t, err, http.StatusNotFound, "ResourceNotFound")
	again, err := clusters.BeginDelete(ctx, group, name, nil)
	if err != nil {
		t.Fatalf("delete of nothing: %v", err)
	}
	if _, err := again.PollUntilDone(ctx, nil); err != nil {
		t.Errorf("delete of nothing: %v", err)
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.StatusCode != status || response.ErrorCode != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func inBothLists(ctx context.Context, t *testing.T, clusters *sdk.OpenShiftClustersClient, id string) {
	t.Helper()
	found := 0
	for pager := clusters.NewListPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			t.Fatalf("list of the subscription: %v", err)
		}
		found += count(page.Value, id)
	}
	for pager := clusters.NewListByResourceGroupPager(group, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			t.Fatalf("list of the group: %v", err)
		}
		found += count(page.Value, id)
	}
	if found != 2 {
		t.Errorf("the two lists have the cluster %d times", found)
	}
}

func count(all []*sdk.OpenShiftCluster, id string) (n int) {
	for _, c := range all {
		if value(c.ID) == id {
			n++
		}
	}
	return n
}

func credentials(ctx context.Context, t *testing.T, clusters *sdk.OpenShiftClustersClient, name string) {
	t.Helper()
	user, err := clusters.ListCredentials(ctx, group, name, nil)
	if err != nil || value(user.KubeadminUsername) != "kubeadmin" || value(user.KubeadminPassword) == "" {
		t.Errorf("credentials of %q, %v", value(user.KubeadminUsername), err)
	}
	admin, err := clusters.ListAdminCredentials(ctx, group, name, nil)
	if err != nil {
		t.Fatalf("admin credentials: %v", err)
	}
	config, err := base64.StdEncoding.DecodeString(value(admin.Kubeconfig))
	if err != nil || !strings.Contains(string(config), "kind: Config") {
		t.Errorf("the kubeconfig is none: %v", err)
	}
}

// change updates tags alone, then something that makes a worker act, then puts
// back what get returned.
func change(ctx context.Context, t *testing.T, clusters *sdk.OpenShiftClustersClient, name string) {
	t.Helper()
	update := func(what string, u sdk.OpenShiftClusterUpdate) sdk.OpenShiftCluster {
		t.Helper()
		poller, err := clusters.BeginUpdate(ctx, group, name, u, nil)
		if err != nil {
			t.Fatalf("update of %s: %v", what, err)
		}
		done, err := poller.PollUntilDone(ctx, nil)
		if err != nil {
			t.Fatalf("update of %s: %v", what, err)
		}
		return done.OpenShiftCluster
	}
	tagged := update("tags", sdk.OpenShiftClusterUpdate{Tags: map[string]*string{"owner": to.Ptr("me")}})
	if len(tagged.Tags) != 1 || value(tagged.Tags["owner"]) != "me" {
		t.Errorf("tags are of %v", maps.Keys(tagged.Tags))
	}
	rotated := update("the client secret", sdk.OpenShiftClusterUpdate{Properties: &sdk.OpenShiftClusterProperties{
		ServicePrincipalProfile: &sdk.ServicePrincipalProfile{ClientSecret: to.Ptr("another secret")}}})
	if state := *rotated.Properties.ProvisioningState; state != sdk.ProvisioningStateSucceeded {
		t.Errorf("updated cluster is %s", state)
	}
	poller, err := clusters.BeginCreateOrUpdate(ctx, group, name, rotated, nil)
	if err != nil {
		t.Fatalf("put of what get returned: %v", err)
	}
	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
		t.Errorf("put of what get returned: %v", err)
	}
}

func TestTheSDKResumesAnOperationFromItsToken(t *testing.T) {
	t.Parallel()
	ctx, factory := customer(t)
	clusters := factory.NewOpenShiftClustersClient()
	creating, err := clusters.BeginCreateOrUpdate(ctx, group, "resumed", order("resumed"), nil)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := creating.ResumeToken()
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := clusters.BeginCreateOrUpdate(ctx, group, "resumed", sdk.OpenShiftCluster{},
		&sdk.OpenShiftClustersClientBeginCreateOrUpdateOptions{ResumeToken: saved})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := resumed.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: time.Second}); err != nil || value(done.Name) != "resumed" {
		t.Errorf("resumed operation gave %q, %v", value(done.Name), err)
	}
}

func TestTheSDKReadsCataloguesAndErrors(t *testing.T) {
	t.Parallel()
	ctx, factory := customer(t)
	versions, err := factory.NewOpenShiftVersionsClient().NewListPager(location, nil).NextPage(ctx)
	if err != nil || len(versions.Value) == 0 || value(versions.Value[0].Properties.Version) == "" {
		t.Errorf("%d versions, %v", len(versions.Value), err)
	}
	operations, err := factory.NewOperationsClient().NewListPager(nil).NextPage(ctx)
	if err != nil || len(operations.Value) == 0 {
		t.Errorf("%d operations, %v", len(operations.Value), err)
	}
	wrong := order("wrong")
	wrong.Properties.NetworkProfile.PodCidr = to.Ptr("10.0.0.0/30")
	_, err = factory.NewOpenShiftClustersClient().BeginCreateOrUpdate(ctx, group, "wrong", wrong, nil)
	wantCode(t, err, http.StatusBadRequest, "InvalidParameter")
	_, err = factory.NewSyncSetsClient().Get(ctx, group, "wrong", "child", nil)
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.StatusCode >= 500 {
		t.Errorf("a child resource that was never served: got %v, want an error below 500", err)
	}
}
