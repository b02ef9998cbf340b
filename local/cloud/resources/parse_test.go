package resources_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func TestPathsAreTakenApart(t *testing.T) {
	for path, want := range map[string]struct{ kind, name, parent string }{
		"/subscriptions/s":                                                             {"Microsoft.Resources/subscriptions", "s", ""},
		"/subscriptions/s/resourcegroups/g":                                            {"Microsoft.Resources/resourceGroups", "g", "/subscriptions/s"},
		"//subscriptions//s/resourceGroups":                                            {"Microsoft.Resources/resourceGroups", "", "/subscriptions/s"},
		"/subscriptions/s/resourceGroups/g/providers/A.B/c/d":                          {"A.B/c", "d", "/subscriptions/s/resourceGroups/g"},
		"/subscriptions/s/resourceGroups/g/providers/A.B/c/d/e/f/":                     {"A.B/c/e", "f", "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"},
		"/subscriptions/s/resourceGroups/g/providers/A.B/c/d/start":                    {"A.B/c/start", "d", "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"},
		"/subscriptions/s/providers/A.B/c/d/providers/Microsoft.Authorization/locks/l": {"Microsoft.Authorization/locks", "l", "/subscriptions/s/providers/A.B/c/d"},
		"/providers/Microsoft.Authorization/roleDefinitions/x":                         {"Microsoft.Authorization/roleDefinitions", "x", ""},
	} {
		id, err := resources.Parse(path)
		if err != nil || id.Type() != want.kind || id.Name() != want.name || id.Parent() != want.parent {
			t.Errorf("%s: %s %s %s %v", path, id.Type(), id.Name(), id.Parent(), err)
		}
	}
	for _, path := range []string{"", "/", "/x", "/subscriptions", "/subscriptions/s/x", "/subscriptions/s/providers/A.B", "/providers/A.B"} {
		if id, err := resources.Parse(path); err == nil {
			t.Errorf("%q is %+v", path, id)
		}
	}
}

func TestFilters(t *testing.T) {
	fields := resources.Fields{
		Values: func(name string) []string {
			return map[string][]string{"name": {"It's"}, "tag": {"a", "b"}}[name]
		},
		Call: func(function string, arguments []string) bool {
			return function == "assignedTo" && len(arguments) == 1 && arguments[0] == "x"
		},
	}
	for text, want := range map[string]bool{
		"":                               true,
		"name eq 'it''s'":                true,
		"name ne 'it''s'":                false,
		"tag eq 'b' and name eq 'It''s'": true,
		"tag eq 'c' or assignedTo('x')":  true,
		"not (tag eq 'b')":               false,
		"not tag eq 'c' and startswith(name, 'I')": true,
		"substringof('t''', name)":                 true,
		"assignedTo('y')":                          false,
	} {
		f, err := resources.ParseFilter(text)
		if err != nil || f.Matches(fields) != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"name", "name eq", "eq 'x'", "(name eq 'x'", "name eq 'x' and", "f(", "name eq 'x' )", "'", strings.Repeat("(", 1000), strings.Repeat("not ", 1000) + "a eq 'b'"} {
		if _, err := resources.ParseFilter(text); err == nil {
			t.Errorf("%.30q was taken", text)
		}
	}
}
