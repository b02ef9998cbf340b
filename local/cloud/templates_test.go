package cloud_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/network"
)

const (
	inGroup        = customer + "/resourceGroups/g/providers/Microsoft.Resources/deployments/"
	inSubscription = customer + "/providers/Microsoft.Resources/deployments/"
	atVersion      = "?api-version=2022-09-01"
)

// vnet is a resource of a template.
func vnet(name string, prefixes ...any) object {
	return object{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-04-01", "name": name, "location": "eastus", "properties": object{"addressSpace": object{"addressPrefixes": prefixes}}}
}

func templateOf(resources ...any) object {
	return object{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": append([]any{}, resources...)}
}

func deploymentOf(template object) object {
	return object{"properties": object{"mode": "Incremental", "template": template}}
}

// send is a raw request with a text as its body.
func (w *fixture) send(method, target, content string) (int, http.Header, object) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.Origin+target, strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := w.demo().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}})
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer object
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, resp.Header, answer
}

// ends puts a deployment and waits for its end.
func (w *fixture) ends(target string, body any) object {
	w.t.Helper()
	status, _, answer := w.call(w.demo(), http.MethodPut, target+atVersion, body)
	if status != http.StatusCreated && status != http.StatusOK {
		w.t.Fatalf("PUT %s: %d %v", target, status, answer)
	}
	var shown object
	w.within(20*time.Second, "the end of "+target, func() bool {
		shown = w.want(w.demo(), http.MethodGet, target+atVersion, nil, http.StatusOK, "")
		state := shown["properties"].(object)["provisioningState"]
		return state != "Running" && state != "Accepted"
	})
	return shown["properties"].(object)
}

func output(t *testing.T, properties object, name string) any {
	t.Helper()
	outputs, _ := properties["outputs"].(object)
	one, _ := outputs[name].(object)
	if one == nil {
		t.Fatalf("there is no output %s: %v", name, properties)
	}
	return one["value"]
}

