// Command crds packs the CustomResourceDefinitions of an OpenShift release into
// the one file that package generated/crds embeds:
//
//	go run ./hack/crds
//
// The output depends on nothing but the versions of the modules it reads. What
// OpenShift serves through aggregated API servers (projects, image streams, users)
// has no CRD and is not here.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// output is where package generated/crds expects it, from the module's root.
const output = "generated/crds/crds.json.gz"

const apiModule = "github.com/openshift/api"

// elsewhere are modules with the CRDs that apiModule lacks. No package of them is
// imported, so their versions are not in go.mod.
var elsewhere = []struct {
	module string
	files  []string
}{
	{"github.com/openshift/cloud-credential-operator@v0.0.0-20240404165937-5e8812d64187", []string{
		"manifests/0000_03_cloud-credential-operator_01_crd.yaml",
	}},
	{"github.com/prometheus-operator/prometheus-operator@v0.79.2", []string{
		"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
	}},
	{"sigs.k8s.io/network-policy-api@v0.1.5", []string{
		"config/crd/standard/policy.networking.k8s.io_adminnetworkpolicies.yaml",
	}},
}

// groups are the folders of apiModule whose objects the installer writes, the
// resource provider or its operator reads, or a controller of ours reports on.
var groups = []string{
	"config/v1", "console/v1", "imageregistry/v1", "machine/v1", "machine/v1beta1",
	"machineconfiguration/v1", "operator/v1", "operatoringress/v1", "route/v1", "samples/v1", "security/v1",
}

// variants are the parts of file names that mark CRDs of other feature sets, and of clusters whose
// control plane runs elsewhere.
var variants = []string{"-CustomNoUpgrade", "-DevPreviewNoUpgrade", "-TechPreviewNoUpgrade", "-Hypershift"}

func main() {
	content, err := pack()
	if err == nil {
		err = os.WriteFile(output, content, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

// pack returns the compressed JSON list of all CRDs, by name.
func pack() ([]byte, error) {
	files, err := sources()
	if err != nil {
		return nil, err
	}
	var list []*unstructured.Unstructured
	for _, file := range files {
		crd, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, crd)
	}
	slices.SortFunc(list, func(a, b *unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) })
	for i := 1; i < len(list); i++ {
		if list[i].GetName() == list[i-1].GetName() {
			return nil, fmt.Errorf("two CRDs are named %s", list[i].GetName())
		}
	}
	return compress(list)
}

func sources() ([]string, error) {
	api, err := goCommand("list", "-m", "-f", "{{.Dir}}", apiModule)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, group := range groups {
		found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(api)), group, "zz_generated.crd-manifests", "*.yaml"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s has no CRDs for %s", apiModule, group)
		}
		files = append(files, slices.DeleteFunc(found, isVariant)...)
	}
	for _, other := range elsewhere {
		dir, err := download(other.module)
		if err != nil {
			return nil, err
		}
		for _, file := range other.files {
			files = append(files, filepath.Join(dir, filepath.FromSlash(file)))
		}
	}
	return files, nil
}

// download returns the folder of a module.
func download(module string) (string, error) {
	answer, err := goCommand("mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(answer, &found); err != nil {
		return "", fmt.Errorf("go mod download: %w", err)
	}
	return found.Dir, nil
}

func isVariant(file string) bool {
	return slices.ContainsFunc(variants, func(v string) bool { return strings.Contains(file, v) })
}

func read(file string) (*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	crd := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &crd.Object); err != nil {
		return nil, err
	}
	if crd.GetKind() != "CustomResourceDefinition" {
		return nil, fmt.Errorf("is a %q", crd.GetKind())
	}
	unstructured.RemoveNestedField(crd.Object, "status")
	withoutDescriptions(crd.Object)
	return crd, nil
}

// withoutDescriptions halves what an API server keeps in memory for its CRDs.
// A property named description has an object as its value, and stays.
func withoutDescriptions(value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, text := value["description"].(string); text {
			delete(value, "description")
		}
		for _, child := range value {
			withoutDescriptions(child)
		}
	case []any:
		for _, child := range value {
			withoutDescriptions(child)
		}
	}
}

func compress(list []*unstructured.Unstructured) ([]byte, error) {
	var buffer bytes.Buffer
	writer, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	objects := make([]map[string]any, len(list))
	for i, crd := range list {
		objects[i] = crd.Object
	}
	if err := json.NewEncoder(writer).Encode(objects); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

func goCommand(args ...string) ([]byte, error) {
	command := exec.Command("go", args...)
	command.Stderr = os.Stderr
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return answer, nil
}
