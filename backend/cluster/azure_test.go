package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
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
	s.must(s.do(s.startMachines, s.work(model.Update, nil))) // all are workers
	want := []string{"POST " + lowered(machines) + "b/start", "POST " + lowered(machines) + "c/start"}
	if got := sorted(s.writes(machines)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// power makes a machine exist and be in a state; start is how Azure answers a start.
func (s *fixture) power(name, state string, start func(*http.Request, []byte) (int, any)) {
	machine := groupID + "/providers/Microsoft.Compute/virtualMachines/" + name
	s.put(machine, map[string]any{})
	s.on("GET "+machine+"/instanceView", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"statuses": []any{map[string]any{"code": "ProvisioningState/succeeded"}, map[string]any{"code": "PowerState/" + state}}}
	})
	s.on("POST "+machine+"/start", start)
}

func TestAWorkerThatCannotStartStopsNoUpdate(t *testing.T) {
	started := func(*http.Request, []byte) (int, any) { return 200, nil }
	full := func(*http.Request, []byte) (int, any) { return 409, refusal("AllocationFailed", "no room") }
	never := func(r *http.Request, _ []byte) (int, any) { // is accepted, and never ends
		return 202, nil
	}
	tests := map[string]struct {
		why           string
		master        string
		masterStart   func(*http.Request, []byte) (int, any)
		worker        func(*http.Request, []byte) (int, any)
		waits, failed bool
	}{
		"all stopped":       {why: "a subscription came back: all start", master: "deallocated", masterStart: started, worker: started},
		"no room":           {why: "the rest of the cluster runs", master: "running", worker: full},
		"starts for ever":   {why: "workers are not waited for", master: "running", worker: never},
		"no room for all":   {why: "nothing works without masters", master: "stopped", masterStart: full, worker: full, failed: true},
		"master still goes": {why: "it can be started when it has stopped", master: "deallocating", worker: started, waits: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.power(infraID+"-master-0", test.master, test.masterStart)
			s.power(infraID+"-worker-eastus1-abcde", "deallocated", test.worker)
			began := time.Now()
			err := s.do(s.startMachines, s.work(model.Update, nil))
			if waits(err) != test.waits || (err != nil) != (test.waits || test.failed) || time.Since(began) > 30*time.Second {
				t.Errorf("%s: got %v after %s", test.why, err, time.Since(began))
			}
			want := 1
			if test.masterStart != nil {
				want = 2
			}
			if got := s.writes(groupID); len(got) < want {
				t.Errorf("%s: started %v", test.why, got)
			}
		})
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
			clients, err := s.azure.customer(w.Resource())
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

func TestAMasterThatDidNotStartInTimeIsMadeAnew(t *testing.T) {
	s := setUp(t)
	s.storage()
	w := s.work(model.Create, installable)
	s.must(s.do(s.runInstaller, w))
	machine := groupID + "/providers/Microsoft.Compute/virtualMachines/" + infraID + "-master-"
	s.put(machine+"0", map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}})
	s.put(machine+"1", map[string]any{"properties": map[string]any{"provisioningState": "Failed"}})
	deployment := "PUT " + lowered(groupID) + "/providers/microsoft.resources/deployments/" + machinesDeployment
	s.on(deployment, func(*http.Request, []byte) (int, any) {
		return http.StatusOK, map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}
	})
	s.must(s.do(s.deployMachines, w))
	compute := lowered(groupID) + "/providers/microsoft.compute/"
	want := []string{"DELETE " + compute + "virtualmachines/" + infraID + "-master-1", "DELETE " + compute + "disks/" + infraID + "-master-1_osdisk"}
	if got := s.writes(groupID + "/providers/Microsoft.Compute"); !slices.Equal(got, want) {
		t.Errorf("removed %v, want %v", got, want)
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
		"rejected": {why: "it was rejected, which must be undone", state: "Rejected", refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Create, nil)
			own := ownID + "/resourceGroups/aro-rp/providers/Microsoft.Network/"
			s.put(own+"networkInterfaces/nic", map[string]any{"properties": map[string]any{"ipConfigurations": []any{map[string]any{"properties": map[string]any{"privateIPAddress": "127.64.0.5"}}}}})
			s.on("PUT "+own+"privateEndpoints/rp-pe-"+w.Resource().Internal.UID, func(*http.Request, []byte) (int, any) { return 200, map[string]any{} })
			s.put(own+"privateEndpoints/rp-pe-"+w.Resource().Internal.UID, map[string]any{"properties": map[string]any{
				"networkInterfaces":                   []any{map[string]any{"id": own + "networkInterfaces/nic"}},
				"manualPrivateLinkServiceConnections": []any{map[string]any{"properties": map[string]any{"privateLinkServiceConnectionState": map[string]any{"status": test.state}}}},
			}})
			err := s.do(s.linkAPIServer, w)
			if waits(err) != test.waits || arm.ComponentNotReady.Is(err) != test.refused {
				t.Fatalf("%s: got %v", test.why, err)
			}
			if ip := w.Resource().Internal.PrivateEndpointIP; (ip == "127.64.0.5") != (err == nil) {
				t.Errorf("%s: recorded %q", test.why, ip)
			}
		})
	}
}

