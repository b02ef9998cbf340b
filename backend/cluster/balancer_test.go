package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
)

const internalID = balancerID + "-internal"

// internal makes the internal balancer of a cluster from before zones, without SSH.
func (s *fixture) internal() {
	part := func(kind, name string, properties map[string]any) map[string]any {
		return map[string]any{"name": name, "id": internalID + "/" + kind + "/" + name, "properties": properties}
	}
	on := map[string]any{"frontendIPConfiguration": map[string]any{"id": internalID + "/frontendIPConfigurations/internal-lb-ip-v4"}}
	s.put(internalID, map[string]any{"location": "eastus", "properties": map[string]any{
		"frontendIPConfigurations": []any{part("frontendIPConfigurations", "internal-lb-ip-v4", map[string]any{"privateIPAddress": "10.0.0.4"})},
		"backendAddressPools":      []any{part("backendAddressPools", infraID, nil)},
		"loadBalancingRules":       []any{part("loadBalancingRules", "api-internal-v4", on), part("loadBalancingRules", "sint-v4", on)},
	}})
	s.put(groupID+"/providers/Microsoft.Network/privateLinkServices/"+infraID+"-pls", map[string]any{"properties": map[string]any{
		"loadBalancerFrontendIpConfigurations": []any{map[string]any{"id": internalID + "/frontendIPConfigurations/internal-lb-ip-v4"}}}})
}

// linked is the frontend that the private link leads to.
func (s *fixture) linked() string {
	service := s.get(groupID + "/providers/Microsoft.Network/privateLinkServices/" + infraID + "-pls")["properties"].(map[string]any)
	id, _ := service["loadBalancerFrontendIpConfigurations"].([]any)[0].(map[string]any)["id"].(string)
	return lastSegment(id)
}

func TestTheBalancerGetsZonesAndKeepsItsAddress(t *testing.T) {
	s := setUp(t)
	s.internal()
	w := s.work(model.AdminUpdate, func(c *model.Cluster) { c.Internal.MaintenanceTask = model.MigrateLoadBalancer })
	s.must(s.do(s.recordInternalAddress, w))
	for round := range 2 { // every step twice, then all of them again
		for _, step := range append(s.migrateBalancer(nil), s.adminUpdate()[slices.IndexFunc(s.adminUpdate(), func(p Step) bool { return p.Name == "rules for SSH" })]) {
			for range 2 {
				s.named(internalID)
				s.must(s.do(step.Do, w))
			}
			if round == 0 && step.Name == "link temporary frontend" && !temporaryFrontend.MatchString(s.linked()) {
				t.Errorf("meanwhile the link leads to %s", s.linked())
			}
		}
	}
	properties := s.get(internalID)["properties"].(map[string]any)
	frontends := properties["frontendIPConfigurations"].([]any)
	only := frontends[0].(map[string]any)
	if len(frontends) != 1 || fmt.Sprint(only["zones"]) != "[1 2 3]" || only["properties"].(map[string]any)["privateIPAddress"] != "10.0.0.4" || s.linked() != "internal-lb-ip-v4" {
		t.Errorf("the frontends are %v, the link leads to %s", frontends, s.linked())
	}
	var rules []string
	for _, r := range properties["loadBalancingRules"].([]any) {
		rules = append(rules, r.(map[string]any)["name"].(string))
	}
	if got := strings.Join(rules, " "); got != "api-internal-v4 sint-v4 ssh-0 ssh-1 ssh-2" {
		t.Errorf("the rules are %s", got)
	}
}

// named gives the balancer's parts the ids that Azure gives them.
func (s *fixture) named(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, list := range s.docs[lowered(id)]["properties"].(map[string]any) {
		list, _ := list.([]any)
		for _, one := range list {
			one := one.(map[string]any)
			one["id"] = id + "/" + kind + "/" + one["name"].(string)
		}
	}
}

func TestMastersAreInTheirPools(t *testing.T) {
	s := setUp(t)
	nics := groupID + "/providers/Microsoft.Network/networkInterfaces/"
	pool := func(id string) any { return map[string]any{"id": id} }
	nic := func(name, subnet string, machine bool, pools ...any) {
		properties := map[string]any{"ipConfigurations": []any{map[string]any{"name": "x", "properties": map[string]any{
			"subnet": map[string]any{"id": vnetID + "/subnets/" + subnet}, "loadBalancerBackendAddressPools": pools}}}}
		if machine {
			properties["virtualMachine"] = map[string]any{"id": "/vm"}
		}
		s.put(nics+infraID+name, map[string]any{"properties": properties})
	}
	right := []any{pool(internalID + "/backendAddressPools/" + infraID), pool(internalID + "/backendAddressPools/ssh-0"), pool(balancerID + "/backendAddressPools/" + infraID)}
	nic("-master0-nic", "master", true, right...)
	nic("-master1-nic", "master", true, pool("/theirs/backendAddressPools/mine"), pool(internalID+"/backendAddressPools/ssh-2"))
	nic("-master-abcde-2-nic", "master", false, right...)
	nic("-worker-0-nic", "worker", true)
	nic("-master2-nic", "worker", true)
	w := s.work(model.AdminUpdate, nil)
	for range 2 {
		s.must(s.do(s.restorePools, w))
	}
	want := []string{"DELETE " + lowered(nics+infraID) + "-master-abcde-2-nic", "PUT " + lowered(nics+infraID) + "-master-abcde-2-nic", "PUT " + lowered(nics+infraID) + "-master1-nic"}
	if got := sorted(s.writes(nics)); !slices.Equal(got, want) {
		t.Errorf("wrote %v, want %v", got, want)
	}
	text := fmt.Sprint(s.get(nics + infraID + "-master1-nic"))
	for part, in := range map[string]bool{"/theirs/backendAddressPools/mine": true, "ssh-2": false, "ssh-1": true, balancerID + "/backendAddressPools": true} {
		if strings.Contains(text, part) != in {
			t.Errorf("the interface is in %s: %v", part, !in)
		}
	}
}
