package hostile

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	foreign      = "00000000-0000-0000-0000-0000000000a2"
	location     = "eastus"
	limit        = 2 * time.Minute
)

// The secrets that the fixture seeds into the service.
const (
	passwordCanary   = "kubeadmin-canary-7b61"
	kubeconfigCanary = "kubeconfig-canary-03de"
	rotatedCanary    = "rotated-secret-canary-99aa"
	misplacedCanary  = "misplaced-secret-canary-5d2c"
)

func canaries() []string {
	return []string{harness.PullSecretCanary, harness.ClientSecretCanary, passwordCanary, kubeconfigCanary, rotatedCanary, misplacedCanary}
}

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// leaks are the canaries that text holds, plainly or in an encoding.
func leaks(text []byte) (found []string) {
	for _, canary := range canaries() {
		encoded := base64.StdEncoding.EncodeToString([]byte(canary))
		for _, form := range []string{canary, encoded[:len(encoded)-4], fmt.Sprintf("%x", canary), url.QueryEscape(canary)} {
			if bytes.Contains(text, []byte(form)) {
				found = append(found, canary)
				break
			}
		}
	}
	return found
}

// watched is a service whose every response is searched for canaries.
type watched struct {
	*testing.T
	ctx     context.Context
	client  *harness.Client
	process *harness.Process
	path    string // of the database
	answers int
}

func watch(t *testing.T, args ...string) *watched {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	config := "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user: {token: " + kubeconfigCanary + "}\n"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	planes := harness.NewControlPlanes(t, harness.Behaviour{Password: passwordCanary, Kubeconfig: config})
	w := &watched{T: t, ctx: ctx, path: filepath.Join(t.TempDir(), "aro.db")}
	w.process = harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + w.path, ControlPlanes: planes.Address, Listen: address, Args: append([]string{"--log-level", "DEBUG"}, args...)})
	w.client = harness.NewClient(w.process.URL, nil)
	w.send(http.MethodPut, "/subscriptions/"+subscription, "2.0", harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": subscription}})
	return w
}

// ask sends a request without checking the response.
func (w *watched) ask(method, path, version string, body any) *harness.Reply {
	w.Helper()
	reply, err := w.client.Do(w.ctx, harness.Request{Method: method, Path: path, Version: version, Body: body})
	if err != nil {
		w.Fatal(err)
	}
	w.answers++
	return reply
}

func (w *watched) send(method, path, version string, body any) *harness.Reply {
	w.Helper()
	reply := w.ask(method, path, version, body)
	head, _ := json.Marshal(reply.Header)
	for _, canary := range leaks(append(head, reply.Body...)) {
		w.Errorf("%s holds the secret %q", reply, canary)
	}
	return reply
}

