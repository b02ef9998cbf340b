package openapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"sigs.k8s.io/yaml"
)

// What each version can do. One that is not listed here can do what newest says.
var (
	basic    = []string{"Operations_List", "OpenShiftClusters_List", "OpenShiftClusters_ListByResourceGroup", "OpenShiftClusters_Get", "OpenShiftClusters_CreateOrUpdate", "OpenShiftClusters_Update", "OpenShiftClusters_Delete"}
	oldest   = with(basic, "OpenShiftClusters_GetCredentials")
	password = with(basic, "OpenShiftClusters_ListCredentials")
	admin    = with(password, "OpenShiftClusters_ListAdminCredentials")
	versions = with(admin, "OpenShiftVersions_List")
	roleSets = with(versions, "OpenShiftVersions_Get", "PlatformWorkloadIdentityRoleSets_List", "PlatformWorkloadIdentityRoleSet_Get")

	newest = roleSets

	operations = map[string][]string{
		"2019-12-31-preview": oldest,
		"2020-04-30":         password,
		"2021-09-01-preview": admin,
		"2022-04-01":         admin,
		"2022-09-04":         versions,
		"2023-04-01":         versions,
		"2023-07-01-preview": versions,
		"2023-09-04":         versions,
		"2023-11-22":         versions,
		"2024-08-12-preview": roleSets,
		"2025-07-25":         roleSets,
	}
	adminOperations = []string{"Admin_ListClusters", "Admin_ListHistory", "Admin_GetCluster", "Admin_ExplainCluster", "Admin_GetMonitorResult", "Admin_UpdateCluster", "Admin_ListVersions", "Admin_PutVersion", "Admin_ListRoleSets", "Admin_PutRoleSet",
		"Admin_ListUnreadableDocuments", "Admin_RepairDocument", "Admin_RemoveDocument",
		"Admin_GetKubernetesObjects", "Admin_GetPodLogs", "Admin_CordonNode", "Admin_ApplyKubernetesObject", "Admin_DeleteKubernetesObject", "Admin_DrainNode",
		"Admin_CheckNetwork", "Admin_ValidateResize", "Admin_ApproveCertificateSigningRequests", "Admin_RunJob", "Admin_Exec", "Admin_CountEtcdKeys", "Admin_CreateElevatedKubeconfig", "Admin_CreateKubeconfig", "Admin_CreateSSH",
		"Admin_ListResources", "Admin_ListVirtualMachines", "Admin_GetSerialConsole", "Admin_StartVirtualMachine", "Admin_StopVirtualMachine", "Admin_RedeployVirtualMachine", "Admin_ResizeControlPlane", "Admin_ResizeVirtualMachine",
		"Admin_GetEffectiveRoutes", "Admin_GetEffectiveSecurityGroups", "Admin_DeleteManagedResource", "Admin_ListSupportedVMSizes",
		"Admin_ListBillingDocuments", "Admin_GetBillingDocument", "Admin_ListSubscriptions", "Admin_GetSubscription"}
)

func with(names []string, more ...string) []string { return append(slices.Clone(names), more...) }

func TestEveryVersionIsDescribed(t *testing.T) {
	found, err := filepath.Glob("arm/*/redhatopenshift.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < len(operations) {
		t.Errorf("%d specs, %d versions in the table", len(found), len(operations))
	}
	for _, file := range found {
		version := filepath.Base(filepath.Dir(file))
		want, listed := operations[version]
		if !listed {
			want = newest
		}
		t.Run(version, func(t *testing.T) {
			file := filepath.Join("arm", version, "redhatopenshift.json")
			doc := swagger(t, file)
			if doc.Info.Version != version {
				t.Errorf("info.version is %q, the folder says %q", doc.Info.Version, version)
			}
			checkOperations(t, doc, filepath.Dir(file), want)
		})
	}
}

func TestTheAdminAPIIsDescribed(t *testing.T) {
	doc := swagger(t, "admin/admin.json")
	checkOperations(t, doc, "admin", adminOperations)
	for path, item := range doc.Paths {
		for method, op := range item.Operations() {
			for _, p := range op.Parameters {
				if p.Name == "api-version" {
					t.Errorf("%s %s: the admin API has no api-version", method, path)
				}
			}
		}
	}
}

// checkOperations compares the operation ids and reads the example of each.
func checkOperations(t *testing.T, doc openapi2.T, dir string, want []string) {
	t.Helper()
	var got []string
	for _, item := range doc.Paths {
		for _, op := range item.Operations() {
			got = append(got, op.OperationID)
			checkExample(t, op, dir)
		}
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("operations\n got %v\nwant %v", got, want)
	}
}

