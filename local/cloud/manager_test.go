package cloud_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/network"
)

const aCluster = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"

// cluster makes a group g with a cluster c.
func (w *fixture) cluster(tags object) {
	w.t.Helper()
	w.group("g")
	w.want(w.demo(), http.MethodPut, aCluster+"?api-version=2023-11-22", object{"location": "eastus", "tags": tags}, http.StatusCreated, "")
}

func TestTagsOfAClusterReachItsResourceProvider(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.cluster(object{"a": "1", "b": "2"})
	const tags = aCluster + "/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
	for _, step := range []struct {
		method string
		body   object
		want   map[string]any
	}{
		{http.MethodPatch, object{"operation": "Merge", "properties": object{"tags": object{"c": "3"}}}, map[string]any{"a": "1", "b": "2", "c": "3"}},
		{http.MethodPatch, object{"operation": "Delete", "properties": object{"tags": object{"a": "1"}}}, map[string]any{"b": "2", "c": "3"}},
		{http.MethodPatch, object{"operation": "Replace", "properties": object{"tags": object{"d": "4"}}}, map[string]any{"d": "4"}},
		{http.MethodPut, object{"properties": object{"tags": object{"e": "5"}}}, map[string]any{"e": "5"}},
		{http.MethodDelete, nil, map[string]any{}},
	} {
		var body any
		if step.body != nil {
			body = step.body
		}
		answer := w.want(w.demo(), step.method, tags, body, http.StatusOK, "")
		if got := answer["properties"].(object)["tags"].(object); !maps.Equal(got, step.want) {
			t.Errorf("%s %v answers %v, want %v", step.method, step.body, got, step.want)
		}
		kept, _ := w.provider.clusters[strings.ToLower(aCluster)]["tags"].(object)
		if !maps.Equal(kept, step.want) {
			t.Errorf("after %s %v the resource provider has %v, want %v", step.method, step.body, kept, step.want)
		}
		shown := w.want(w.demo(), http.MethodGet, tags, nil, http.StatusOK, "")
		if got := shown["properties"].(object)["tags"].(object); !maps.Equal(got, step.want) {
			t.Errorf("after %s %v the resource manager shows %v, want %v", step.method, step.body, got, step.want)
		}
	}
}

func TestTheApiVersionIsReadInAnyCase(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.cluster(nil)
	w.want(w.demo(), http.MethodGet, aCluster+"?API-Version=2023-11-22&$Top=1", nil, http.StatusOK, "")
	if query := w.provider.last(http.MethodGet).URL.Query(); query.Get("api-version") != "2023-11-22" || query.Get("$Top") != "1" {
		t.Errorf("the resource provider is asked for %v", query)
	}
}

func TestLocksProtectWhatIsAboveAndBelow(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.cluster(nil)
	w.want(w.demo(), http.MethodPut, customer+"/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account?api-version=2023-01-01", object{"location": "eastus"}, http.StatusOK, "")
	const group, version = customer + "/resourceGroups/g", "?api-version=2016-09-01"
	lock := func(scope string) string { return scope + "/providers/Microsoft.Authorization/locks/l" + version }
	for _, body := range []object{{}, {"properties": object{}}, {"properties": object{"level": "None"}}} {
		w.want(w.demo(), http.MethodPut, lock(group), body, http.StatusBadRequest, "InvalidLockLevel")
	}
	assign := func(status int, code string) {
		t.Helper()
		_, principal := w.newApplication()
		w.want(w.demo(), http.MethodPut, group+"/providers/Microsoft.Authorization/roleAssignments/"+"00000000-0000-0000-0000-000000000031"+"?api-version=2022-04-01", object{"properties": object{
			"principalId": principal, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
		}}, status, code)
	}
	const account = group + "/providers/Microsoft.Storage/storageAccounts/account"

	// On the cluster: it and its group stay; everything else goes on.
	made := w.want(w.demo(), http.MethodPut, lock(aCluster), object{"properties": object{"level": "CanNotDelete", "notes": "n"}}, http.StatusCreated, "")
	if properties := made["properties"].(object); len(properties) != 2 || made["etag"] != nil {
		t.Errorf("a lock is %v", made)
	}
	w.want(w.demo(), http.MethodDelete, aCluster+"?api-version=2023-11-22", nil, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodDelete, group+version, nil, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodPost, account+"/listKeys?api-version=2023-01-01", object{}, http.StatusOK, "")
	assign(http.StatusCreated, "")
	if status, _, body := w.call(w.demo(), http.MethodDelete, lock(aCluster), nil); status != http.StatusOK || body != nil {
		t.Errorf("DELETE of a lock: %d %v", status, body)
	}

	// Read only on the group: no change and no action in it, of roles neither.
	w.want(w.demo(), http.MethodPut, lock(group), object{"properties": object{"level": "ReadOnly"}}, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPost, account+"/listKeys?api-version=2023-01-01", object{}, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodPost, aCluster+"/listCredentials?api-version=2023-11-22", nil, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodPatch, aCluster+"?api-version=2023-11-22", object{"tags": object{}}, http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodPatch, aCluster+"/providers/Microsoft.Resources/tags/default?api-version=2021-04-01", object{"operation": "Merge"}, http.StatusConflict, "ScopeLocked")
	assign(http.StatusConflict, "ScopeLocked")
	w.want(w.demo(), http.MethodGet, account+"?api-version=2023-01-01", nil, http.StatusOK, "")
	w.want(w.demo(), http.MethodDelete, lock(group), nil, http.StatusOK, "")

	// Roles are protected from deletion as everything else.
	w.want(w.demo(), http.MethodPut, lock(group), object{"properties": object{"level": "canNotDelete"}}, http.StatusCreated, "")
	w.want(w.demo(), http.MethodDelete, group+"/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000031?api-version=2022-04-01", nil, http.StatusConflict, "ScopeLocked")
}

