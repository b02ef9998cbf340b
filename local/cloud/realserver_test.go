package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud"
	records "github.com/aro-rp/aro/test/simulated/provider"
)

// machinesOfRecord is what the resource provider with simulated plans asks for machines:
// those of every cluster are ready at once.
func machinesOfRecord() http.Handler {
	var mutex sync.Mutex
	specs := map[string]records.Spec{}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, spec records.Spec) {
		nodes := spec.Masters.Count
		for _, pool := range spec.Workers {
			nodes += pool.Count
		}
		_ = json.NewEncoder(w).Encode(records.Status{
			NodesWanted: nodes, NodesReady: nodes, APIServerReady: true, APIServerURL: "https://127.0.0.1:6443", APIServerIP: "127.0.0.1", IngressIP: "127.0.0.1",
			ConsoleURL: "https://console-openshift-console.apps." + spec.Domain + "/", AdminKubeconfig: []byte("kind: Config\n"), KubeadminPassword: "p",
		})
	}
	mux.HandleFunc("PUT /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		var spec records.Spec
		_ = json.NewDecoder(r.Body).Decode(&spec)
		mutex.Lock()
		defer mutex.Unlock()
		specs[r.PathValue("id")] = spec
		answer(w, spec)
	})
	mux.HandleFunc("GET /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		spec, found := specs[r.PathValue("id")]
		if !found {
			http.NotFound(w, r)
			return
		}
		answer(w, spec)
	})
	mux.HandleFunc("DELETE /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		delete(specs, r.PathValue("id"))
		http.NotFound(w, r)
	})
	return mux
}

// realProvider runs the resource provider, whose machines are records, and returns its
// address.
func realProvider(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the resource provider")
	}
	dir := t.TempDir()
	// Shared with the tests of the root module, as linking takes long.
	binary, err := filepath.Abs("../../.cache/test/aro")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", binary, "./test/simulated/aro")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	machines := httptest.NewServer(machinesOfRecord())
	t.Cleanup(machines.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	var log bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, "rp", "--listen", address, "--store", "sqlite:"+filepath.Join(dir, "store"), "--control-planes", machines.URL, "--location", "eastus")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("the resource provider said:\n%s", log.String())
		}
	})
	return address
}

// newRealFixture is a local Azure in front of the resource provider itself.
func newRealFixture(t *testing.T) *fixture {
	t.Helper()
	address := realProvider(t)
	w := newFixture(t, networked())
	w.options.RPAddress = address
	w.restart()
	w.within(time.Minute, "the resource provider", func() bool {
		resp, err := http.Get("http://" + address + "/healthz/ready") //nolint:noctx // a test
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return w
}

// TestWhatIfAsksTheResourceProvider holds what-if to the server's preflight and to what it
// makes of a body, and tags to what it keeps.
func TestWhatIfAsksTheResourceProvider(t *testing.T) {
	w := newRealFixture(t)
	w.group("g")
	const network = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet"
	w.want(w.demo(), http.MethodPut, network+"?api-version=2023-04-01", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/16"}}, "subnets": []object{
			{"name": "master", "properties": object{"addressPrefix": "10.0.0.0/24"}}, {"name": "worker", "properties": object{"addressPrefix": "10.0.1.0/24"}},
		},
	}}, http.StatusCreated, "")
	cluster := func(change func(properties object)) object {
		properties := object{
			"clusterProfile":          object{"domain": "whatif", "resourceGroupId": "[format('{0}/resourceGroups/managed', subscription().id)]", "pullSecret": ""},
			"servicePrincipalProfile": object{"clientId": "[parameters('client')]", "clientSecret": "[parameters('secret')]"},
			"networkProfile":          object{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16"},
			"masterProfile":           object{"vmSize": "Standard_D8s_v5", "subnetId": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet', 'master')]"},
			"workerProfiles": []object{{"name": "worker", "vmSize": "Standard_D4s_v5", "diskSizeGB": 128, "count": 3,
				"subnetId": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet', 'worker')]"}},
			"apiserverProfile": object{"visibility": "Public"}, "ingressProfiles": []object{{"name": "default", "visibility": "Public"}},
		}
		change(properties)
		template := templateOf(object{"type": "Microsoft.RedHatOpenShift/openShiftClusters", "apiVersion": "2023-11-22", "name": "c", "location": "[resourceGroup().location]", "tags": object{"team": "one"}, "properties": properties})
		template["parameters"] = object{"client": object{"type": "string"}, "secret": object{"type": "secureString"}}
		deployment := deploymentOf(template)
		deployment["properties"].(object)["parameters"] = object{"client": object{"value": cloud.DemoApplication}, "secret": object{"value": "s3cret"}}
		return deployment
	}
	same := cluster(func(object) {})
	if change := w.changes(inGroup+"d", same)[aCluster]; change["changeType"] != "Create" {
		t.Errorf("before it exists: %v", change)
	}
	workers := func(count int) object {
		return cluster(func(properties object) { properties["workerProfiles"].([]object)[0]["count"] = count })
	}
	status, _, refused := w.call(w.demo(), http.MethodPost, inGroup+"d/whatIf"+atVersion, workers(1))
	if text := jsonText(t, refused); status != http.StatusBadRequest || !strings.Contains(text, "workerProfiles") {
		t.Errorf("what-if of one worker: %d %s", status, text)
	}
	if properties := w.ends(inGroup+"d", same); properties["provisioningState"] != "Succeeded" {
		t.Fatal(properties)
	}
	if change := w.changes(inGroup+"d", same)[aCluster]; change["changeType"] != "NoChange" {
		t.Errorf("an unchanged template: %s", jsonText(t, change["delta"]))
	}
	status, _, refused = w.call(w.demo(), http.MethodPost, inGroup+"d/whatIf"+atVersion, workers(5))
	if text := jsonText(t, refused); status != http.StatusBadRequest || !strings.Contains(text, "PropertyChangeNotAllowed") {
		t.Errorf("what-if of what cannot change: %d %s", status, text)
	}
	change := w.changes(inGroup+"d", cluster(func(properties object) {
		properties["networkProfile"].(object)["loadBalancerProfile"] = object{"managedOutboundIps": object{"count": 2}}
	}))[aCluster]
	const want = `[{"after":2,"before":1,"path":"properties.networkProfile.loadBalancerProfile.managedOutboundIps.count","propertyChangeType":"Modify"}]`
	if delta := jsonText(t, change["delta"]); change["changeType"] != "Modify" || delta != want {
		t.Errorf("two addresses: %v %s", change["changeType"], delta)
	}
	const tags = aCluster + "/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
	w.want(w.demo(), http.MethodPatch, tags, object{"operation": "Merge", "properties": object{"tags": object{"cost": "low"}}}, http.StatusOK, "")
	w.within(time.Minute, "the cluster's tags at its provider", func() bool {
		shown := w.want(w.demo(), http.MethodGet, aCluster+"?api-version=2023-11-22", nil, http.StatusOK, "")
		return jsonText(t, shown["tags"]) == `{"cost":"low","team":"one"}`
	})
}
