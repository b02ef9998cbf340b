package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const specs = "../../../openapi"

func published(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(specs, "arm", "*", "redhatopenshift.json"))
	if err != nil || len(files) < 11 {
		t.Fatalf("found %d specs: %v", len(files), err)
	}
	return append(files, filepath.Join(specs, "admin", "admin.json"))
}

func TestEveryKeywordSurvivesTheConversion(t *testing.T) {
	for _, file := range published(t) {
		if _, err := Convert(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheGateSeesWhatOpenAPI2ConvDropsBesideAReference(t *testing.T) {
	swagger, err := Bundle(filepath.Join(specs, "arm", "2023-11-22", "redhatopenshift.json"))
	if err != nil {
		t.Fatal(err)
	}
	converted, err := ToOpenAPI3(swagger) // without KeepSiblings
	if err != nil {
		t.Fatal(err)
	}
	err = Compare(swagger, converted)
	for _, lost := range []string{
		"lost: Resource.systemData readOnly=true",
		"lost: OpenShiftCluster.properties x-ms-client-flatten=true",
	} {
		if err == nil || !strings.Contains(err.Error(), lost) {
			t.Errorf("the gate does not report %q; it says: %v", lost, err)
		}
	}
}

func TestTheGateSeesEachKindOfLoss(t *testing.T) {
	for name, change := range map[string]func(schemas, paths object){
		"an inherited property": func(s, _ object) { delete(member(member(s, "TrackedResource"), "properties"), "location") },
		"a required member":     func(s, _ object) { delete(member(s, "TrackedResource"), "required") },
		"an enum value":         func(s, _ object) { member(s, "Visibility")["enum"] = []any{"Public"} },
		"a description":         func(s, _ object) { delete(member(s, "Visibility"), "description") },
		"a format": func(s, _ object) {
			delete(member(member(member(s, "WorkerProfile"), "properties"), "count"), "format")
		},
		"an operation": func(_, p object) { delete(p, "/providers/Microsoft.RedHatOpenShift/operations") },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(specs, "arm", "2023-11-22", "redhatopenshift.json")
			swagger, err := Bundle(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := Convert(file)
			if err != nil {
				t.Fatal(err)
			}
			change(member(member(doc, "components"), "schemas"), member(doc, "paths"))
			if Compare(swagger, doc) == nil {
				t.Errorf("losing %s passes the gate", name)
			}
		})
	}
}

func TestAnOverlayReportsActionsThatChangeNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overlay.yaml")
	text := `overlay: 1.0.0
info: {title: test, version: 1.0.0}
actions:
  - target: '$.components.schemas.Visibility'
    update: {x-aro-compare: ignore-case}
  - target: '$.components.schemas.Nothing'
    update: {readOnly: true}
  - target: "$.components.schemas.WorkerProfile.properties.count['format']"
    remove: true
  - target: '$.components.schemas.Visibility'
    update: {x-aro-compare: ignore-case}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := ReadOverlay(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(filepath.Join(specs, "arm", "2023-11-22", "redhatopenshift.json"), overlay)
	if err != nil {
		t.Fatal(err)
	}
	visibility, err := d.Schema("Visibility")
	if err != nil || visibility.Compare != "ignore-case" {
		t.Errorf("update did not reach the schema: %+v, %v", visibility, err)
	}
	worker, err := d.Schema("WorkerProfile")
	if err != nil || worker.Properties[0].Name != "count" || worker.Properties[0].Format != "" {
		t.Errorf("remove did not reach the schema: %+v, %v", worker.Properties[0], err)
	}
	if idle := overlay.Idle(); len(idle) != 2 || !strings.Contains(idle[0], "schemas.Nothing") || !strings.Contains(idle[1], "action 4") {
		t.Errorf("idle actions: %q", idle)
	}
}

func TestAKeywordBesideAReferenceBelongsToTheProperty(t *testing.T) {
	d, err := Read(filepath.Join(specs, "arm", "2023-11-22", "redhatopenshift.json"))
	if err != nil {
		t.Fatal(err)
	}
	resource, err := d.Schema("Resource")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range resource.Properties {
		if p.Name == "systemData" && (!p.ReadOnly || len(p.Properties) == 0) {
			t.Errorf("systemData lost its readOnly or its properties: %+v", p.Schema)
		}
	}
}

func TestAKeywordThatNothingEnforcesFails(t *testing.T) {
	doc, err := Convert(filepath.Join(specs, "arm", "2023-11-22", "redhatopenshift.json"))
	if err != nil {
		t.Fatal(err)
	}
	member(member(member(doc, "components"), "schemas"), "Visibility")["x-aro-invented"] = true
	d, err := New(doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Schema("Visibility"); err == nil || !strings.Contains(err.Error(), "x-aro-invented") {
		t.Errorf("an unknown keyword was accepted: %v", err)
	}
}
