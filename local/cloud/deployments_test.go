package cloud_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/local/cloud"
)

func (w *fixture) deploy(credential azcore.TokenCredential, name string, template, parameters object) (armresources.DeploymentExtended, error) {
	w.t.Helper()
	template["$schema"] = "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#"
	client, err := armresources.NewDeploymentsClient(cloud.CustomerSubscription, credential, w.clients())
	if err != nil {
		w.t.Fatal(err)
	}
	poller, err := client.BeginCreateOrUpdate(context.Background(), "g", name, armresources.Deployment{Properties: &armresources.DeploymentProperties{
		Mode: to.Ptr(armresources.DeploymentModeIncremental), Template: template, Parameters: parameters,
	}}, nil)
	if err != nil {
		return armresources.DeploymentExtended{}, err
	}
	done, err := poller.PollUntilDone(context.Background(), nil)
	return done.DeploymentExtended, err
}

func TestADeploymentMakesWhatItsTemplateSays(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	template := object{
		"parameters": object{"password": object{"type": "secureString"}, "prefix": object{"type": "string"}},
		"resources": []any{
			object{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2021-09-01", "name": "[concat(parameters('prefix'), 'account')]", "location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}, "properties": object{}},
			object{"type": "Microsoft.Storage/storageAccounts/blobServices/containers", "apiVersion": "2021-09-01", "name": "[concat(parameters('prefix'), 'account/default/ignition')]",
				"dependsOn": []any{"[resourceId('Microsoft.Storage/storageAccounts', concat(parameters('prefix'), 'account'))]"}},
			object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "thing", "location": "[resourceGroup().location]", "properties": object{
				"secret": "[parameters('password')]",
				"query":  "[base64(listAccountSas(resourceId('Microsoft.Storage/storageAccounts', concat(parameters('prefix'), 'account')), '2019-04-01', createObject('signedPermission', 'rl', 'signedResourceTypes', 'o', 'signedServices', 'b', 'signedProtocol', 'https', 'signedStart', '2026-01-01T00:00:00Z', 'signedExpiry', '2099-01-01T00:00:00Z')).accountSasToken)]",
			}},
		},
		"outputs": object{"blob": object{"type": "string", "value": "[reference(concat(parameters('prefix'), 'account')).primaryEndpoints.blob]"}},
	}
	done, err := w.deploy(w.demo(), "storage", template, object{"password": object{"value": "s3cret!"}, "prefix": object{"value": "demo"}})
	if err != nil {
		t.Fatal(err)
	}
	outputs, _ := done.Properties.Outputs.(map[string]any)
	if got := outputs["blob"].(map[string]any)["value"]; got != w.Origin+"/blob/demoaccount/" {
		t.Errorf("the output is %v", got)
	}
	shown := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Resources/deployments/storage?api-version=1", nil, http.StatusOK, "")
	if text, err := json.Marshal(shown); err != nil || strings.Contains(string(text), "s3cret!") {
		t.Errorf("the deployment shows a secret: %s", text)
	}
	thing := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/thing?api-version=1", nil, http.StatusOK, "")
	if thing["properties"].(object)["secret"] != "s3cret!" || thing["properties"].(object)["query"] == "" {
		t.Error(thing)
	}
	w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/demoaccount/blobServices/default/containers/ignition?api-version=1", nil, http.StatusOK, "")
	operations := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Resources/deployments/storage/operations?api-version=1", nil, http.StatusOK, "")
	if n := len(operations["value"].([]any)); n != 4 { // and the outputs
		t.Errorf("%d operations", n)
	}
}

func TestAFailedDeploymentTellsWhichResourceAndWhy(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	template := object{"resources": []any{
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "good", "location": "eastus"},
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "bad", "location": "eastus"},
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "late", "location": "eastus", "dependsOn": []any{"bad"}},
	}}
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Path: "snapshots/bad$"}, Action: cloud.FaultAction{Kind: "policyDenied"}}); err != nil {
		t.Fatal(err)
	}
	_, err := w.deploy(w.demo(), "d", template, nil)
	if code(err) != "DeploymentFailed" || !strings.Contains(err.Error(), "RequestDisallowedByPolicy") {
		t.Errorf("got %v", err)
	}
	w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/good?api-version=1", nil, http.StatusOK, "")
	w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/late?api-version=1", nil, http.StatusNotFound, "ResourceNotFound")
}

