package cloud_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armfeatures"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"

	"github.com/aro-rp/aro/local/cloud"
)

func made[T any](t *testing.T) func(client T, err error) T {
	return func(client T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
}

func TestTheOfficialClientsManageAccess(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	w.group("g")
	_, principal := w.newApplication()
	const scope = customer + "/resourceGroups/g"
	assignments := made[*armauthorization.RoleAssignmentsClient](t)(armauthorization.NewRoleAssignmentsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	wanted := armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		PrincipalID: &principal, RoleDefinitionID: to.Ptr(customer + "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"), PrincipalType: to.Ptr(armauthorization.PrincipalTypeServicePrincipal),
	}}
	const name = "00000000-0000-0000-0000-000000000011"
	if _, err := assignments.Create(ctx, scope, name, wanted, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := assignments.Create(ctx, scope, "00000000-0000-0000-0000-000000000012", wanted, nil); code(err) != "RoleAssignmentExists" {
		t.Error(err)
	}
	pager := assignments.NewListForResourceGroupPager("g", nil)
	page, err := pager.NextPage(ctx)
	if err != nil || len(page.Value) < 2 {
		t.Errorf("%d assignments, %v", len(page.Value), err)
	}
	if _, err := assignments.Delete(ctx, scope, name, nil); err != nil {
		t.Error(err)
	}
	definitions := made[*armauthorization.RoleDefinitionsClient](t)(armauthorization.NewRoleDefinitionsClient(w.demo(), w.clients()))
	role, err := definitions.GetByID(ctx, "/providers/Microsoft.Authorization/roleDefinitions/ef318e2a-8334-4a05-9e4a-295a196c6a6e", nil)
	if err != nil || len(role.Properties.Permissions[0].Actions) != 4 {
		t.Error(role, err)
	}
	const custom = "00000000-0000-0000-0000-000000000021"
	if _, err := definitions.CreateOrUpdate(ctx, customer, custom, armauthorization.RoleDefinition{Properties: &armauthorization.RoleDefinitionProperties{
		RoleName: to.Ptr("custom"), AssignableScopes: []*string{to.Ptr(customer)}, Permissions: []*armauthorization.Permission{{Actions: []*string{to.Ptr("*/read")}}},
	}}, nil); err != nil {
		t.Error(err)
	}
	if _, err := definitions.Delete(ctx, customer, custom, nil); err != nil {
		t.Error(err)
	}
	permissions := made[*armauthorization.PermissionsClient](t)(armauthorization.NewPermissionsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	own, err := permissions.NewListForResourceGroupPager("g", nil).NextPage(ctx)
	if err != nil || len(own.Value) != 1 || *own.Value[0].Actions[0] != "*" {
		t.Error(own, err)
	}
}

func TestTheOfficialClientsManageIdentities(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	w.group("g")
	identities := made[*armmsi.UserAssignedIdentitiesClient](t)(armmsi.NewUserAssignedIdentitiesClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	first, err := identities.CreateOrUpdate(ctx, "g", "aro-cluster", armmsi.Identity{Location: to.Ptr("eastus")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := identities.CreateOrUpdate(ctx, "g", "aro-cluster", armmsi.Identity{Location: to.Ptr("eastus")}, nil)
	if err != nil || *first.Properties.PrincipalID != *again.Properties.PrincipalID || !strings.Contains(*first.ID, "/resourcegroups/") {
		t.Error(first, again, err)
	}
	// The principal can be given a role at once.
	if err := w.Access.Assign(ctx, *first.Properties.PrincipalID, "acdd72a7-3385-48ef-bd42-f606fba81ae7", customer); err != nil {
		t.Error(err)
	}
	credentials := made[*armmsi.FederatedIdentityCredentialsClient](t)(armmsi.NewFederatedIdentityCredentialsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	wanted := armmsi.FederatedIdentityCredential{Properties: &armmsi.FederatedIdentityCredentialProperties{Issuer: to.Ptr("https://issuer"), Subject: to.Ptr("sa"), Audiences: []*string{to.Ptr("openshift")}}}
	if _, err := credentials.CreateOrUpdate(ctx, "g", "aro-cluster", "one", wanted, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := credentials.CreateOrUpdate(ctx, "g", "aro-cluster", "two", wanted, nil); code(err) != "Conflict" {
		t.Error(err)
	}
	page, err := credentials.NewListPager("g", "aro-cluster", nil).NextPage(ctx)
	if err != nil || len(page.Value) != 1 {
		t.Error(page, err)
	}
	if known, err := w.FederatedCredentials(ctx, *first.ID); err != nil || len(known) != 1 || known[0].Audiences[0] != "openshift" {
		t.Error(known, err)
	}
	if _, err := credentials.Delete(ctx, "g", "aro-cluster", "one", nil); err != nil {
		t.Error(err)
	}
	if _, err := identities.Delete(ctx, "g", "aro-cluster", nil); err != nil {
		t.Error(err)
	}
	if _, found, err := w.Entra.Principal(ctx, *first.Properties.PrincipalID); err != nil || found {
		t.Errorf("the principal is left: %v", err)
	}
}

func TestTheOfficialClientsManageStorage(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	w.group("g")
	accounts := made[*armstorage.AccountsClient](t)(armstorage.NewAccountsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	create := func(name string) error {
		poller, err := accounts.BeginCreate(ctx, "g", name, armstorage.AccountCreateParameters{Location: to.Ptr("eastus"), Kind: to.Ptr(armstorage.KindStorageV2), SKU: &armstorage.SKU{Name: to.Ptr(armstorage.SKUNameStandardLRS)}}, nil)
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(ctx, nil)
		return err
	}
	if err := create("demoaccount"); err != nil {
		t.Fatal(err)
	}
	if err := create("Not-A-Name"); code(err) != "AccountNameInvalid" {
		t.Error(err)
	}
	if err := create("aroidc"); code(err) != "StorageAccountAlreadyTaken" {
		t.Error(err)
	}
	w.want(w.demo(), http.MethodPut, customer+"/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/nosku?api-version=1", object{"location": "eastus", "sku": object{"name": 1}}, http.StatusBadRequest, "InvalidValuesForRequestParameters")
	keys, err := accounts.ListKeys(ctx, "g", "demoaccount", nil)
	if err != nil || len(keys.Keys) != 2 {
		t.Error(keys, err)
	}
	containers := made[*armstorage.BlobContainersClient](t)(armstorage.NewBlobContainersClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	if _, err := containers.Create(ctx, "g", "demoaccount", "aro", armstorage.BlobContainer{}, nil); err != nil {
		t.Error(err)
	}
	page, err := containers.NewListPager("g", "demoaccount", nil).NextPage(ctx)
	if err != nil || len(page.Value) != 1 {
		t.Error(page, err)
	}
	if _, err := containers.Delete(ctx, "g", "demoaccount", "aro", nil); err != nil {
		t.Error(err)
	}
	if _, err := accounts.Delete(ctx, "g", "demoaccount", nil); err != nil {
		t.Error(err)
	}
}

func TestTheOfficialClientsReadTheCatalogue(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	skus := made[*armcompute.ResourceSKUsClient](t)(armcompute.NewResourceSKUsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	found := false
	for pager := skus.NewListPager(&armcompute.ResourceSKUsClientListOptions{Filter: to.Ptr("location eq 'eastus'")}); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, sku := range page.Value {
			if *sku.Locations[0] != "eastus" {
				t.Fatalf("a size of %s", *sku.Locations[0])
			}
			found = found || *sku.Name == "Standard_D8s_v5" && len(sku.LocationInfo[0].Zones) == 3 && *sku.Family == "standardDSv5Family"
		}
	}
	if !found {
		t.Error("there is no Standard_D8s_v5")
	}
	features := made[*armfeatures.Client](t)(armfeatures.NewClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	state := func(want string) {
		t.Helper()
		got, err := features.Get(ctx, "Microsoft.RedHatOpenShift", "MTU3900", nil)
		if err != nil || *got.Properties.State != want {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	state("NotRegistered")
	if _, err := features.Register(ctx, "Microsoft.RedHatOpenShift", "MTU3900", nil); err != nil {
		t.Error(err)
	}
	state("Registered")
	providers := made[*armresources.ProvidersClient](t)(armresources.NewProvidersClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	network, err := providers.Get(ctx, "microsoft.network", nil)
	if err != nil || *network.RegistrationState != "Registered" || len(network.ResourceTypes) < 5 || len(network.ResourceTypes[0].APIVersions) == 0 {
		t.Error(network, err)
	}
}

func TestPagesLeadToTheNext(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	for i := range 5 {
		w.group(fmt.Sprintf("g%d", i))
	}
	groups := made[*armresources.ResourceGroupsClient](t)(armresources.NewResourceGroupsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	pages, all := 0, 0
	for pager := groups.NewListPager(&armresources.ResourceGroupsClientListOptions{Top: to.Ptr[int32](2)}); pager.More(); pages++ {
		page, err := pager.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all += len(page.Value)
	}
	if pages != 3 || all != 5 {
		t.Errorf("%d groups on %d pages", all, pages)
	}
}

func TestLocksHoldBackDeletions(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const lock = customer + "/resourceGroups/g/providers/Microsoft.Authorization/locks/keep?api-version=1"
	w.want(w.demo(), http.MethodPut, lock, object{"properties": object{"level": "CanNotDelete"}}, http.StatusCreated, "")
	w.want(w.demo(), http.MethodDelete, customer+"/resourceGroups/g?api-version=1", nil, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodDelete, lock, nil, http.StatusOK, "")
	if status, _, answer := w.call(w.demo(), http.MethodDelete, customer+"/resourceGroups/g?api-version=1", nil); status >= http.StatusBadRequest {
		t.Error(status, answer)
	}
}

func TestTagsAreMergedReplacedAndDeleted(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	w.group("g")
	const scope = customer + "/resourceGroups/g"
	tags := made[*armresources.TagsClient](t)(armresources.NewTagsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	set := func(names ...string) *armresources.Tags {
		all := map[string]*string{}
		for _, name := range names {
			all[name] = to.Ptr("x")
		}
		return &armresources.Tags{Tags: all}
	}
	if _, err := tags.CreateOrUpdateAtScope(ctx, scope, armresources.TagsResource{Properties: set("a", "b")}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tags.UpdateAtScope(ctx, scope, armresources.TagsPatchResource{Operation: to.Ptr(armresources.TagsPatchOperationMerge), Properties: set("c")}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tags.UpdateAtScope(ctx, scope, armresources.TagsPatchResource{Operation: to.Ptr(armresources.TagsPatchOperationDelete), Properties: set("a")}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := tags.GetAtScope(ctx, scope, nil)
	if err != nil || len(got.Properties.Tags) != 2 || got.Properties.Tags["b"] == nil || got.Properties.Tags["c"] == nil {
		t.Error(got, err)
	}
}
