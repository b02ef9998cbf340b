package entra_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/msi-dataplane/pkg/dataplane"

	"github.com/aro-rp/aro/local/cloud/entra"
)

func tokenFor(resource string) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}}
}

const identity = "/subscriptions/1/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cluster"

// assigned gives the one identity to the one cluster.
func (w *fixture) assigned(_ context.Context, resourceID, identityID string) (bool, error) {
	return resourceID == "/subscriptions/1/clusters/c" && identityID == identity, nil
}

func (w *fixture) dataPlane(t *testing.T, credential azcore.TokenCredential) dataplane.Client {
	t.Helper()
	options := w.options()
	client, err := dataplane.NewClientFactory(credential, "https://identity.azure.net", &options).NewClient(w.URL + "/msi/subscriptions/1/clusters/c?tid=" + tenant)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestDataPlaneGivesCredentialsOfAnIdentity(t *testing.T) {
	w := newFixture(t)
	first := w.application(t, firstParty, "first party")
	secret, _, err := w.AddPassword(t.Context(), first.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	client, principal, err := w.CreateIdentity(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	plane := w.dataPlane(t, w.bySecret(t, tenant, first.AppID, secret))
	given, err := plane.GetUserAssignedIdentitiesCredentials(t.Context(), dataplane.UserAssignedIdentitiesRequest{IdentityIDs: []string{identity}})
	if err != nil {
		t.Fatal(err)
	}
	if len(given.ExplicitIdentities) != 1 {
		t.Fatalf("%d identities", len(given.ExplicitIdentities))
	}
	one := given.ExplicitIdentities[0]
	if *one.ClientID != client || *one.ObjectID != principal || *one.ResourceID != identity || *one.TenantID != tenant {
		t.Errorf("got %s %s %s", *one.ClientID, *one.ObjectID, *one.ResourceID)
	}
	if _, _, err := dataplane.FormatManagedIdentityCredentialsForStorage("1", *given); err != nil {
		t.Error("the credentials cannot be kept in a vault:", err)
	}
	w.open(t) // a restart must not end what was given out
	credential, err := dataplane.GetCredential(azcore.ClientOptions{Transport: w.Client()}, one)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.caller(t, credential, w.URL+"/.default"); got.ObjectID != principal {
		t.Errorf("got %+v", got)
	}

	if err := w.DeleteIdentity(t.Context(), identity); err != nil {
		t.Fatal(err)
	}
	again, err := dataplane.GetCredential(azcore.ClientOptions{Transport: w.Client()}, one)
	if err != nil {
		t.Fatal(err)
	}
	mustFail(t, again, w.URL+"/.default", "AADSTS700016")
	_, err = plane.GetUserAssignedIdentitiesCredentials(t.Context(), dataplane.UserAssignedIdentitiesRequest{IdentityIDs: []string{identity}})
	wantStatus(t, err, http.StatusNotFound)
	_, err = plane.GetUserAssignedIdentitiesCredentials(t.Context(), dataplane.UserAssignedIdentitiesRequest{IdentityIDs: []string{identity + "2"}})
	wantStatus(t, err, http.StatusForbidden)
}

func TestDataPlaneServesTheFirstPartyAlone(t *testing.T) {
	w := newFixture(t)
	other := w.application(t, "", "other")
	secret, _, err := w.AddPassword(t.Context(), other.AppID, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.CreateIdentity(t.Context(), identity); err != nil {
		t.Fatal(err)
	}
	_, err = w.dataPlane(t, w.bySecret(t, tenant, other.AppID, secret)).GetUserAssignedIdentitiesCredentials(t.Context(), dataplane.UserAssignedIdentitiesRequest{IdentityIDs: []string{identity}})
	wantStatus(t, err, http.StatusForbidden)
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.StatusCode != status {
		t.Errorf("got %v, want %d", err, status)
	}
}

func TestIdentityKeepsItsIDsUntilItIsDeleted(t *testing.T) {
	w := newFixture(t)
	client, principal, err := w.CreateIdentity(t.Context(), identity)
	if err != nil {
		t.Fatal(err)
	}
	sameClient, samePrincipal, err := w.CreateIdentity(t.Context(), "/SUBSCRIPTIONS"+identity[len("/subscriptions"):])
	if err != nil || sameClient != client || samePrincipal != principal {
		t.Errorf("%s %s, then %s %s: %v", client, principal, sameClient, samePrincipal, err)
	}
	kind, found, err := w.Principal(t.Context(), principal)
	if err != nil || !found || kind != entra.KindManagedIdentity {
		t.Error(kind, found, err)
	}
	if _, found, err := w.Principal(t.Context(), client); err != nil || found {
		t.Error("a client id is taken for an object id", err)
	}
	if err := w.DeleteIdentity(t.Context(), identity); err != nil {
		t.Fatal(err)
	}
	if newClient, _, err := w.CreateIdentity(t.Context(), identity); err != nil || newClient == client {
		t.Error("a new identity has the ids of the deleted one", err)
	}
}
