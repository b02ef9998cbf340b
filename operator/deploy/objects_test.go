package deploy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aro-rp/aro/operator/deploy"
)

// TestObjectsOfEveryKindOfCluster sees that members without a value are left out, which
// a server-side apply would set to null, and that each operator gets what it needs.
func TestObjectsOfEveryKindOfCluster(t *testing.T) {
	identity := &deploy.WorkloadIdentity{ClientID: "c", TenantID: "t", SubscriptionID: "s"}
	other := &deploy.Cloud{URL: "https://localhost:8443", Authorities: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}
	for name, test := range map[string]struct {
		settings       deploy.Settings
		master, worker []string
	}{
		"service principal":               {deploy.Settings{}, []string{"AZURE_CLIENT_SECRET"}, nil},
		"workload identity":               {deploy.Settings{WorkloadIdentity: identity}, []string{"AZURE_FEDERATED_TOKEN_FILE", `"audience":"openshift"`}, nil},
		"other cloud":                     {deploy.Settings{Cloud: other}, []string{"ARO_CLOUD", "SSL_CERT_FILE"}, []string{"SSL_CERT_FILE", `"configMap":{"name":"azure-cloud"}`}},
		"other cloud, public authorities": {deploy.Settings{Cloud: &deploy.Cloud{URL: "https://azure.example.com"}}, []string{"ARO_CLOUD"}, []string{"ARO_CLOUD"}},
		"both":                            {deploy.Settings{Cloud: other, WorkloadIdentity: identity}, []string{"SSL_CERT_FILE", "AZURE_FEDERATED_TOKEN_FILE"}, []string{"SSL_CERT_FILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.settings.Image = "registry.example.com/aro-operator:v1"
			objects, err := test.settings.Objects()
			if err != nil {
				t.Fatal(err)
			}
			deployments := map[string]string{}
			for _, o := range objects {
				text, err := json.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				if o.GetName() == "" || strings.Contains(string(text), ":null") {
					t.Errorf("%s %s has a member without a value", o.GetKind(), o.GetName())
				}
				if o.GetKind() == "Deployment" {
					deployments[o.GetName()] = string(text)
				}
			}
			for deployment, parts := range map[string][]string{"aro-operator-master": test.master, "aro-operator-worker": test.worker} {
				for _, part := range append(parts, "$(POD_IP):8080") {
					if !strings.Contains(deployments[deployment], part) {
						t.Errorf("%s lacks %s", deployment, part)
					}
				}
			}
			if strings.Contains(deployments["aro-operator-worker"], "AZURE_CLIENT") {
				t.Error("the worker gets credentials of Azure, which it does not need")
			}
		})
	}
}
