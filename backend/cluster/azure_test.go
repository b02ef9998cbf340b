package cluster

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

func TestOnlyStoppedMachinesAreStarted(t *testing.T) {
	s := setUp(t)
	machines := groupID + "/providers/Microsoft.Compute/virtualMachines/"
	for name, state := range map[string]string{"a": "running", "b": "deallocated", "c": "stopped", "d": "starting"} {
		s.put(machines+name, map[string]any{})
		s.on("GET "+machines+name+"/instanceView", func(*http.Request, []byte) (int, any) {
			return 200, map[string]any{"statuses": []any{map[string]any{"code": "PowerState/" + state}}}
		})
		s.on("POST "+machines+name+"/start", func(*http.Request, []byte) (int, any) { return 200, nil })
	}
	s.must(s.do(s.startMachines, s.work(model.Update, nil)))
	want := []string{"POST " + lowered(machines) + "b/start", "POST " + lowered(machines) + "c/start"}
	if got := sorted(s.writes(machines)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheBootstrapMachineGoesBeforeWhatItUsesAndMayBeGone(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	s.must(s.do(s.removeBootstrap, w))
	compute, nics := lowered(groupID)+"/providers/microsoft.compute/", lowered(groupID)+"/providers/microsoft.network/networkinterfaces/"
	want := []string{"DELETE " + compute + "virtualmachines/" + infraID + "-bootstrap", "DELETE " + compute + "disks/" + infraID + "-bootstrap_osdisk", "DELETE " + nics + infraID + "-bootstrap-nic"}
	if got := s.writes(groupID); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, call := range want {
		s.on(call, func(*http.Request, []byte) (int, any) { return 404, refusal("ResourceNotFound", "m") })
	}
	s.must(s.do(s.removeBootstrap, w))
}

func TestABootstrapMachineIsKeptUnlessAzureCouldNotMakeIt(t *testing.T) {
	compute := lowered(groupID) + "/providers/microsoft.compute/"
	failed := []string{"DELETE " + compute + "virtualmachines/" + infraID + "-bootstrap", "DELETE " + compute + "disks/" + infraID + "-bootstrap_osdisk"}
	for state, test := range map[string]struct {
		made    bool
		removed []string
	}{
		"Succeeded": {}, "Creating": {}, "": {made: true}, "Failed": {made: true, removed: failed},
	} {
		t.Run("state "+state, func(t *testing.T) {
			s := setUp(t)
			s.storage()
			w := s.work(model.Create, installable)
			s.must(s.do(s.runInstaller, w))
			if state != "" {
				s.put(groupID+"/providers/Microsoft.Compute/virtualMachines/"+infraID+"-bootstrap", map[string]any{"properties": map[string]any{"provisioningState": state}})
			}
			clients, err := s.customer(w.Cluster())
			s.must(err)
			machines, err := s.machineTemplate(t.Context(), clients, w)
			s.must(err)
			if (machines.Bootstrap != nil) != test.made {
				t.Errorf("the machine is made: %v, want %v", machines.Bootstrap != nil, test.made)
			}
			if got := s.writes(groupID + "/providers/Microsoft.Compute"); !slices.Equal(got, test.removed) {
				t.Errorf("removed %v, want %v", got, test.removed)
			}
		})
	}
}

func TestThePrivateLinkIsUsedOnceItIsApproved(t *testing.T) {
	tests := map[string]struct {
		why, state string
		waits      bool
		refused    bool
	}{
		"approved": {why: "its address is recorded", state: "Approved"},
		"pending":  {why: "Azure approves it soon", state: "Pending", waits: true},
		"rejected": {why: "somebody did, and must undo it", state: "Rejected", refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Create, nil)
			own := ownID + "/resourceGroups/aro-rp/providers/Microsoft.Network/"
			s.put(own+"networkInterfaces/nic", map[string]any{"properties": map[string]any{"ipConfigurations": []any{map[string]any{"properties": map[string]any{"privateIPAddress": "127.64.0.5"}}}}})
			s.on("PUT "+own+"privateEndpoints/rp-pe-"+w.Cluster().Internal.UID, func(*http.Request, []byte) (int, any) { return 200, map[string]any{} })
			s.put(own+"privateEndpoints/rp-pe-"+w.Cluster().Internal.UID, map[string]any{"properties": map[string]any{
				"networkInterfaces":                   []any{map[string]any{"id": own + "networkInterfaces/nic"}},
				"manualPrivateLinkServiceConnections": []any{map[string]any{"properties": map[string]any{"privateLinkServiceConnectionState": map[string]any{"status": test.state}}}},
			}})
			err := s.do(s.linkAPIServer, w)
			if waits(err) != test.waits || arm.ComponentNotReady.Is(err) != test.refused {
				t.Fatalf("%s: got %v", test.why, err)
			}
			if ip := w.Cluster().Internal.PrivateEndpointIP; (ip == "127.64.0.5") != (err == nil) {
				t.Errorf("%s: recorded %q", test.why, ip)
			}
		})
	}
}

