package message_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/message"
)

type version interface {
	APIVersion() string
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
	WriteCluster(body []byte, old, c *model.Cluster, f *arm.Faults) error
	MergeCluster(body []byte, c *model.Cluster, f *arm.Faults) error
	EncodeCluster(c *model.Cluster) ([]byte, error)
}

func versions() (all []version) {
	for _, e := range registry.Versions() {
		all = append(all, e.Version)
	}
	return all
}

const (
	canary = "canary-5c1d"
	id     = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
)

var rules = model.Rules{Location: "eastus", Domain: "eastus.aroapp.io"}

// TestEveryErrorOfABodyStandsAlone puts an invalid value in place of each member of
// a cluster, in every version, and checks all errors of the specs, the conversions
// and the rules, in a create, a PUT of an existing cluster, and a PATCH. In members
// for secrets, the value is a secret.
func TestEveryErrorOfABodyStandsAlone(t *testing.T) {
	codes := map[string]int{}
	for _, v := range versions() {
		t.Run(v.APIVersion(), func(t *testing.T) {
			body := example(t, v)
			for _, at := range places(body, nil) {
				for _, wrong := range wrongs(at) {
					for _, e := range errorsOf(t, v, body, set(body, at, wrong), patch(at, wrong)) {
						codes[e.Code.Name]++
						message.Check(t, e, canary)
					}
				}
			}
		})
	}
	t.Logf("read: %v", codes)
	for _, code := range []arm.Code{arm.InvalidRequestContent, arm.InvalidParameter, arm.PropertyChangeNotAllowed} {
		if codes[code.Name] < 100 {
			t.Errorf("only %d errors are %s: what is wrong is taken for right", codes[code.Name], code.Name)
		}
	}
}

// wrongs are values for a place: most of them are wrong there.
func wrongs(at []any) []any {
	text := "odd\nvalue"
	switch at[len(at)-1] {
	case "clientSecret", "pullSecret", "clientId":
		text = canary
	}
	return []any{nil, true, -1, 7, "", text, strings.Repeat(text, 50), []any{text}, []any{map[string]any{"odd": 1}}, map[string]any{"odd": text}}
}

// errorsOf are the errors of a create with a body, and of a PUT of it and a PATCH on
// what was created with a good one.
func errorsOf(t *testing.T, v version, good, body, patch any) (all []*arm.Error) {
	t.Helper()
	stored := created(t, v, good)
	for _, old := range []*model.Cluster{nil, stored} {
		var f arm.Faults
		if sent := v.ValidateCluster(marshal(t, body), &f); f.Len() == 0 {
			c := fromURL()
			if old != nil {
				c = created(t, v, good)
			}
			if err := v.WriteCluster(sent, old, c, &f); err != nil {
				t.Fatal(err)
			}
			c.Default()
			c.Validate(old, rules, &f)
		}
		all = append(all, f.List()...)
	}
	var f arm.Faults
	if sent := v.ValidateClusterUpdate(marshal(t, patch), &f); f.Len() == 0 {
		now, err := v.EncodeCluster(stored)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := conversion.MergePatch(now, sent)
		if err != nil {
			t.Fatal(err)
		}
		if v.ValidateCluster(merged, &f); f.Len() == 0 {
			c := created(t, v, good)
			if err := v.MergeCluster(merged, c, &f); err != nil {
				t.Fatal(err)
			}
			c.Default()
			c.Validate(stored, rules, &f)
		}
	}
	return append(all, f.List()...)
}

func fromURL() *model.Cluster {
	return &model.Cluster{ID: id, Name: "c", Type: "Microsoft.RedHatOpenShift/openShiftClusters"}
}

func example(t *testing.T, v version) any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "openapi", "arm", v.APIVersion(), "examples", "OpenShiftClusters_CreateOrUpdate.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Parameters struct{ Parameters any }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Parameters.Parameters
}

func marshal(t *testing.T, body any) []byte {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// created is the cluster that a good body creates.
func created(t *testing.T, v version, good any) *model.Cluster {
	t.Helper()
	c, f := fromURL(), &arm.Faults{}
	if err := v.WriteCluster(marshal(t, good), nil, c, f); err != nil || f.Len() > 0 {
		t.Fatal(err, f.List())
	}
	c.Internal.UID = "8a1f8e5e-7a54-4e1c-8d2c-2f4c1f4c9f11"
	c.Default()
	return c
}

// places returns the paths of all values in a body, and of one unknown name in each
// object.
func places(body any, above []any) (all [][]any) {
	below := func(key, value any) {
		at := append(slices.Clone(above), key)
		all = append(append(all, at), places(value, at)...)
	}
	switch body := body.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(body)) {
			below(name, body[name])
		}
		if len(above) > 0 { // at the top level it is reported as an unknown member
			below("odd", nil)
		}
	case []any:
		for i, value := range body {
			below(i, value)
		}
	}
	return all
}

// set is a copy of a body with another value at a place.
func set(body any, at []any, value any) any {
	if len(at) == 0 {
		return value
	}
	switch key := at[0].(type) {
	case string:
		copied := maps.Clone(body.(map[string]any))
		copied[key] = set(copied[key], at[1:], value)
		return copied
	case int:
		copied := slices.Clone(body.([]any))
		copied[key] = set(copied[key], at[1:], value)
		return copied
	}
	return body
}

// patch is a PATCH of one value.
func patch(at []any, value any) any {
	if len(at) == 0 {
		return value
	}
	if name, ok := at[0].(string); ok {
		return map[string]any{name: patch(at[1:], value)}
	}
	return []any{patch(at[1:], value)}
}