func checkExample(t *testing.T, op *openapi2.Operation, dir string) {
	t.Helper()
	examples, _ := op.Extensions["x-ms-examples"].(map[string]any)
	if len(examples) == 0 {
		t.Errorf("%s has no example", op.OperationID)
	}
	for title, e := range examples {
		ref, _ := e.(map[string]any)["$ref"].(string)
		var example struct {
			OperationID string                     `json:"operationId"`
			Parameters  map[string]json.RawMessage `json:"parameters"`
			Responses   map[string]json.RawMessage `json:"responses"`
		}
		decode(t, filepath.Join(dir, ref), &example)
		if example.OperationID != op.OperationID {
			t.Errorf("example %q of %s is for %s", title, op.OperationID, example.OperationID)
		}
		for status := range op.Responses.Map() {
			if _, ok := example.Responses[status]; !ok && status != "default" {
				t.Errorf("example %q of %s shows no answer with status %s", title, op.OperationID, status)
			}
		}
	}
}

func TestEveryReferenceResolves(t *testing.T) {
	for _, file := range files(t, ".json") {
		walk(document(t, file), "", func(at string, node map[string]any) {
			if ref, ok := node["$ref"].(string); ok && !resolves(t, file, ref) {
				t.Errorf("%s%s: %s leads nowhere", file, at, ref)
			}
		})
	}
}

func resolves(t *testing.T, file, ref string) bool {
	t.Helper()
	target, pointer, _ := strings.Cut(ref, "#")
	if target != "" {
		file = filepath.Join(filepath.Dir(file), target)
	}
	if _, err := os.Stat(file); err != nil {
		return false
	}
	var node any = document(t, file)
	for _, key := range strings.Split(pointer, "/")[1:] {
		object, _ := node.(map[string]any)
		if node = object[key]; node == nil {
			return false
		}
	}
	return true
}

func TestEverythingIsExplained(t *testing.T) {
	for _, file := range files(t, ".json") {
		if strings.Contains(file, "examples") {
			continue
		}
		doc := document(t, file)
		for name, definition := range section(doc, "definitions") {
			explained(t, file+" "+name, definition)
			for property, schema := range section(definition, "properties") {
				explained(t, file+" "+name+"."+property, schema)
			}
		}
		for name, parameter := range section(doc, "parameters") {
			explained(t, file+" parameter "+name, parameter)
		}
		for path, item := range section(doc, "paths") {
			for method, op := range item.(map[string]any) {
				explained(t, file+" "+method+" "+path, op)
				for status, response := range section(op, "responses") {
					explained(t, file+" "+method+" "+path+" "+status, response)
				}
			}
		}
	}
}

// explained fails unless node says what it is, in more than its own name.
func explained(t *testing.T, at string, node any) {
	t.Helper()
	text, _ := section(node, "")["description"].(string)
	if len(strings.Fields(text)) < 2 || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: description %q is not a sentence", at, text)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestEveryOverlayActionHasAReason(t *testing.T) {
	for _, file := range files(t, ".yaml") {
		if filepath.Dir(file) != "overlays" {
			continue
		}
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); name != "all" && !exists(filepath.Join("arm", name)) {
			t.Errorf("%s belongs to no version", file)
		}
		var overlay struct {
			Overlay string
			Actions []struct {
				Target, Description string
				Update              map[string]any
				Remove              bool
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(data, &overlay); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if overlay.Overlay != "1.0.0" || len(overlay.Actions) == 0 {
			t.Errorf("%s: version %q with %d actions", file, overlay.Overlay, len(overlay.Actions))
		}
		for _, a := range overlay.Actions {
			if !strings.HasPrefix(a.Target, "$") || a.Description == "" || a.Remove == (a.Update != nil) {
				t.Errorf("%s: action on %q needs a reason and either an update or a removal", file, a.Target)
			}
		}
	}
}

// swagger reads a description the way the generator does.
func swagger(t *testing.T, file string) openapi2.T {
	t.Helper()
	var doc openapi2.T
	decode(t, file, &doc)
	if doc.Swagger != "2.0" || doc.Info.Title == "" {
		t.Fatalf("%s: swagger %q, title %q", file, doc.Swagger, doc.Info.Title)
	}
	return doc
}

func files(t *testing.T, extension string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == extension {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s files: %v", extension, err)
	}
	return found
}

func document(t *testing.T, file string) map[string]any {
	t.Helper()
	var doc map[string]any
	decode(t, file, &doc)
	return doc
}

func decode(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// section is the object at key of node, or node itself for an empty key.
func section(node any, key string) map[string]any {
	object, _ := node.(map[string]any)
	if key == "" {
		return object
	}
	inner, _ := object[key].(map[string]any)
	return inner
}

func walk(node any, at string, visit func(at string, node map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		visit(at, node)
		for key, child := range node {
			walk(child, at+"/"+key, visit)
		}
	case []any:
		for _, child := range node {
			walk(child, at, visit)
		}
	}
}