func TestCertificatesAreOrderedOnce(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	vault := "/vaults/aro-cls/certificates/" + w.Cluster().Internal.UID
	for _, name := range []string{apiCertificate, ingressCertificate} {
		s.on("POST "+vault+name+"/create", func(_ *http.Request, body []byte) (int, any) {
			if !strings.Contains(string(body), "eastus.aroapp.test") || !strings.Contains(string(body), `"tags":{"issuer":"Self"}`) || !strings.Contains(string(body), `"issuer":{"name":"Self"`) {
				t.Errorf("ordered %s", body)
			}
			s.put(vault+name+"/pending", map[string]any{"status": "inProgress"})
			return 202, map[string]any{"status": "inProgress"}
		})
	}
	s.must(s.do(s.orderCertificates, w))
	s.must(s.do(s.orderCertificates, w))
	if got := s.writes("/vaults/"); len(got) != 2 {
		t.Errorf("ordered %v", got)
	}
}

func TestARenewalIsWaitedForOnlyWithoutACertificateThatServes(t *testing.T) {
	soon, ago := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	tests := map[string]struct {
		why, operation, issuer string
		until                  time.Time // zero: there is no certificate
		waits, refused         bool
	}{
		"none yet":       {why: "a create has nothing else", operation: "inProgress", waits: true},
		"none":           {why: "nothing will come", operation: "failed", refused: true},
		"being renewed":  {why: "the last one serves on", operation: "inProgress", issuer: "Self", until: soon},
		"not renewed":    {why: "so it does then", operation: "failed", issuer: "Self", until: soon},
		"expired":        {why: "nobody would trust it", operation: "inProgress", issuer: "Self", until: ago, waits: true},
		"of another":     {why: "today's issuer is to replace it", operation: "inProgress", issuer: "Former", until: soon, waits: true},
		"of an old time": {why: "nobody knows whose it is", operation: "inProgress", until: soon, waits: true},
		"issued":         {why: "nothing else is under way", operation: "completed", until: soon},
		"long issued":    {why: "the vault forgets finished operations", until: soon},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Update, nil)
			if test.operation != "" {
				s.put("/vaults/aro-cls/certificates/c/pending", map[string]any{"status": test.operation})
			}
			if !test.until.IsZero() {
				s.on("GET /vaults/aro-cls/secrets/c/", func(*http.Request, []byte) (int, any) {
					return 200, map[string]any{"value": certificate(), "tags": map[string]string{"issuer": test.issuer}, "attributes": map[string]any{"exp": test.until.Unix()}}
				})
			}
			pair, err := s.certificate(t.Context(), w, "c")
			if waits(err) != test.waits || arm.ComponentNotReady.Is(err) != test.refused || (err == nil) != (len(pair.Certificate) > 0) {
				t.Errorf("%s: got %v", test.why, err)
			}
		})
	}
}

func TestARotatedPrincipalReplacesTheOldOne(t *testing.T) {
	s := setUp(t)
	s.created()
	assignments := groupID + "/providers/Microsoft.Authorization/roleAssignments"
	definitions := groupID + "/providers/Microsoft.Authorization/roleDefinitions"
	deployment := groupID + "/providers/Microsoft.Resources/deployments/" + principalRoles
	s.on("GET "+definitions, func(*http.Request, []byte) (int, any) { return 200, map[string]any{"value": []any{}} })
	s.on("PUT "+deployment, func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}
	})
	holder := "22222222-0000-0000-0000-00000000000A" // the old one
	s.on("GET "+assignments, func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"value": []any{map[string]any{"id": assignments + "/x", "properties": map[string]any{
			"scope": lowered(groupID), "principalId": holder, "roleDefinitionId": "/x/b24988ac-6180-42a0-ab88-20f7382dd24c"}}}}
	})
	w := s.work(model.Update, nil)
	s.must(s.do(s.renewPrincipalRoles, w))
	if got, want := s.writes(groupID), []string{"DELETE " + lowered(assignments) + "/x", "PUT " + lowered(deployment)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	holder = strings.ToUpper(w.Cluster().Properties.ServicePrincipalProfile.ObjectID)
	s.must(s.do(s.renewPrincipalRoles, w))
	if got := s.writes(groupID); len(got) != 2 {
		t.Errorf("what is right was changed: %v", got[2:])
	}
}

func TestAnIdentityWithoutAnObjectIDOpensNothing(t *testing.T) {
	for name, forget := range map[string]func(*model.Cluster){
		"service":   func(c *model.Cluster) { c.Internal.ResourceProviderID = "" },
		"principal": func(c *model.Cluster) { c.Properties.ServicePrincipalProfile.ObjectID = "" },
	} {
		s := setUp(t)
		if err := s.do(s.denyOthers, s.work(model.Update, forget)); err == nil || len(s.writes(groupID)) != 0 {
			t.Errorf("%s: got %v after %v", name, err, s.writes(groupID))
		}
	}
}

func waits(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "waiting for") }
