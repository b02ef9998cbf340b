package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lifeTimeout bounds all of one cluster's life but its creation and its end.
const lifeTimeout = 6 * time.Minute

// TestClustersLiveTheirLives takes clusters of both kinds of identity and both
// visibilities through all that customers do, by the official client where it
// knows the feature and by the generated ones. Afterwards all is as before.
// All clients poll operations, the service those of Azure too, by addresses as long
// as Azure's.
//
// The official client knows workload identities from v2.0.0 on, which the module
// proxy that this repository was built from does not serve; up to v1.6.0 its
// OpenShiftCluster has no member for them. The generated one comes from the same
// generator and the same api-version.
func TestClustersLiveTheirLives(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, "ARO_SIGN_OPERATIONS=true")
	before := w.footprint(t.Context(), t)
	t.Run("lives", func(t *testing.T) {
		t.Run("public, service principal", func(t *testing.T) {
			t.Parallel()
			w.customer(t, order{name: "classic"}).livesByTheOfficialClient(t)
		})
		t.Run("private, workload identities", func(t *testing.T) {
			t.Parallel()
			w.customer(t, order{name: "modern", workload: true, private: true}).livesByTheGeneratedClients(t)
		})
	})
	t.Run("private, service principal, by the oldest api-version", func(t *testing.T) {
		w.customer(t, order{name: "oldest", private: true}).livesInThePast(t)
	})
	w.isAsBefore(t, before)
}

