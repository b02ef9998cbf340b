package cluster

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// created fills the managed group as a create does, in no order.
func (s *fixture) created() {
	s.put(groupID, map[string]any{"location": "eastus", "managedBy": customerID + "/RESOURCEGROUPS/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/One"})
	for _, name := range []string{
		"Microsoft.Network/networkSecurityGroups/" + infraID + "-nsg", "Microsoft.Network/loadBalancers/" + infraID + "-internal",
		"Microsoft.Network/privateLinkServices/" + infraID + "-pls", "Microsoft.Compute/virtualMachines/" + infraID + "-master-0",
		"Microsoft.Network/networkInterfaces/" + infraID + "-master0-nic", "Microsoft.Compute/disks/" + infraID + "-master-0_OSDisk",
		"Microsoft.Network/publicIPAddresses/" + infraID + "-pip-v4", "Microsoft.Unheard/of/thing", "Microsoft.Old/things/thing",
	} {
		kind := name[:strings.LastIndexByte(name, '/')]
		s.put(groupID+"/providers/"+name, map[string]any{"type": kind, "properties": map[string]any{"subnets": []any{
			map[string]any{"id": vnetID + "/subnets/master"}, map[string]any{"id": vnetID + "/subnets/gone"}, map[string]any{"id": vnetID + "/subnets/theirs"},
		}}})
	}
	s.put(customerID+"/providers/microsoft.old", map[string]any{"resourceTypes": []any{map[string]any{"resourceType": "things", "apiVersions": []string{"2030-01-01-preview", "2020-01-01"}}}})
	nsg := groupID + "/providers/Microsoft.Network/networkSecurityGroups/" + infraID + "-nsg"
	s.put(vnetID+"/subnets/master", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": map[string]any{"id": nsg}}})
	s.put(vnetID+"/subnets/theirs", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.2.0/24", "networkSecurityGroup": map[string]any{"id": "/theirs"}}})
}

func TestResourcesGoInOrderAndTheCustomersStay(t *testing.T) {
	s := setUp(t)
	s.created()
	w := s.work(model.Delete, nil)
	s.must(s.do(s.removeResources, w))
	var kinds []string
	for _, call := range s.writes(groupID) {
		method, path, _ := strings.Cut(call, " ")
		if method != http.MethodDelete {
			t.Errorf("unexpected %s", call)
		}
		kinds = append(kinds, strings.TrimPrefix(path[strings.LastIndex(path[:strings.LastIndexByte(path, '/')], "/")+1:], "/"))
	}
	position := func(name string) int {
		i := slices.IndexFunc(kinds, func(k string) bool { return strings.HasPrefix(k, name) })
		if i < 0 {
			t.Fatalf("%s was not deleted: %v", name, kinds)
		}
		return i
	}
	order := []string{"virtualmachines/", "privatelinkservices/", "networkinterfaces/", "loadbalancers/", "publicipaddresses/", "resourcegroups/"}
	for i := range order[1:] {
		if position(order[i]) > position(order[i+1]) {
			t.Errorf("%s went after %s: %v", order[i], order[i+1], kinds)
		}
	}
	if position("things/") > position("networksecuritygroups/") || position("disks/") < position("networkinterfaces/") {
		t.Errorf("what stands in no level is not at level 0: %v", kinds)
	}
	if got, want := s.writes(vnetID), []string{"PUT " + lowered(vnetID) + "/subnets/master"}; !slices.Equal(got, want) {
		t.Errorf("in the customer's network changed %v, want %v", got, want)
	}
	subnet := s.get(vnetID + "/subnets/master")["properties"].(map[string]any)
	if subnet["networkSecurityGroup"] != nil || subnet["addressPrefix"] != "10.0.0.0/24" {
		t.Errorf("the customer's subnet is %v, want it as it was but without our group", subnet)
	}
	s.must(s.do(s.removeResources, w)) // all is gone
}

func TestAGroupThatIsNotOursIsLeftAlone(t *testing.T) {
	for name, owner := range map[string]any{"another cluster's": "/subscriptions/x", "without owner": nil} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.created()
			s.put(groupID, map[string]any{"location": "eastus", "managedBy": owner})
			w := s.work(model.Delete, nil)
			s.must(s.do(s.restoreRights, w))
			s.must(s.do(s.removeRoles, w))
			s.must(s.do(s.removeResources, w))
			if writes := s.writes(customerID); len(writes) != 0 {
				t.Errorf("changed %v", writes)
			}
		})
	}
}

