package armtemplate_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// templates, the parameters given to them, and what their output "o" is, or what the
// refusal says.
var templates = map[string]struct{ template, parameters, want, refusal string }{
	"a format of utcNow": {
		template: `{"parameters": {"t": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('t')]"}}}`,
		want:     `"2019-03-05"`,
	},
	"utcNow of the reference": {
		template: `{"parameters": {"a": {"type": "string", "defaultValue": "[utcNow()]"}, "b": {"type": "string", "defaultValue": "[utcNow('d')]"}, "c": {"type": "string", "defaultValue": "[utcNow('M d')]"}}, "resources": [],
			"outputs": {"o": {"type": "string", "value": "[concat(parameters('a'), '|', parameters('b'), '|', parameters('c'))]"}}}`,
		want: `"20190305T175318Z|03/05/2019|3 5"`,
	},
	"a default from a later parameter": {
		template: `{"parameters": {"a": {"type": "string", "defaultValue": "[concat(parameters('z'), '1')]"}, "z": {"type": "string", "defaultValue": "x"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('a')]"}}}`,
		want:     `"x1"`,
	},
	"a nullable parameter": {
		template: `{"languageVersion": "2.0", "parameters": {"tags": {"type": "object", "nullable": true}}, "resources": {}, "outputs": {"o": {"type": "object", "nullable": true, "value": "[parameters('tags')]"}}}`,
		want:     `null`,
	},
	"an enumeration": {
		template: `{"languageVersion": "2.0", "definitions": {"v": {"type": "string", "allowedValues": ["Public", "Private"]}}, "parameters": {"v": {"$ref": "#/definitions/v", "defaultValue": "Public"}}, "resources": {}, "outputs": {"o": {"$ref": "#/definitions/v", "value": "[parameters('v')]"}}}`,
		want:     `"Public"`,
	},
	"a value outside of an enumeration": {
		template:   `{"languageVersion": "2.0", "definitions": {"v": {"type": "string", "allowedValues": ["Public", "Private"]}}, "parameters": {"v": {"$ref": "#/definitions/v"}}, "resources": {}}`,
		parameters: `{"v": {"value": "Neither"}}`,
		refusal:    "not part of the allowed value(s): 'Public,Private'",
	},
	"a type that is not defined": {
		template: `{"languageVersion": "2.0", "parameters": {"v": {"$ref": "#/definitions/nope", "defaultValue": "Public"}}, "resources": {}}`,
		refusal:  "'#/definitions/nope' is not defined",
	},
	"an object type": {
		template:   objectType,
		parameters: `{"p": {"value": {"foo": "string", "bar": 1, "fizz": "buzz"}}}`,
		want:       `{"foo":"string","bar":1,"fizz":"buzz"}`,
	},
	"a member of the wrong type": {
		template: objectType, parameters: `{"p": {"value": {"foo": "string", "bar": -1}}}`, refusal: "'p.bar' is not valid. Its value is '-1'",
	},
	"a member too short": {
		template: objectType, parameters: `{"p": {"value": {"foo": "", "bar": 1}}}`, refusal: "'p.foo' is not valid. Its length is '0'",
	},
	"a missing member": {
		template: objectType, parameters: `{"p": {"value": {"bar": 1}}}`, refusal: "required property 'foo'",
	},
	"an additional member of the wrong type": {
		template: objectType, parameters: `{"p": {"value": {"foo": "string", "bar": 1, "fizz": 2}}}`, refusal: "Expected 'String, Uri'. Actual 'Integer'. The parameter is 'p.fizz'",
	},
	"a sealed type": {
		template:   `{"languageVersion": "2.0", "parameters": {"p": {"type": "object", "properties": {"foo": {"type": "string", "nullable": true}}, "additionalProperties": false}}, "resources": {}}`,
		parameters: `{"p": {"value": {"fooo": "x"}}}`,
		refusal:    "property 'fooo' is not one of its type",
	},
	"a variant of a discriminated type": {
		template: discriminated, parameters: `{"p": {"value": {"type": "ints", "foo": 1, "bar": 2}}}`, want: `{"type":"ints","foo":1,"bar":2}`,
	},
	"a wrong variant": {
		template: discriminated, parameters: `{"p": {"value": {"type": "ints", "fizz": "buzz"}}}`, refusal: "'p.fizz'",
	},
	"an unknown variant": {
		template: discriminated, parameters: `{"p": {"value": {"type": "bools"}}}`, refusal: "'bools' is not one of 'ints, strings'",
	},
	"a tuple": {
		template: tuple, parameters: `{"p": {"value": [1, true, 2]}}`, want: `[1,true,2]`,
	},
	"a tuple with a wrong element": {
		template: tuple, parameters: `{"p": {"value": [1, "string"]}}`, refusal: "'p[1]'",
	},
	"a short tuple": {
		template: tuple, parameters: `{"p": {"value": [1]}}`, refusal: "at least 2 elements",
	},
	"a tuple with a wrong rest": {
		template: tuple, parameters: `{"p": {"value": [1, true, "foo"]}}`, refusal: "'p[2]'",
	},
	"an unknown constraint": {
		template: `{"languageVersion": "2.0", "parameters": {"p": {"type": "string", "pattern": "x", "defaultValue": "x"}}, "resources": {}}`, refusal: "constraint 'pattern'",
	},
	"a user function": {
		template: `{"functions": [{"namespace": "contoso", "members": {"un": {"parameters": [{"name": "p", "type": "string"}], "output": {"type": "string", "value": "[toLower(parameters('p'))]"}}}}], "resources": [], "outputs": {"o": {"type": "string", "value": "[contoso.un('V')]"}}}`,
		want:     `"v"`,
	},
	"a user function with a wrong argument": {
		template: `{"functions": [{"namespace": "contoso", "members": {"un": {"parameters": [{"name": "p", "type": "string"}], "output": {"type": "string", "value": "[toLower(parameters('p'))]"}}}}], "resources": [], "outputs": {"o": {"type": "string", "value": "[contoso.un(1)]"}}}`,
		refusal:  "Expected 'String, Uri'. Actual 'Integer'",
	},
	"loops of variables and outputs": {
		template: `{"variables": {"copy": [{"name": "v", "count": 3, "input": {"n": "[copyIndex('v', 1)]"}}]}, "resources": [], "outputs": {"o": {"type": "array", "copy": {"count": "[length(variables('v'))]", "input": "[variables('v')[copyIndex()].n]"}}}}`,
		want:     `[1,2,3]`,
	},
	"loops within an object": {
		template: `{"variables": {"v": {"fixed": 1, "copy": [{"name": "a", "count": 2, "input": "[copyIndex('a')]"}]}}, "resources": [], "outputs": {"o": {"type": "object", "value": "[variables('v')]"}}}`,
		want:     `{"fixed":1,"a":[0,1]}`,
	},
	"an output without its condition": {
		template: `{"resources": [], "outputs": {"o": {"type": "string", "condition": "[equals(1, 2)]", "value": "[div(1, 0)]"}}}`,
		want:     ``,
	},
	"the order of members": {
		template: `{"parameters": {"p": {"type": "object", "defaultValue": {"z": 1, "a": 2.0}}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[string(parameters('p'))]"}}}`,
		want:     `"{\"z\":1,\"a\":2.0}"`,
	},
	"an allowed subset": {
		template: `{"parameters": {"p": {"type": "array", "allowedValues": ["a", "b"], "defaultValue": ["b"]}}, "resources": [], "outputs": {"o": {"type": "array", "value": "[parameters('p')]"}}}`,
		want:     `["b"]`,
	},
	"an integer given as a string": {
		template: `{"parameters": {"p": {"type": "int"}}, "resources": []}`, parameters: `{"p": {"value": "1"}}`, refusal: "Expected 'Integer'. Actual 'String'",
	},
	"a name of a shown parameter": {
		template: `{"parameters": {"StorageName": {"type": "string", "defaultValue": "x"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('storagename')]"}}}`,
		want:     `"x"`,
	},
}

