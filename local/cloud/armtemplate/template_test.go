package armtemplate_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

func object(t *testing.T, text string) *value.Object {
	t.Helper()
	v, err := value.Parse(text, value.Strict)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Object)
}

func parse(t *testing.T, text string) *value.Object {
	t.Helper()
	o := object(t, text)
	if _, ok := o.Has("$schema"); !ok {
		o.Set("$schema", "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#")
	}
	return o
}

const full = `{
  "parameters": {"prefix": {"type": "string"}, "password": {"type": "secureString"}, "count": {"type": "int", "defaultValue": 2}},
  "variables": {"net": "[concat(parameters('prefix'), '-net')]", "copy": [{"name": "names", "count": 2, "input": "[concat('n', copyIndex('names'))]"}]},
  "resources": [
    {"type": "A.B/vm", "apiVersion": "1", "name": "[concat(parameters('prefix'), copyIndex(1))]", "copy": {"name": "vms", "count": "[parameters('count')]"},
     "dependsOn": ["[resourceId('A.B/net', variables('net'))]"], "zones": ["[string(copyIndex(1))]"],
     "properties": {"password": "[parameters('password')]", "name": "[variables('names')[copyIndex()]]", "copy": [{"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]"}}]}},
    {"type": "A.B/net", "apiVersion": "1", "name": "[variables('net')]", "location": "[resourceGroup().location]", "resources": [{"type": "sub", "apiVersion": "1", "name": "s"}]},
    {"type": "A.B/never", "apiVersion": "1", "name": "never", "condition": "[equals(1, 2)]"},
    {"type": "A.B/late", "apiVersion": "1", "name": "late", "dependsOn": ["vms", "never"]},
    {"type": "A.B/uses", "apiVersion": "1", "name": "uses", "properties": {"ip": "[reference('late').ip]"}},
    {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "1", "name": "[guid('x')]", "scope": "[resourceId('A.B/net', variables('net'))]"}
  ],
  "outputs": {"ip": {"type": "string", "value": "[reference('late').ip]"}, "secret": {"type": "secureString", "value": "[parameters('password')]"}}
}`