func TestADeleteTellsAllThatBlocksIt(t *testing.T) {
	s := setUp(t)
	s.created()
	for kind, code := range map[string]string{
		"Microsoft.Network/loadBalancers/" + infraID + "-internal": "CannotDeleteLoadBalancerWithPrivateLinkService",
		"Microsoft.Compute/disks/" + infraID + "-master-0_OSDisk":  "ScopeLocked",
	} {
		s.on("DELETE "+groupID+"/providers/"+kind, func(*http.Request, []byte) (int, any) {
			return http.StatusConflict, refusal(code, "because of "+code)
		})
	}
	err := s.do(s.removeResources, s.work(model.Delete, nil))
	var typed *arm.Error
	if !errors.As(err, &typed) || len(typed.Details) != 2 {
		t.Fatalf("got %v, want both reasons", err)
	}
	if s.get(groupID) == nil || s.get(groupID+"/providers/Microsoft.Network/networkSecurityGroups/"+infraID+"-nsg") == nil {
		t.Error("it went on although something stayed")
	}
}

func TestWhatIsInUseIsNamedAndTriedAgain(t *testing.T) {
	s := setUp(t)
	s.created()
	ip := groupID + "/providers/Microsoft.Network/publicIPAddresses/" + infraID + "-pip-v4"
	s.on("DELETE "+ip, func(*http.Request, []byte) (int, any) { return 400, refusal("PublicIPAddressCannotBeDeleted", "m") })
	w := s.work(model.Delete, nil)
	err := s.do(s.removeResources, w)
	var typed *arm.Error
	if _, final := err.(*arm.Error); final || !errors.As(err, &typed) || typed.Target != ip && !strings.EqualFold(typed.Target, ip) { //nolint:errorlint // wrapped it is not final
		t.Fatalf("got %v, want to try again and to name the address", err)
	}
	s.on("DELETE "+ip, nil)
	s.must(s.do(s.removeResources, w))
}

func TestRolesOfAllButOwnersGo(t *testing.T) {
	s := setUp(t)
	s.created()
	assignments := "/providers/Microsoft.Authorization/roleAssignments"
	list := map[string]string{ // role by name
		"owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "contributor": "B24988AC-6180-42a0-ab88-20f7382dd24c", "above": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
	}
	var value []any
	for name, role := range list {
		scope := groupID
		if name == "above" {
			scope = customerID
		}
		value = append(value, map[string]any{"id": scope + assignments + "/" + name, "properties": map[string]any{
			"scope": scope, "principalId": "22222222-0000-0000-0000-00000000000b", "roleDefinitionId": customerID + "/providers/Microsoft.Authorization/roleDefinitions/" + role}})
	}
	s.on("GET "+groupID+assignments, func(*http.Request, []byte) (int, any) { return 200, map[string]any{"value": value} })
	definitions := "/providers/Microsoft.Authorization/roleDefinitions"
	s.on("GET "+groupID+definitions, func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"value": []any{
			map[string]any{"name": "old", "properties": map[string]any{"roleName": "Azure Red Hat OpenShift cluster x", "assignableScopes": []string{groupID}}},
			map[string]any{"name": "shared", "properties": map[string]any{"roleName": "Azure Red Hat OpenShift cluster y", "assignableScopes": []string{groupID, customerID}}},
			map[string]any{"name": "theirs", "properties": map[string]any{"roleName": "Mine", "assignableScopes": []string{groupID}}},
		}}
	})
	s.must(s.do(s.removeRoles, s.work(model.Delete, nil)))
	want := []string{"DELETE " + lowered(groupID+assignments) + "/contributor", "DELETE " + lowered(groupID+definitions) + "/old"}
	if got := s.writes(customerID); !slices.Equal(got, want) {
		t.Errorf("removed %v, want %v", got, want)
	}
}

func TestKindsAreComparedInLowerCase(t *testing.T) {
	for kind := range levels {
		if kind != strings.ToLower(kind) {
			t.Errorf("%s is never found", kind)
		}
	}
	for kind := range known {
		if kind != strings.ToLower(kind) {
			t.Errorf("%s is never found", kind)
		}
	}
}

// TestADeleteOfWhatWasNeverMade goes through the whole plan for a cluster of which
// nothing exists, not even names.
func TestADeleteOfWhatWasNeverMade(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Delete, func(c *model.Cluster) {
		uid, tenant := c.Internal.UID, c.Internal.TenantID
		c.Internal = model.Internal{UID: uid, TenantID: tenant}
	})
	for _, step := range s.remove() {
		if step.Only == nil || step.Only(w.Resource()) {
			if err := s.do(step.Do, w); err != nil {
				t.Errorf("%s: %v", step.Name, err)
			}
		}
	}
}