func TestCertificatesAreOrderedOnce(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	vault := "/vaults/aro-cls/certificates/" + w.Resource().Internal.UID
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

// serving is what the vault's secret of a certificate holds that is valid so long.
func serving(from, until time.Time) string {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "c"}, NotBefore: from, NotAfter: until}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestOnlyACertificateThatServesIsPutIntoACluster(t *testing.T) {
	now := time.Now()
	well, soon, ago := now.Add(48*time.Hour), now.Add(time.Hour), now.Add(-time.Hour)
	tests := map[string]struct {
		why, operation, issuer string
		from, until            time.Time // zero: there is no certificate
		waits, refused         bool
	}{
		"none yet":        {why: "a create has nothing else", operation: "inProgress", waits: true},
		"none":            {why: "nothing will come", operation: "failed", refused: true},
		"being renewed":   {why: "the last one serves on", operation: "inProgress", issuer: "Self", until: well},
		"not renewed":     {why: "so it does then", operation: "failed", issuer: "Self", until: well},
		"expired":         {why: "it would not be trusted", operation: "inProgress", issuer: "Self", until: ago, waits: true},
		"expires soon":    {why: "it would not be trusted tomorrow", operation: "inProgress", issuer: "Self", until: soon, waits: true},
		"done, expired":   {why: "the order says completed, of another version", operation: "completed", issuer: "Self", until: ago, refused: true},
		"done, dies soon": {why: "so it does of this", operation: "completed", issuer: "Self", until: soon, refused: true},
		"not yet valid":   {why: "clients refuse it today", operation: "completed", issuer: "Self", from: soon, until: well, refused: true},
		"of another":      {why: "today's issuer is to replace it", operation: "inProgress", issuer: "Former", until: well, waits: true},
		"of an old time":  {why: "its owner is unknown", operation: "inProgress", until: well, waits: true},
		"issued":          {why: "nothing else is under way", operation: "completed", until: well},
		"long issued":     {why: "the vault forgets finished operations", until: well},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Update, nil)
			if test.operation != "" {
				s.put("/vaults/aro-cls/certificates/c/pending", map[string]any{"status": test.operation})
			}
			if !test.until.IsZero() {
				value := serving(test.from, test.until)
				s.on("GET /vaults/aro-cls/secrets/c/", func(*http.Request, []byte) (int, any) {
					return 200, map[string]any{"value": value, "tags": map[string]string{"issuer": test.issuer}, "attributes": map[string]any{"exp": test.until.Unix()}}
				})
			}
			pair, err := s.certificate(t.Context(), w, "c")
			if waits(err) != test.waits || arm.ComponentNotReady.Is(err) != test.refused || (err == nil) != (len(pair.Certificate) > 0) {
				t.Errorf("%s: got %v", test.why, err)
			}
		})
	}
}

