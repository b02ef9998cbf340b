package document_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/installer/document"
)

// examples hold this module and package backend/install to the same form.
var examples = []string{"installer-request.json", "installer-request-workload-identity.json"}

func example(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "test", "contract", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheExamplesAreReadWhole(t *testing.T) {
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			text := example(t, name)
			req, err := document.Read(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			back, err := json.Marshal(req)
			if err != nil {
				t.Fatal(err)
			}
			same(t, back, text)
		})
	}
}

func TestTheExampleOfAResultHasOurForm(t *testing.T) {
	text := example(t, "installer-result.json")
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	var result document.Result
	if err := in.Decode(&result); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	same(t, back, text)
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestARequestThatCannotWorkIsRefusedByMember(t *testing.T) {
	drop := func(name string) func(map[string]any) { return func(m map[string]any) { delete(m, name) } }
	set := func(name string, value any) func(map[string]any) { return func(m map[string]any) { m[name] = value } }
	tests := map[string]struct {
		change func(map[string]any)
		names  string
	}{
		"no cluster id":        {drop("clusterId"), "clusterId"},
		"no infra id":          {drop("infraId"), "infraId"},
		"no release":           {drop("releaseImage"), "releaseImage"},
		"no pull secret":       {drop("pullSecret"), "pullSecret"},
		"no network of ours":   {set("network", map[string]any{"resourceGroup": "x"}), "network.masterSubnet, network.virtualNetwork, network.workerSubnet"},
		"no image":             {drop("osImage"), "osImage.offer, osImage.publisher, osImage.sku, osImage.version"},
		"no size":              {set("master", map[string]any{}), "master.vmSize"},
		"half a domain":        {set("domain", "demo"), "domain"},
		"no address":           {set("apiServerInternalIp", "api"), "apiServerInternalIp"},
		"an IPv6 address":      {set("ingressIp", "::1"), "ingressIp"},
		"another MTU":          {set("mtu", 9000), "mtu"},
		"no identity":          {drop("servicePrincipal"), "exactly one"},
		"no client secret":     {set("servicePrincipal", map[string]any{"clientId": "x"}), "servicePrincipal"},
		"two identities":       {set("workloadIdentity", map[string]any{"oidcIssuer": "x"}), "exactly one"},
		"an unknown member":    {set("gateway", "10.0.0.1"), "gateway"},
		"a number for a text":  {set("domain", 7), "domain"},
		"an incomplete worker": {set("worker", map[string]any{"diskSize": 1}), "diskSize"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if err := json.Unmarshal(example(t, examples[0]), &m); err != nil {
				t.Fatal(err)
			}
			test.change(m)
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := document.Read(bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), test.names) {
				t.Errorf("got %v, want it to name %s", err, test.names)
			}
		})
	}
}

func TestAnIncompleteIdentityIsRefusedByPlace(t *testing.T) {
	text := bytes.Replace(example(t, examples[1]), []byte(`"secretName": "cloud-credentials"`), []byte(`"secretName": ""`), 1)
	if _, err := document.Read(bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), "workloadIdentity.identities[2]") {
		t.Errorf("got %v", err)
	}
}

func TestARefusalCitesNoValue(t *testing.T) {
	const canary = "canary+secret"
	for _, text := range []string{
		`{"servicePrincipal":"` + canary + `"}`,
		`{"pullSecret":"` + canary + `","mtu":1}`,
		`{"pullSecret":"` + canary,
		`{"mtu":"` + canary + `"}`,
		canary,
	} {
		if _, err := document.Read(strings.NewReader(text)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestASecondDocumentIsRefused(t *testing.T) {
	text := append(example(t, examples[0]), "{}"...)
	if _, err := document.Read(bytes.NewReader(text)); err == nil {
		t.Error("got none")
	}
}

func TestWhatThePullSecretHasForARegistryIsASecretToo(t *testing.T) {
	for _, name := range examples {
		req, err := document.Read(bytes.NewReader(example(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, auth := range []string{"dG9rZW46ZXhhbXBsZS1wdWxsLXNlY3JldA==", "ZXhhbXBsZTp0ZWxlbWV0cnk="} {
			if !slices.Contains(req.Secrets(), auth) {
				t.Errorf("%s: %s is none", name, auth)
			}
		}
	}
}
