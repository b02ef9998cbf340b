package rules_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A value that is accepted and used by nothing is a promise that is not kept. Each
// property that a caller can send is listed with the code that obeys it: a part of
// a line that reads the value to act on it.

type obeyed struct{ property, file, line string }

func obeyedProperties() []obeyed {
	const cluster = "properties.clusterProfile."
	const network = "properties.networkProfile."
	const master, worker = "properties.masterProfile.", "properties.workerProfiles[]."
	const identities = "properties.platformWorkloadIdentityProfile."
	return []obeyed{
		{"location", "backend/cluster/installer.go", "strings.ToLower(c.Location)"},
		{"tags", "server/clusters_desired.go", "desired.Tags"}, // returned by GET; not stored in machines
		{"identity.type", "model/rules_identity.go", "v.c.Identity.Type, userAssigned"},
		{"identity.userAssignedIdentities", "backend/cluster/identity.go", "range c.Identity.UserAssignedIdentities"},
		{cluster + "pullSecret", "backend/cluster/installer.go", "p.ClusterProfile.PullSecret"},
		{cluster + "domain", "backend/cluster/installer.go", "FullDomain(p.ClusterProfile.Domain)"},
		{cluster + "version", "backend/cluster/installer.go", "Properties.ClusterProfile.Version)"},
		{cluster + "resourceGroupId", "backend/cluster/ids.go", "ClusterProfile.ResourceGroupID"},
		{cluster + "fipsValidatedModules", "backend/cluster/installer.go", "FIPSValidatedModules == model.Enabled"},
		{"properties.servicePrincipalProfile.clientId", "backend/cluster/installer.go", "ClientID: sp.ClientID"},
		{"properties.servicePrincipalProfile.clientSecret", "backend/cluster/installer.go", "install.Secret(sp.ClientSecret)"},
		{network + "podCidr", "backend/cluster/installer.go", "p.NetworkProfile.PodCIDR"},
		{network + "serviceCidr", "backend/cluster/installer.go", "p.NetworkProfile.ServiceCIDR"},
		{network + "softwareDefinedNetwork", "backend/cluster/installer.go", "p.NetworkProfile.SoftwareDefinedNetwork"},
		{network + "outboundType", "backend/cluster/installer.go", "p.NetworkProfile.OutboundType"},
		{network + "preconfiguredNSG", "backend/cluster/network.go", "NetworkProfile.PreconfiguredNSG"},
		{network + "loadBalancerProfile.managedOutboundIps.count", "backend/cluster/outbound.go", "lb.ManagedOutboundIPs.Count"},
		{network + "loadBalancerProfile.outboundIps[].id", "model/rules_network.go", `{"outboundIps", len(lb.OutboundIPs) > 0`}, // refused
		{network + "loadBalancerProfile.outboundIpPrefixes[].id", "model/rules_network.go", `{"outboundIpPrefixes", len(lb.OutboundIPPrefixes) > 0`},
		{network + "loadBalancerProfile.allocatedOutboundPorts", "model/rules_network.go", `{"allocatedOutboundPorts", lb.AllocatedOutboundPorts != 0`},
		{master + "vmSize", "backend/cluster/installer.go", "VMSize: m.VMSize"},
		{master + "subnetId", "backend/cluster/installer.go", "c.Properties.MasterProfile.SubnetID"},
		{master + "encryptionAtHost", "backend/cluster/installer.go", "m.EncryptionAtHost == model.Enabled"},
		{master + "diskEncryptionSetId", "backend/cluster/installer.go", "m.DiskEncryptionSetID"},
		{worker + "name", "backend/cluster/installer.go", "Name: w.Name"},
		{worker + "vmSize", "backend/cluster/installer.go", "VMSize: w.VMSize"},
		{worker + "diskSizeGB", "backend/cluster/installer.go", "DiskSizeGB: w.DiskSizeGB"},
		{worker + "subnetId", "backend/cluster/ids.go", "SubnetID"},
		{worker + "count", "backend/cluster/installer.go", "Count: w.Count"},
		{worker + "encryptionAtHost", "backend/cluster/installer.go", "w.EncryptionAtHost == model.Enabled"},
		{worker + "diskEncryptionSetId", "backend/cluster/installer.go", "w.DiskEncryptionSetID"},
		{"properties.apiserverProfile.visibility", "backend/cluster/ids.go", "APIServerProfile.Visibility"},
		{"properties.ingressProfiles[].name", "model/rules.go", `of(v.c).Name != "default"`}, // the one name there is
		{"properties.ingressProfiles[].visibility", "backend/cluster/ids.go", "Visibility"},
		{identities + "upgradeableTo", "backend/cluster/credentials.go", "PlatformWorkloadIdentityProfile.UpgradeableTo"},
		{identities + "platformWorkloadIdentities.*.resourceId", "backend/cluster/identity.go", "ResourceID"},

		// The service's own to say: the overlay makes read-only what the spec does not.
		{"properties.provisioningState", "openapi/overlays/all.yaml", "OpenShiftClusterProperties.properties.provisioningState"},
		{"properties.apiserverProfile.url", "openapi/overlays/all.yaml", "APIServerProfile.properties.url"},
		{"properties.apiserverProfile.ip", "openapi/overlays/all.yaml", "APIServerProfile.properties.ip"},
		{"properties.consoleProfile.url", "openapi/overlays/all.yaml", "ConsoleProfile.properties.url"},
		{"properties.ingressProfiles[].ip", "openapi/overlays/all.yaml", "IngressProfile.properties.ip"},
		{"properties.apiserverUrl", "openapi/overlays/2019-12-31-preview.yaml", "Properties.properties.apiserverUrl"},
		{"properties.consoleUrl", "openapi/overlays/2019-12-31-preview.yaml", "Properties.properties.consoleUrl"},

		{"ClusterUpdate properties.maintenanceTask", "backend/cluster/plans.go", "c.Internal.MaintenanceTask"},
		{"ClusterUpdate properties.operatorFlags.*", "backend/cluster/operator.go", "c.Internal.OperatorFlags"},
		{"ClusterUpdate operatorFlagsMergeStrategy", "admin/maintenance.go", "m.reset"},
		{"Version name", "admin/catalogue.go", "sameEnvelope(&f, body.Name, body.Type, p.Version"},
		{"Version type", "admin/catalogue.go", "sameEnvelope(&f, body.Name, body.Type, p.Version"},
		{"Version properties.version", "backend/cluster/installer.go", "install.Release{Version: version.Version"},
		{"Version properties.openShiftPullspec", "backend/cluster/installer.go", "version.OpenShiftPullspec"},
		{"Version properties.installerPullspec", "backend/cluster/installer.go", "Image: version.InstallerImage()"},
		{"Version properties.enabled", "catalogue/catalogue.go", "v.Properties.Enabled"},
		{"Version properties.default", "catalogue/catalogue.go", "v.Properties.Default"},
		{"RoleSet name", "admin/catalogue.go", "sameEnvelope(&f, body.Name, body.Type, set.OpenShiftVersion"},
		{"RoleSet type", "admin/catalogue.go", "sameEnvelope(&f, body.Name, body.Type, set.OpenShiftVersion"},
		{"RoleSet properties.openShiftVersion", "model/rules_identity.go", "OpenShiftVersion"},
		{"RoleSet properties.platformWorkloadIdentityRoles[].operatorName", "backend/cluster/identity.go", "OperatorName"},
		{"RoleSet properties.platformWorkloadIdentityRoles[].roleDefinitionName", "server/catalogue.go", "RoleSets"}, // returned to customers, who assign it by that name
		{"RoleSet properties.platformWorkloadIdentityRoles[].roleDefinitionId", "backend/cluster/access.go", "role.RoleDefinitionID"},
		{"RoleSet properties.platformWorkloadIdentityRoles[].serviceAccounts[]", "backend/cluster/oidc.go", "ServiceAccounts"},
		{"RoleSet properties.platformWorkloadIdentityRoles[].secretLocation.namespace", "backend/cluster/installer.go", "SecretNamespace: at.Namespace"},
		{"RoleSet properties.platformWorkloadIdentityRoles[].secretLocation.name", "backend/cluster/installer.go", "SecretName: at.Name"},
	}
}

