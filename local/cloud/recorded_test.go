package cloud_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/hypervisor"
)

// recording is what Azure has answered to one kind of call, as public recordings of its
// clients show it.
type recording struct {
	row, method, path string
	body              object
	status            int
	code              string
	// members by path: a type, or "=" and a value. A path may go through the first
	// element of a list.
	members map[string]string
	// absent are members that Azure does not show.
	absent []string
	// header are those that must be there, or "!" and one that must not.
	header []string
}

const (
	recordedGroup    = customer + "/resourceGroups/recorded"
	recordedNetwork  = recordedGroup + "/providers/Microsoft.Network/"
	recordedRole     = "/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-00000000aa01"
	recordedCustom   = "/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-0000-0000-00000000aa02"
	recordedIdentity = recordedGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
	recordedAccount  = recordedGroup + "/providers/Microsoft.Storage/storageAccounts/recorded"
	recordedDisk     = recordedGroup + "/providers/Microsoft.Compute/disks/d"
	reader           = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// recordings are in the order of their requests; each builds on those before.
func recordings(principal string) []recording {
	located := func(properties object) object { return object{"location": "eastus", "properties": properties} }
	state := map[string]string{"properties.provisioningState": "=Succeeded"}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(state)
		maps.Copy(all, more)
		return all
	}
	network := func(kind string) string { return recordedNetwork + kind + "?api-version=2020-11-01" }
	return []recording{
		{row: "F4", method: "GET", path: recordedGroup + "?api-version=2020-06-01", status: 404, code: "ResourceGroupNotFound", header: []string{"x-ms-failure-cause"}},
		{row: "G1", method: "PUT", path: recordedGroup + "?api-version=2020-06-01", body: object{"location": "eastus", "tags": object{}}, status: 201,
			members: with(map[string]string{"tags": "object"}), absent: []string{"etag"}, header: []string{"!Azure-AsyncOperation", "!Location"}},
		{row: "G2", method: "PUT", path: recordedGroup + "?api-version=2020-06-01", body: object{"location": "eastus", "tags": object{}}, status: 200, members: state},
		{row: "G3", method: "GET", path: strings.ToLower(recordedGroup) + "?api-version=2020-06-01", status: 200, members: map[string]string{"id": "=" + recordedGroup}, header: []string{"!ETag"}},
		{row: "G4", method: "HEAD", path: recordedGroup + "?api-version=2020-06-01", status: 204},
		{row: "G5", method: "GET", path: customer + "/resourcegroups?$filter=tagname%20eq%20'a'&api-version=2020-06-01", status: 200, members: map[string]string{"value": "list"}},
		{row: "G7", method: "POST", path: recordedGroup + "/exportTemplate?api-version=2020-06-01", body: object{"resources": []string{"*"}}, status: 200,
			members: map[string]string{"template.$schema": "string", "template.contentVersion": "string", "template.parameters": "object", "template.variables": "object", "template.resources": "list"}},
		{row: "T1", method: "GET", path: customer + "/tagNames?api-version=2020-06-01", status: 200, members: map[string]string{"value": "list"}},
		{row: "T2", method: "DELETE", path: customer + "/tagNames/none?api-version=2020-06-01", status: 204},
		{row: "L1", method: "PUT", path: recordedGroup + "/providers/Microsoft.Authorization/locks/l?api-version=2016-09-01", body: object{"properties": object{"level": "CanNotDelete"}}, status: 201,
			members: map[string]string{"properties.level": "=CanNotDelete"}, absent: []string{"etag", "properties.provisioningState"}},
		{row: "L2", method: "PUT", path: recordedGroup + "/providers/Microsoft.Authorization/locks/l?api-version=2016-09-01", body: object{"properties": object{"level": "ReadOnly"}}, status: 200},
		{row: "L3", method: "GET", path: recordedGroup + "/providers/Microsoft.Authorization/locks?api-version=2016-09-01", status: 200, members: map[string]string{"value.properties.level": "=ReadOnly"}, absent: []string{"value.etag"}},
		{row: "L4", method: "DELETE", path: recordedGroup + "/providers/Microsoft.Authorization/locks/l?api-version=2016-09-01", status: 200, absent: []string{"id"}},
		{row: "R6", method: "GET", path: recordedGroup + recordedRole + "?api-version=2022-04-01", status: 404, code: "RoleAssignmentNotFound"},
		{row: "R2", method: "PUT", path: recordedGroup + recordedRole + "?api-version=2022-04-01", body: object{"properties": object{"roleDefinitionId": reader, "principalId": "00000000-0000-0000-0000-00000000aaff"}}, status: 400, code: "PrincipalNotFound"},
		{row: "R1", method: "PUT", path: recordedGroup + recordedRole + "?api-version=2022-04-01", body: object{"properties": object{"roleDefinitionId": reader, "principalId": principal}}, status: 201,
			members: map[string]string{"properties.condition": "null", "properties.conditionVersion": "null", "properties.delegatedManagedIdentityResourceId": "null", "properties.description": "null", "properties.createdOn": "time7"}, absent: []string{"etag"}},
		{row: "R4", method: "GET", path: recordedGroup + recordedRole + "?api-version=2022-04-01", status: 200, members: map[string]string{"properties.condition": "null", "properties.createdBy": "string"}, header: []string{"!ETag"}},
		{row: "R7", method: "GET", path: recordedGroup + "/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()&api-version=2022-04-01", status: 200, members: map[string]string{"value.properties.scope": "string", "value.properties.condition": "null"}},
		{row: "R5", method: "DELETE", path: recordedGroup + recordedRole + "?api-version=2022-04-01", status: 200, members: map[string]string{"properties.principalId": "=" + principal}},
		{row: "R8", method: "GET", path: customer + "/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName%20eq%20'reader'&api-version=2022-04-01", status: 200,
			members: map[string]string{"value.properties.roleName": "=Reader", "value.properties.createdOn": "string", "value.properties.updatedOn": "string", "value.properties.createdBy": "null", "value.properties.updatedBy": "null"}},
		{row: "R9", method: "PUT", path: recordedGroup + recordedCustom + "?api-version=2022-04-01", body: object{"properties": object{"roleName": "recorded", "type": "Custom", "permissions": []object{{"actions": []string{"*/read"}}}, "assignableScopes": []string{recordedGroup}}}, status: 201,
			members: map[string]string{"id": "=" + customer + recordedCustom, "properties.type": "=CustomRole", "properties.description": "null", "properties.permissions.notActions": "list", "properties.permissions.dataActions": "list",
				"properties.permissions.notDataActions": "list", "properties.createdOn": "string", "properties.updatedOn": "string"}},
		{row: "R10", method: "DELETE", path: recordedGroup + recordedCustom + "?api-version=2022-04-01", status: 200, members: map[string]string{"properties.roleName": "=recorded"}},
		{row: "R11", method: "GET", path: recordedGroup + recordedCustom + "?api-version=2022-04-01", status: 404, code: "RoleDefinitionDoesNotExist"},
		{row: "I1", method: "PUT", path: recordedIdentity + "?api-version=2018-11-30", body: object{"location": "eastus"}, status: 201,
			members: map[string]string{"id": "=" + strings.Replace(recordedIdentity, "/resourceGroups/", "/resourcegroups/", 1), "tags": "object", "properties.clientId": "string", "properties.isolationScope": "=None"}, absent: []string{"etag"}, header: []string{"Location"}},
		{row: "I2", method: "PUT", path: recordedIdentity + "?api-version=2018-11-30", body: object{"location": "eastus"}, status: 200, members: map[string]string{"tags": "object"}, header: []string{"!Location"}},
		{row: "I4", method: "PUT", path: recordedIdentity + "/federatedIdentityCredentials/f?api-version=2022-01-31-preview", body: object{"properties": object{"issuer": "https://i", "subject": "s", "audiences": []string{"a"}}}, status: 201, header: []string{"Location"}},
		{row: "I5", method: "GET", path: recordedIdentity + "/federatedIdentityCredentials?api-version=2022-01-31-preview", status: 200, members: map[string]string{"value.name": "=f"}},
		{row: "I6", method: "DELETE", path: recordedIdentity + "/federatedIdentityCredentials/f?api-version=2022-01-31-preview", status: 200, absent: []string{"id"}},
		{row: "I7", method: "POST", path: recordedIdentity + "/listAssociatedResources?api-version=2022-01-31-preview", body: object{}, status: 200, members: map[string]string{"totalCount": "=0", "value": "list"}},
		{row: "I3", method: "DELETE", path: recordedIdentity + "?api-version=2018-11-30", status: 200, absent: []string{"id"}},

		{row: "N3", method: "PUT", path: network("virtualNetworks/v"), body: located(object{"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/16"}}}), status: 201,
			members: with(map[string]string{"etag": "string", "properties.resourceGuid": "string", "properties.subnets": "list", "properties.virtualNetworkPeerings": "list", "properties.enableDdosProtection": "=false"}), absent: []string{"properties.privateEndpointVNetPolicies"}},
		{row: "N4", method: "GET", path: recordedNetwork + "virtualNetworks/v?api-version=2024-03-01", status: 200, members: map[string]string{"properties.privateEndpointVNetPolicies": "=Disabled"}, header: []string{"ETag"}},
		{row: "N6", method: "PUT", path: network("virtualNetworks/v/subnets/s"), body: object{"properties": object{"addressPrefix": "10.0.0.0/24", "privateLinkServiceNetworkPolicies": "Disabled", "delegations": []object{{"name": "d", "properties": object{"serviceName": "Microsoft.DBforMySQL/flexibleServers"}}}}}, status: 201,
			members: map[string]string{"properties.delegations.id": "string", "properties.delegations.type": "string", "properties.delegations.properties.provisioningState": "=Succeeded", "properties.delegations.properties.actions": "list", "properties.privateEndpointNetworkPolicies": "=Disabled"}},
		{row: "N7", method: "GET", path: network("virtualNetworks/v/subnets/none"), status: 404, code: "NotFound", members: map[string]string{"error.details": "list"}, header: []string{"!x-ms-failure-cause"}},
		{row: "N10", method: "PUT", path: network("networkSecurityGroups/g"), body: located(object{}), status: 201,
			members: with(map[string]string{"properties.resourceGuid": "string", "properties.defaultSecurityRules.properties.description": "string", "properties.defaultSecurityRules.etag": "string", "properties.defaultSecurityRules.properties.sourcePortRanges": "list"})},
		{row: "N11", method: "PUT", path: network("networkSecurityGroups/g/securityRules/r"), body: object{"properties": object{"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*"}}, status: 201,
			members: with(map[string]string{"properties.sourcePortRanges": "list", "properties.destinationPortRanges": "list", "properties.sourceAddressPrefixes": "list", "properties.destinationAddressPrefixes": "list"})},
		{row: "N13", method: "PUT", path: network("publicIPAddresses/p"), body: object{"location": "eastus", "sku": object{"name": "Standard"}, "properties": object{"publicIPAllocationMethod": "Static"}}, status: 201,
			members: with(map[string]string{"properties.idleTimeoutInMinutes": "=4", "properties.ipTags": "list", "sku.tier": "=Regional"})},
		{row: "N16", method: "PUT", path: network("loadBalancers/l"), body: object{"location": "eastus", "sku": object{"name": "Standard"}, "properties": object{
			"frontendIPConfigurations": []object{{"name": "f", "properties": object{"publicIPAddress": object{"id": recordedNetwork + "publicIPAddresses/p"}}}},
			"inboundNatPools": []object{{"name": "n", "properties": object{"protocol": "Tcp", "frontendPortRangeStart": 50000, "frontendPortRangeEnd": 50010, "backendPort": 22,
				"frontendIPConfiguration": object{"id": recordedNetwork + "loadBalancers/l/frontendIPConfigurations/f"}}}},
		}}, status: 201, members: with(map[string]string{"properties.frontendIPConfigurations.etag": "same etag"})},
		{row: "N17", method: "GET", path: network("loadBalancers/l"), status: 200, members: map[string]string{
			"properties.inboundNatPools.id": "string", "properties.inboundNatPools.etag": "same etag", "properties.inboundNatPools.type": "string", "properties.inboundNatPools.properties.provisioningState": "=Succeeded",
			"properties.inboundNatPools.properties.idleTimeoutInMinutes": "=4", "properties.inboundNatPools.properties.enableFloatingIP": "=false", "properties.inboundNatPools.properties.allowBackendPortConflict": "=false",
			"properties.frontendIPConfigurations.properties.inboundNatPools.id": "string"}},
		{row: "N25", method: "PUT", path: network("routeTables/t"), body: located(object{}), status: 201, members: with(map[string]string{"properties.resourceGuid": "string", "properties.disableBgpRoutePropagation": "=false", "properties.routes": "list"})},
		{row: "N26", method: "PUT", path: network("routeTables/t/routes/r"), body: object{"properties": object{"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}}, status: 201, members: with(map[string]string{"properties.hasBgpOverride": "=false"})},
		{row: "N27", method: "PUT", path: network("natGateways/n"), body: object{"location": "eastus", "sku": object{"name": "Standard"}}, status: 201, members: with(map[string]string{"properties.resourceGuid": "string", "sku.tier": "=Regional"})},
		{row: "N28", method: "PUT", path: network("networkInterfaces/c"), body: located(object{"ipConfigurations": []object{{"name": "one", "properties": object{"subnet": object{"id": recordedNetwork + "virtualNetworks/v/subnets/s"}}}}}), status: 201,
			members: with(map[string]string{"properties.dnsSettings.dnsServers": "list", "properties.dnsSettings.appliedDnsServers": "list", "properties.dnsSettings.internalDomainNameSuffix": "string", "properties.vnetEncryptionSupported": "=false",
				"properties.hostedWorkloads": "list", "properties.tapConfigurations": "list", "properties.nicType": "=Standard"}), absent: []string{"properties.macAddress"}},
		{row: "N8", method: "DELETE", path: network("virtualNetworks/v"), status: 400, code: "InUseSubnetCannotBeDeleted", members: map[string]string{"error.details": "list"}},
		{row: "N20", method: "PUT", path: network("privateEndpoints/e"), body: located(object{"subnet": object{"id": recordedNetwork + "virtualNetworks/v/subnets/s"}, "privateLinkServiceConnections": []object{}}), status: 201,
			members: with(map[string]string{"properties.resourceGuid": "string", "properties.customNetworkInterfaceName": "=", "properties.ipConfigurations": "list", "properties.customDnsConfigs": "list"})},
		{row: "P2", method: "PUT", path: recordedNetwork + "privateDnsZones/z.test?api-version=2018-09-01", body: object{"location": "global"}, status: 201,
			members: with(map[string]string{"properties.maxNumberOfRecordSets": "=25000", "properties.maxNumberOfVirtualNetworkLinks": "=1000", "properties.maxNumberOfVirtualNetworkLinksWithRegistration": "=100",
				"properties.numberOfRecordSets": "=1", "properties.numberOfVirtualNetworkLinks": "=0", "properties.numberOfVirtualNetworkLinksWithRegistration": "=0"})},
		{row: "N22", method: "PUT", path: network("privateEndpoints/e/privateDnsZoneGroups/g"), body: object{"properties": object{"privateDnsZoneConfigs": []object{{"name": "c", "properties": object{"privateDnsZoneId": recordedNetwork + "privateDnsZones/z.test"}}}}}, status: 201,
			members: map[string]string{"properties.privateDnsZoneConfigs.id": "string", "properties.privateDnsZoneConfigs.etag": "string", "properties.privateDnsZoneConfigs.type": "string", "properties.privateDnsZoneConfigs.properties.provisioningState": "=Succeeded", "properties.privateDnsZoneConfigs.properties.recordSets": "list"}},
		{row: "P3", method: "PUT", path: recordedNetwork + "privateDnsZones/z.test/A/a?api-version=2018-09-01", body: object{"properties": object{"ttl": 60, "aRecords": []object{{"ipv4Address": "10.0.0.9"}}}}, status: 201,
			members: map[string]string{"properties.fqdn": "=a.z.test.", "properties.isAutoRegistered": "=false"}},
		{row: "P5", method: "PUT", path: recordedNetwork + "privateDnsZones/z.test/virtualNetworkLinks/k?api-version=2018-09-01", body: object{"location": "global", "properties": object{"virtualNetwork": object{"id": recordedNetwork + "virtualNetworks/v"}}}, status: 201,
			members: map[string]string{"properties.registrationEnabled": "=false", "properties.virtualNetworkLinkState": "=Completed"}},
		{row: "P6", method: "DELETE", path: recordedNetwork + "privateDnsZones/z.test?api-version=2018-09-01", status: 409, code: "CannotDeleteResource"},

		{row: "B2", method: "PUT", path: recordedAccount + "?api-version=2021-04-01", body: object{"location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}}, status: 200,
			members: with(map[string]string{"tags": "object", "properties.keyCreationTime.key1": "string", "properties.creationTime": "string", "properties.privateEndpointConnections": "list", "properties.networkAcls.bypass": "=AzureServices", "properties.networkAcls.ipRules": "list",
				"properties.networkAcls.defaultAction": "=Allow", "properties.encryption.keySource": "string", "properties.encryption.services.blob.enabled": "=true", "properties.primaryEndpoints.dfs": "string", "properties.primaryEndpoints.file": "string"}),
			absent: []string{"etag", "properties.minimumTlsVersion"}},
		{row: "B3", method: "GET", path: recordedAccount + "/blobServices/default?api-version=2021-04-01", status: 200, members: map[string]string{"sku.name": "string", "properties.cors.corsRules": "list", "properties.deleteRetentionPolicy.enabled": "=false"}},
		{row: "B5", method: "GET", path: recordedAccount + "/blobServices/default/containers/none?api-version=2021-04-01", status: 404, code: "ContainerNotFound"},
		{row: "B6", method: "DELETE", path: recordedAccount + "?api-version=2021-04-01", status: 200, absent: []string{"id"}},
		{row: "K1", method: "PUT", path: recordedGroup + "/providers/Microsoft.KeyVault/vaults/kv-recorded?api-version=2021-04-01-preview", body: located(object{"tenantId": cloud.TenantID, "sku": object{"family": "A", "name": "standard"}}), status: 200, header: []string{"!Azure-AsyncOperation"}},
		{row: "K2", method: "GET", path: recordedGroup + "/providers/Microsoft.KeyVault/vaults/kv-recorded?api-version=2021-04-01-preview", status: 200,
			members: map[string]string{"tags": "object", "systemData.createdByType": "=Application", "properties.enabledForDeployment": "=false", "properties.enableSoftDelete": "=true"}, absent: []string{"etag"}},
		{row: "K3", method: "DELETE", path: recordedGroup + "/providers/Microsoft.KeyVault/vaults/kv-recorded?api-version=2021-04-01-preview", status: 200, absent: []string{"id"}},
		{row: "C2", method: "PUT", path: recordedDisk + "?api-version=2020-09-30", body: located(object{"diskSizeGB": 32, "creationData": object{"createOption": "Empty"}}), status: 201,
			members: with(map[string]string{"properties.diskIOPSReadWrite": "number", "properties.diskMBpsReadWrite": "number", "properties.networkAccessPolicy": "=AllowAll", "sku.tier": "string"}), absent: []string{"etag"}},
		{row: "C3", method: "GET", path: recordedGroup + "/providers/Microsoft.Compute/disks/none?api-version=2020-09-30", status: 404, code: "NotFound"},

		{row: "X3", method: "POST", path: recordedGroup + "/providers/Microsoft.Resources/deployments/x/validate?api-version=2020-06-01", status: 404, code: "ResourceGroupNotFound", body: object{"properties": object{"mode": "Incremental", "template": object{
			"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []object{{"type": "Microsoft.Resources/deployments", "apiVersion": "2020-06-01", "name": "n", "resourceGroup": "nowhere",
				"properties": object{"mode": "Incremental", "template": object{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []object{}}}}},
		}}}},
		{row: "X2", method: "POST", path: recordedGroup + "/providers/Microsoft.Resources/deployments/x/validate?api-version=2020-06-01", status: 200, body: deploymentOf(templateOf()),
			members: map[string]string{"properties.templateHash": "string", "properties.mode": "=Incremental", "properties.provisioningState": "=Succeeded", "properties.duration": "string", "properties.correlationId": "string", "properties.providers": "list", "properties.dependencies": "list"}, absent: []string{"properties.parameters"}},
		{row: "X4", method: "PUT", path: recordedGroup + "/providers/Microsoft.Resources/deployments/x?api-version=2020-06-01", status: 201, body: deploymentOf(templateOf()), members: map[string]string{"properties.provisioningState": "=Accepted"}, absent: []string{"etag"}, header: []string{"Azure-AsyncOperation", "!Location"}},
		{row: "X9", method: "POST", path: recordedGroup + "/providers/Microsoft.Resources/deployments/x/whatIf?api-version=2020-06-01", status: 202, body: deploymentOf(templateOf()), header: []string{"Location"}},
		{row: "X13", method: "GET", path: recordedGroup + "/providers/Microsoft.Resources/deployments/?api-version=2020-06-01", status: 200, members: map[string]string{"value.name": "=x"}},
		{row: "X7", method: "GET", path: strings.ToLower(recordedGroup) + "/deployments/x/operations?api-version=2020-06-01", status: 200, members: map[string]string{"value": "list"}},
		{row: "X10", method: "DELETE", path: recordedGroup + "/providers/Microsoft.Resources/deployments/x?api-version=2020-06-01", status: 202, header: []string{"Location"}},
	}
}