func TestTemplatesOfPeopleDeploy(t *testing.T) {
	for file, judge := range map[string]func(*testing.T, *fixture, object){
		"t01-old-extension-form": func(t *testing.T, w *fixture, _ object) {
			assignments := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01", nil, http.StatusOK, "")
			if !strings.Contains(strings.ToLower(jsonText(t, assignments)), "virtualnetworks/v") {
				t.Error(assignments)
			}
		},
		"t02-sub-bicep-rg-module": networkInItsGroup,
		"t03-sub-docs-rg-nested":  networkInItsGroup,
		"t04-sub-deployment-location": func(t *testing.T, _ *fixture, properties object) {
			if got := properties["parameters"].(object)["location"].(object)["value"]; got != "westus2" {
				t.Errorf("the location is %v", got)
			}
		},
		"t06-nullable": func(t *testing.T, _ *fixture, properties object) {
			if v, ok := properties["parameters"].(object)["tags"].(object)["value"]; !ok || v != nil {
				t.Error(properties)
			}
		},
		"t07-user-type": func(t *testing.T, _ *fixture, properties object) {
			if got := properties["parameters"].(object)["v"].(object)["value"]; got != "Public" {
				t.Error(properties)
			}
		},
		"t08-existing": func(t *testing.T, _ *fixture, properties object) {
			if got := output(t, properties, "a"); !reflect.DeepEqual(got, []any{"10.0.0.0/16"}) {
				t.Error(got)
			}
		},
		"t09-symbolic-loop": func(t *testing.T, _ *fixture, properties object) {
			if n := len(properties["outputResources"].([]any)); n != 3 {
				t.Error(properties)
			}
		},
		"t11-utcnow-format": func(t *testing.T, _ *fixture, properties object) {
			if got := output(t, properties, "f"); got != "1,000|    a" {
				t.Error(got)
			}
			if got := output(t, properties, "t"); got != time.Now().UTC().Format(time.DateOnly) {
				t.Error(got)
			}
		},
		"t13-user-function": func(t *testing.T, _ *fixture, properties object) {
			if got := output(t, properties, "o"); got != "v" {
				t.Error(got)
			}
		},
	} {
		t.Run(file, func(t *testing.T) {
			w := newFixture(t, cloud.Options{})
			w.group("g")
			w.ends(inGroup+"before", deploymentOf(templateOf(vnet("aro-vnet", "10.0.0.0/16"))))
			_, principal := w.newApplication()
			content, err := os.ReadFile(filepath.Join("testdata/templates", file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var template object
			if err := json.Unmarshal([]byte(strings.ReplaceAll(string(content), "<object id>", principal)), &template); err != nil {
				t.Fatal(err)
			}
			body, target := deploymentOf(template), inGroup+"d"
			if strings.Contains(file, "-sub-") {
				body["location"], target = "westus2", inSubscription+"d"
			}
			w.want(w.demo(), http.MethodPost, target+"/validate"+atVersion, body, http.StatusOK, "")
			properties := w.ends(target, body)
			if properties["provisioningState"] != "Succeeded" {
				t.Fatal(jsonText(t, properties))
			}
			judge(t, w, properties)
		})
	}
}

func networkInItsGroup(t *testing.T, w *fixture, _ object) {
	t.Helper()
	w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/demorg2/providers/Microsoft.Network/virtualNetworks/v?api-version=2023-04-01", nil, http.StatusOK, "")
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTyposInTemplatesAreRefused(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	with := func(member string, v any) object {
		r := vnet("v", "10.0.0.0/16")
		r[member] = v
		return deploymentOf(templateOf(r))
	}
	content, err := os.ReadFile("testdata/templates/t15-type-typo.json")
	if err != nil {
		t.Fatal(err)
	}
	var typo object
	if err := json.Unmarshal(content, &typo); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body object
		want string
	}{
		"type":        {deploymentOf(typo), "InvalidResourceType"},
		"namespace":   {with("type", "Microsoft.Netwrok/virtualNetworks"), "InvalidResourceNamespace"},
		"version":     {with("apiVersion", "2023-13-01"), "NoRegisteredProviderFound"},
		"unpublished": {with("apiVersion", "2023-04-02"), "NoRegisteredProviderFound"},
		"future":      {with("apiVersion", "2203-04-01"), "NoRegisteredProviderFound"},
		"region":      {with("location", "estaus"), "LocationNotAvailableForResourceType"},
		"function":    {with("name", "[conact('a', 'b')]"), "'conact' is not valid"},
		"nested type": {deploymentOf(templateOf(object{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": object{"mode": "Incremental", "expressionEvaluationOptions": object{"scope": "inner"}, "template": typo}})), "InvalidResourceType"},
		"output": {deploymentOf(func() object {
			o := templateOf()
			o["outputs"] = object{"o": object{"type": "string", "value": "[nope()]"}}
			return o
		}()), "'nope' is not valid"},
		"location of groups": {func() object { b := deploymentOf(templateOf()); b["location"] = "eastus"; return b }(), "not allowed"},
	} {
		for _, call := range []struct{ method, target string }{{http.MethodPost, inGroup + "d/validate"}, {http.MethodPut, inGroup + "d"}, {http.MethodPost, inGroup + "d/whatIf"}} {
			status, _, answer := w.call(w.demo(), call.method, call.target+atVersion, c.body)
			if status != http.StatusBadRequest || !strings.Contains(jsonText(t, answer), c.want) {
				t.Errorf("%s: %s %s: %d %v", name, call.method, call.target, status, answer)
			}
		}
	}
	w.want(w.demo(), http.MethodPut, customer+"/resourceGroups/wrong%20name"+atVersion, object{"location": "eastus"}, http.StatusBadRequest, "InvalidResourceGroup")
	w.want(w.demo(), http.MethodPut, customer+"/resourceGroups/dot."+atVersion, object{"location": "eastus"}, http.StatusBadRequest, "InvalidResourceGroup")
	// A nested deployment into a group that is not there cannot go.
	nested := object{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "resourceGroup": "nowhere", "properties": object{"mode": "Incremental", "template": templateOf()}}
	w.want(w.demo(), http.MethodPost, inGroup+"d/validate"+atVersion, deploymentOf(templateOf(nested)), http.StatusNotFound, "ResourceGroupNotFound")
	w.want(w.demo(), http.MethodPut, inSubscription+"d"+atVersion, deploymentOf(templateOf()), http.StatusBadRequest, "InvalidDeployment")
}

// azBody is a body in the form of az: its template is the file as it is.
const azBody = `{"properties": {"mode": "Incremental", "parameters": {"n": {"value": 9007199254740993}}, template:{
  // A comment, and /* another */ one.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", /* here
  too */ "contentVersion": "1.0.0.0", "parameters": {"n": {"type": "int"}}, "resources": [],
  "outputs": {"o": {"type": "object", "value": {"z": "[add(parameters('n'), 1)]", "a": "line
break"}}}
}}}`

func TestBodiesOfAzAreReadAsAzureReadsThem(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	status, header, answer := w.send(http.MethodPut, inGroup+"d"+atVersion, azBody)
	if status != http.StatusCreated || answer["properties"].(object)["provisioningState"] != "Accepted" || !strings.Contains(header.Get("Azure-AsyncOperation"), "/deployments/d/operationStatuses/") {
		t.Fatal(status, header, answer)
	}
	w.within(10*time.Second, "end of the operation", func() bool {
		got := w.want(w.demo(), http.MethodGet, header.Get("Azure-AsyncOperation"), nil, http.StatusOK, "")
		return got["status"] == "Succeeded"
	})
	req, err := http.NewRequest(http.MethodGet, w.Origin+inGroup+"d"+atVersion, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.demo().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"z":9007199254740994,"a":"line\nbreak"}`; !strings.Contains(string(content), want) {
		t.Errorf("%s is not in %s", want, content)
	}
	for name, wrong := range map[string]string{
		"single quotes": strings.Replace(azBody, `"mode"`, `'mode'`, 1), "a trailing comma": strings.Replace(azBody, `"resources": [],`, `"resources": [1,],`, 1), "no end": azBody[:len(azBody)-1],
	} {
		if status, _, answer := w.send(http.MethodPut, inGroup+"e"+atVersion, wrong); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, _, _ := w.send(http.MethodPut, customer+"/resourceGroups/h"+atVersion, `{location: "eastus"}`); status != http.StatusBadRequest {
		t.Errorf("another body with unquoted names: %d", status)
	}
}

func TestOperationsAreListedOnThePathOfTheSDKs(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	w.ends(inGroup+"d", deploymentOf(templateOf(vnet("v", "10.0.0.0/16"))))
	list := w.want(w.demo(), http.MethodGet, customer+"/resourcegroups/g/deployments/d/operations"+atVersion, nil, http.StatusOK, "")
	all := list["value"].([]any)
	if len(all) != 2 || all[1].(object)["properties"].(object)["provisioningOperation"] != "EvaluateDeploymentOutput" {
		t.Fatal(list)
	}
	one := all[0].(object)
	got := w.want(w.demo(), http.MethodGet, customer+"/resourcegroups/g/deployments/d/operations/"+one["operationId"].(string)+atVersion, nil, http.StatusOK, "")
	if !reflect.DeepEqual(got, one) {
		t.Error(got)
	}
}

func TestADeploymentIsDeletedAsynchronously(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	w.ends(inGroup+"d", deploymentOf(templateOf()))
	status, header, _ := w.call(w.demo(), http.MethodDelete, inGroup+"d"+atVersion, nil)
	if status != http.StatusAccepted || header.Get("Location") == "" || header.Get("Retry-After") == "" {
		t.Fatal(status, header)
	}
	w.within(10*time.Second, "end of the deletion", func() bool {
		status, _, _ := w.call(w.demo(), http.MethodGet, header.Get("Location"), nil)
		if status != http.StatusAccepted && status != http.StatusNoContent {
			t.Fatal(status)
		}
		return status == http.StatusNoContent
	})
	w.want(w.demo(), http.MethodGet, inGroup+"d"+atVersion, nil, http.StatusNotFound, "")
	w.want(w.demo(), http.MethodDelete, inGroup+"d"+atVersion, nil, http.StatusNoContent, "")
}

func TestTemplatesAreExported(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	empty := w.want(w.demo(), http.MethodPost, customer+"/resourcegroups/g/exportTemplate"+atVersion, object{"resources": []any{"*"}}, http.StatusOK, "")
	if n := len(empty["template"].(object)["resources"].([]any)); n != 0 {
		t.Error(empty)
	}
	template := templateOf(vnet("v", "10.0.0.0/16"))
	w.ends(inGroup+"d", deploymentOf(template))
	kept := w.want(w.demo(), http.MethodPost, inGroup+"d/exportTemplate"+atVersion, nil, http.StatusOK, "")
	if got, want := jsonText(t, kept["template"]), jsonText(t, template); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	exported := w.want(w.demo(), http.MethodPost, customer+"/resourcegroups/g/exportTemplate"+atVersion, object{"resources": []any{"*"}, "options": "IncludeParameterDefaultValue"}, http.StatusOK, "")
	// What was exported changes nothing.
	again := exported["template"].(object)
	if changes := w.changes(inGroup+"d", deploymentOf(again)); len(changes) != 1 || changes[customer+"/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"]["changeType"] != "NoChange" {
		t.Errorf("%s: %v", jsonText(t, again), changes)
	}
}

// changes asks what a deployment would change, by the ids of resources.
func (w *fixture) changes(target string, body any) map[string]object {
	w.t.Helper()
	status, header, answer := w.call(w.demo(), http.MethodPost, target+"/whatIf"+atVersion, body)
	if status != http.StatusAccepted {
		w.t.Fatalf("whatIf of %s: %d %v", target, status, answer)
	}
	result := w.want(w.demo(), http.MethodGet, header.Get("Location"), nil, http.StatusOK, "")
	all := map[string]object{}
	for _, c := range result["properties"].(object)["changes"].([]any) {
		change := c.(object)
		all[change["resourceId"].(string)] = change
	}
	return all
}

func TestWhatIfTellsWhatWouldChange(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const v, other = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v", customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/other"
	withSubnets := func(prefix string, subnets ...any) object {
		r := vnet("v", prefix)
		r["properties"].(object)["subnets"] = subnets
		r["tags"] = object{"a": "b"}
		return r
	}
	subnet := func(name, prefix string) object {
		return object{"name": name, "properties": object{"addressPrefix": prefix}}
	}
	first := withSubnets("10.0.0.0/16", subnet("one", "10.0.1.0/24"), subnet("two", "10.0.2.0/24"))
	kinds := func(changes map[string]object) map[string]string {
		all := map[string]string{}
		for id, c := range changes {
			all[id[strings.LastIndex(id, "/")+1:]] = c["changeType"].(string)
		}
		return all
	}
	if got := kinds(w.changes(inGroup+"d", deploymentOf(templateOf(first)))); !reflect.DeepEqual(got, map[string]string{"v": "Create"}) {
		t.Error(got)
	}
	w.ends(inGroup+"d", deploymentOf(templateOf(first, vnet("other", "10.1.0.0/16"))))
	if got := kinds(w.changes(inGroup+"d", deploymentOf(templateOf(first)))); !reflect.DeepEqual(got, map[string]string{"v": "NoChange", "other": "Ignore"}) {
		t.Error(got)
	}
	whole := deploymentOf(templateOf(first))
	whole["properties"].(object)["mode"] = "Complete"
	if got := kinds(w.changes(inGroup+"d", whole)); !reflect.DeepEqual(got, map[string]string{"v": "NoChange", "other": "Delete"}) {
		t.Error(got)
	}
	second := withSubnets("10.0.0.0/15", subnet("two", "10.0.3.0/24"), subnet("three", "10.0.4.0/24"))
	delete(second, "tags")
	change := w.changes(inGroup+"d", deploymentOf(templateOf(second)))[v]
	text := jsonText(t, change["delta"])
	for _, want := range []string{`"path":"tags","propertyChangeType":"Delete"`, `"path":"properties.subnets","propertyChangeType":"Array"`, `"path":"properties.addressPrefix"`, `"path":"properties.addressSpace.addressPrefixes"`} {
		if !strings.Contains(strings.ReplaceAll(text, " ", ""), want) && !containsMembers(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if change["changeType"] != "Modify" || change["before"] == nil || change["after"] == nil {
		t.Error(change)
	}
	w.ends(inGroup+"d", whole)
	w.want(w.demo(), http.MethodGet, other+"?api-version=2023-04-01", nil, http.StatusNotFound, "ResourceNotFound")
	w.want(w.demo(), http.MethodGet, v+"?api-version=2023-04-01", nil, http.StatusOK, "")
	ids := deploymentOf(templateOf(first))
	ids["properties"].(object)["whatIfSettings"] = object{"resultFormat": "ResourceIdOnly"}
	if change := w.changes(inGroup+"d", ids)[v]; change["after"] != nil || change["changeType"] != "NoChange" {
		t.Error(change)
	}
	// At the subscription: a group, and what a nested deployment makes in it.
	body := object{"location": "eastus", "properties": object{"mode": "Incremental", "template": templateOf(
		object{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2022-09-01", "name": "new", "location": "eastus"},
		object{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2022-09-01", "name": "g", "location": "eastus"},
		object{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "resourceGroup": "new", "dependsOn": []any{"new"}, "properties": object{"mode": "Incremental", "template": templateOf(vnet("inside", "10.0.0.0/16"))}},
	)}}
	if got := kinds(w.changes(inSubscription+"d", body)); !reflect.DeepEqual(got, map[string]string{"new": "Create", "g": "NoChange", "inside": "Create"}) {
		t.Error(got)
	}
}

// TestWhatIfOfTheServicesLoadBalancerHasNoNoise deploys the load balancer of aro deploy,
// whose parts the network completes and decorates.
func TestWhatIfOfTheServicesLoadBalancerHasNoNoise(t *testing.T) {
	w := newFixture(t, cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		network.New(a.Engine, slog.New(slog.DiscardHandler))
		return nil
	}}})
	w.group("g")
	template, err := deploy.Template("region")
	if err != nil {
		t.Fatal(err)
	}
	template["resources"], template["outputs"] = template["resources"].([]any)[:2], object{}
	parameters := object{"frontendPort": object{"value": 8443}, "portalPort": object{"value": 8444}}
	for name, declared := range template["parameters"].(object) {
		if _, optional := declared.(object)["defaultValue"]; !optional {
			parameters[name] = object{"value": "unused"}
		}
	}
	body := deploymentOf(template)
	body["properties"].(object)["parameters"] = parameters
	w.ends(inGroup+"d", body)
	changes := w.changes(inGroup+"d", body)
	for id, change := range changes {
		if change["changeType"] != "NoChange" {
			t.Errorf("%s: %s", id, jsonText(t, change["delta"]))
		}
	}
	if len(changes) != 2 {
		t.Errorf("%d resources, want the address and the load balancer", len(changes))
	}
	parameters["portalPort"] = object{"value": 8445}
	const want = `[{"children":[{"children":[{"after":8445,"before":8444,"path":"properties.frontendPort","propertyChangeType":"Modify"}],"path":"1","propertyChangeType":"Modify"}],"path":"properties.loadBalancingRules","propertyChangeType":"Array"}]`
	if got := jsonText(t, w.changes(inGroup+"d", body)[customer+"/resourceGroups/g/providers/Microsoft.Network/loadBalancers/rp-lb"]["delta"]); got != want {
		t.Errorf("with another port it says %s, want %s", got, want)
	}
}

// containsMembers reports whether two members of one object are in a text, in any order.
func containsMembers(text, members string) bool {
	for _, m := range strings.Split(members, `,"`) {
		if !strings.Contains(text, strings.Trim(m, `"`)) {
			return false
		}
	}
	return true
}

func TestWhatIfOfAClusterHasNoNoise(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	cluster := func(version string) object {
		return object{"type": "Microsoft.RedHatOpenShift/openShiftClusters", "apiVersion": "2023-11-22", "name": "c", "location": "[resourceGroup().location]",
			"properties": object{"pullSecret": "{}", "clusterProfile": object{"domain": "d", "version": version, "resourceGroupId": "[format('{0}/resourcegroups/managed', subscription().id)]"}}}
	}
	w.ends(inGroup+"d", deploymentOf(templateOf(cluster("4.15.1"))))
	const id = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	if change := w.changes(inGroup+"d", deploymentOf(templateOf(cluster("4.15.1"))))[id]; change["changeType"] != "NoChange" {
		t.Error(jsonText(t, change))
	}
	change := w.changes(inGroup+"d", deploymentOf(templateOf(cluster("4.16.1"))))[id]
	if change["changeType"] != "Modify" || jsonText(t, change["delta"]) != `[{"after":"4.16.1","before":"4.15.1","path":"properties.clusterProfile.version","propertyChangeType":"Modify"}]` {
		t.Error(jsonText(t, change["delta"]))
	}
	if status, _, answer := w.call(w.demo(), http.MethodPost, inGroup+"d/whatIf"+atVersion, deploymentOf(templateOf(cluster("wrong")))); status != http.StatusBadRequest || !strings.Contains(jsonText(t, answer), "the domain is wrong") {
		t.Error(status, answer)
	}
}

// secret sets one in a vault, through its data plane.
func (w *fixture) secret(vault, name, text string) {
	w.t.Helper()
	ctx := context.Background()
	credential, principal := w.newApplication()
	id, found, err := w.VaultID(ctx, vault)
	if err != nil || !found {
		w.t.Fatal(found, err)
	}
	if err := w.Access.Assign(ctx, principal, "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", id); err != nil { // Key Vault Secrets Officer
		w.t.Fatal(err)
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPut, w.Origin+"/vaults/"+vault+"/secrets/"+name+"?api-version=7.4", strings.NewReader(jsonText(w.t, object{"value": text})))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(resp.Body)
		w.t.Fatal(resp.StatusCode, string(content))
	}
}

func TestParametersComeFromAKeyVault(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const vault = customer + "/resourceGroups/g/providers/Microsoft.KeyVault/vaults/parameters"
	put := func(enabled bool) {
		t.Helper()
		body := object{"location": "eastus", "properties": object{"tenantId": cloud.TenantID, "sku": object{"family": "A", "name": "standard"}, "accessPolicies": []any{}, "enabledForTemplateDeployment": enabled}}
		if status, _, answer := w.call(w.demo(), http.MethodPut, vault+"?api-version=2023-07-01", body); status >= http.StatusBadRequest {
			t.Fatal(status, answer)
		}
	}
	put(false)
	w.secret("parameters", "password", "s3cret!")
	template := templateOf(object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "s", "location": "eastus", "properties": object{"p": "[parameters('p')]"}})
	template["parameters"] = object{"p": object{"type": "securestring"}}
	body := deploymentOf(template)
	body["properties"].(object)["parameters"] = object{"p": object{"reference": object{"keyVault": object{"id": vault}, "secretName": "password"}}}
	w.want(w.demo(), http.MethodPost, inGroup+"d/validate"+atVersion, body, http.StatusBadRequest, "KeyVaultParameterReferenceSecretRetrieveFailed")
	put(true)
	properties := w.ends(inGroup+"d", body)
	if properties["provisioningState"] != "Succeeded" || strings.Contains(jsonText(t, properties), "s3cret!") {
		t.Error(properties)
	}
	made := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/s?api-version=1", nil, http.StatusOK, "")
	if got := made["properties"].(object)["p"]; got != "s3cret!" {
		t.Error(made)
	}
}

func TestLinkedTemplatesAreDeployed(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/main.json":
			_, _ = io.WriteString(rw, `{"$schema": "deploymentTemplate.json", "parameters": {"n": {"type": "string"}}, "resources": [], // a comment
				"outputs": {"o": {"type": "string", "value": "[parameters('n')]"}, "uri": {"type": "string", "value": "[deployment().properties.templateLink.uri]"}}}`)
		case "/parameters.json":
			_, _ = io.WriteString(rw, `{"parameters": {"n": {"value": "linked"}}}`)
		default:
			http.NotFound(rw, r)
		}
	}))
	t.Cleanup(server.Close)
	body := object{"properties": object{"mode": "Incremental", "templateLink": object{"uri": server.URL + "/main.json"}, "parametersLink": object{"uri": server.URL + "/parameters.json"}}}
	properties := w.ends(inGroup+"d", body)
	if output(t, properties, "o") != "linked" || output(t, properties, "uri") != server.URL+"/main.json" {
		t.Error(properties)
	}
	body["properties"].(object)["templateLink"] = object{"uri": server.URL + "/none.json"}
	w.want(w.demo(), http.MethodPut, inGroup+"e"+atVersion, body, http.StatusBadRequest, "InvalidContentLink")
	// A nested deployment may have a link, too.
	nested := object{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": object{"mode": "Incremental", "templateLink": object{"uri": server.URL + "/main.json"}, "parameters": object{"n": object{"value": "nested"}}}}
	outer := templateOf(nested)
	outer["outputs"] = object{"o": object{"type": "string", "value": "[reference('n').outputs.o.value]"}}
	if properties := w.ends(inGroup+"f", deploymentOf(outer)); output(t, properties, "o") != "nested" {
		t.Error(properties)
	}
}