func TestResourcesComeInTheOrderOfTheirDependencies(t *testing.T) {
	evaluated, err := armtemplate.New(parse(t, full), object(t, `{"prefix": {"value": "p"}, "password": {"value": "geheim"}}`), environment())
	if err != nil {
		t.Fatal(err)
	}
	position := map[string]int{}
	for i, r := range evaluated.Resources() {
		position[r.Type+"/"+r.Name] = i + 1
	}
	for _, pair := range [][2]string{{"A.B/net/p-net", "A.B/vm/p1"}, {"A.B/vm/p2", "A.B/late/late"}, {"A.B/late/late", "A.B/uses/uses"}, {"A.B/net/p-net", "A.B/net/sub/p-net/s"}} {
		if position[pair[0]] == 0 || position[pair[0]] >= position[pair[1]] {
			t.Errorf("%s is not before %s: %v", pair[0], pair[1], position)
		}
	}
	if len(position) != 7 {
		t.Errorf("%d resources: %v", len(position), position)
	}
	vm := evaluated.Resources()[position["A.B/vm/p2"]-1]
	body, err := vm.Body()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"zones":["2"],"properties":{"password":"geheim","name":"n1","disks":[{"lun":0},{"lun":1}]}}`
	if vm.ID != group+"/providers/A.B/vm/p2" || value.JSON(body) != want {
		t.Errorf("%s: %s", vm.ID, value.JSON(body))
	}
	for _, r := range evaluated.Resources() {
		if strings.HasPrefix(r.Type, "Microsoft.Authorization") && !strings.HasPrefix(r.ID, group+"/providers/A.B/net/p-net/providers/Microsoft.Authorization/roleAssignments/") {
			t.Errorf("the extension is %s", r.ID)
		}
	}
	outputs, secure, err := evaluated.Outputs()
	if err != nil || value.JSON(outputs) != `{"ip":{"type":"String","value":"1.2.3.4"},"secret":{"type":"SecureString"}}` || value.JSON(secure) != `{"secret":"geheim"}` {
		t.Error(value.JSON(outputs), value.JSON(secure), err)
	}
	if shown := value.JSON(evaluated.Parameters()); strings.Contains(shown, "geheim") || !strings.Contains(shown, `"value":"p"`) {
		t.Error(shown)
	}
}

func TestWrongTemplatesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "'resources' not found",
		`{"parameters": {"a": {"type": "string"}}, "resources": []}`:                                                                                                                            "'a' is not provided",
		`{"parameters": {"a": {"type": "int", "defaultValue": "x"}}, "resources": []}`:                                                                                                          "Expected 'Integer'",
		`{"parameters": {"a": {"type": "string", "defaultValue": "x", "allowedValues": ["y"]}}, "resources": []}`:                                                                               "allowed value",
		`{"parameters": {"a": {"type": "int", "defaultValue": 1, "minValue": 2}}, "resources": []}`:                                                                                             "minValue",
		`{"resources": [{"type": "A.B/c", "name": "x"}]}`:                                                                                                                                       "has no apiVersion",
		`{"resources": [{"type": "A.B/c/d", "name": "x", "apiVersion": "1"}]}`:                                                                                                                  "segment length",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "dependsOn": ["y"]}]}`:                                                                                                "'y' is not defined",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1"}, {"type": "A.B/c", "name": "X", "apiVersion": "1"}]}`:                                                                 "multiple times",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "dependsOn": ["y"]}, {"type": "A.B/c", "name": "y", "apiVersion": "1", "dependsOn": ["x"]}]}`:                         "Circular",
		`{"resources": [{"type": "A.B/c", "name": "[reference('y').z]", "apiVersion": "1"}]}`:                                                                                                   "not expected",
		`{"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": [{"type": "A.B/c", "name": "[variables('a')]", "apiVersion": "1"}]}`:                                    "refers to itself",
		`{"resources": [], "ressources": []}`:                                                                                                                                                   "Could not find member 'ressources'",
		`{"languageVersion": "3.0", "resources": []}`:                                                                                                                                           "language version '3.0'",
		`{"languageVersion": "2.0", "resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1"}]}`:                                                                                          "an object with languageVersion 2.0",
		`{"$schema": "https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#", "resources": []}`:                                                                 "resource groups and subscriptions only",
		`{"resources": [], "outputs": {"a": {"type": "string", "value": "[nope()]"}}}`:                                                                                                          "'nope' is not valid",
		`{"resources": [], "outputs": {"a": {"type": "int", "value": "[if(true(), 'x', 1)]"}}}`:                                                                                                 "Expected 'Integer'. Actual 'String'",
		`{"resources": [], "outputs": {"a": {"type": "strnig", "value": "x"}}}`:                                                                                                                 "'strnig' is not known",
		`{"resources": [], "variables": {"a": "[reference('x')]"}}`:                                                                                                                             "only known while resources are deployed",
		`{"resources": [], "variables": {"a": "[utcNow()]"}}`:                                                                                                                                   "default values of parameters only",
		`{"resources": [], "variables": {"a": "[concat('x')]", "b": "[variables('c')]"}}`:                                                                                                       "variable 'c' is not found",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "scope": "/"}]}`:                                                                                                      "scope '/'",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "scope": "/providers/Microsoft.Management/managementGroups/m"}]}`:                                                     "resource groups and subscriptions only",
		`{"resources": [{"type": "Microsoft.Resources/resourceGroups", "name": "x", "apiVersion": "1"}]}`:                                                                                       "scope of a subscription",
		`{"resources": [{"type": "A.B/c", "name": "[format('x{0}', copyIndex())]", "apiVersion": "1", "copy": {"name": "l", "count": 801}}]}`:                                                   "801 times",
		`{"resources": [], "functions": [{"namespace": "n", "members": {"f": {"parameters": [{"name": "p", "type": "string"}], "output": {"type": "string", "value": "[parameters('q')]"}}}}]}`: "parameter 'q' is not found",
		`{"resources": [], "outputs": {"a": {"type": "string", "value": "[fail('no luck')]"}}}`:                                                                                                 "no luck",
	} {
		_, err := armtemplate.New(parse(t, text), nil, environment())
		var refusal *armtemplate.Error
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
	if _, err := armtemplate.New(parse(t, `{"resources": []}`), object(t, `{"a": {"value": 1}}`), environment()); err == nil || !strings.Contains(err.Error(), "do not correspond") {
		t.Error(err)
	}
}

func TestResourcesAreEvaluatedByManyAtOnce(t *testing.T) {
	evaluated, err := armtemplate.New(parse(t, full), object(t, `{"prefix": {"value": "p"}, "password": {"value": "geheim"}}`), environment())
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for _, r := range evaluated.Resources() {
		for range 4 {
			work.Go(func() {
				if _, err := r.Body(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	work.Wait()
}