// valueAt is a member of an answer, through the first elements of lists.
func valueAt(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
		m, ok := v.(object)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

var sevenDigits = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$`)

// fits tells what is wrong with a member, or nothing.
func fits(answer object, v any, there bool, want string) string {
	if !there {
		return "is absent"
	}
	kind := map[string]string{"<nil>": "null", "string": "string", "float64": "number", "bool": "bool", "[]interface {}": "list", "map[string]interface {}": "object"}[fmt.Sprintf("%T", v)]
	text, _ := v.(string)
	switch value, exact := strings.CutPrefix(want, "="); {
	case exact && fmt.Sprint(v) != value:
		return fmt.Sprintf("is %v", v)
	case want == "time7" && !sevenDigits.MatchString(text):
		return "is " + text
	case want == "same etag" && v != answer["etag"]:
		return fmt.Sprintf("is %v beside %v", v, answer["etag"])
	case !exact && want != "time7" && want != "same etag" && kind != want:
		return "is a " + kind
	}
	return ""
}

func (r recording) compare(t *testing.T, status int, header http.Header, answer object) {
	t.Helper()
	refusal, _ := answer["error"].(object)
	if status != r.status || r.code != "" && refusal["code"] != r.code {
		t.Errorf("%s: %d %v, Azure answers %d %s", r.row, status, answer, r.status, r.code)
		return
	}
	for _, path := range slices.Sorted(maps.Keys(r.members)) {
		v, there := valueAt(answer, path)
		if wrong := fits(answer, v, there, r.members[path]); wrong != "" {
			t.Errorf("%s: %s %s, Azure: %s", r.row, path, wrong, r.members[path])
		}
	}
	for _, path := range r.absent {
		if v, there := valueAt(answer, path); there {
			t.Errorf("%s: %s is %v, Azure has none", r.row, path, v)
		}
	}
	for _, name := range r.header {
		name, not := strings.CutPrefix(name, "!")
		if has := header.Get(name) != ""; has == not {
			t.Errorf("%s: the header %s is %q", r.row, name, header.Get(name))
		}
	}
}

// TestAnswersAreThoseThatAzureWasRecordedWith asks for everything that recordings show and
// the local Azure serves. What differs stands with its reason in docs/recorded-azure.md.
func TestAnswersAreThoseThatAzureWasRecordedWith(t *testing.T) {
	w := newFixture(t, machined(&host{vms: map[string]hypervisor.VM{}}))
	_, principal := w.newApplication()
	compared := map[string]bool{}
	for _, r := range recordings(principal) {
		var body any
		if r.body != nil {
			body = r.body
		}
		status, header, answer := w.call(w.demo(), r.method, r.path, body)
		r.compare(t, status, header, answer)
		compared[r.row] = true
	}
	for prefix, last := range map[string]int{"F": 7, "G": 7, "T": 2, "L": 4, "R": 11, "I": 7, "N": 28, "P": 7, "B": 6, "K": 3, "C": 6, "X": 14} {
		listed(t, compared, prefix, last)
	}
}
