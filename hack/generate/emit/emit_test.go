package emit

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/hack/generate/spec"
)

const newest = "../../../openapi/arm/2025-07-25/redhatopenshift.json"

func structsOf(t *testing.T, d *spec.Document) Structs {
	t.Helper()
	source, err := Types(d, "test", ByName)
	if err != nil {
		t.Fatal(err)
	}
	structs, err := ParseStructs(source)
	if err != nil {
		t.Fatal(err)
	}
	return structs
}

func TestLocationAndTagsHaveFieldsInEveryVersion(t *testing.T) {
	files, err := filepath.Glob("../../../openapi/arm/*/redhatopenshift.json")
	if err != nil || len(files) < 11 {
		t.Fatalf("found %d specs: %v", len(files), err)
	}
	for _, file := range files {
		d, err := spec.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		cluster := structsOf(t, d)["OpenShiftCluster"]
		for _, name := range []string{"location", "tags", "id", "properties"} {
			if _, ok := cluster[name]; !ok {
				t.Errorf("%s: OpenShiftCluster has no field for %s", file, name)
			}
		}
	}
}

func TestTheGateSeesWhatOapiCodegenForgetsToInherit(t *testing.T) {
	doc, err := spec.Convert(newest)
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.New(doc) // without spec.Inherit
	if err != nil {
		t.Fatal(err)
	}
	err = CheckFields(d, structsOf(t, d))
	if err == nil || !strings.Contains(err.Error(), "OpenShiftCluster has no field for its property") {
		t.Errorf("the gate does not see the lost properties: %v", err)
	}
}

func TestAPropertyThatTheModelCannotHoldFails(t *testing.T) {
	d := withProperty(t, "brandNew", map[string]any{"type": "string"})
	_, err := Version(d, "test")
	if err == nil || !strings.Contains(err.Error(), "has no member brandNew") {
		t.Errorf("a property without a place in the model was accepted: %v", err)
	}
}

func TestARuleWithoutACheckFails(t *testing.T) {
	d := withProperty(t, "podCidr", map[string]any{"type": "string", "format": "ipv4-cidr"})
	_, err := Version(d, "test")
	if err == nil || !strings.Contains(err.Error(), `no check for format "ipv4-cidr"`) {
		t.Errorf("a format that nothing checks was accepted: %v", err)
	}
}

// withProperty is the newest version with another property in its network profile.
func withProperty(t *testing.T, name string, schema map[string]any) *spec.Document {
	t.Helper()
	doc, err := spec.Convert(newest)
	if err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	schemas["NetworkProfile"].(map[string]any)["properties"].(map[string]any)[name] = schema
	spec.KeepSiblings(doc)
	spec.Inherit(doc)
	d, err := spec.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
