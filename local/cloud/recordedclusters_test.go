package cloud_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud"
)

const (
	recordedCluster  = recordedGroup + "/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	recordedLocation = customer + "/providers/Microsoft.RedHatOpenShift/locations/eastus/"
	ofClusters       = "?api-version=2025-07-25"
)

// recordedLife are the answers about a cluster in the order of its life. Those with the
// method POLL ask an operation until it ends.
func recordedLife() []recording {
	sent := object{"location": "eastus", "properties": object{
		"clusterProfile":          object{"domain": "recorded", "version": "", "pullSecret": "", "resourceGroupId": customer + "/resourceGroups/recorded-managed"},
		"servicePrincipalProfile": object{"clientId": cloud.DemoApplication, "clientSecret": "s3cret"},
		"networkProfile":          object{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16", "outboundType": ""},
		"masterProfile":           object{"vmSize": "Standard_D8s_v5", "subnetId": recordedNetwork + "virtualNetworks/vnet/subnets/master"},
		"workerProfiles":          []object{{"name": "worker", "vmSize": "Standard_D4s_v5", "diskSizeGB": 128, "count": 3, "subnetId": recordedNetwork + "virtualNetworks/vnet/subnets/worker"}},
		"apiserverProfile":        object{"visibility": "Public"}, "ingressProfiles": []object{{"name": "default", "visibility": "Public"}},
	}}
	profile := func(state string) map[string]string {
		return map[string]string{
			"id": "=" + recordedCluster, "name": "=c", "type": "=Microsoft.RedHatOpenShift/openShiftClusters", "location": "=eastus",
			"systemData.createdBy": "string", "systemData.createdByType": "string", "systemData.createdAt": "string", "systemData.lastModifiedAt": "string",
			"properties.provisioningState": "=" + state, "properties.clusterProfile.domain": "=recorded", "properties.clusterProfile.version": "string",
			"properties.clusterProfile.fipsValidatedModules": "string", "properties.consoleProfile": "object", "properties.servicePrincipalProfile.clientId": "=" + cloud.DemoApplication,
			"properties.networkProfile.outboundType": "=Loadbalancer", "properties.networkProfile.preconfiguredNSG": "string", "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count": "=1",
			"properties.masterProfile.subnetId": "=" + recordedNetwork + "virtualNetworks/vnet/subnets/master", "properties.masterProfile.encryptionAtHost": "string",
			"properties.workerProfiles.count": "number", "properties.workerProfiles.diskSizeGB": "number", "properties.workerProfiles.encryptionAtHost": "string",
			"properties.apiserverProfile.visibility": "=Public", "properties.ingressProfiles.name": "=default",
		}
	}
	secrets := []string{"properties.clusterProfile.pullSecret", "properties.servicePrincipalProfile.clientSecret", "identity"}
	created := profile("Succeeded")
	for path, want := range map[string]string{"properties.consoleProfile.url": "string", "properties.apiserverProfile.url": "string", "properties.apiserverProfile.ip": "string", "properties.ingressProfiles.ip": "string"} {
		created[path] = want
	}
	ended := map[string]string{"id": "string", "name": "string", "status": "=Succeeded", "startTime": "string", "endTime": "string"}
	return []recording{
		{row: "O1", method: "PUT", path: recordedCluster, body: sent, status: 201, members: profile("Creating"), header: []string{"Azure-AsyncOperation", "!Location"},
			absent: append(secrets, "properties.workerProfilesStatus", "properties.consoleProfile.url", "properties.apiserverProfile.url", "properties.ingressProfiles.ip", "properties.clusterProfile.oidcIssuer")},
		{row: "O2", method: "POLL", status: 200, members: ended, absent: []string{"error", "properties"}},
		{row: "O3", method: "GET", path: recordedCluster, status: 200, members: created, absent: secrets, header: []string{"!Azure-AsyncOperation", "!Location"}},
		{row: "O4", method: "GET", path: recordedGroup + "/providers/Microsoft.RedHatOpenShift/openShiftClusters", status: 200, members: map[string]string{"value.id": "=" + recordedCluster, "value.properties.provisioningState": "=Succeeded"}, absent: []string{"nextLink", "value.properties.clusterProfile.pullSecret"}},
		{row: "O5", method: "POST", path: recordedCluster + "/listCredentials", status: 200, members: map[string]string{"kubeadminUsername": "=kubeadmin", "kubeadminPassword": "string"}},
		{row: "O6", method: "POST", path: recordedCluster + "/listAdminCredentials", status: 200, members: map[string]string{"kubeconfig": "string"}},
		{row: "O7", method: "PATCH", path: recordedCluster, body: object{"properties": object{"networkProfile": object{"loadBalancerProfile": object{"managedOutboundIps": object{"count": 2}}}}}, status: 200,
			members: map[string]string{"properties.provisioningState": "=Updating", "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count": "=2", "properties.apiserverProfile.ip": "string"}, header: []string{"Azure-AsyncOperation", "!Location"}},
		{row: "O8", method: "POLL", status: 200, members: ended},
		{row: "O9", method: "DELETE", path: recordedCluster, status: 202, header: []string{"Azure-AsyncOperation", "Location"}},
		{row: "O10", method: "POLL", status: 200, members: ended},
		{row: "O11", method: "GET", path: recordedLocation + "openShiftVersions", status: 200, members: map[string]string{"value.name": "string", "value.type": "string", "value.properties.version": "string"}, absent: []string{"nextLink"}},
		{row: "O12", method: "GET", path: recordedLocation + "platformWorkloadIdentityRoleSets", status: 200, members: map[string]string{
			"value.properties.openShiftVersion": "string", "value.properties.platformWorkloadIdentityRoles.operatorName": "string",
			"value.properties.platformWorkloadIdentityRoles.roleDefinitionName": "string", "value.properties.platformWorkloadIdentityRoles.roleDefinitionId": "string"}, absent: []string{"nextLink"}},
	}
}

// TestClustersAnswerAsInRecordingsOfAzure leads a cluster through its life with the resource
// provider's own server. What differs stands with its reason in docs/recorded-azure.md.
func TestClustersAnswerAsInRecordingsOfAzure(t *testing.T) {
	w := newRealFixture(t)
	w.group("recorded")
	w.want(w.demo(), http.MethodPut, recordedNetwork+"virtualNetworks/vnet?api-version=2023-04-01", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/16"}}, "subnets": []object{
			{"name": "master", "properties": object{"addressPrefix": "10.0.0.0/24"}}, {"name": "worker", "properties": object{"addressPrefix": "10.0.1.0/24"}},
		},
	}}, http.StatusCreated, "")
	compared := map[string]bool{}
	operation, started := "", ""
	for _, r := range recordedLife() {
		var status int
		var header http.Header
		var answer object
		if r.method == "POLL" {
			w.within(time.Minute, "the end of "+operation, func() bool {
				status, header, answer = w.call(w.demo(), http.MethodGet, operation, nil)
				if status == http.StatusOK && answer["endTime"] == nil && answer["status"] != started {
					t.Errorf("%s: the status is %v while the operation runs, Azure: %s", r.row, answer["status"], started)
				}
				return answer["endTime"] != nil
			})
		} else {
			var body any
			if r.body != nil {
				body = r.body
			}
			status, header, answer = w.call(w.demo(), r.method, r.path+ofClusters, body)
			if address := header.Get("Azure-AsyncOperation"); address != "" {
				operation, started = address, map[string]string{"PUT": "Creating", "PATCH": "Updating", "DELETE": "Deleting"}[r.method]
			}
		}
		r.compare(t, status, header, answer)
		compared[r.row] = true
	}
	listed(t, compared, "O", 24)
}

// listed checks that each row up to last is either compared, or listed in
// docs/recorded-azure.md.
func listed(t *testing.T, compared map[string]bool, prefix string, last int) {
	t.Helper()
	content, err := os.ReadFile("../../docs/recorded-azure.md")
	if err != nil {
		t.Fatal(err)
	}
	for n := range last {
		row := fmt.Sprintf("%s%d", prefix, n+1)
		inDocument := regexp.MustCompile(`(?m)^\| ` + row + ` `).Match(content)
		switch {
		case compared[row] && inDocument:
			t.Errorf("docs/recorded-azure.md lists %s, which is as recorded", row)
		case !compared[row] && !inDocument:
			t.Errorf("%s is neither compared nor listed in docs/recorded-azure.md", row)
		}
	}
}
