package armtemplate_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
)

type object = map[string]any

const group = "/subscriptions/sub/resourceGroups/rg"

func environment() *armtemplate.Environment {
	return &armtemplate.Environment{
		Subscription: object{"subscriptionId": "sub", "id": "/subscriptions/sub", "tenantId": "ten"},
		Group:        object{"id": group, "name": "rg", "location": "eastus", "tags": object{"a": "b"}},
		Deployment:   object{"name": "deploy"},
		Cloud:        object{"name": "Local", "suffixes": object{"storage": "blob.test"}},
		Tenant:       "ten",
		Now:          time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		Reference: func(id, version string, full bool) (any, error) {
			if full {
				return object{"id": id, "apiVersion": version, "location": "eastus"}, nil
			}
			return object{"asked": id, "ip": "1.2.3.4"}, nil
		},
		List: func(function, id, version string, body object) (any, error) {
			return object{"function": function, "id": id, "version": version, "body": body, "keys": []any{object{"value": "secret"}}}, nil
		},
	}
}

func TestFunctions(t *testing.T) {
	for expression, want := range map[string]any{
		`[concat('a', 1, true())]`:                      "a1True",
		`[concat(createArray(1), createArray('b', 2))]`: []any{1.0, "b", 2.0},
		`[concat('it''s')]`:                             "it's",
		`[[not an expression]`:                          "[not an expression]",
		`plain [text]s`:                                 "plain [text]s",
		`a [[b`:                                         "a [[b",
		`[resourceGroup().location]`:                    "eastus",
		`[resourceGroup().tags['A']]`:                   "b",
		`[subscription().tenantId]`:                     "ten",
		`[environment().suffixes.storage]`:              "blob.test",
		`[deployment().name]`:                           "deploy",
		`[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')]`:      group + "/providers/Microsoft.Network/virtualNetworks/v/subnets/s",
		`[resourceId('other', 'A.B/c', 'd')]`:                                      "/subscriptions/sub/resourceGroups/other/providers/A.B/c/d",
		`[resourceId('s2', 'other', 'A.B/c', 'd')]`:                                "/subscriptions/s2/resourceGroups/other/providers/A.B/c/d",
		`[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')]`: "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/x",
		`[extensionResourceId(resourceGroup().id, 'A.B/c', 'd')]`:                  group + "/providers/A.B/c/d",
		`[tenantResourceId('A.B/c', 'd')]`:                                         "/providers/A.B/c/d",
		`[guid('a', 'b')]`:                                                         nil,
		`[length(uniqueString('a'))]`:                                              13.0,
		`[format('{0}-{1:D3} {{}}', 'a', 7)]`:                                      "a-007 {}",
		`[toLower('ABC')]`:                                                         "abc",
		`[toUpper('abc')]`:                                                         "ABC",
		`[if(equals(1, 1), 'yes', div(1, 0))]`:                                     "yes",
		`[and(true(), not(false()), or(false(), true()))]`:                         true,
		`[or(true(), equals(div(1,0), 1))]`:                                        true,
		`[length('abc')]`:                                                          3.0,
		`[length(createObject('a', 1, 'b', 2))]`:                                   2.0,
		`[union(createArray(1, 2), createArray(2, 3))]`:                            []any{1.0, 2.0, 3.0},
		`[union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))]`: object{"a": object{"x": 1.0, "y": 2.0}},
		`[intersection(createArray(1, 2), createArray(2, 3))]`:                                      []any{2.0},
		`[contains('abc', 'b')]`:                    true,
		`[contains(createArray('a'), 'b')]`:         false,
		`[contains(createObject('Key', 1), 'key')]`: true,
		`[empty('')]`:                                  true,
		`[empty(createObject())]`:                      true,
		`[first('abc')]`:                               "a",
		`[last(createArray(1, 2))]`:                    2.0,
		`[split('a,b;c', createArray(',', ';'))]`:      []any{"a", "b", "c"},
		`[join(createArray('a', 'b'), '-')]`:           "a-b",
		`[replace('aba', 'a', 'c')]`:                   "cbc",
		`[substring('abcdef', 2, 3)]`:                  "cde",
		`[string(createObject('a', 1))]`:               `{"a":1}`,
		`[int('42')]`:                                  42.0,
		`[base64('hello')]`:                            "aGVsbG8=",
		`[base64ToString('aGVsbG8=')]`:                 "hello",
		`[json('{"a":[1]}').a[0]]`:                     1.0,
		`[base64ToJson('eyJhIjoxfQ==').a]`:             1.0,
		`[array('x')]`:                                 []any{"x"},
		`[take(createArray(1,2,3), 2)]`:                []any{1.0, 2.0},
		`[skip('abc', 1)]`:                             "bc",
		`[range(2, 3)]`:                                []any{2.0, 3.0, 4.0},
		`[add(mul(2, 3), sub(5, mod(7, 4)))]`:          8.0,
		`[max(1, 3, 2)]`:                               3.0,
		`[min(createArray(4, 2))]`:                     2.0,
		`[greater('b', 'a')]`:                          true,
		`[lessOrEquals(-1, 1)]`:                        true,
		`[coalesce(null(), 'x')]`:                      "x",
		`[padLeft('7', 3, '0')]`:                       "007",
		`[trim(' a ')]`:                                "a",
		`[startsWith('Abc', 'aB')]`:                    true,
		`[indexOf('abc', 'C')]`:                        2.0,
		`[uri('https://a/', '/b')]`:                    "https://a/b",
		`[uriComponent('a b&c')]`:                      "a%20b%26c",
		`[bool('true')]`:                               true,
		`[items(createObject('b', 2, 'a', 1))[0].key]`: "a",
		`[pickZones('Microsoft.Compute', 'virtualMachines', 'eastus', 2)]`:                              []any{"1", "2"},
		`[reference('/x', '2020-01-01').ip]`:                                                            "1.2.3.4",
		`[reference('/x', '2020-01-01', 'Full').location]`:                                              "eastus",
		`[listKeys('/x', '2020').keys[0].value]`:                                                        "secret",
		`[listAccountSas('/x', '2019-04-01', createObject('signedServices', 'b')).body.signedServices]`: "b",
	} {
		got, err := armtemplate.Evaluate(expression, environment())
		switch {
		case strings.HasPrefix(expression, "[guid"):
			if text, _ := got.(string); err != nil || len(text) != 36 {
				t.Errorf("%s: got %v, %v", expression, got, err)
			}
		case err != nil || !reflect.DeepEqual(got, want):
			t.Errorf("%s: got %#v, %v, want %#v", expression, got, err, want)
		}
	}
}