func TestACertificateIsOrderedAnewWhenTheVaultDidNotRenewIt(t *testing.T) {
	enabled, disabled := true, false
	for name, test := range map[string]struct {
		why     string
		until   time.Duration
		enabled *bool
		ordered bool
	}{
		"lasts":    {why: "the vault renews it in time", until: 20 * 24 * time.Hour, enabled: &enabled},
		"dies":     {why: "the vault should have renewed it", until: 10 * 24 * time.Hour, enabled: &enabled, ordered: true},
		"dead":     {why: "that its order is completed says nothing", until: -time.Hour, ordered: true},
		"disabled": {why: "it cannot be read", until: 60 * 24 * time.Hour, enabled: &disabled, ordered: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Update, nil)
			for _, suffix := range []string{apiCertificate, ingressCertificate} {
				vault := "/vaults/aro-cls/certificates/" + w.Resource().Internal.UID + suffix
				s.put(vault+"/pending", map[string]any{"status": "completed"})
				attributes := map[string]any{"exp": time.Now().Add(test.until).Unix()}
				if test.enabled != nil {
					attributes["enabled"] = *test.enabled
				}
				s.on("GET "+vault+"/", func(*http.Request, []byte) (int, any) { return 200, map[string]any{"attributes": attributes} })
				s.on("POST "+vault+"/create", func(*http.Request, []byte) (int, any) { return 202, map[string]any{"status": "inProgress"} })
			}
			s.must(s.do(s.orderCertificates, w))
			if got := s.writes("/vaults/"); (len(got) == 2) != test.ordered {
				t.Errorf("%s: ordered %v", test.why, got)
			}
		})
	}
}

func TestADeletedCertificateIsRecoveredOrPurged(t *testing.T) {
	denied := func(*http.Request, []byte) (int, any) { return 403, refusal("Forbidden", "m") }
	for name, test := range map[string]struct {
		why              string
		recovers, purges bool // the service may
		want             []string
		refused          bool
	}{
		"may recover":    {why: "it comes back as it was", recovers: true, want: []string{"recover"}},
		"may only purge": {why: "its name is free then", purges: true, want: []string{"recover", "purge"}},
		"may neither":    {why: "another identity must", want: []string{"recover", "purge"}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Update, nil)
			name := w.Resource().Internal.UID + apiCertificate
			live, dead := "/vaults/aro-cls/certificates/"+name, "/vaults/aro-cls/deletedcertificates/"+name
			s.put("/vaults/aro-cls/certificates/"+w.Resource().Internal.UID+ingressCertificate+"/pending", map[string]any{"status": "inProgress"})
			s.put(dead, map[string]any{})
			var did []string
			s.on("POST "+live+"/create", func(*http.Request, []byte) (int, any) {
				if s.get(dead) == nil {
					s.put(live+"/pending", map[string]any{"status": "inProgress"})
					return 202, map[string]any{"status": "inProgress"}
				}
				return 409, map[string]any{"error": map[string]any{"code": "Conflict", "message": "is in a deleted but recoverable state", "innererror": map[string]any{"code": "ObjectIsDeletedButRecoverable"}}}
			})
			act := func(what string, may bool) func(*http.Request, []byte) (int, any) {
				return func(r *http.Request, body []byte) (int, any) {
					did = append(did, what)
					if !may {
						return denied(r, body)
					}
					s.mu.Lock()
					delete(s.docs, lowered(dead))
					s.mu.Unlock()
					if what == "purge" {
						return 204, nil
					}
					s.put(live+"/", map[string]any{"attributes": map[string]any{"exp": time.Now().Add(60 * 24 * time.Hour).Unix(), "enabled": true}})
					return 200, map[string]any{}
				}
			}
			s.on("POST "+dead+"/recover", act("recover", test.recovers))
			s.on("DELETE "+dead, act("purge", test.purges))
			err := s.do(s.orderCertificates, w)
			if !slices.Equal(did, test.want) || arm.ComponentNotReady.Is(err) != test.refused || waits(err) == test.refused {
				t.Fatalf("%s: %v, and %v", test.why, did, err)
			}
			if !test.refused {
				s.must(s.do(s.orderCertificates, w))
			}
		})
	}
}

