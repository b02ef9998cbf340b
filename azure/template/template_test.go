package template_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/azure/template"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	group   = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/aro-demo"
	network = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
)

func cluster() template.Cluster {
	return template.Cluster{GroupID: group, Location: "EastUS", InfraID: "demo-x7k2p", Zones: []string{"1", "2", "3"},
		PublicAPI: true, PublicIngress: true, PublicOutbound: true, MasterSubnetID: network + "master"}
}

func base(workload bool) *template.Base {
	b := &template.Base{
		Cluster: cluster(),
		Storage: template.Storage{Account: "clusterq3rt5w7z9b", RegistryAccount: "imageregistryq3rt5w7z9b", WorkloadIdentity: workload,
			Subnets: []string{network + "master", network + "worker"}},
		OutboundIPs:         []string{"5f5c0a3e-2f64-4f3c-9a0e-0b6f4d0c9e11-outbound-pip-v4"},
		ServiceSubscription: "00000000-0000-0000-0000-0000000000a0",
		Access:              template.Access{ResourceProviderID: "11111111-0000-0000-0000-000000000001", ServicePrincipalID: "22222222-0000-0000-0000-000000000002"},
	}
	b.Excluded = []string{b.ResourceProviderID, b.ServicePrincipalID}
	if workload {
		b.ServicePrincipalID = ""
		b.Grants = []template.Grant{{RoleID: "a1f96423-95ce-4224-ab27-4e3dc72facd4", ObjectID: "33333333-0000-0000-0000-000000000003"}}
		b.Excluded = []string{b.ResourceProviderID, "33333333-0000-0000-0000-000000000003"}
	}
	return b
}

func machines(b *template.Bootstrap) *template.Machines {
	m := &template.Machines{
		Cluster: cluster(), VMSize: "Standard_D8s_v5", AcceleratedNetworking: true, EncryptionAtHost: true, DiskEncryptionSetID: group + "/des",
		Image:          template.Image{Publisher: "azureopenshift", Offer: "aro4", SKU: "aro_420", Version: "9.6.20251015"},
		MasterIgnition: []byte(`{"ignition":{"version":"3.2.0"}}`), Bootstrap: b,
	}
	if b != nil {
		b.BlobURL = "https://clusterq3rt5w7z9b.blob.core.windows.net/ignition/bootstrap.ign"
	}
	return m
}

func TestTemplatesAreAsAgreed(t *testing.T) {
	private := base(false)
	private.PublicAPI, private.PublicIngress, private.PublicOutbound, private.OutboundIPs, private.Zones = false, false, false, nil, nil
	privateAPI := base(false)
	privateAPI.PublicAPI = false
	old := base(false).Storage
	old.Unencrypted = true
	c := cluster()
	regional := machines(nil)
	regional.Zones, regional.PublicOutbound, regional.EncryptionAtHost, regional.DiskEncryptionSetID = nil, false, false, ""
	for name, made := range map[string]map[string]any{
		"base-service-principal":      base(false).Template(),
		"base-workload-identity":      base(true).Template(),
		"base-private-routed":         private.Template(),
		"base-private-api":            privateAPI.Template(),
		"storage-of-older-cluster":    old.Template(&c),
		"roles-service-principal":     base(false).RoleAssignments(),
		"roles-workload-identity":     base(true).RoleAssignments(),
		"deny-assignment":             base(true).DenyAssignment(),
		"machines-service-principal":  machines(&template.Bootstrap{Account: "clusterq3rt5w7z9b", SignedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}).Template(),
		"machines-workload-identity":  machines(&template.Bootstrap{}).Template(),
		"machines-regional-restarted": regional.Template(),
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.MarshalIndent(made, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			text = append(bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`\u003c`), []byte("<")), []byte(`\u0026`), []byte("&")), '\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(golden, text) {
				t.Errorf("%s differs; see what with -update and git diff", path)
			}
		})
	}
}

// resources are a template's, as JSON has them.
func resources(t *testing.T, made map[string]any) []map[string]any {
	t.Helper()
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Resources []map[string]any }
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d.Resources
}

func TestEveryDependencyIsInTheTemplate(t *testing.T) {
	for name, made := range map[string]map[string]any{
		"base": base(true).Template(), "machines": machines(&template.Bootstrap{}).Template(),
	} {
		there := map[string]bool{}
		for _, r := range resources(t, made) {
			there[group+"/providers/"+r["type"].(string)+"/"+r["name"].(string)] = true
		}
		for _, r := range resources(t, made) {
			depends, _ := r["dependsOn"].([]any)
			for _, d := range depends {
				if !there[d.(string)] {
					t.Errorf("%s: %s depends on %s, which the template does not have", name, r["name"], d)
				}
			}
		}
	}
}

func TestASignatureOfTheIgnitionIsNeverInTheTemplate(t *testing.T) {
	for name, b := range map[string]*template.Bootstrap{"service principal": {Account: "a"}, "workload identity": {}} {
		text, _ := json.Marshal(machines(b).Template())
		if strings.Contains(string(text), "sig=") {
			t.Errorf("%s: a signature stands in the template", name)
		}
	}
	workload := machines(&template.Bootstrap{}).Template()["parameters"].(map[string]any)
	if p, _ := workload[template.SignatureParameter].(map[string]any); p["type"] != "secureString" {
		t.Errorf("the signature's parameter is %v, want a secure one", p)
	}
}