func TestWhatIsAcceptedMayFailLater(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	fault := cloud.Fault{Name: "late", Match: cloud.FaultMatch{Path: "snapshots/unlucky$"}, Count: 1,
		Action: cloud.FaultAction{Kind: "failLater", Code: "VMStartTimedOut", Message: "It did not start.", Milliseconds: 50}}
	if _, err := w.SetFault(context.Background(), fault); err != nil {
		t.Fatal(err)
	}
	template := object{"resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "unlucky", "location": "eastus", "properties": object{}}}}
	const thing = customer + "/resourceGroups/g/providers/Microsoft.Compute/snapshots/unlucky?api-version=2023-04-02"
	if _, err := w.deploy(w.demo(), "d", template, nil); code(err) != "DeploymentFailed" || !strings.Contains(err.Error(), "VMStartTimedOut") {
		t.Errorf("got %v", err)
	}
	if state := w.want(w.demo(), http.MethodGet, thing, nil, http.StatusOK, "")["properties"].(object)["provisioningState"]; state != "Failed" {
		t.Errorf("what failed is %v", state)
	}
	if _, err := w.deploy(w.demo(), "d", template, nil); err != nil {
		t.Errorf("the second time: %v", err)
	}
	fault.Match.Method = http.MethodDelete
	if _, err := w.SetFault(context.Background(), fault); err != nil {
		t.Fatal(err)
	}
	w.want(w.demo(), http.MethodDelete, thing, nil, http.StatusAccepted, "")
	w.want(w.demo(), http.MethodGet, thing, nil, http.StatusOK, "")
}

func TestTheActivityLogHasWhatADeploymentDid(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Path: "snapshots/bad$"}, Action: cloud.FaultAction{Kind: "policyDenied"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.deploy(w.demo(), "d", object{"resources": []any{
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "good", "location": "eastus"},
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "bad", "location": "eastus"},
		object{"type": "Microsoft.RedHatOpenShift/openShiftClusters", "apiVersion": "2023-11-22", "name": "c", "location": "eastus", "properties": object{}},
	}}, nil); code(err) != "DeploymentFailed" {
		t.Fatal(err)
	}
	log := w.want(w.demo(), http.MethodGet, customer+"/providers/microsoft.insights/eventtypes/management/values?api-version=2015-04-01", nil, http.StatusOK, "")
	got, correlations := map[string]string{}, map[string]string{}
	for _, each := range log["value"].([]any) {
		event := each.(object)
		name := event["resourceId"].(string)
		name = name[strings.LastIndex(name, "/")+1:]
		got[name] = event["operationName"].(object)["value"].(string) + " " + event["status"].(object)["value"].(string)
		correlations[name] = event["correlationId"].(string)
	}
	for name, want := range map[string]string{
		"good": "Microsoft.Compute/snapshots/write Succeeded", "bad": "Microsoft.Compute/snapshots/write Failed",
		"c": "Microsoft.RedHatOpenShift/openShiftClusters/write Succeeded",
	} {
		if got[name] != want {
			t.Errorf("of %s it has %q, want %q", name, got[name], want)
		}
		if correlations[name] == "" || correlations[name] != correlations["d"] {
			t.Errorf("%s has the correlation id %q, the deployment %q", name, correlations[name], correlations["d"])
		}
	}
	if id := w.provider.last(http.MethodPut).Header.Get("X-Ms-Correlation-Request-Id"); id != correlations["d"] {
		t.Errorf("the resource provider got the correlation id %q", id)
	}
}

