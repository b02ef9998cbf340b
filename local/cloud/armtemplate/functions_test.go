package armtemplate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

const group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg"

func environment() *armtemplate.Environment {
	return &armtemplate.Environment{
		Subscription: value.NewObject("id", "/subscriptions/11111111-2222-3333-4444-555555555555", "subscriptionId", "11111111-2222-3333-4444-555555555555", "tenantId", "ten"),
		Group:        value.NewObject("id", group, "name", "rg", "location", "eastus", "tags", value.NewObject("a", "b")),
		Deployment:   value.NewObject("name", "deploy"),
		Cloud:        value.NewObject("name", "Local", "suffixes", value.NewObject("storage", "blob.test")),
		Tenant:       value.NewObject("tenantId", "ten"),
		Deployer:     value.NewObject("objectId", "me", "tenantId", "ten"),
		Now:          time.Date(2019, 3, 5, 17, 53, 18, 0, time.UTC),
		Reference: func(id, version string, full bool) (any, error) {
			if full {
				return value.NewObject("id", id, "apiVersion", version, "location", "eastus"), nil
			}
			return value.NewObject("asked", id, "ip", "1.2.3.4"), nil
		},
		List: func(function, id, version string, body *value.Object) (any, error) {
			return value.NewObject("function", function, "id", id, "version", version, "body", body, "keys", []any{value.NewObject("value", "secret")}), nil
		},
		Provider: func(namespace, kind string) (any, error) {
			return value.NewObject("resourceType", kind, "apiVersions", []any{"2024-01-01"}), nil
		},
		Zones: func(region string) (int, bool) { return 3, region == "eastus" || region == "westus2" },
	}
}

