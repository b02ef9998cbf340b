package azure_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/test/message"
)

// TestRefusalsThatPeopleMet: refusals reported by users, in the forms that Azure
// uses.
func TestRefusalsThatPeopleMet(t *testing.T) {
	inManaged := subID + "/resourceGroups/aro-managed/providers/Microsoft."
	tests := map[string]struct {
		path   string
		answer answer
		code   arm.Code
		again  string
		says   []string
	}{
		"keys are forbidden": {"/clusterx/aro", answer{status: 403, header: map[string]string{"X-Ms-Error-Code": "KeyBasedAuthenticationNotPermitted"},
			body: "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>KeyBasedAuthenticationNotPermitted</Code><Message>Key based authentication is not permitted on this storage account.\nRequestId:c5a7\nTime:2026-08-01T10:00:00Z</Message></Error>"},
			arm.RefusedByAzure, "spreads", []string{"KeyBasedAuthenticationNotPermitted", "Azure Policy", "is not permitted on this storage account."}},
		"an endpoint of the customer's": {inManaged + "Network/privateLinkServices/pls", answer{status: 400, body: `{"error":{"code":"PrivateLinkServiceHasPrivateEndpointConnections","message":"Private link service pls has private endpoint connections and cannot be deleted.","details":[]}}`},
			arm.ResourceInUse, "spreads", []string{"PrivateLinkServiceHasPrivateEndpointConnections"}},
		"the group goes": {subID + "/resourcegroups/aro-managed", answer{status: 409, body: `{"error":{"code":"ResourceGroupBeingDeleted","message":"The resource group 'aro-managed' is in deprovisioning state and cannot perform this operation."}}`},
			arm.RefusedByAzure, "spreads", []string{"ResourceGroupBeingDeleted", "wait until it is gone"}},
		"deny assignment": {inManaged + "Network/loadBalancers/lb", answer{status: 403, body: `{"error":{"code":"DenyAssignmentAuthorizationFailed","message":"The client 'x' with object id 'y' has permission to perform action 'w' on scope 's'; however, the access is denied because of the deny assignment with name 'Blueprint' and Id 'd'."}}`},
			arm.RefusedByAzure, "spreads", []string{"DenyAssignmentAuthorizationFailed", "Blueprint"}},
		"delegated": {subID + "/resourceGroups/c/providers/Microsoft.Network/virtualNetworks/v/subnets/s", answer{status: 400, body: `{"error":{"code":"SubnetIsDelegated","message":"Subnet s is delegated to Microsoft.Web/serverFarms.","details":[]}}`},
			arm.RefusedByAzure, "spreads", []string{"SubnetIsDelegated", "Microsoft.Web/serverFarms"}},
		"980 groups": {subID + "/resourcegroups/aro-managed", answer{status: 409, body: `{"error":{"code":"ResourceGroupQuotaExceeded","message":"Creating the resource group 'aro-managed' would exceed the quota of '980'. The current resource group count is '980'."}}`},
			arm.ResourceQuotaExceeded, "", []string{"ResourceGroupQuotaExceeded", "'980'"}},
		"20 credentials": {subID + "/resourceGroups/c/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i/federatedIdentityCredentials/f",
			answer{status: 400, body: `{"error":{"code":"FederatedIdentityCredentialLimitExceeded","message":"The limit of 20 federated identity credentials is reached."}}`},
			arm.ResourceQuotaExceeded, "", []string{"limit of 20"}},
		"deletion blocked": {subID + "/resourcegroups/aro-managed", answer{status: 200, body: `{"status":"Failed","error":{"code":"ResourceGroupDeletionBlocked","message":"Deletion of resource group 'aro-managed' failed as resources could not be deleted.","details":[{"code":"InUseThing","target":"/x","message":"It is used."}]}}`},
			arm.ResourceInUse, "spreads", []string{"InUseThing"}},
		"deletion blocked for no reason": {subID + "/resourcegroups/aro-managed", answer{status: 409, body: `{"error":{"code":"ResourceGroupDeletionBlocked","message":"Deletion of resource group 'aro-managed' failed."}}`},
			arm.RefusedByAzure, "spreads", []string{"ResourceGroupDeletionBlocked"}},
		"disk attached": {inManaged + "Compute/disks/d", answer{status: 409, body: `{"error":{"code":"OperationNotAllowed","message":"Disk d is attached to VM /subscriptions/x/vm."}}`},
			arm.ResourceInUse, "spreads", []string{"is attached to VM"}},
		"secrets in words": {inManaged + "Storage/storageAccounts/a", answer{status: 400, body: `{"error":{"code":"Odd","message":"See https://a.blob/c?sv=1&sig=canary%3D and client_secret=canary2 of eyJhbGciOi.canary3.x. Correlation ID: canary4"}}`},
			arm.RefusedByAzure, "spreads", []string{"See https://a.blob/c?sv=1&sig"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := azure.Explain(refusal(test.path, test.answer), about)
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code.Name != test.code.Name || outlook(err) != test.again {
				t.Fatalf("got %v, tried again %q; want %s, %q", err, outlook(err), test.code.Name, test.again)
			}
			message.Check(t, typed.AboutBody(), "canary", "RequestId")
			for _, words := range test.says {
				if !strings.Contains(typed.Message, words) {
					t.Errorf("%q does not say %q", typed.Message, words)
				}
			}
		})
	}
}