func TestWrongExpressionsSayWhy(t *testing.T) {
	for expression, want := range map[string]string{
		`[nothing()]`:                  "'nothing' is not known",
		`[concat('a']`:                 "is missing",
		`[concat('a)]`:                 "not closed",
		`[variables('x')]`:             "'x' is not found",
		`[parameters('x')]`:            "'x' is not found",
		`[createArray(1)[1]]`:          "out of bounds",
		`[resourceGroup().nope]`:       "'nope' doesn't exist",
		`[substring('a', 0, 2)]`:       "location within",
		`[resourceId('A.B/c/d', 'x')]`: "as many names",
		`[copyIndex()]`:                "copy loop",
		`[toLower(1)]`:                 "must be strings",
		`[length('a', 'b')]`:           "cannot have 2 arguments",
		`[newGuid()]`:                  "default values",
		"[" + strings.Repeat("concat(", 200) + "'a'" + strings.Repeat(")", 200) + "]": "too deep",
	} {
		if got, err := armtemplate.Evaluate(expression, environment()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, %v", expression, got, err)
		}
	}
}

func parse(t *testing.T, text string) object {
	t.Helper()
	var v object
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	v["$schema"] = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
	return v
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
	evaluated, err := armtemplate.New(parse(t, full), object{"prefix": object{"value": "p"}, "password": object{"value": "geheim"}}, environment())
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
	want := object{"zones": []any{"2"}, "properties": object{"password": "geheim", "name": "n1", "disks": []any{object{"lun": 0.0}, object{"lun": 1.0}}}}
	if vm.ID != group+"/providers/A.B/vm/p2" || !reflect.DeepEqual(body, want) {
		t.Errorf("%s: %#v", vm.ID, body)
	}
	for _, r := range evaluated.Resources() {
		if strings.HasPrefix(r.Type, "Microsoft.Authorization") && !strings.HasPrefix(r.ID, group+"/providers/A.B/net/p-net/providers/Microsoft.Authorization/roleAssignments/") {
			t.Errorf("the extension is %s", r.ID)
		}
	}
	outputs, err := evaluated.Outputs()
	if err != nil || !reflect.DeepEqual(outputs["ip"], object{"type": "string", "value": "1.2.3.4"}) || strings.Contains(jsonOf(t, outputs), "geheim") {
		t.Error(outputs, err)
	}
	if shown := jsonOf(t, evaluated.Parameters()); strings.Contains(shown, "geheim") || !strings.Contains(shown, `"value":"p"`) {
		t.Error(shown)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestWrongTemplatesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "'resources' not found",
		`{"parameters": {"a": {"type": "string"}}, "resources": []}`:                                                                                                    "'a' is not provided",
		`{"parameters": {"a": {"type": "int", "defaultValue": "x"}}, "resources": []}`:                                                                                  "Expected 'int'",
		`{"parameters": {"a": {"type": "string", "defaultValue": "x", "allowedValues": ["y"]}}, "resources": []}`:                                                       "allowed value",
		`{"parameters": {"a": {"type": "int", "defaultValue": 1, "minValue": 2}}, "resources": []}`:                                                                     "minValue",
		`{"resources": [{"type": "A.B/c", "name": "x"}]}`:                                                                                                               "no apiVersion",
		`{"resources": [{"type": "A.B/c/d", "name": "x", "apiVersion": "1"}]}`:                                                                                          "segment length",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "dependsOn": ["y"]}]}`:                                                                        "'y' is not defined",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1"}, {"type": "A.B/c", "name": "X", "apiVersion": "1"}]}`:                                         "multiple times",
		`{"resources": [{"type": "A.B/c", "name": "x", "apiVersion": "1", "dependsOn": ["y"]}, {"type": "A.B/c", "name": "y", "apiVersion": "1", "dependsOn": ["x"]}]}`: "Circular",
		`{"resources": [{"type": "A.B/c", "name": "[reference('y').z]", "apiVersion": "1"}]}`:                                                                           "not expected",
		`{"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": [{"type": "A.B/c", "name": "[variables('a')]", "apiVersion": "1"}]}`:            "refers to itself",
	} {
		_, err := armtemplate.New(parse(t, text), nil, environment())
		var refusal *armtemplate.Error
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
	if _, err := armtemplate.New(parse(t, `{"resources": []}`), object{"a": object{"value": 1.0}}, environment()); err == nil || !strings.Contains(err.Error(), "do not correspond") {
		t.Error(err)
	}
}

func TestResourcesAreEvaluatedByManyAtOnce(t *testing.T) {
	evaluated, err := armtemplate.New(parse(t, full), object{"prefix": object{"value": "p"}, "password": object{"value": "geheim"}}, environment())
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
