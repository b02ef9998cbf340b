package server

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aro-rp/aro/generated/registry"
)

// lesser is a version that cannot encode OpenShift versions.
type lesser struct{ registry.Version }

func TestAnOperationThatTheVersionCannotSayStopsTheStart(t *testing.T) {
	e := registry.Versions()[len(registry.Versions())-1]
	e.Version = lesser{e.Version}
	if _, err := newVersion(e, nil); err == nil || !strings.Contains(err.Error(), "no encoder") {
		t.Errorf("a version without encoders was registered: %v", err)
	}
}

func TestExpressionsAreTakenOutWhereTheyStand(t *testing.T) {
	var found expressions
	body := map[string]any{"a": "[x]", "b": map[string]any{"c": "[y]", "d": "text"}, "e": []any{"[z]", "[[escaped]", map[string]any{"f": "[w]"}}}
	found.strip("", body)
	if len(found) != 4 {
		t.Errorf("found %q", found)
	}
	want := map[string]any{"b": map[string]any{"d": "text"}, "e": []any{nil, "[[escaped]", map[string]any{}}}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("left %v, want %v", body, want)
	}
	for inner, outer := range map[string]string{"a.b": "a", "a[0]": "a", "a": "a"} {
		if !within(inner, outer) {
			t.Errorf("%s is in %s", inner, outer)
		}
	}
	if within("ab", "a") || within("a", "a.b") {
		t.Error("a name that begins with another's is not in it")
	}
}
