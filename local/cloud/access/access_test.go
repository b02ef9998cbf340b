package access_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/checkaccess-v2-go-sdk/client"

	"github.com/aro-rp/aro/local/cloud/access"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	subscription = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
	group        = subscription + "/resourceGroups/g"
	vnet         = group + "/providers/Microsoft.Network/virtualNetworks/v"
	alice        = "00000000-0000-0000-0000-00000000a11c"
	bob          = "00000000-0000-0000-0000-000000000b0b"
	name         = "00000000-0000-0000-0000-00000000000"
	networker    = "4d97b98b-1d4f-4787-a291-c67834d212e7"
)

type object = map[string]any

type fixture struct {
	t      *testing.T
	engine *resources.Engine
	access *access.Access
}

func newFixture(t *testing.T) *fixture {
	db, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	w := &fixture{t: t, engine: resources.New(resources.Options{State: db, Origin: "https://localhost"})}
	t.Cleanup(func() { w.engine.Close(); _ = db.Close() })
	w.access, err = access.New(w.engine, func(_ context.Context, id string) (string, bool, error) {
		return "ServicePrincipal", id == alice || id == bob, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]object{subscription: {}} {
		w.create(path, body)
	}
	w.create(group, object{"location": "eastus"})
	w.create(vnet, object{"location": "eastus"})
	return w
}

func (w *fixture) create(path string, body object) *resources.Resource {
	w.t.Helper()
	r, err := w.engine.Create(context.Background(), path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *fixture) assign(n, principal, role, scope string) (*resources.Answer, error) {
	return w.engine.Serve(context.Background(), &resources.Call{Method: http.MethodPut,
		Path: scope + "/providers/Microsoft.Authorization/roleAssignments/" + name + n,
		Body: object{"properties": object{"principalId": principal, "roleDefinitionId": subscription + "/providers/Microsoft.Authorization/roleDefinition/" + role}}})
}

func (w *fixture) may(principal, action, scope string) bool {
	w.t.Helper()
	allowed, why, err := w.access.Check(context.Background(), principal, action, scope)
	if err != nil || allowed == (why != "") {
		w.t.Fatal(allowed, why, err)
	}
	return allowed
}

func TestRolesHoldAtTheirScopeAndBelow(t *testing.T) {
	w := newFixture(t)
	if _, err := w.assign("1", alice, networker, group); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		principal, action, scope string
		want                     bool
	}{
		{alice, "Microsoft.Network/virtualNetworks/join/action", vnet, true},
		{strings.ToUpper(alice), "microsoft.network/VIRTUALNETWORKS/subnets/read", strings.ToUpper(vnet) + "/subnets/s", true},
		{alice, "Microsoft.Network/virtualNetworks/read", group, true},
		{alice, "Microsoft.Network/virtualNetworks/read", subscription, false},
		{alice, "Microsoft.Network/virtualNetworks/read", subscription + "/resourceGroups/g2", false},
		{alice, "Microsoft.Compute/virtualMachines/read", group, false},
		{bob, "Microsoft.Network/virtualNetworks/read", vnet, false},
	} {
		if got := w.may(c.principal, c.action, c.scope); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestContributorsGrantNothingAndNobodyReadsDataByManaging(t *testing.T) {
	w := newFixture(t)
	if err := w.access.Assign(context.Background(), alice, access.Contributor, subscription); err != nil {
		t.Fatal(err)
	}
	if err := w.access.Assign(context.Background(), bob, "ba92f5b4-2d11-453d-a403-e96b0029c9fe", group); err != nil {
		t.Fatal(err)
	}
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	for action, want := range map[string]bool{
		"Microsoft.Authorization/roleAssignments/write":          false,
		"Microsoft.Authorization/roleAssignments/read":           true,
		"Microsoft.Resources/subscriptions/resourceGroups/write": true,
		blobs: false,
		"Microsoft.KeyVault/vaults/secrets/getSecret/action": false,
		"Microsoft.KeyVault/vaults/secrets/read":             true,
	} {
		if got := w.may(alice, action, group); got != want {
			t.Errorf("%s: %v", action, got)
		}
	}
	if !w.may(bob, blobs, group+"/providers/Microsoft.Storage/storageAccounts/a") {
		t.Error("the data role grants no data action")
	}
}

func TestADenyAssignmentStopsAllButWhomItExcludes(t *testing.T) {
	w := newFixture(t)
	for n, p := range map[string]string{"1": alice, "2": bob} {
		if _, err := w.assign(n, p, access.Owner, subscription); err != nil {
			t.Fatal(err)
		}
	}
	w.create(group+"/providers/Microsoft.Authorization/denyAssignments/"+name+"3", object{"properties": object{
		"denyAssignmentName": "managed",
		"permissions":        []any{object{"actions": []any{"*/action", "*/delete", "*/write"}, "notActions": []any{"Microsoft.Resources/tags/*"}}},
		"principals":         []any{object{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}},
		"excludePrincipals":  []any{object{"id": bob, "type": "ServicePrincipal"}},
	}})
	for _, c := range []struct {
		who, action, scope string
		want               bool
	}{
		{alice, "Microsoft.Network/virtualNetworks/delete", vnet, false},
		{alice, "Microsoft.Network/virtualNetworks/read", vnet, true},
		{alice, "Microsoft.Resources/tags/write", vnet, true},
		{alice, "Microsoft.Network/virtualNetworks/delete", subscription, true},
		{bob, "Microsoft.Network/virtualNetworks/delete", vnet, true},
	} {
		if got := w.may(c.who, c.action, c.scope); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	_, err := w.engine.Create(context.Background(), vnet+"/providers/Microsoft.Authorization/denyAssignments/"+name+"4", object{"properties": object{
		"permissions": []any{object{"actions": []any{"*"}}}, "principals": []any{object{"id": bob}}, "excludePrincipals": []any{object{"id": ""}},
	}})
	if err == nil || resources.AsError(err).Code != "NullOrInvalidGuidExcludePrincipalId" {
		t.Error(err)
	}
}

func TestAssignmentsAreChecked(t *testing.T) {
	w := newFixture(t)
	answer, err := w.assign("1", alice, networker, vnet)
	if err != nil {
		t.Fatal(err)
	}
	if got := resources.At(answer.Body.(object), "properties", "roleDefinitionId"); got != subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+networker {
		t.Errorf("the definition is %v", got)
	}
	if _, err := w.assign("1", alice, networker, vnet); err != nil {
		t.Errorf("repeated: %v", err)
	}
	for _, c := range []struct{ n, principal, role, want string }{
		{"2", alice, networker, "RoleAssignmentExists"},
		{"1", bob, networker, "RoleAssignmentUpdateNotPermitted"},
		{"3", "00000000-0000-0000-0000-00000000dead", networker, "PrincipalNotFound"},
		{"3", "me", networker, "InvalidPrincipalId"},
		{"3", bob, name + "9", "RoleDefinitionDoesNotExist"},
		{"33", bob, networker, "InvalidRoleAssignmentId"},
	} {
		if _, err := w.assign(c.n, c.principal, c.role, vnet); err == nil || resources.AsError(err).Code != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestCustomRolesGrantAndCannotGoWhileUsed(t *testing.T) {
	w := newFixture(t)
	const role = subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + name + "7"
	w.create(role, object{"properties": object{"roleName": "mine", "assignableScopes": []any{subscription},
		"permissions": []any{object{"actions": []any{"A.B/things/*"}, "notActions": []any{"*/delete"}}}}})
	if _, err := w.assign("1", alice, name+"7", group); err != nil {
		t.Fatal(err)
	}
	if !w.may(alice, "A.B/things/write", group) || w.may(alice, "A.B/things/delete", group) {
		t.Error("the role does not grant what it says")
	}
	if err := w.engine.Remove(context.Background(), role); err == nil || resources.AsError(err).Code != "RoleDefinitionHasAssignments" {
		t.Error(err)
	}
}

func TestListsShowWhatIsInheritedToo(t *testing.T) {
	w := newFixture(t)
	for n, scope := range map[string]string{"1": subscription, "2": group, "3": vnet} {
		if _, err := w.assign(n, alice, networker, scope); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 3, "atScope()": 2, "principalId eq '" + alice + "'": 3, "principalId eq '" + bob + "'": 0, "atScope() and assignedTo('" + alice + "')": 2} {
		call := &resources.Call{Method: http.MethodGet, Path: group + "/providers/Microsoft.Authorization/roleAssignments", Query: map[string][]string{"$filter": {query}}}
		answer, err := w.engine.Serve(context.Background(), call)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(answer.Body.(object)["value"].([]any)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	call := &resources.Call{Method: http.MethodGet, Path: subscription + "/providers/Microsoft.Authorization/roleDefinitions", Query: map[string][]string{"$filter": {"roleName eq 'Network Contributor'"}}}
	answer, err := w.engine.Serve(context.Background(), call)
	if err != nil || len(answer.Body.(object)["value"].([]any)) != 1 {
		t.Error(answer, err)
	}
}

type noToken struct{}

func (noToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "x"}, nil
}

func TestTheCheckAccessClientIsAnswered(t *testing.T) {
	w := newFixture(t)
	if _, err := w.assign("1", alice, networker, group); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(w.access)
	defer server.Close()
	pdp, err := client.NewRemotePDPClient(server.URL+"/checkaccess", "scope", noToken{}, &azcore.ClientOptions{Transport: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	response, err := pdp.CheckAccess(context.Background(), client.AuthorizationRequest{
		Subject:  client.SubjectInfo{Attributes: client.SubjectAttributes{ObjectId: alice}},
		Actions:  []client.ActionInfo{{Id: "Microsoft.Network/virtualNetworks/read"}, {Id: "Microsoft.Compute/disks/read"}},
		Resource: client.ResourceInfo{Id: vnet},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Value) != 2 || response.Value[0].AccessDecision != client.Allowed || response.Value[1].AccessDecision != client.NotAllowed {
		t.Errorf("%+v", response.Value)
	}
	if response.Value[0].RoleAssignment.Scope != group {
		t.Errorf("%+v", response.Value[0])
	}
}