// expressions of the language and their values as JSON. The comments name the chapters
// of Microsoft's reference of the template functions; the values are those of its examples
// where it has them.
var expressions = []struct{ expression, want string }{
	// Array functions.
	{`[array(1)]`, `[1]`},
	{`[array('efgh')]`, `["efgh"]`},
	{`[array(createObject('a','b','c','d'))]`, `[{"a":"b","c":"d"}]`},
	{`[concat(createArray('1-1','1-2','1-3'), createArray('2-1','2-2','2-3'))]`, `["1-1","1-2","1-3","2-1","2-2","2-3"]`},
	{`[contains('OneTwoThree', 'e')]`, `true`},
	{`[contains('OneTwoThree', 'z')]`, `false`},
	{`[contains('OneTwoThree', 'E')]`, `false`},
	{`[contains(createObject('one','a'), 'ONE')]`, `true`},
	{`[contains(createArray('one','two','three'), 'three')]`, `true`},
	{`[contains(createArray('one','two','three'), 'four')]`, `false`},
	{`[createArray(1, 2, 3)]`, `[1,2,3]`},
	{`[createArray()]`, `[]`},
	{`[empty(createArray())]`, `true`},
	{`[empty(createObject())]`, `true`},
	{`[empty('')]`, `true`},
	{`[empty(null())]`, `true`},
	{`[first(createArray('one','two','three'))]`, `"one"`},
	{`[first('One Two Three')]`, `"O"`},
	{`[flatten(createArray(createArray('one','two'), createArray('three'), createArray('four','five')))]`, `["one","two","three","four","five"]`},
	{`[indexOf(createArray('one','two','three'), 'two')]`, `1`},
	{`[indexOf(createArray('a','A'), 'A')]`, `1`},
	{`[lastIndexOf(createArray(1,2,1), 1)]`, `2`},
	{`[indexFromEnd(createArray('one','two','three'), 1)]`, `"three"`},
	{`[tryIndexFromEnd(createArray('one','two','three'), 4)]`, `null`},
	{`[tryIndexFromEnd(createArray(createObject('foo', 1)), 1, 'foo')]`, `1`},
	{`[tryGet(createObject('a', createObject('b', 1)), 'a', 'b')]`, `1`},
	{`[tryGet(createObject('a', 1), 'x', 'y')]`, `null`},
	{`[tryGet(createArray('e'), 0)]`, `"e"`},
	{`[tryGet(createArray('e'), 1)]`, `null`},
	{`[intersection(createObject('one','a','two','b','three','c'), createObject('one','a','two','z','three','c'))]`, `{"one":"a","three":"c"}`},
	{`[intersection(createArray('one','two','three'), createArray('two','three'))]`, `["two","three"]`},
	{`[last(createArray('one','two','three'))]`, `"three"`},
	{`[last('One Two Three')]`, `"e"`},
	{`[length(createArray('one','two','three'))]`, `3`},
	{`[length('One Two Three')]`, `13`},
	{`[length(createObject('propA','one','propB','two','propC','three','propD','four'))]`, `4`},
	{`[max(createArray(0,3,2,5,4))]`, `5`},
	{`[max(0,3,2,5,4)]`, `5`},
	{`[min(createArray(0,3,2,5,4))]`, `0`},
	{`[min(3,2,5)]`, `2`},
	{`[range(5, 3)]`, `[5,6,7]`},
	{`[skip(createArray('one','two','three'), 2)]`, `["three"]`},
	{`[skip('one two three', 4)]`, `"two three"`},
	{`[skip('abc', -1)]`, `"abc"`},
	{`[take(createArray('one','two','three'), 2)]`, `["one","two"]`},
	{`[take('one two three', 2)]`, `"on"`},
	{`[take('abc', 100)]`, `"abc"`},
	{`[union(createObject('one','a','two','b','three','c1'), createObject('three','c2','four','d','five','e'))]`, `{"one":"a","two":"b","three":"c2","four":"d","five":"e"}`},
	{`[union(createArray('one','two','three'), createArray('three','four'))]`, `["one","two","three","four"]`},
	{`[union(createObject('property', createObject('one','a','three','c1')), createObject('property', createObject('three','c2','four','d')))]`, `{"property":{"one":"a","three":"c2","four":"d"}}`},
	{`[union(createObject('nested', createArray(1,2)), createObject('nested', createArray(3,4)))]`, `{"nested":[3,4]}`},
	// CIDR functions.
	{`[parseCidr('10.144.0.0/20')]`, `{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255","firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}`},
	{`[cidrSubnet('10.144.0.0/20', 24, 0)]`, `"10.144.0.0/24"`},
	{`[cidrSubnet('10.144.0.0/20', 24, 4)]`, `"10.144.4.0/24"`},
	{`[cidrSubnet('fd00::/48', 64, 2)]`, `"fd00:0:0:2::/64"`},
	{`[cidrHost('10.144.3.0/24', 0)]`, `"10.144.3.1"`},
	{`[cidrHost('10.144.3.0/24', 4)]`, `"10.144.3.5"`},
	// Comparison functions.
	{`[coalesce(null(), null(), 'string')]`, `"string"`},
	{`[coalesce(null(), null())]`, `null`},
	{`[coalesce('a', div(1, 0))]`, `"a"`},
	{`[equals(1, 2)]`, `false`},
	{`[equals('a', 'A')]`, `false`},
	{`[equals(createArray('a','b'), createArray('a','b'))]`, `true`},
	{`[equals(createObject('a','b','c',1), createObject('c',1,'a','b'))]`, `true`},
	{`[equals(1, '1')]`, `false`},
	{`[greater(1, 2)]`, `false`},
	{`[greater('A', 'a')]`, `true`},
	{`[greaterOrEquals(2, 2)]`, `true`},
	{`[less(1, 2)]`, `true`},
	{`[less('A', 'a')]`, `false`},
	{`[less('a', 'B')]`, `true`},
	{`[lessOrEquals('A', 'a')]`, `false`},
	// Date functions.
	{`[dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')]`, `"2023-04-07T14:53:14Z"`},
	{`[dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'u')]`, `"2020-03-29 14:53:14Z"`},
	{`[dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 'yyyy-MM-ddTHH:mm:ssZ')]`, `"2020-04-07T15:53:14Z"`},
	{`[dateTimeAdd('20200407T145314Z', 'P1DT2M', 'yyyyMMdd_hhmmss')]`, `"20200408_025514"`},
	{`[dateTimeFromEpoch(1683040573)]`, `"2023-05-02T15:16:13Z"`},
	{`[dateTimeToEpoch('2023-05-02T15:16:13Z')]`, `1683040573`},
	{`[dateTimeToEpoch(dateTimeAdd('2023-05-02T15:16:13Z', 'P1Y'))]`, ``},
	// Deployment functions.
	{`[deployment().name]`, `"deploy"`},
	{`[deployer().objectId]`, `"me"`},
	{`[environment().suffixes.storage]`, `"blob.test"`},
	// Lambda functions.
	{`[map(createArray('Evie','Casper'), lambda('dogName', toUpper(lambdaVariables('dogName'))))]`, `["EVIE","CASPER"]`},
	{`[map(createArray('a','b'), lambda('x', 'i', concat(lambdaVariables('x'), string(lambdaVariables('i')))))]`, `["a0","b1"]`},
	{`[filter(createArray(1,5,7), lambda('x', greaterOrEquals(lambdaVariables('x'), 5)))]`, `[5,7]`},
	{`[filter(createArray('a','b','c'), lambda('x', 'i', equals(mod(lambdaVariables('i'), 2), 0)))]`, `["a","c"]`},
	{`[sort(createArray(3,1,2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]`, `[1,2,3]`},
	{`[reduce(createArray(5,3,2,8), 0, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))]`, `18`},
	{`[reduce(createArray(5,3,2,8), 0, lambda('cur', 'next', 'i', if(equals(mod(lambdaVariables('i'), 2), 0), add(lambdaVariables('cur'), lambdaVariables('next')), lambdaVariables('cur'))))]`, `7`},
	{`[toObject(createArray('Evie','Casper'), lambda('e', lambdaVariables('e')), lambda('e', length(lambdaVariables('e'))))]`, `{"Evie":4,"Casper":6}`},
	{`[toObject(createArray(createObject('n','a')), lambda('e', lambdaVariables('e').n))]`, `{"a":{"n":"a"}}`},
	{`[groupBy(createArray('foo','bar','baz'), lambda('x', substring(lambdaVariables('x'), 0, 1)))]`, `{"f":["foo"],"b":["bar","baz"]}`},
	{`[mapValues(createObject('foo','foo','bar','bar'), lambda('x', toUpper(lambdaVariables('x'))))]`, `{"foo":"FOO","bar":"BAR"}`},
	{`[map(range(0,2), lambda('i', map(range(0,2), lambda('j', add(mul(10, lambdaVariables('i')), lambdaVariables('j'))))))]`, `[[0,1],[10,11]]`},
	// Logical functions.
	{`[and(bool('true'), bool('false'))]`, `false`},
	{`[or(bool('true'), bool('false'))]`, `true`},
	{`[or(true(), equals(div(1, 0), 1))]`, `true`},
	{`[not(bool('true'))]`, `false`},
	{`[bool(1)]`, `true`},
	{`[bool(0)]`, `false`},
	{`[true()]`, `true`},
	{`[false()]`, `false`},
	{`[if(equals('a', 'a'), 'yes', div(1, 0))]`, `"yes"`},
	// Numeric functions.
	{`[add(5, 3)]`, `8`},
	{`[sub(7, 3)]`, `4`},
	{`[mul(5, 3)]`, `15`},
	{`[div(8, 3)]`, `2`},
	{`[div(-7, 2)]`, `-3`},
	{`[mod(7, 3)]`, `1`},
	{`[int('4')]`, `4`},
	{`[add(9007199254740992, 1)]`, `9007199254740993`},
	{`[float('3.0')]`, `3.0`},
	{`[float(3)]`, `3.0`},
	{`[copyIndex()]`, ``},
	// Object functions.
	{`[createObject('intProp', 1, 'stringProp', 'abc', 'boolProp', true(), 'arrayProp', createArray('a','b','c'), 'objectProp', createObject('key1','value1'))]`, `{"intProp":1,"stringProp":"abc","boolProp":true,"arrayProp":["a","b","c"],"objectProp":{"key1":"value1"}}`},
	{`[items(createObject('item002', createObject('number', 200), 'item001', createObject('number', 300)))]`, `[{"key":"item001","value":{"number":300}},{"key":"item002","value":{"number":200}}]`},
	{`[objectKeys(createObject('b', 1, 'a', 2))]`, `["a","b"]`},
	{`[shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)), createObject('b', 3)))]`, `{"a":{"y":2},"b":3}`},
	{`[json('{"a": "b"}').a]`, `"b"`},
	{`[json('{''a'': ''b''}')]`, `{"a":"b"}`},
	{`[json('null')]`, `null`},
	{`[json('1.5')]`, `1.5`},
	{`[json('true')]`, `true`},
	{`[null()]`, `null`},
	// Resource and scope functions.
	{`[resourceGroup().location]`, `"eastus"`},
	{`[resourceGroup().tags['A']]`, `"b"`},
	{`[subscription().tenantId]`, `"ten"`},
	{`[tenant().tenantId]`, `"ten"`},
	{`[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')]`, `"` + group + `/providers/Microsoft.Network/virtualNetworks/v/subnets/s"`},
	{`[resourceId('other', 'A.B/c', 'd')]`, `"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/other/providers/A.B/c/d"`},
	{`[resourceId('s2', 'other', 'A.B/c', 'd')]`, `"/subscriptions/s2/resourceGroups/other/providers/A.B/c/d"`},
	{`[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')]`, `"/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Authorization/roleDefinitions/x"`},
	{`[extensionResourceId(resourceGroup().id, 'A.B/c', 'd')]`, `"` + group + `/providers/A.B/c/d"`},
	{`[tenantResourceId('A.B/c', 'd')]`, `"/providers/A.B/c/d"`},
	{`[managementGroupResourceId('mg', 'A.B/c', 'd')]`, `"/providers/Microsoft.Management/managementGroups/mg/providers/A.B/c/d"`},
	{`[reference('/x', '2020-01-01').ip]`, `"1.2.3.4"`},
	{`[reference('/x', '2020-01-01', 'Full').location]`, `"eastus"`},
	{`[listKeys('/x', '2020-01-01').keys[0].value]`, `"secret"`},
	{`[listAccountSas('/x', '2019-04-01', createObject('signedServices', 'b')).body.signedServices]`, `"b"`},
	{`[pickZones('Microsoft.Compute', 'virtualMachines', 'westus2')]`, `["1"]`},
	{`[pickZones('Microsoft.Compute', 'virtualMachines', 'westus2', 2, 1)]`, `["2","3"]`},
	{`[toLogicalZone(subscription().subscriptionId, 'westus2', 'westus2-az2')]`, `"2"`},
	{`[toLogicalZones(subscription().subscriptionId, 'westus2', createArray('westus2-az1','westus2-az3'))]`, `["1","3"]`},
	{`[toPhysicalZone(subscription().subscriptionId, 'westus2', '3')]`, `"westus2-az3"`},
	{`[toPhysicalZones(subscription().subscriptionId, 'westus2', createArray('1','9'))]`, `["westus2-az1",""]`},
	{`[providers('A.B', 'c').apiVersions[0]]`, `"2024-01-01"`},
	// String functions.
	{`[base64('one, two, three')]`, `"b25lLCB0d28sIHRocmVl"`},
	{`[base64ToString('b25lLCB0d28sIHRocmVl')]`, `"one, two, three"`},
	{`[base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))]`, `{"one":"a","two":"b"}`},
	{`[concat('prefix', '-', 5, true())]`, `"prefix-5True"`},
	{`[dataUri('Hello')]`, `"data:text/plain;charset=utf8;base64,SGVsbG8="`},
	{`[dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')]`, `"Hello, World!"`},
	{`[endsWith('abcdef', 'EF')]`, `true`},
	{`[endsWith('abcdef', 'e')]`, `false`},
	{`[startsWith('abcdef', 'A')]`, `true`},
	{`[format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)]`, `"Hello, User. Formatted number: 8,175,133"`},
	{`[format('{0:N0}|{1,5}|{1,-3}|', 1000, 'a')]`, `"1,000|    a|a  |"`},
	{`[format('{0:D3}-{0:X2}-{0:x}-{0:N2}-{0:F1}-{0:P0}-{0:000}-{0:#,##0.00}-{0:E2} {{}}', 10)]`, `"010-0A-a-10.00-10.0-1,000 %-010-10.00-1.00E+001 {}"`},
	{`[format('>{0}<>{1}<>{2}<', false(), createObject('a','b','!c',2), createArray(true(),2893,'abc'))]`, `">False<>{'a':'b','!c':2}<>[true,2893,'abc']<"`},
	{`[guid('a')]`, `"3703365d-5a9f-59b4-bca7-b9681389e4c1"`},
	{`[guid('a', 'b')]`, `"2d796349-8c7e-55ec-9624-54ece82ed031"`},
	{`[indexOf('test', 't')]`, `0`},
	{`[lastIndexOf('test', 't')]`, `3`},
	{`[indexOf('abcdef', 'CD')]`, `2`},
	{`[lastIndexOf('abcdef', 'AB')]`, `0`},
	{`[indexOf('abcdef', 'z')]`, `-1`},
	{`[join(createArray('one','two','three'), ',')]`, `"one,two,three"`},
	{`[padLeft('123', 10, '0')]`, `"0000000123"`},
	{`[padLeft(7, 3)]`, `"  7"`},
	{`[replace('123-123-1234', '-', '')]`, `"1231231234"`},
	{`[replace('123-123-1234', '1234', 'xxxx')]`, `"123-123-xxxx"`},
	{`[split('one,two,three', ',')]`, `["one","two","three"]`},
	{`[split('one;two,three', createArray(',', ';'))]`, `["one","two","three"]`},
	{`[split('abc', '')]`, `["abc"]`},
	{`[string(createObject('valueB', 10, 'valueA', 'Example Text'))]`, `"{\"valueB\":10,\"valueA\":\"Example Text\"}"`},
	{`[string(createArray('a','b','c'))]`, `"[\"a\",\"b\",\"c\"]"`},
	{`[string(5)]`, `"5"`},
	{`[string(true())]`, `"True"`},
	{`[substring('one two three', 4, 3)]`, `"two"`},
	{`[substring('abc', 3)]`, `""`},
	{`[toLower('One Two Three')]`, `"one two three"`},
	{`[toUpper('One Two Three')]`, `"ONE TWO THREE"`},
	{`[trim('    one two three   ')]`, `"one two three"`},
	{`[uniqueString('test')]`, `"rbgf3xv4ufgzg"`},
	{`[uniqueString('hello', 'world')]`, `"a7wkljktk6wne"`},
	{`[uniqueString('abc')]`, `"cgtzqvhu4i23s"`},
	{`[uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-rg')]`, `"bmg7c6xu4tw46"`},
	{`[uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000', 'resource-id')]`, `"cwvxuqg24sifi"`},
	{`[uri('http://contoso.org/firstpath', 'myscript.sh')]`, `"http://contoso.org/myscript.sh"`},
	{`[uri('http://contoso.org/firstpath/', 'myscript.sh')]`, `"http://contoso.org/firstpath/myscript.sh"`},
	{`[uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')]`, `"http://contoso.org/firstpath/myscript.sh"`},
	{`[uri('http://contoso.org/firstpath/azuredeploy.json/', 'myscript.sh')]`, `"http://contoso.org/firstpath/azuredeploy.json/myscript.sh"`},
	{`[uri('http://contoso.com/resources/', 'nested/azuredeploy.json')]`, `"http://contoso.com/resources/nested/azuredeploy.json"`},
	{`[uriComponent('http://contoso.com/resources/nested/azuredeploy.json')]`, `"http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json"`},
	{`[uriComponentToString('http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json')]`, `"http://contoso.com/resources/nested/azuredeploy.json"`},
	// Syntax.
	{`[concat('it''s')]`, `"it's"`},
	{`[[not an expression]`, `"[not an expression]"`},
	{`plain [text]s`, `"plain [text]s"`},
	{"[concat('a',\n  'b')]", `"ab"`},
	{`[CONCAT('a', 'b')]`, `"ab"`},
	{`[length('Zoë😀')]`, `5`},
}

