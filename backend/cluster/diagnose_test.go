package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
)

// broken is a cluster whose machines could not all be made.
func (s *fixture) broken(console string) {
	operations := groupID + "/deployments/" + machinesDeployment + "/operations"
	s.on("GET "+operations, func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"value": []any{
			map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}},
			map[string]any{"properties": map[string]any{"provisioningState": "Failed", "statusCode": "Conflict",
				"targetResource": map[string]any{"resourceName": infraID + "-master-0"}, "statusMessage": map[string]any{"error": map[string]any{"code": "AllocationFailed", "message": "no room"}}}},
		}}
	})
	s.on("GET "+groupID+"/deployments/"+principalRoles+"/operations", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"value": []any{map[string]any{"properties": map[string]any{"provisioningState": "Failed", "statusCode": "Forbidden"}}}}
	})
	machine := groupID + "/providers/Microsoft.Compute/virtualMachines/" + infraID + "-bootstrap"
	s.put(machine, map[string]any{})
	s.on("GET "+machine+"/instanceView", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"statuses": []any{map[string]any{"code": "ProvisioningState/succeeded"}, map[string]any{"code": "PowerState/running"}}}
	})
	s.on("POST "+machine+"/retrieveBootDiagnosticsData", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"serialConsoleLogBlobUri": origin + "/blob/logs/boot/console.log?sig=canary"}
	})
	s.mu.Lock()
	s.text["/blob/logs/boot/console.log"] = []byte(console)
	s.mu.Unlock()
	s.put(groupID+"/providers/Microsoft.Network/loadBalancers/"+infraID+"-internal", map[string]any{"properties": map[string]any{
		"frontendIPConfigurations": []any{
			map[string]any{"name": "a-service", "properties": map[string]any{"privateIPAddress": "10.0.0.9"}},
			map[string]any{"name": "internal-lb-ip-v4", "properties": map[string]any{"privateIPAddress": "10.0.0.4"}}},
		"backendAddressPools": []any{map[string]any{"name": infraID, "properties": map[string]any{"backendIPConfigurations": []any{
			map[string]any{"id": groupID + "/providers/Microsoft.Network/networkInterfaces/the-nic/ipConfigurations/x"}}}}},
	}})
}

func (s *fixture) diagnose(w *model.Cluster, cause error) map[string]string {
	found := map[string]string{}
	for _, f := range Diagnose(s.Dependencies)(s.t.Context(), w, "deploy machines", cause).Findings {
		found[f.Name] = f.Text
	}
	return found
}

func TestAFailureIsLookedInto(t *testing.T) {
	s := setUp(t)
	s.broken("booting\n\nbooting\nbooting\nno route to host\n")
	found := s.diagnose(s.work(model.Create, nil).Resource(), errors.New("it broke"))
	for name, want := range map[string]string{
		"step":                              "deploy machines: it broke",
		"deployment resources":              infraID + "-master-0: Conflict AllocationFailed: no room",
		"deployment clustersp":              "Forbidden",
		"internal load balancer":            "frontend 10.0.0.4\npool " + infraID + ": the-nic",
		"machine " + infraID + "-bootstrap": "power state: running\nbooting\nno route to host",
	} {
		if found[name] != want {
			t.Errorf("%s: got %q, want %q", name, found[name], want)
		}
	}
	if found["API server"] == "" {
		t.Error("nothing is said about the API server")
	}
	if strings.Contains(fmt.Sprint(found), "canary") {
		t.Error("a signature was kept")
	}
}

func TestWhatIsFoundFitsADocument(t *testing.T) {
	s := setUp(t)
	s.broken(strings.Repeat("a line of the console\nanother line\n", 100_000))
	for i := range 20 {
		s.put(fmt.Sprintf("%s/providers/Microsoft.Compute/virtualMachines/%s-worker-%d", groupID, infraID, i), map[string]any{})
	}
	total := 0
	for name, text := range s.diagnose(s.work(model.Create, nil).Resource(), errors.New(strings.Repeat("x", 1<<20))) {
		total += len(name) + len(text)
	}
	if total > maxFindings+maxFinding {
		t.Errorf("%d bytes were found", total)
	}
}

func TestNothingToSeeIsNoFailureOfItsOwn(t *testing.T) {
	s := setUp(t)
	if found := s.diagnose(s.work(model.Create, nil).Resource(), errors.New("x")); found["internal load balancer"] != "does not exist" {
		t.Errorf("found %v", found)
	}
}