func TestEveryPropertyThatIsAcceptedIsObeyed(t *testing.T) {
	known := map[string]bool{}
	for _, o := range obeyedProperties() {
		if known[o.property] {
			t.Errorf("%s is listed twice", o.property)
		}
		known[o.property] = true
		text, err := os.ReadFile(filepath.Join("..", "..", o.file))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(text), o.line) {
			t.Errorf("%s: %s does not say %q any more. Name the code that obeys it.", o.property, o.file, o.line)
		}
	}
	sent := sentProperties(t)
	for _, property := range slices.Sorted(maps.Keys(sent)) {
		if !known[property] {
			t.Errorf("%s of %s can be sent, and no code is named that obeys it", property, sent[property])
		}
	}
	for property := range known {
		if sent[property] == "" {
			t.Errorf("%s is listed and in no spec", property)
		}
	}
}

// schema is what of a Swagger schema leads to properties.
type schema struct {
	Ref        string `json:"$ref"`
	ReadOnly   bool   `json:"readOnly"`
	Properties map[string]schema
	Items      *schema
	Additional json.RawMessage `json:"additionalProperties"`
	AllOf      []schema        `json:"allOf"`
}

// sentProperties are the paths of all values that callers can send, by the spec
// that has them.
func sentProperties(t *testing.T) map[string]string {
	t.Helper()
	specs, err := filepath.Glob(filepath.Join("..", "..", "openapi", "arm", "*", "redhatopenshift.json"))
	if err != nil || len(specs) < 11 {
		t.Fatalf("%d specs (%v)", len(specs), err)
	}
	sent := map[string]string{}
	for _, spec := range specs {
		walk(t, spec, []string{"OpenShiftCluster", "OpenShiftClusterUpdate"}, func(_, path string) string { return path }, sent)
	}
	walk(t, filepath.Join("..", "..", "openapi", "admin", "admin.json"), []string{"ClusterUpdate", "Version", "RoleSet"},
		func(body, path string) string { return body + " " + path }, sent)
	return sent
}

