package openshift

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/aro-rp/aro/backend/controlplane"
)

func spec(workers ...controlplane.Pool) controlplane.Spec {
	return controlplane.Spec{
		InfraID: "one-abcde", Location: "eastus", Version: "4.17.27",
		Masters: controlplane.Pool{VMSize: "Standard_D8s_v3", Count: 3}, Workers: workers,
	}
}

func names(spec controlplane.Spec) []string {
	var list []string
	for _, node := range nodes(spec, time.Now()) {
		list = append(list, node.Name)
	}
	return list
}

func TestNodesHaveTheRolesThatWereAskedFor(t *testing.T) {
	all := nodes(spec(controlplane.Pool{Name: "worker", VMSize: "Standard_D4s_v3", Count: 2}), time.Now())
	roles := map[string]int{}
	for _, node := range all {
		for label := range node.Labels {
			if role, ok := strings.CutPrefix(label, rolePrefix); ok {
				roles[role]++
			}
		}
		if !isReady(node) || node.Status.NodeInfo.KubeletVersion != "v1.30.27" {
			t.Errorf("%s: ready %v, version %s", node.Name, isReady(node), node.Status.NodeInfo.KubeletVersion)
		}
	}
	if len(all) != 5 || roles["master"] != 3 || roles["control-plane"] != 3 || roles["worker"] != 2 {
		t.Errorf("%d nodes, roles %v", len(all), roles)
	}
	if all[0].Name != "one-abcde-master-0" || !strings.HasPrefix(all[3].Name, "one-abcde-worker-eastus1-") {
		t.Errorf("names %s, %s", all[0].Name, all[3].Name)
	}
}

func TestPoolThatShrinksLosesItsLastNodes(t *testing.T) {
	five := names(spec(controlplane.Pool{Name: "worker", Count: 5}))
	three := names(spec(controlplane.Pool{Name: "worker", Count: 3}))
	if !slices.Equal(five[:6], three) {
		t.Errorf("%v is no beginning of %v", three, five)
	}
}

func TestNamesAreDistinctAndValid(t *testing.T) {
	tests := map[string]controlplane.Spec{
		"pools of one name":  spec(controlplane.Pool{Name: "worker", Count: 4}, controlplane.Pool{Name: "worker", Count: 4}),
		"pools of no name":   spec(controlplane.Pool{Count: 2}, controlplane.Pool{Name: "worker", Count: 2}),
		"a name for people":  {InfraID: "one", Location: "East US 2", Workers: []controlplane.Pool{{Name: "My_Pool", Count: 2}}},
		"hundreds of a kind": spec(controlplane.Pool{Name: "worker", Count: 400}),
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			for _, node := range names(s) {
				if seen[node] || len(validation.IsDNS1123Subdomain(node)) > 0 {
					t.Errorf("%q is taken or no name", node)
				}
				seen[node] = true
			}
		})
	}
}

func TestCapacityFollowsTheSize(t *testing.T) {
	tests := map[string]struct {
		cores int64
		gib   int64
	}{
		"Standard_D8s_v3":  {8, 32},
		"Standard_E16s_v5": {16, 128},
		"Standard_F4s_v2":  {4, 8},
		"unheard of":       {4, 16}, // a guess is better than a node without cores
	}
	for size, want := range tests {
		got := capacityOf(size)
		if got.Cpu().Value() != want.cores || got.Memory().Value() != want.gib<<30 {
			t.Errorf("%s: %v cores, %v memory", size, got.Cpu(), got.Memory())
		}
	}
}