// assignments makes the managed group have these role assignments, "principal role"
// by name, as the service's deletes and deployments leave them.
func (s *fixture) assignments(given map[string]string) {
	kind := groupID + "/providers/Microsoft.Authorization/"
	s.on("GET "+kind+"roleDefinitions", func(*http.Request, []byte) (int, any) { return 200, map[string]any{"value": []any{}} })
	s.on("GET "+kind+"roleAssignments", func(*http.Request, []byte) (int, any) {
		value := []any{}
		for name, text := range given {
			principal, role, _ := strings.Cut(text, " ")
			value = append(value, map[string]any{"id": kind + "roleAssignments/" + name, "properties": map[string]any{
				"scope": lowered(groupID), "principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": "/x/" + role}})
		}
		return 200, map[string]any{"value": value}
	})
	for name := range given {
		s.on("DELETE "+kind+"roleAssignments/"+name, func(*http.Request, []byte) (int, any) {
			delete(given, name)
			return 200, nil
		})
	}
}

// deployments answers that they succeed, and keeps what they were.
func (s *fixture) deployments() map[string]string {
	made := map[string]string{}
	for _, name := range deployments() {
		s.on("PUT "+groupID+"/providers/Microsoft.Resources/deployments/"+name, func(_ *http.Request, body []byte) (int, any) {
			made[name] = string(body)
			return 200, map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}
		})
	}
	return made
}

func TestARotatedPrincipalReplacesTheOldOneOnceTheClusterActsAsIt(t *testing.T) {
	const former, stray, contributor = "22222222-0000-0000-0000-00000000000a", "22222222-0000-0000-0000-0000000000ff", "b24988ac-6180-42a0-ab88-20f7382dd24c"
	for name, recorded := range map[string]bool{"recorded": true, "of an older release": false} {
		t.Run(name, func(t *testing.T) {
			s, k := setUp(t), newKube(t)
			given := map[string]string{"x": former + " " + contributor, "y": stray + " reader"}
			s.assignments(given)
			made := s.deployments()
			w := s.work(model.Update, func(c *model.Cluster) {
				k.of(c)
				if recorded {
					c.Internal.ActingPrincipals = []string{strings.ToUpper(former)}
				}
			})
			present := w.Resource().Properties.ServicePrincipalProfile.ObjectID
			s.must(s.do(s.renewPrincipalRoles, w))
			if !strings.Contains(made[principalRoles], present) || strings.Contains(made[principalRoles], "SP / Contributor") {
				t.Fatalf("the new principal was given %s, want a role of its own: Azure assigns no role of another", made[principalRoles])
			}
			if given["x"] == "" || (given["y"] == "") != recorded {
				t.Fatalf("before the cluster knows the new principal it is left with %v", given)
			}
			given["z"] = strings.ToUpper(present) + " " + contributor
			s.must(s.do(s.denyOthers, w))
			if denied := strings.ToLower(made[denyDeployment]); !strings.Contains(denied, former) || !strings.Contains(denied, present) {
				t.Errorf("the cluster is stopped from acting: %s", made[denyDeployment])
			}
			k.settle("kube-controller-manager", "True")
			if err := s.do(s.removeFormerRights, w); !waits(err) || given["x"] == "" {
				t.Errorf("got %v while the control plane takes up the new principal; the group has %v", err, given)
			}
			k.settle("kube-controller-manager", "False")
			s.must(s.do(s.removeFormerRights, w))
			if len(given) != 1 || given["z"] == "" || strings.Contains(made[denyDeployment], former) {
				t.Errorf("the group is left with %v and %s", given, made[denyDeployment])
			}
			if got := w.Resource().Internal.ActingPrincipals; !slices.Equal(got, []string{present}) {
				t.Errorf("the cluster is said to act as %v", got)
			}
			before := len(s.writes(groupID))
			for _, step := range []func(context.Context, *Work) error{s.renewPrincipalRoles, s.removeFormerRights} {
				s.must(s.do(step, w))
			}
			if after := s.writes(groupID); len(after) != before {
				t.Errorf("what is right was changed: %v", after[before:])
			}
		})
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