func walk(t *testing.T, spec string, bodies []string, name func(body, path string) string, sent map[string]string) {
	t.Helper()
	text, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Definitions map[string]schema }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var visit func(s schema, path string, note func(string))
	visit = func(s schema, path string, note func(string)) {
		if s.ReadOnly {
			return
		}
		if local, found := strings.CutPrefix(s.Ref, "#/definitions/"); found {
			s = file.Definitions[local]
		}
		if strings.HasSuffix(s.Ref, "/ManagedServiceIdentity") { // of ARM's common types
			note(path + ".type")
			note(path + ".userAssignedIdentities")
			return
		}
		for _, part := range s.AllOf {
			visit(part, path, note)
		}
		switch {
		case len(s.Properties) > 0:
			for member, of := range s.Properties {
				visit(of, strings.TrimPrefix(path+"."+member, "."), note)
			}
		case s.Items != nil:
			visit(*s.Items, path+"[]", note)
		case len(s.Additional) > 0 && path != "tags":
			var of schema
			if json.Unmarshal(s.Additional, &of) == nil {
				visit(of, path+".*", note)
			}
		case len(s.AllOf) == 0 && path != "" && !strings.Contains(s.Ref, "/"):
			note(path)
		case strings.HasPrefix(s.Ref, "../") && path != "":
			note(path)
		}
	}
	for _, body := range bodies {
		visit(file.Definitions[body], "", func(path string) { sent[name(body, path)] = filepath.Base(filepath.Dir(spec)) })
	}
}