func TestExpressionsHaveTheValuesOfAzure(t *testing.T) {
	for _, e := range expressions {
		got, err := armtemplate.Evaluate(e.expression, environment())
		switch {
		case e.want == "" && err == nil:
			t.Errorf("%s: got %s, want a refusal", e.expression, value.JSON(got))
		case e.want != "" && (err != nil || value.JSON(got) != e.want):
			t.Errorf("%s: got %s, %v, want %s", e.expression, value.JSON(got), err, e.want)
		}
	}
}

func TestWrongExpressionsSayWhy(t *testing.T) {
	for expression, want := range map[string]string{
		`[nothing()]`:                          "'nothing' is not valid",
		`[managementGroup().name]`:             "'managementGroup' is not supported here",
		`[externalInput('x')]`:                 "'externalInput' is not supported here",
		`[concat('a']`:                         "is missing",
		`[concat('a)]`:                         "not closed",
		`[1.5]`:                                "not an integer",
		`[variables('x')]`:                     "'x' is not found",
		`[parameters('x')]`:                    "'x' is not found",
		`[createArray(1)[1]]`:                  "out of bounds",
		`[resourceGroup().nope]`:               "'nope' doesn't exist",
		`[substring('1234567890', 0, 11)]`:     "the length of the string parameter: '10'",
		`[resourceId('A.B/c/d', 'x')]`:         "as many names",
		`[copyIndex()]`:                        "copy loop",
		`[toLower(1)]`:                         "must be a string",
		`[length('a', 'b')]`:                   "expects 1 arguments, 2 are given",
		`[newGuid()]`:                          "default values",
		`[utcNow()]`:                           "default values",
		`[add(9223372036854775807, 1)]`:        "more than 64 bits",
		`[mul(4611686018427387904, 2)]`:        "more than 64 bits",
		`[9223372036854775808]`:                "64 bits",
		`[div(1, 0)]`:                          "zero",
		`[int('1.5')]`:                         "cannot be converted",
		`[bool('yes')]`:                        "cannot be converted",
		`[guid(1)]`:                            "must be a string",
		`[uniqueString(1)]`:                    "must be a string",
		`[format('{0:C}', 1)]`:                 "not supported",
		`[format('{1}', 1)]`:                   "argument 1",
		`[less('a', 1)]`:                       "compared with a string",
		`[cidrSubnet('10.0.0.0/24', 16, 0)]`:   "prefix length",
		`[cidrHost('10.0.0.0/32', 0)]`:         "not supported",
		`[dateTimeAdd('2020-01-31', 'P1M')]`:   "ambiguous",
		`[dateTimeAdd('2020-01-31', '1 day')]`: "duration of ISO 8601",
		`[dateTimeAdd('yesterday', 'P1D')]`:    "not a time",
		`[json('{')]`:                          "not JSON",
		`[string(json('1.5'))]`:                "float",
		`[createObject('a')]`:                  "needs a value",
		`[fail('no luck')]`:                    "no luck",
		`[if('x', 1, 2)]`:                      "a bool is expected",
		`[range(0, 10001)]`:                    "10000",
		`[pickZones('A.B', 'c', 'eastus')]`:    "not known here",
		`[pickZones('Microsoft.Compute', 'disks', 'mars')]`: "region 'mars' is not known",
		`[reference('/x').a]`:                               "api-version",
		`[lambda('x', 1)]`:                                  "only expected as argument",
		`[lambdaVariables('x')]`:                            "'x' is not found",
		`[map(createArray(1), 'x')]`:                        "must be a lambda",
		`[toObject(createArray('a','A'), lambda('x', lambdaVariables('x')))]`:         "appears twice",
		"[" + strings.Repeat("concat(", 200) + "'a'" + strings.Repeat(")", 200) + "]": "too deep",
	} {
		if got, err := armtemplate.Evaluate(expression, environment()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %s, %v", expression, value.JSON(got), err)
		}
	}
}