const (
	objectType = `{"languageVersion": "2.0", "definitions": {"d": {"type": "object", "properties": {"foo": {"type": "string", "minLength": 3}, "bar": {"type": "int", "minValue": 0}}, "additionalProperties": {"type": "string"}}},
		"parameters": {"p": {"$ref": "#/definitions/d"}}, "resources": {}, "outputs": {"o": {"type": "object", "value": "[parameters('p')]"}}}`
	discriminated = `{"languageVersion": "2.0", "definitions": {"d": {"type": "object", "discriminator": {"propertyName": "type", "mapping": {
		"ints": {"type": "object", "additionalProperties": {"type": "int"}}, "strings": {"type": "object", "additionalProperties": {"type": "string"}}}}}},
		"parameters": {"p": {"$ref": "#/definitions/d"}}, "resources": {}, "outputs": {"o": {"type": "object", "value": "[parameters('p')]"}}}`
	tuple = `{"languageVersion": "2.0", "definitions": {"d": {"type": "array", "prefixItems": [{"type": "int"}, {"type": "bool"}], "items": {"type": "int"}}},
		"parameters": {"p": {"$ref": "#/definitions/d"}}, "resources": {}, "outputs": {"o": {"type": "array", "value": "[parameters('p')]"}}}`
)

func TestTemplatesHaveTheOutputsOfAzure(t *testing.T) {
	for name, c := range templates {
		t.Run(name, func(t *testing.T) {
			parameters := &value.Object{}
			if c.parameters != "" {
				parameters = object(t, c.parameters)
			}
			evaluated, err := armtemplate.New(parse(t, c.template), parameters, environment())
			if c.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("got %v, want a refusal with %q", err, c.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			outputs, _, err := evaluated.Outputs()
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if outputs.Len() > 0 {
					t.Errorf("got %s", value.JSON(outputs))
				}
				return
			}
			if got := value.JSON(outputs.Map("o").Get("value")); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// names of resources in their order, with what they come after.
func planned(t *testing.T, text string) string {
	t.Helper()
	evaluated, err := armtemplate.New(parse(t, text), &value.Object{}, environment())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range evaluated.Resources() {
		after := ""
		for _, id := range r.After {
			after += "<" + id[strings.LastIndex(id, "/")+1:]
		}
		names = append(names, r.Name+after)
	}
	return strings.Join(names, " ")
}

func TestSymbolicNamesAndLoopsGiveTheOrder(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{"languageVersion": "2.0", "resources": {
			"z": {"type": "A.B/c", "apiVersion": "1", "name": "z", "dependsOn": ["vs[1]"]},
			"vs": {"type": "A.B/c", "apiVersion": "1", "name": "[format('v{0}', copyIndex())]", "copy": {"name": "vs", "count": 2}}}}`, "v1 z<v1 v0"},
		{`{"languageVersion": "2.0", "resources": {
			"z": {"type": "A.B/c", "apiVersion": "1", "name": "z", "dependsOn": ["vs"]},
			"vs": {"type": "A.B/c", "apiVersion": "1", "name": "[format('v{0}', copyIndex())]", "copy": {"name": "other", "count": 2}}}}`, "v0 v1 z<v0<v1"},
		{`{"languageVersion": "2.0", "resources": {
			"z": {"type": "A.B/c", "apiVersion": "1", "name": "z", "dependsOn": ["e"], "properties": {"a": "[reference('y').b]"}},
			"e": {"existing": true, "type": "A.B/c", "apiVersion": "1", "name": "e", "dependsOn": ["x"]},
			"x": {"type": "A.B/c", "apiVersion": "1", "name": "x"}, "y": {"type": "A.B/c", "apiVersion": "1", "name": "y"}}}`, "x y z<x<y"},
		{`{"resources": [{"type": "A.B/c", "apiVersion": "1", "name": "[format('v{0}', copyIndex())]", "copy": {"name": "l", "count": 3, "mode": "serial", "batchSize": 2}}]}`, "v0 v1 v2<v0<v1"},
		{`{"resources": [{"type": "A.B/c", "apiVersion": "1", "name": "z", "dependsOn": ["A.B/c/d", "none"]}, {"type": "A.B/c", "apiVersion": "1", "name": "d"},
			{"type": "A.B/c", "apiVersion": "1", "name": "n", "copy": {"name": "none", "count": 0}}]}`, "d z<d"},
		{`{"resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v"},
			{"type": "Microsoft.Network/virtualNetworks/providers/roleAssignments", "apiVersion": "1", "name": "v/Microsoft.Authorization/x", "dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks', 'v')]"]}]}`, "v v/Microsoft.Authorization/x<v"},
	} {
		if got := planned(t, c.template); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestGroupsAreFoundByEitherFormOfTheirID(t *testing.T) {
	env := environment()
	env.Group = nil
	for _, dependency := range []string{
		"[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')]", "[resourceId('Microsoft.Resources/resourceGroups/', 'g')]",
		"[format('{0}/resourceGroups/g', subscription().id)]", "g",
	} {
		evaluated, err := armtemplate.New(parse(t, `{"resources": [
			{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d", "resourceGroup": "g", "dependsOn": ["`+dependency+`"], "properties": {"mode": "Incremental", "template": {}}},
			{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "1", "name": "g", "location": "eastus"},
			{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "s", "location": "eastus", "subscriptionId": "s2", "properties": {"mode": "Incremental", "template": {}}}]}`), nil, env)
		if err != nil {
			t.Errorf("%s: %v", dependency, err)
			continue
		}
		all := evaluated.Resources()
		if all[0].Name != "g" || !strings.HasSuffix(all[0].ID, "/resourceGroups/g") || !strings.HasSuffix(all[1].ID, "/resourceGroups/g/providers/Microsoft.Resources/deployments/d") {
			t.Errorf("%s: %s, %s", dependency, all[0].ID, all[1].ID)
		}
		if all[2].ID != "/subscriptions/s2/providers/Microsoft.Resources/deployments/s" {
			t.Errorf("with a subscription alone the id is %s", all[2].ID)
		}
	}
}

func TestReferencesOfSymbolicNames(t *testing.T) {
	evaluated, err := armtemplate.New(parse(t, `{"languageVersion": "2.0", "resources": {
		"vnet": {"existing": true, "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-04-01", "name": "v", "resourceGroup": "other"},
		"vs": {"type": "A.B/c", "apiVersion": "1", "name": "[format('v{0}', copyIndex())]", "copy": {"name": "vs", "count": 2}}},
		"outputs": {"a": {"type": "string", "value": "[reference('vnet').asked]"}, "b": {"type": "string", "value": "[reference('vnet', '2023-04-01', 'full').location]"},
			"c": {"type": "array", "value": "[map(references('vs'), lambda('r', lambdaVariables('r').asked))]"}, "d": {"type": "string", "value": "[resourceInfo('vs[1]').name]"},
			"e": {"type": "string", "value": "[reference(format('vs[{0}]', 1)).asked]"}}}`), nil, environment())
	if err != nil {
		t.Fatal(err)
	}
	outputs, _, err := evaluated.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": `"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v"`, "b": `"eastus"`,
		"c": `["` + group + `/providers/A.B/c/v0","` + group + `/providers/A.B/c/v1"]`, "d": `"v1"`, "e": `"` + group + `/providers/A.B/c/v1"`,
	} {
		if got := value.JSON(outputs.Map(name).Get("value")); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