// networked has the types of Microsoft.Network with their rules.
func networked() cloud.Options {
	return cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		network.New(a.Engine, slog.New(slog.DiscardHandler))
		return nil
	}}}
}

// The roles of operators have to suffice for what preflight asks, where the documentation
// of Azure Red Hat OpenShift gives them.
func TestRolesSufficeAtTheirDocumentedScopes(t *testing.T) {
	w := newFixture(t, networked())
	w.group("g")
	const vnet = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
	const master, worker = vnet + "/subnets/master", vnet + "/subnets/worker"
	w.want(w.demo(), http.MethodPut, vnet+"?api-version=2023-04-01", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/16"}}, "subnets": []object{
			{"name": "master", "properties": object{"addressPrefix": "10.0.0.0/24"}}, {"name": "worker", "properties": object{"addressPrefix": "10.0.1.0/24"}},
		},
	}}, http.StatusCreated, "")
	const prefix = "Microsoft.Network/virtualNetworks/"
	for role, scopes := range map[string][]string{
		"a1f96423-95ce-4224-ab27-4e3dc72facd4": {master, worker}, // cloud controller manager
		"0336e1d3-7a87-462b-b6db-342b63f7802c": {master, worker}, // ingress
		"0358943c-7e01-48ba-8889-02cc51d78637": {master, worker}, // machine API
		"4436bae4-7702-4c84-919b-c4069ff25ee2": {master, worker}, // service operator
		"be7a6435-15ae-4171-8f30-4a343eff9e8f": {vnet},           // network
		"0d7aedc0-15fd-4a67-a412-efad370c947e": {vnet},           // file storage
		"8b32b316-c2f5-4ddf-b05b-83dacd2d08b5": {vnet},           // image registry
		"5b7237c5-45e1-49d6-bc18-a1f62f400748": {},               // disk storage
		"42f3c60f-e7b1-46d7-ba56-6de681664342": {vnet},           // the service
	} {
		_, principal := w.newApplication()
		for _, scope := range scopes {
			if err := w.Access.Assign(t.Context(), principal, role, scope); err != nil {
				t.Fatal(err)
			}
		}
		definition := w.want(w.demo(), http.MethodGet, "/providers/Microsoft.Authorization/roleDefinitions/"+role+"?api-version=2022-04-01", nil, http.StatusOK, "")
		properties := definition["properties"].(object)
		actions := properties["permissions"].([]any)[0].(object)["actions"].([]any)
		for scope, asked := range map[string][]string{
			vnet:   {prefix + "join/action", prefix + "read", prefix + "write"},
			master: {prefix + "subnets/join/action", prefix + "subnets/read", prefix + "subnets/write"},
			worker: {prefix + "subnets/join/action", prefix + "subnets/read", prefix + "subnets/write"},
		} {
			for _, action := range asked {
				if !slices.Contains(actions, any(action)) {
					continue // preflight asks an operator for what its role is about
				}
				if allowed, why, err := w.Access.Check(t.Context(), principal, action, scope); err != nil || !allowed {
					t.Errorf("%s at %v does not give %s on %s: %s %v", properties["roleName"], scopes, action, scope, why, err)
				}
			}
		}
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	fault := cloud.Fault{Name: "busy", Match: cloud.FaultMatch{Path: "/resourcegroups/"}, Action: cloud.FaultAction{Kind: "throttle", RetryAfter: 3, RetryAfterDate: true}}
	if _, err := w.SetFault(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	status, header, _ := w.call(w.demo(), http.MethodGet, customer+"/resourceGroups/g?api-version=2021-04-01", nil)
	at, err := http.ParseTime(header.Get("Retry-After"))
	if status != http.StatusTooManyRequests || err != nil || at.Before(before.Add(2*time.Second)) || at.After(time.Now().Add(5*time.Second)) {
		t.Errorf("%d Retry-After %q, %v", status, header.Get("Retry-After"), err)
	}
	if _, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		t.Error("it is a number")
	}
}

func TestTokensOfAWrongClockAreTakenWithinFiveMinutes(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	for ahead, want := range map[time.Duration]int{0: http.StatusOK, 4 * time.Minute: http.StatusOK, 6 * time.Minute: http.StatusUnauthorized, -3 * time.Hour: http.StatusUnauthorized} {
		fault := cloud.Fault{Name: "clock", Match: cloud.FaultMatch{Path: "/oauth2/"}, Action: cloud.FaultAction{Kind: "skew", Milliseconds: int(ahead / time.Millisecond)}}
		if _, err := w.SetFault(t.Context(), fault); err != nil {
			t.Fatal(err)
		}
		if status, _, body := w.call(w.demo(), http.MethodGet, "/subscriptions?api-version=2021-04-01", nil); status != want {
			t.Errorf("a token of a clock %v ahead: %d %v, want %d", ahead, status, body, want)
		}
	}
}