const identitiesID = customerID + "/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"

// clusterIdentity gives the cluster an identity whose stored credentials are long
// over: Entra ID refuses them. The data plane has fresh ones, unless it is away.
func (s *fixture) clusterIdentity(uid string, away bool) {
	credentials := func(client string) string {
		text, _ := json.Marshal(map[string]any{"explicit_identities": []any{map[string]any{
			"resource_id": identitiesID + "cluster", "client_id": client, "object_id": "o", "tenant_id": tenant, "authentication_endpoint": origin + "/",
			"client_secret": base64.StdEncoding.EncodeToString([]byte(certificate())),
			"not_before":    "2020-01-01T00:00:00Z", "not_after": "2099-01-01T00:00:00Z", "renew_after": "2098-01-01T00:00:00Z", "cannot_renew_after": "2099-01-01T00:00:00Z"}}})
		return string(text)
	}
	stored := map[string]any{"value": credentials("old"), "tags": map[string]string{"renew_after": "2020-01-01T00:00:00Z", "cannot_renew_after": "2021-01-01T00:00:00Z"}}
	s.on("GET /vaults/aro-msi/secrets/msi-"+uid+"/", func(*http.Request, []byte) (int, any) { return 200, stored })
	s.on("PUT /vaults/aro-msi/secrets/msi-"+uid, func(_ *http.Request, body []byte) (int, any) {
		stored = nil
		s.must(json.Unmarshal(body, &stored))
		return 200, stored
	})
	s.on("POST /msi", func(*http.Request, []byte) (int, any) {
		if away {
			return 403, refusal("Forbidden", "m")
		}
		return 200, []byte(credentials("fresh"))
	})
	s.on("POST /"+tenant+"/oauth2/v2.0/token", func(_ *http.Request, body []byte) (int, any) {
		if strings.Contains(string(body), "client_id=old") {
			return 401, map[string]any{"error": "invalid_client", "error_description": "AADSTS700027: The certificate has expired."}
		}
		return 200, []byte(`{"token_type":"Bearer","expires_in":3600,"access_token":"e30.e30.x"}`)
	})
}

func TestADeleteEndsTrustWithRenewedCredentialsAndGoesOnWithoutThem(t *testing.T) {
	const issuer = "https://oidc.test/x"
	for name, test := range map[string]struct {
		away bool
		want []string
	}{
		"expired":       {want: []string{"DELETE " + lowered(identitiesID) + "ingress/federatedidentitycredentials/ours"}},
		"cannot be had": {away: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			w := s.work(model.Delete, func(c *model.Cluster) {
				c.Properties.ServicePrincipalProfile = nil
				c.Properties.ClusterProfile.OIDCIssuer = issuer
				c.Identity = &model.Identity{IdentityURL: origin + "/msi", UserAssignedIdentities: map[string]*model.UserAssignedIdentity{identitiesID + "cluster": {}}}
				c.Properties.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{
					"ingress": {ResourceID: identitiesID + "ingress"}, "gone": {ResourceID: identitiesID + "gone"}}}
			})
			s.clusterIdentity(w.Resource().Internal.UID, test.away)
			for credential, from := range map[string]string{"ours": issuer, "theirs": "https://elsewhere"} {
				s.put(identitiesID+"ingress/federatedIdentityCredentials/"+credential, map[string]any{"properties": map[string]any{"issuer": from, "audiences": []string{federationAudience}}})
			}
			s.must(s.do(s.unfederate, w))
			if got := s.writes(identitiesID); !slices.Equal(got, test.want) {
				t.Errorf("changed %v, want %v", got, test.want)
			}
		})
	}
}

func TestAnIdentityIsForgottenOnlyWhenItDoesNotTrustTheClusterAnyMore(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Update, func(c *model.Cluster) {
		c.Identity = &model.Identity{UserAssignedIdentities: map[string]*model.UserAssignedIdentity{identitiesID + "cluster": {}}}
	})
	if got := s.endTrust(t.Context(), w.Resource(), []string{identitiesID + "former"}); len(got) != 1 {
		t.Errorf("without our credentials it is unknown, but %v remain", got)
	}
	s.clusterIdentity(w.Resource().Internal.UID, false)
	w.Resource().Identity.IdentityURL = origin + "/msi"
	s.must(s.azure.FetchClusterIdentity(t.Context(), w.Resource()))
	if got := s.endTrust(t.Context(), w.Resource(), []string{identitiesID + "former"}); len(got) != 0 {
		t.Errorf("it is gone, and yet remain %v", got)
	}
}