// TestFaultsInsideADeployment: they have no HTTP status of their own, because the
// deployment was accepted.
func TestFaultsInsideADeployment(t *testing.T) {
	tests := map[string]string{ // the code, or the message after a colon: whether it is tried again
		"StorageAccountOperationInProgress": "passes", "InternalServerError": "passes", "AnotherOperationInProgress": "passes", "RetryableError": "passes",
		"VMStartTimedOut": "passes", "OSProvisioningTimedOut": "passes", "OSProvisioningClientError": "passes", "NetworkingInternalOperationError": "passes",
		"AllocationFailed": "spreads", "ZonalAllocationFailed": "spreads",
		"QuotaExceeded": "", "SkuNotAvailable": "", "BadTaste": "",
		"NeverHeardOf:Something else is going on. Please retry later.":                    "passes",
		"NeverHeardOf:Another operation is in progress on the resource. Try again later.": "passes",
	}
	for fault, again := range tests {
		t.Run(fault, func(t *testing.T) {
			code, message, _ := strings.Cut(fault, ":")
			s := setUp(t)
			s.on("PUT "+deploymentPath, answer{status: 201, body: `{"properties":{"provisioningState":"Accepted"}}`, header: map[string]string{"Azure-AsyncOperation": origin + "/operation"}})
			s.on("GET /operation", answer{status: 200, body: `{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one resource deployment operation failed.","details":[
				{"code":"Conflict","message":"{\"status\":\"Failed\",\"error\":{\"code\":\"ResourceDeploymentFailure\",\"message\":\"The resource operation completed with terminal provisioning state 'Failed'.\",\"details\":[{\"code\":\"` + code + `\",\"message\":\"` + message + `\"}]}}"}]}}`})
			s.on("GET "+group+"/deployments/storage/operations", answer{status: 200, body: `{"value":[{"properties":{"provisioningState":"Failed","statusCode":"Conflict","targetResource":{"id":"/vm"},
				"statusMessage":{"status":"Failed","error":{"code":"ResourceDeploymentFailure","message":"m","details":[{"code":"` + code + `","message":"` + message + `"}]}}}}]}`})
			_, err := s.clients(t).Deploy(t.Context(), tokens{}, "g", "storage", func() (azure.Template, error) { return azure.Template{}, nil })
			err = azure.Explain(err, about)
			var typed *arm.Error
			if !errors.As(err, &typed) || outlook(err) != again {
				t.Fatalf("got %v, tried again %q; want %q", err, outlook(err), again)
			}
			told := typed.Message
			for _, d := range typed.Details {
				told += d.Target + d.Message
			}
			if !strings.Contains(told, code) || !strings.Contains(told, "/vm") {
				t.Errorf("the customer reads %s, %q", typed.Code.Name, told)
			}
		})
	}
}
