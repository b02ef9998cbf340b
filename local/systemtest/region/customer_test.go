package region

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/local/cloud"
)

// through sends a request to the local Azure's Resource Manager, as a customer.
func (w *fixture) through(method, path string, content any) (*reply, http.Header) {
	w.t.Helper()
	credentials, err := w.azure.Credentials()
	must(w.t, err)
	credential, err := azidentity.NewClientSecretCredential(cloud.TenantID, credentials.Demo.ClientID, credentials.Demo.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		DisableInstanceDiscovery: true, ClientOptions: azcore.ClientOptions{Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: w.azure.Origin}, Transport: w.azure.Client()}})
	must(w.t, err)
	token, err := credential.GetToken(w.t.Context(), policy.TokenRequestOptions{Scopes: []string{w.azure.Origin + "/.default"}})
	must(w.t, err)
	text, err := json.Marshal(content)
	must(w.t, err)
	version := apiVersion
	if !strings.Contains(path, "/providers/") {
		version = "2021-04-01"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.azure.Origin+path+"?api-version="+version, bytes.NewReader(text))
	must(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.azure.Client().Do(req)
	must(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	must(w.t, err)
	r := &reply{status: resp.StatusCode}
	_ = json.Unmarshal(answer, &r.body)
	return r, resp.Header
}

// create creates a cluster through Resource Manager, and returns the correlation id of
// the request.
func (w *fixture) create(name string) string {
	w.t.Helper()
	group := "/subscriptions/" + cloud.CustomerSubscription + "/resourceGroups/" + name
	if r, _ := w.through(http.MethodPut, group, object{"location": "eastus"}); r.status >= http.StatusBadRequest {
		w.t.Fatal(*r)
	}
	id := group + "/providers/Microsoft.RedHatOpenShift/openShiftClusters/" + name
	content, err := json.Marshal(body(name))
	must(w.t, err)
	var cluster object
	must(w.t, json.Unmarshal(bytes.ReplaceAll(content, []byte(customer), []byte(cloud.CustomerSubscription)), &cluster))
	r, header := w.through(http.MethodPut, id, cluster)
	if r.status != http.StatusCreated {
		w.tail()
		w.t.Fatal(*r)
	}
	w.await(time.Minute, name+" succeeds", func() bool {
		r, _ := w.through(http.MethodGet, id, nil)
		properties, _ := r.properties()
		return properties["provisioningState"] == "Succeeded"
	})
	return header.Get("X-Ms-Correlation-Request-Id")
}

// record is a line of an instance's log.
type record struct {
	Message     string `json:"msg"`
	Operation   string `json:"operation"`
	Step        string `json:"step"`
	Correlation string `json:"correlation_id"`
}

// follow finds the request behind the load balancer, and the steps that it caused, in the
// logs of the instances.
func (w *fixture) follow(correlation string) {
	w.t.Helper()
	files, _ := filepath.Glob(filepath.Join(w.Dir, "instances", "*", "aro-rp.service.log"))
	var request, steps, ended int
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(w.t, err)
		for line := range strings.Lines(string(content)) {
			var r record
			if json.Unmarshal([]byte(line), &r) != nil || r.Correlation != correlation {
				continue
			}
			switch r.Message {
			case "request":
				request++
			case "step done":
				steps++
			case "operation ended":
				ended++
			}
		}
	}
	if correlation == "" || request == 0 || steps == 0 || ended != 1 {
		w.t.Errorf("of the request %s the instances logged %d requests, %d steps and %d ends of operations", correlation, request, steps, ended)
	}
}
