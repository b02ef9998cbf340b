package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000b1"
	location     = "eastus"
	apiVersion   = "2023-11-22"
	// Sizes in bytes that clusters have in life.
	kubeconfigBytes = 9000
	pullSecretBytes = 2800
)

// database is a store in a file, and its driver for raw baselines.
type database struct {
	path   string
	driver store.Driver
	store  *store.Store
}

// openDatabase opens a fresh database with the keys where `aro rp` looks for them.
func openDatabase(b *testing.B) *database {
	b.Helper()
	return openAt(b, filepath.Join(b.TempDir(), "aro.db"))
}

func openAt(b *testing.B, path string) *database {
	b.Helper()
	keys, err := store.ParseKeyring(keyFile(b, path+".keys"))
	if err != nil {
		b.Fatal(err)
	}
	driver, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = driver.Close() })
	d := &database{path: path, driver: driver, store: store.New(driver, keys)}
	if err := initialdata.Empty(b.Context(), d.store, nil); err != nil {
		b.Fatal(err)
	}
	return d
}

// server is the API on the database, registered with its subscription.
func (d *database) server(b *testing.B) *httpserver.Server {
	b.Helper()
	s := edge.Must(b, edge.Options{Config: server.Config{Store: d.store, Location: location, Domain: "example.com"}})
	d.register(b, subscription)
	return s
}

func (d *database) register(b *testing.B, id string) {
	b.Helper()
	doc := store.NewSubscription(id)
	doc.Subscription.State = model.Registered
	var conflict *store.ConflictError
	if err := d.store.Subscriptions.Create(b.Context(), doc); err != nil && !errors.As(err, &conflict) {
		b.Fatal(err)
	}
}

func clusterID(n int) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "clusters", Name: fmt.Sprintf("cluster-%06d", n)}
}

// cluster is a document after a successful create, with every member set.
func cluster(b *testing.B, id arm.ClusterID) *store.ClusterDocument {
	b.Helper()
	doc := store.NewCluster(id)
	body, err := json.Marshal(harness.Delete(harness.Delete(harness.Body(apiVersion, id, location),
		"properties.clusterProfile.pullSecret"), "properties.servicePrincipalProfile.clientSecret"))
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(body, &doc.Cluster); err != nil {
		b.Fatal(err)
	}
	c := &doc.Cluster
	c.ID, c.Name, c.Type = id.String(), id.Name, arm.ClusterResourceType
	finish(c, time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC))
	doc.ManagedResourceGroup, doc.ClientIdentity = c.ManagedResourceGroupKey(), c.ClientIdentityKey()
	return doc
}

// finish adds what the service finds out during a create.
func finish(c *model.Cluster, at time.Time) {
	c.SystemData = &model.SystemData{CreatedBy: "someone@example.com", CreatedByType: "User", CreatedAt: &at,
		LastModifiedBy: "someone@example.com", LastModifiedByType: "User", LastModifiedAt: &at}
	p := &c.Properties
	p.ProvisioningState = model.Succeeded
	p.ClusterProfile.Version = "4.17.27"
	p.ClusterProfile.FIPSValidatedModules = model.Disabled
	p.ClusterProfile.PullSecret = model.Secret(`{"auths":{"registry.example.com":{"auth":"bm9ib2R5OnB3","note":"` + filler(pullSecretBytes) + `"}}}`)
	p.ServicePrincipalProfile.ClientSecret = "client-secret"
	p.ServicePrincipalProfile.ObjectID = subscription
	p.ConsoleProfile.URL = "https://console-openshift-console.apps." + p.ClusterProfile.Domain + ".eastus.example.com/"
	p.APIServerProfile.URL = "https://api." + p.ClusterProfile.Domain + ".eastus.example.com:6443/"
	p.APIServerProfile.IP, p.APIServerProfile.InternalIP = "203.0.113.1", "10.0.0.4"
	p.IngressProfiles[0].IP = "203.0.113.2"
	p.NetworkProfile.OutboundType = model.LoadBalancer
	p.NetworkProfile.PreconfiguredNSG = model.Disabled
	p.MasterProfile.EncryptionAtHost = model.Disabled
	p.WorkerProfilesStatus = nil
	for zone := range 3 {
		w := p.WorkerProfiles[0]
		w.Name, w.Count = fmt.Sprintf("cluster-x7k2p-worker-eastus%d", zone+1), 1
		p.WorkerProfilesStatus = append(p.WorkerProfilesStatus, w)
	}
	c.Internal = model.Internal{
		UID: "7e7aa9ac-9b5f-4c39-8f5c-0e3b7ba4b0a1", Revision: 6, CreatedAt: at, CreatedBy: "v1", ProvisionedBy: "v1",
		TenantID: subscription, LastProvisioningState: model.Creating, InfraID: "cluster-x7k2p",
		AdminKubeconfig:     model.Secret(filler(kubeconfigBytes)),
		UserAdminKubeconfig: model.Secret(filler(kubeconfigBytes)),
		KubeadminPassword:   "aaaaa-bbbbb-ccccc-ddddd",
		Transitions: []model.Transition{{At: at, To: model.Creating, OperationID: subscription},
			{At: at, From: model.Creating, To: model.Succeeded, OperationID: subscription}},
	}
}

func filler(n int) string { return strings.Repeat("c2VjcmV0IQ", n/10+1)[:n] }