func TestSecureOutputsReachTheDeploymentAroundAndNobodyElse(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	inner := templateOf()
	inner["parameters"] = object{"p": object{"type": "securestring"}}
	inner["outputs"] = object{"s": object{"type": "securestring", "value": "[concat(parameters('p'), '!')]"}, "plain": object{"type": "int", "value": 1}}
	outer := templateOf(
		object{"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": object{"mode": "Incremental", "expressionEvaluationOptions": object{"scope": "inner"}, "template": inner, "parameters": object{"p": object{"value": "hush"}}}},
		object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": "s", "location": "eastus", "properties": object{"p": "[listOutputsWithSecureValues(resourceId('Microsoft.Resources/deployments', 'n'), '2022-09-01').s]"}},
	)
	if properties := w.ends(inGroup+"d", deploymentOf(outer)); properties["provisioningState"] != "Succeeded" {
		t.Fatal(properties)
	}
	made := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.Compute/snapshots/s?api-version=1", nil, http.StatusOK, "")
	if got := made["properties"].(object)["p"]; got != "hush!" {
		t.Error(made)
	}
	shown := w.want(w.demo(), http.MethodGet, inGroup+"n"+atVersion, nil, http.StatusOK, "")
	if text := jsonText(t, shown); strings.Contains(text, "hush") || !strings.Contains(text, `"SecureString"`) {
		t.Error(text)
	}
}

func TestAFailureIsToldByTheOperation(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	if _, err := w.SetFault(context.Background(), cloud.Fault{Match: cloud.FaultMatch{Path: "virtualNetworks/v$"}, Action: cloud.FaultAction{Kind: "policyDenied"}}); err != nil {
		t.Fatal(err)
	}
	status, header, answer := w.call(w.demo(), http.MethodPut, inGroup+"d"+atVersion, deploymentOf(templateOf(vnet("v", "10.0.0.0/16"))))
	if status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	w.within(10*time.Second, "end of the operation", func() bool {
		got := w.want(w.demo(), http.MethodGet, header.Get("Azure-AsyncOperation"), nil, http.StatusOK, "")
		if got["status"] != "Failed" {
			return false
		}
		text := jsonText(t, got["error"])
		if !strings.Contains(text, `"code":"DeploymentFailed"`) || !strings.Contains(text, `"code":"RequestDisallowedByPolicy"`) || !strings.Contains(text, `"target":"v"`) {
			t.Error(text)
		}
		return true
	})
}