func (c *customer) livesByTheOfficialClient(t *testing.T) {
	client, err := armredhatopenshift.NewOpenShiftClustersClient(c.SubscriptionID, c.credential, c.options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout+lifeTimeout+deleteTimeout)
	defer cancel()
	creation, err := client.BeginCreateOrUpdate(ctx, c.name, c.name, as[armredhatopenshift.OpenShiftCluster](t, c.body), nil)
	if err != nil {
		t.Fatal(err)
	}
	created, err := creation.PollUntilDone(ctx, everySecond())
	if err != nil {
		t.Fatal(err)
	}
	if state := created.Properties.ProvisioningState; state == nil || *state != armredhatopenshift.ProvisioningStateSucceeded {
		t.Errorf("the state is %v", state)
	}
	k := c.kube(ctx, t)
	k.isWell(ctx, t, 3)
	c.showsMachinesBySSH(ctx, t, k)
	c.resizesItsControlPlane(ctx, t, k)

	for _, v := range versions(t, c.session) {
		c.speaks(ctx, t, v)
	}
	c.scales(ctx, t, k, 1, 4)
	c.toolsWork(ctx, t)
	upgraded := k.upgrades(ctx, t)
	update := armredhatopenshift.OpenShiftClusterUpdate{Properties: &armredhatopenshift.OpenShiftClusterProperties{
		ServicePrincipalProfile: &armredhatopenshift.ServicePrincipalProfile{ClientSecret: new(c.newSecret(ctx, t))}}}
	rotation, err := client.BeginUpdate(ctx, c.name, c.name, update, nil)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := rotation.PollUntilDone(ctx, everySecond())
	if err != nil {
		t.Fatalf("rotate the secret: %v", err)
	}
	if version := updated.Properties.ClusterProfile.Version; version == nil || *version != upgraded {
		t.Errorf("after the update the version is %v, want %s", version, upgraded)
	}
	if n := poolSizes(updated.Properties.WorkerProfilesStatus); n != 4 {
		t.Errorf("after the update the pools have %d workers, want 4", n)
	}
	c.usesSecret(ctx, t, k, *update.Properties.ServicePrincipalProfile.ClientSecret)
	c.scales(ctx, t, k, 1, 5)
	c.scales(ctx, t, k, -2, 3)

	deletion, err := client.BeginDelete(ctx, c.name, c.name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deletion.PollUntilDone(ctx, everySecond()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(ctx, c.name, c.name, nil); !missing(err) {
		t.Errorf("after the delete: %v", err)
	}
	c.leave(ctx, t)
}

func poolSizes(pools []*armredhatopenshift.WorkerProfile) (n int32) {
	for _, pool := range pools {
		if pool.Count != nil {
			n += *pool.Count
		}
	}
	return n
}

// usesSecret checks that the cluster acts with a secret.
func (c *customer) usesSecret(ctx context.Context, t *testing.T, k *kube, secret string) {
	t.Helper()
	kept, err := k.CoreV1().Secrets("kube-system").Get(ctx, "azure-credentials", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if string(kept.Data["azure_client_secret"]) != secret {
		t.Error("the cluster has another client secret than the new one")
	}
}

// scales changes the number of workers: nodes and machines follow.
func (c *customer) scales(ctx context.Context, t *testing.T, k *kube, by int64, workers int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	k.scale(ctx, t, by)
	k.hasWorkers(ctx, t, workers)
	eventually(ctx, t, "the virtual machines follow", func() (bool, error) { return len(c.machines(ctx, t)) == 3+workers, nil })
}

func (c *customer) livesByTheGeneratedClients(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout+lifeTimeout+deleteTimeout)
	defer cancel()
	all := versions(t, c.session)
	preview, newest := all[len(all)-2], all[len(all)-1]
	text, err := json.Marshal(c.body)
	if err != nil {
		t.Fatal(err)
	}
	if err := newest.put(ctx, c.name, c.name, text); err != nil {
		t.Fatal(err)
	}
	k := c.kube(ctx, t)
	k.isWell(ctx, t, 3)
	c.speaks(ctx, t, newest)
	c.speaks(ctx, t, preview)
	c.scales(ctx, t, k, 1, 4)
	c.replacesAnIdentity(ctx, t, newest)
	if err := newest.remove(ctx, c.name, c.name); err != nil {
		t.Fatal(err)
	}
	c.leave(ctx, t)
}

// replacesAnIdentity gives an operator another identity, by an update. The former
// one trusts the cluster no more, and has no rights in it.
func (c *customer) replacesAnIdentity(ctx context.Context, t *testing.T, v version) {
	t.Helper()
	former, principal := c.identity(ctx, t, replacedOperator)
	if c.trusted(ctx, t, former) == 0 || !c.hasRights(ctx, t, principal) {
		t.Fatalf("the operator's identity %s is not used", former)
	}
	change := m{"properties": c.otherIdentity(ctx, t, 0)}
	text, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.patch(ctx, c.name, c.name, text); err != nil {
		t.Fatalf("%s: replace an identity: %v", v.name, err)
	}
	if state := c.explain(ctx, t); state.ProvisioningState != "Succeeded" {
		t.Errorf("after the update the state is %s", state.ProvisioningState)
	}
	if n := c.trusted(ctx, t, former); n != 0 || c.hasRights(ctx, t, principal) {
		t.Errorf("the former identity has %d federated credentials, or rights in the cluster", n)
	}
}

// trusted counts the federated credentials of an identity.
func (c *customer) trusted(ctx context.Context, t *testing.T, identity string) int {
	t.Helper()
	var all struct{ Value []m }
	c.want(ctx, t, http.MethodGet, identity+"/federatedIdentityCredentials?api-version="+identityAPI, nil, &all)
	return len(all.Value)
}

// hasRights reports whether a principal has a role in the managed group.
func (c *customer) hasRights(ctx context.Context, t *testing.T, principal string) bool {
	t.Helper()
	var all struct {
		Value []struct{ Properties struct{ PrincipalID string } }
	}
	c.want(ctx, t, http.MethodGet, c.managedGroup()+"/providers/Microsoft.Authorization/roleAssignments?api-version="+authorizationAPI, nil, &all)
	for _, a := range all.Value {
		if a.Properties.PrincipalID == principal {
			return true
		}
	}
	return false
}

const replacedOperator = "file-csi-driver"

// otherIdentity is the change that gives an operator its nth new identity, which
// may do what the operator needs.
func (c *customer) otherIdentity(ctx context.Context, t *testing.T, n int) m {
	t.Helper()
	_, roles := c.roles(ctx, t)
	id, principal := c.identity(ctx, t, fmt.Sprintf("%s-%d", replacedOperator, n))
	_, cluster := c.identity(ctx, t, "cluster")
	c.assign(ctx, t, id, federatedCredential, cluster)
	for _, scope := range c.scopes(ctx, t, roles[replacedOperator]) {
		c.assign(ctx, t, scope, path.Base(roles[replacedOperator]), principal)
	}
	return m{"platformWorkloadIdentityProfile": m{"platformWorkloadIdentities": m{replacedOperator: m{"resourceId": id}}}}
}

func (c *customer) livesInThePast(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout+deleteTimeout)
	defer cancel()
	text, err := json.Marshal(c.body)
	if err != nil {
		t.Fatal(err)
	}
	all := versions(t, c.session)
	first, second := all[0], all[1] // the first knows no delete that takes its time
	if err := first.put(ctx, c.name, c.name, text); err != nil {
		t.Fatal(err)
	}
	c.kube(ctx, t).isWell(ctx, t, 3)
	if err := second.remove(ctx, c.name, c.name); err != nil {
		t.Fatal(err)
	}
	c.leave(ctx, t)
}
