package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	previewv1alpha1 "github.com/aro-rp/aro/operator/apis/preview/v1alpha1"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controllers/azuresubnets"
	"github.com/aro-rp/aro/operator/controllers/previewfeature"
	"github.com/aro-rp/aro/operator/controllers/storageaccounts"
	"github.com/aro-rp/aro/operator/flags"
)

// resourceManager keeps documents by their path, and merges what is patched at the top
// of properties, as ARM does for what is used here.
type resourceManager struct {
	mu     sync.Mutex
	bodies map[string]map[string]any // by the lower-case path
	writes []string
}

func (m *resourceManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := strings.ToLower(r.URL.Path)
	if r.Method != http.MethodGet {
		m.writes = append(m.writes, r.Method+" "+path)
	}
	w.Header().Set("Content-Type", "application/json")
	body := m.bodies[path]
	switch r.Method {
	case http.MethodPut, http.MethodPatch:
		var sent map[string]any
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Method == http.MethodPatch {
			for name, value := range sent["properties"].(map[string]any) {
				body["properties"].(map[string]any)[name] = value
			}
			sent = body
		}
		if p, is := sent["properties"].(map[string]any); is {
			p["provisioningState"] = "Succeeded"
			endpoints, _ := p["serviceEndpoints"].([]any)
			for _, e := range endpoints {
				e.(map[string]any)["provisioningState"] = "Succeeded"
			}
		}
		m.bodies[path], body = sent, sent
	case http.MethodDelete:
		delete(m.bodies, path)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if body == nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"error":{"code":"ResourceNotFound","message":"there is none"}}`)
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}

func (m *resourceManager) put(path, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var content map[string]any
	if err := json.Unmarshal([]byte(body), &content); err != nil {
		panic(err) // a test's own text
	}
	m.bodies[strings.ToLower(path)] = content
}

func (m *resourceManager) get(path string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal(m.bodies[strings.ToLower(path)])
	if err != nil {
		panic(err)
	}
	return string(text)
}

// written counts writes to paths with a part since the last call.
func (m *resourceManager) written() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.writes
	m.writes = nil
	return all
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func newResourceManager(t *testing.T) (*resourceManager, azureclient.Opener) {
	t.Helper()
	m := &resourceManager{bodies: map[string]map[string]any{}}
	web := httptest.NewTLSServer(m)
	t.Cleanup(web.Close)
	options := &arm.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web.Client(), Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: web.URL, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: web.URL, Audience: web.URL}}}}}
	return m, func(context.Context, string) (*azureclient.Account, error) {
		return &azureclient.Account{Credential: anyToken{}, Options: options}, nil
	}
}

const (
	subscription = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/"
	vnet         = subscription + "net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	rightGroup   = subscription + "aro-x/providers/Microsoft.Network/networkSecurityGroups/aro-x1-nsg"
)

func (w *fixture) machines() {
	w.Helper()
	w.with(newMachineSet("aro-x1-worker-1", 1))
	m := newMachine("master-0", "master", 128)
	m.Spec.ProviderSpec.Value.Raw = []byte(strings.Replace(string(m.Spec.ProviderSpec.Value.Raw), `"subnet":"worker"`, `"subnet":"master"`, 1))
	w.with(m)
}

func TestAzureSubnets(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.machines()
	const all = `"serviceEndpoints":[{"service":"microsoft.storage","provisioningState":"succeeded"},{"service":"Microsoft.ContainerRegistry","provisioningState":"Succeeded"}]`
	m.put(vnet+"worker", `{"properties":{"addressPrefix":"10.1.0.0/24","networkSecurityGroup":{"id":"`+subscription+`other/providers/Microsoft.Network/networkSecurityGroups/wrong"},`+all+`}}`)
	m.put(vnet+"master", `{"properties":{"networkSecurityGroup":{"id":"`+strings.ToUpper(rightGroup)+`"},`+all+`}}`)
	c := w.cluster()
	w.run(azuresubnets.New(open))
	becomes(w, c, "the change is noted", func(c *arov1alpha1.Cluster) bool {
		_, err := time.Parse(time.RFC1123, c.Annotations["aro.openshift.io/lastSubnetReconcileTimestamp"])
		return err == nil
	})
	if got := m.written(); len(got) != 1 || got[0] != "PUT "+strings.ToLower(vnet+"worker") {
		t.Errorf("it wrote %v, want the workers' subnet once", got)
	}
	if body := m.get(vnet + "worker"); !strings.Contains(body, rightGroup) || !strings.Contains(body, "10.1.0.0/24") {
		t.Errorf("the subnet is %s", body)
	}
	w.unchanged(w.touched)
	if got := m.written(); len(got) != 0 {
		t.Errorf("at rest it wrote %v", got)
	}

	m.put(vnet+"worker", `{"properties":{}}`)
	w.touched()
	w.eventually("group and endpoints are put right with one write", func() error {
		if body := m.get(vnet + "worker"); !strings.Contains(body, rightGroup) || !strings.Contains(body, "Microsoft.ContainerRegistry") || !strings.Contains(body, "Microsoft.Storage") {
			return fmt.Errorf("it is %s", body)
		}
		return nil
	})
	if got := m.written(); len(got) != 1 {
		t.Errorf("it wrote %v", got)
	}
	w.set(c, flags.AzureSubnetsNSG, "false")
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.GatewayDomains = []string{"a.example.com"} })
	m.put(vnet+"worker", `{"properties":{}}`)
	w.touched()
	if got := m.written(); len(got) != 0 {
		t.Errorf("with a gateway and the customer's groups it wrote %v", got)
	}
	edit(w, c, func(c *arov1alpha1.Cluster) {
		c.Spec.ArchitectureVersion, c.Spec.OperatorFlags[string(flags.AzureSubnetsNSG)] = 0, "true"
	})
	w.eventually("older clusters have a group for each role", func() error {
		if !strings.Contains(m.get(vnet+"worker"), "aro-x1-node-nsg") || !strings.Contains(m.get(vnet+"master"), "aro-x1-controlplane-nsg") {
			return errNotYet
		}
		return nil
	})
}

func TestAzureSubnetsThatAreNotThere(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.machines()
	m.put(vnet+"master", `{"properties":{}}`) // and none of the workers
	w.cluster()
	w.run(azuresubnets.New(open))
	w.eventually("the other subnet is put right", func() error {
		if !strings.Contains(m.get(vnet+"master"), rightGroup) {
			return errNotYet
		}
		return nil
	})
}

func TestStorageAccounts(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.machines()
	const accounts = subscription + "aro-x/providers/Microsoft.Storage/storageAccounts/"
	const service = subscription + "rp/providers/Microsoft.Network/virtualNetworks/rp-vnet/subnets/rp-subnet"
	m.put(vnet+"worker", `{"properties":{"serviceEndpoints":[{"service":"Microsoft.Storage","locations":["EastUS"]}]}}`)
	m.put(vnet+"master", `{"properties":{"serviceEndpoints":[{"service":"Microsoft.Storage","locations":["westus"]}]}}`)
	m.put(accounts+"clusterabc", `{"properties":{"networkAcls":{"defaultAction":"Deny","virtualNetworkRules":[{"id":"`+strings.ToUpper(service)+`","action":"Allow"}]}}}`)
	m.put(accounts+"imagesabc", `{"properties":{}}`)
	registry := &imageregistryv1.Config{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}, Spec: imageregistryv1.ImageRegistrySpec{Replicas: 1}}
	registry.Spec.ManagementState = "Managed"
	w.with(registry)
	c := w.cluster(func(c *arov1alpha1.Cluster) { c.Spec.ServiceSubnets = []string{service} })
	w.run(storageaccounts.New(open))
	w.eventually("a registry without Azure is an error", func() error { return w.logged("spec.storage.azure") })
	edit(w, registry, func(r *imageregistryv1.Config) {
		r.Spec.Storage.Azure = &imageregistryv1.ImageRegistryConfigStorageAzure{AccountName: "imagesabc", Container: "images"}
	})
	w.touched()
	w.eventually("both accounts admit the subnets", func() error {
		for _, name := range []string{"clusterabc", "imagesabc"} {
			body := strings.ToLower(m.get(accounts + name))
			if strings.Count(body, `"id"`) != 2 || !strings.Contains(body, strings.ToLower(service)) || !strings.Contains(body, strings.ToLower(vnet+"worker")) {
				return fmt.Errorf("%s is %s", name, body)
			}
		}
		return nil
	})
	if got := m.written(); len(got) != 2 {
		t.Errorf("it wrote %v, want each account once", got)
	}
	w.touched()
	if got := m.written(); len(got) != 0 {
		t.Errorf("at rest it wrote %v", got)
	}
	w.set(c, flags.StorageAccounts, "false")
}

func TestPreviewFeature(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.machines()
	group := `{"properties":{"networkSecurityGroup":{"id":"` + rightGroup + `"}}}`
	m.put(vnet+"worker", group)
	m.put(vnet+"master", group)
	const watcher = subscription + "watch/providers/Microsoft.Network/networkWatchers/w"
	const flowLog = watcher + "/flowLogs/aro-x1-nsg"
	w.cluster()
	w.run(previewfeature.New(open))
	preview := &previewv1alpha1.PreviewFeature{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	w.with(preview)
	w.quiet()
	if got := m.written(); len(got) != 0 {
		t.Errorf("without a feature it wrote %v", got)
	}
	edit(w, preview, func(p *previewv1alpha1.PreviewFeature) {
		p.Spec.NSGFlowLogs = &previewv1alpha1.NSGFlowLogs{Enabled: true}
	})
	if l := preview.Spec.NSGFlowLogs; l.Version != 2 || l.RetentionDays != 90 || l.TrafficAnalyticsInterval != "60m" {
		t.Errorf("the defaults are %+v", l)
	}
	w.eventually("a watcher that is none is named", func() error { return w.logged("networkWatcherID") })
	bad := preview.DeepCopy()
	bad.Spec.NSGFlowLogs.Version = 3
	if err := w.Update(t.Context(), bad); err == nil {
		t.Error("version 3 is taken")
	}
	edit(w, preview, func(p *previewv1alpha1.PreviewFeature) {
		p.Spec.NSGFlowLogs.NetworkWatcherID, p.Spec.NSGFlowLogs.StorageAccountResourceID = watcher, "/storage"
		p.Spec.NSGFlowLogs.TrafficAnalyticsLogAnalyticsWorkspaceID, p.Spec.NSGFlowLogs.TrafficAnalyticsInterval = "/workspace", "10m"
	})
	w.eventually("the flow log is made", func() error {
		body := m.get(flowLog)
		for _, part := range []string{`"days":90`, `"version":2`, `"trafficAnalyticsInterval":10`, `"location":"eastus"`, rightGroup} {
			if !strings.Contains(body, part) {
				return fmt.Errorf("%s is not in %s", part, body)
			}
		}
		return nil
	})
	if got := m.written(); len(got) != 1 {
		t.Errorf("it wrote %v, want one flow log for one group", got)
	}
	edit(w, preview, func(p *previewv1alpha1.PreviewFeature) { p.Spec.NSGFlowLogs.Enabled = false })
	w.eventually("the flow log is deleted", func() error {
		if m.get(flowLog) != "null" {
			return errNotYet
		}
		return nil
	})
}