func (w *watched) settled(path string) {
	w.Helper()
	for {
		reply := w.send(http.MethodGet, path, harness.Newest, nil)
		if state := reply.Text("properties.provisioningState"); state == "Succeeded" || reply.Status == http.StatusNotFound {
			return
		}
		if w.ctx.Err() != nil {
			w.Fatalf("not settled: %s", reply)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestSeededSecretsLeakNowhere(t *testing.T) {
	t.Parallel()
	w := watch(t)
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "canary", Name: "cage"}
	created := w.send(http.MethodPut, id.String(), harness.Newest, harness.Body(harness.Newest, id, location))
	if created.Status != http.StatusCreated {
		t.Fatal(created)
	}
	w.settled(id.String())
	w.send(http.MethodPatch, id.String(), harness.Newest, harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": rotatedCanary}}})
	w.settled(id.String())
	w.credentialsAreGiven(id.String())
	w.readEverywhere(id, created)
	w.misplace(id)
	w.rawBytesAreSealed()
	w.send(http.MethodDelete, id.String(), harness.Newest, nil)
	w.settled(id.String())
	metrics, err := w.client.Do(w.ctx, harness.Request{Method: http.MethodGet, Path: "/metrics"})
	if err != nil || metrics.Status != http.StatusOK {
		t.Fatal(metrics, err)
	}
	for where, text := range map[string]string{"the metrics": string(metrics.Body), "the log": w.process.Output()} {
		for _, canary := range leaks([]byte(text)) {
			t.Errorf("%s hold the secret %q", where, canary)
		}
	}
	if w.answers < 50 {
		t.Errorf("only %d answers were searched", w.answers)
	}
}

// credentialsAreGiven proves that the secrets are there at all, and only there.
func (w *watched) credentialsAreGiven(path string) {
	w.Helper()
	if reply := w.ask(http.MethodPost, path+"/listCredentials", harness.Newest, nil); reply.Text("kubeadminPassword") != passwordCanary {
		w.Errorf("listCredentials does not give the password: %d", reply.Status)
	}
	reply := w.ask(http.MethodPost, path+"/listAdminCredentials", harness.Newest, nil)
	if config, err := base64.StdEncoding.DecodeString(reply.Text("kubeconfig")); err != nil || !strings.Contains(string(config), kubeconfigCanary) {
		w.Errorf("listAdminCredentials does not give the kubeconfig: %d", reply.Status)
	}
	if reply := w.ask(http.MethodPost, path+"/credentials", harness.Oldest, nil); reply.Text("kubeadminPassword") != passwordCanary {
		w.Errorf("the oldest version's credentials do not give the password: %d", reply.Status)
	}
}

func (w *watched) readEverywhere(id arm.ClusterID, created *harness.Reply) {
	group := id.String()[:strings.LastIndexByte(id.String(), '/')]
	for _, version := range harness.Versions() {
		for _, path := range []string{id.String(), group, "/subscriptions/" + subscription + "/providers/" + arm.ClusterResourceType} {
			w.send(http.MethodGet, path, version, nil)
		}
		current := w.send(http.MethodGet, id.String(), version, nil)
		w.send(http.MethodPut, id.String(), version, current.JSON)
	}
	status := created.Header.Get("Azure-AsyncOperation")
	for _, path := range []string{status, strings.Replace(status, "operationsstatus", "operationresults", 1),
		"/admin/clusters", "/admin" + id.String(), "/admin" + id.String() + "/explain", "/healthz/ready"} {
		if reply := w.send(http.MethodGet, path, "", nil); reply.Status >= 400 {
			w.Errorf("%s; want an answer to search", reply)
		}
	}
}

// misplace sends secrets in the wrong members, so that errors are likely to repeat
// them. A value of a member that is not secret is repeated to its sender only: it
// must not be in the log.
func (w *watched) misplace(id arm.ClusterID) {
	fresh := id
	fresh.Name = "misplaced"
	for _, version := range harness.Versions() {
		for path, value := range map[string]any{
			"properties.servicePrincipalProfile.clientSecret": harness.Object{"value": misplacedCanary},
			"properties.servicePrincipalProfile.clientId":     misplacedCanary,
			"properties.clusterProfile.pullSecret":            `{"auths": {"x": "` + misplacedCanary + `"`,
			"properties.clusterProfile.domain":                misplacedCanary + "_",
			"properties.networkProfile.podCidr":               misplacedCanary,
			"properties.masterProfile.vmSize":                 misplacedCanary,
			"location":                                        misplacedCanary,
		} {
			if version == harness.Oldest && strings.Contains(path, "clusterProfile") {
				continue
			}
			body := harness.Set(harness.Body(version, fresh, location), path, value)
			send := w.ask
			if strings.HasSuffix(path, "Secret") || strings.HasSuffix(path, "clientId") {
				send = w.send
			}
			if reply := send(http.MethodPut, fresh.String(), version, body); reply.Status != http.StatusBadRequest {
				w.Errorf("%s with a wrong %s; want 400", reply, path)
			}
		}
		w.send(http.MethodPatch, id.String(), version, harness.Object{"properties": harness.Object{"clusterProfile": harness.Object{"pullSecret": misplacedCanary}}})
	}
	for _, raw := range []string{`{"properties":{"servicePrincipalProfile":{"clientSecret":"` + misplacedCanary, `"` + misplacedCanary + `"`, misplacedCanary} {
		w.send(http.MethodPut, fresh.String(), harness.Newest, []byte(raw))
	}
	resource := harness.Body(harness.Newest, fresh, location)
	resource["type"], resource["apiVersion"], resource["id"] = arm.ClusterResourceType, harness.Newest, fresh.String()
	harness.Set(resource, "properties.clusterProfile.pullSecret", misplacedCanary)
	w.send(http.MethodPost, "/subscriptions/"+subscription+"/resourceGroups/canary/providers/"+arm.Namespace+"/deployments/d/preflight", harness.Newest,
		harness.Object{"resources": []any{resource}})
	w.send(http.MethodPut, "/subscriptions/"+subscription, "2.0", harness.Object{"state": misplacedCanary})
}

// rawBytesAreSealed searches the database's files while the secrets are stored.
func (w *watched) rawBytesAreSealed() {
	w.Helper()
	files, err := filepath.Glob(w.path + "*")
	if err != nil {
		w.Fatal(err)
	}
	size := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.Fatal(err)
		}
		size += len(raw)
		for _, canary := range leaks(raw) {
			w.Errorf("%s holds the secret %q", filepath.Base(file), canary)
		}
		if info, err := os.Stat(file); strings.HasSuffix(file, ".keys") && (err != nil || info.Mode().Perm() != 0o600) {
			w.Errorf("the key file can be read by others: %v", info.Mode())
		}
	}
	if size < 4096 {
		w.Errorf("the database has %d bytes", size)
	}
}
