package rules

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// yamlModule is the one that our code reads and writes YAML with: it goes by way of
// JSON, so that types need one set of tags, and it is what OpenShift's types are made for.
const yamlModule = "sigs.k8s.io/yaml"

// otherYAML are the packages that may import another, with the reason.
func otherYAML() map[string]map[string]string {
	return map[string]map[string]string{
		"k8s.io/apimachinery/pkg/util/yaml": {
			"local/controlplane/bootstrap": "a manifest holds several documents: it splits them, and decodes them by way of sigs.k8s.io/yaml",
		},
	}
}

func TestOneModuleReadsYAML(t *testing.T) {
	others, used := otherYAML(), map[string]bool{}
	for _, p := range packages(t) {
		for _, file := range slices.Concat(p.files, p.tests) {
			for _, imported := range file.Imports {
				name := strings.Trim(imported.Path.Value, `"`)
				if !isYAML(name) || name == yamlModule {
					used[yamlModule] = used[yamlModule] || name == yamlModule
					continue
				}
				if _, known := others[name][p.name]; !known {
					t.Errorf("%s imports %s: use %s", p.name, name, yamlModule)
				}
				used[name+" in "+p.name] = true
			}
		}
	}
	if !used[yamlModule] {
		t.Errorf("no package imports %s: the rule looks for the wrong module", yamlModule)
	}
	for name, why := range others {
		for _, p := range slices.Sorted(maps.Keys(why)) {
			if !used[name+" in "+p] {
				t.Errorf("%s does not import %s any more: remove the exception", p, name)
			}
		}
	}
}

// isYAML reports whether a package is one for YAML by its name: gopkg.in/yaml.v3,
// go.yaml.in/yaml/v4, github.com/goccy/go-yaml/ast.
func isYAML(name string) bool {
	if strings.HasPrefix(name, module+"/") {
		return false
	}
	for ; name != "." && name != "/"; name = path.Dir(name) {
		base := strings.TrimPrefix(path.Base(name), "go-")
		if base == "yaml" || strings.HasPrefix(base, "yaml.v") || base == "kyaml" || strings.HasPrefix(base, "yaml-") {
			return true
		}
	}
	return false
}

func TestYAMLModulesAreKnownByName(t *testing.T) {
	for name, want := range map[string]bool{
		"gopkg.in/yaml.v2": true, "gopkg.in/yaml.v3": true, "go.yaml.in/yaml/v4": true, "github.com/goccy/go-yaml/ast": true,
		"github.com/ghodss/yaml": true, "sigs.k8s.io/kustomize/kyaml/yaml": true, "k8s.io/apimachinery/pkg/util/yaml": true, yamlModule: true,
		"encoding/json": false, "github.com/aro-rp/aro/yaml": false, "k8s.io/api/core/v1": false,
	} {
		if isYAML(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