func TestADeploymentFollowsAnOperationThroughFailuresThatPass(t *testing.T) {
	var passed atomic.Int64
	w := newFixture(t, cloud.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	w.group("g")
	fault := func(f cloud.Fault) {
		t.Helper()
		if _, err := w.SetFault(context.Background(), f); err != nil {
			t.Fatal(err)
		}
	}
	const (
		scope     = customer + "/resourceGroups/g/providers/Microsoft.Resources/deployments/"
		operation = "/operationStatuses/"
	)
	// The inner deployment is slow, so that the outer one follows its operation.
	fault(cloud.Fault{Name: "slow", Match: cloud.FaultMatch{Method: "PUT", Path: "snapshots/slow$"}, Action: cloud.FaultAction{Kind: "delay", Milliseconds: 1000}})
	begin := func(name string) {
		t.Helper()
		w.want(w.demo(), http.MethodPut, scope+name+"?api-version=1", object{"properties": object{"mode": "Incremental", "template": object{"$schema": "deploymentTemplate.json", "resources": []any{
			object{"type": "Microsoft.Resources/deployments", "apiVersion": "2023-04-02", "name": name + "-inner", "properties": object{"mode": "Incremental", "template": object{
				"$schema": "deploymentTemplate.json", "resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "slow", "location": "eastus"}},
			}}},
		}}}}, http.StatusCreated, "")
	}
	ends := func(name, want string) {
		t.Helper()
		w.within(10*time.Second, "end of the deployment "+name, func() bool {
			got := w.want(w.demo(), http.MethodGet, scope+name+"?api-version=1", nil, http.StatusOK, "")
			state := got["properties"].(object)["provisioningState"]
			if state != "Running" && state != want {
				t.Fatalf("the deployment %s is %v: %v", name, state, got)
			}
			return state == want
		})
	}
	fault(cloud.Fault{Name: "busy", Match: cloud.FaultMatch{Path: operation}, Nth: 1, Count: 1, Action: cloud.FaultAction{Kind: "throttle"}})
	fault(cloud.Fault{Name: "away", Match: cloud.FaultMatch{Path: operation}, Nth: 2, Count: 1, Action: cloud.FaultAction{Kind: "fail", Status: http.StatusServiceUnavailable}})
	begin("patient")
	ends("patient", "Succeeded")
	if away := w.Faults()[0]; away.Seen < 2 {
		t.Errorf("the faults met %d polls", away.Seen)
	}
	fault(cloud.Fault{Name: "away", Match: cloud.FaultMatch{Path: operation}, Action: cloud.FaultAction{Kind: "fail", Status: http.StatusServiceUnavailable}})
	begin("hopeless")
	w.within(10*time.Second, "look at the operation", func() bool { return w.Faults()[0].Seen > 0 })
	passed.Add(int64(10 * time.Minute))
	ends("hopeless", "Failed")
}

func TestDeploymentsAreRefusedBeforeTheyBegin(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.deploy(w.demo(), "d", object{"resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "[nope()]"}}}, nil); code(err) != "InvalidTemplate" {
		t.Error(err)
	}
	credential, principal := w.newApplication()
	// A contributor may not grant roles, so neither may the contributor's deployment.
	if err := w.Access.Assign(context.Background(), principal, "b24988ac-6180-42a0-ab88-20f7382dd24c", customer+"/resourceGroups/g"); err != nil {
		t.Fatal(err)
	}
	_, err := w.deploy(credential, "d", object{"resources": []any{object{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2023-04-02", "name": "[guid('x')]", "properties": object{}}}}, nil)
	if code(err) != "InvalidTemplateDeployment" || !strings.Contains(err.Error(), "Authorization failed for template resource") {
		t.Error(err)
	}
}

func TestADeploymentThatRunsIsNotReplaced(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Method: "PUT", Path: "snapshots/slow$"}, Action: cloud.FaultAction{Kind: "delay", Milliseconds: 1500}}); err != nil {
		t.Fatal(err)
	}
	body := object{"properties": object{"mode": "Incremental", "template": object{"$schema": "deploymentTemplate.json", "resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "slow", "location": "eastus"}}}}}
	const target = customer + "/resourceGroups/g/providers/Microsoft.Resources/deployments/d?api-version=1"
	w.want(w.demo(), http.MethodPut, target, body, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPut, target, body, http.StatusConflict, "DeploymentActive")
	// A restart continues it.
	w.restart()
	w.within(10e9, "the end of the deployment", func() bool {
		got := w.want(w.demo(), http.MethodGet, target, nil, http.StatusOK, "")
		return got["properties"].(object)["provisioningState"] == "Succeeded"
	})
}

func TestNestedDeploymentsAreDeployed(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	nested := func(name string, options object, expression string) object {
		return object{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": name, "properties": object{
			"mode": "Incremental", "expressionEvaluationOptions": options, "parameters": object{"who": object{"value": "[parameters('who')]"}},
			"template": object{"$schema": "deploymentTemplate.json", "parameters": object{"who": object{"type": "string"}}, "resources": []any{
				object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": expression, "location": "eastus"},
			}},
		}}
	}
	_, err := w.deploy(w.demo(), "outer", object{
		"parameters": object{"who": object{"type": "string"}},
		"resources": []any{
			nested("first", object{"scope": "inner"}, "[concat(deployment().name, parameters('who'))]"),
			nested("second", object{"scope": "outer"}, "[concat(deployment().name, parameters('who'))]"),
		},
	}, object{"who": object{"value": "Me"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"firstMe", "outerMe"} {
		w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/"+name+"?api-version=1", nil, http.StatusOK, "")
	}
}

func TestAClusterOfATemplateGoesToTheResourceProvider(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	_, err := w.deploy(w.demo(), "d", object{"resources": []any{
		object{"type": "Microsoft.RedHatOpenShift/openShiftClusters", "apiVersion": "2023-11-22", "name": "c", "location": "[resourceGroup().location]", "properties": object{}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.deploy(w.demo(), "d2", object{"resources": []any{
		object{"type": "Microsoft.RedHatOpenShift/openShiftClusters", "apiVersion": "2023-11-22", "name": "c2", "location": "eastus", "properties": object{"domain": "wrong", "later": "[reference('x')]"}},
	}}, nil)
	if code(err) != "InvalidTemplateDeployment" || !strings.Contains(err.Error(), "the domain is wrong") {
		t.Errorf("the judgement of the resource provider: %v", err)
	}
	if got := w.provider.last(http.MethodPut); got == nil || !strings.Contains(got.Header.Get("X-Ms-Arm-Resource-System-Data"), cloud.DemoApplication) {
		t.Errorf("the resource provider got %v", got)
	}
}

func TestAnInterruptedDeploymentGoesOnWithItsSecretsAndForgetsThem(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Method: "PUT", Path: "snapshots/slow$"}, Count: 1, Action: cloud.FaultAction{Kind: "delay", Milliseconds: 60000}}); err != nil {
		t.Fatal(err)
	}
	const (
		scope  = customer + "/resourceGroups/g/providers/Microsoft.Resources/deployments"
		secret = "s3cret!"
	)
	shown := func() (state string) {
		t.Helper()
		for _, target := range []string{scope, scope + "/d", scope + "/d/operations"} {
			got := w.want(w.demo(), http.MethodGet, target+"?api-version=1", nil, http.StatusOK, "")
			if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), secret) {
				t.Errorf("%s shows the secret: %s", target, text)
			}
			if properties, ok := got["properties"].(object); ok {
				state, _ = properties["provisioningState"].(string)
			}
		}
		return state
	}
	w.want(w.demo(), http.MethodPut, scope+"/d?api-version=1", object{"properties": object{"mode": "Incremental", "parameters": object{"secret": object{"value": secret}}, "template": object{
		"$schema": "deploymentTemplate.json", "parameters": object{"secret": object{"type": "secureString"}},
		"resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "slow", "location": "eastus", "properties": object{"s": "[parameters('secret')]"}}},
	}}}, http.StatusCreated, "")
	w.within(10e9, "the call that is interrupted", func() bool { return w.Faults()[0].Seen == 1 })
	if state := shown(); state != "Running" {
		t.Errorf("it is %s before it is interrupted", state)
	}
	w.restart()
	w.within(10e9, "the end of the deployment", func() bool { return shown() == "Succeeded" })
	thing := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/slow?api-version=1", nil, http.StatusOK, "")
	if got := thing["properties"].(object)["s"]; got != secret {
		t.Errorf("the resource was made with %v", got)
	}
	kept, err := w.Engine.Get(context.Background(), scope+"/d")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(kept); err != nil || strings.Contains(string(text), secret) || kept.Local["parameters"] != nil {
		t.Errorf("what is kept: %s", text)
	}
}

func TestADeploymentCanBeCancelled(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Method: "PUT", Path: "snapshots/slow$"}, Action: cloud.FaultAction{Kind: "delay", Milliseconds: 60000}}); err != nil {
		t.Fatal(err)
	}
	const target = customer + "/resourceGroups/g/providers/Microsoft.Resources/deployments/d"
	body := object{"properties": object{"mode": "Incremental", "template": object{"$schema": "deploymentTemplate.json", "resources": []any{object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "slow", "location": "eastus"}}}}}
	w.want(w.demo(), http.MethodPut, target+"?api-version=1", body, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPost, target+"/cancel?api-version=1", nil, http.StatusNoContent, "")
	got := w.want(w.demo(), http.MethodGet, target+"?api-version=1", nil, http.StatusOK, "")
	if state := got["properties"].(object)["provisioningState"]; state != "Canceled" {
		t.Errorf("it is %v", state)
	}
	w.want(w.demo(), http.MethodPost, target+"/cancel?api-version=1", nil, http.StatusConflict, "DeploymentCannotBeCancelled")
}
