package resources_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	subscription = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
	group        = subscription + "/resourceGroups/Group"
	network      = group + "/providers/Microsoft.Network/virtualNetworks/vnet"
	// patience is for machines that do much else besides.
	patience = 2 * time.Minute
)

type object = map[string]any

// fixture is an engine with a group.
type fixture struct {
	*resources.Engine
	t    *testing.T
	path string
}

func newFixture(t *testing.T, behaviours map[string]resources.Behaviour) *fixture {
	w := &fixture{t: t, path: filepath.Join(t.TempDir(), "state.db")}
	w.open(behaviours)
	if _, err := w.Create(context.Background(), subscription, object{}); err != nil {
		t.Fatal(err)
	}
	w.want(http.MethodPut, group, object{"location": "East US"}, http.StatusCreated)
	return w
}

func (w *fixture) open(behaviours map[string]resources.Behaviour) {
	w.t.Helper()
	db, err := state.Open(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Engine = resources.New(resources.Options{State: db, Origin: "https://localhost:8443", Grace: time.Second})
	for name, b := range behaviours {
		w.Register(name, b)
	}
	if err := w.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	engine := w.Engine
	w.t.Cleanup(func() { engine.Close(); _ = db.Close() })
}

func (w *fixture) call(method, target string, body object, headers ...string) (*resources.Answer, error) {
	u, err := url.Parse(target)
	if err != nil {
		w.t.Fatal(err)
	}
	call := &resources.Call{Method: method, Path: u.Path, Query: u.Query(), Header: http.Header{}, Body: body}
	for i := 0; i+1 < len(headers); i += 2 {
		call.Header.Set(headers[i], headers[i+1])
	}
	return w.Serve(context.Background(), call)
}

func (w *fixture) want(method, target string, body object, status int, headers ...string) object {
	w.t.Helper()
	answer, err := w.call(method, target, body, headers...)
	if err != nil {
		if got := resources.AsError(err); got.Status != status {
			w.t.Fatalf("%s %s: %d %v, want %d", method, target, got.Status, err, status)
		}
		return object{"code": resources.AsError(err).Code}
	}
	if answer.Status != status {
		w.t.Fatalf("%s %s: %d %v, want %d", method, target, answer.Status, answer.Body, status)
	}
	shown, _ := answer.Body.(object)
	return shown
}

func TestAChangeIsCompletedAfterItsClientIsGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	const nic = group + "/providers/Microsoft.Network/networkInterfaces/own"
	var w *fixture
	w = newFixture(t, map[string]resources.Behaviour{"Microsoft.Network/virtualNetworks": {Put: func(ctx context.Context, _ *resources.Change) error {
		_, err := w.Create(ctx, nic, object{"location": "eastus"})
		leave() // between one write and the next
		return err
	}}})
	if _, err := w.Serve(ctx, &resources.Call{Method: http.MethodPut, Path: network, Body: object{"location": "eastus"}}); err != nil {
		t.Fatal(err)
	}
	w.want(http.MethodGet, nic, nil, http.StatusOK)
	w.want(http.MethodGet, network, nil, http.StatusOK)
}

func TestGenericResourcesLiveWithoutBehaviour(t *testing.T) {
	w := newFixture(t, nil)
	w.Name("Microsoft.Network/natGateways")
	const nat = group + "/providers/Microsoft.Network/natGateways/Nat"
	w.want(http.MethodGet, nat, nil, http.StatusNotFound)
	if got := w.want(http.MethodPut, nat, object{}, http.StatusBadRequest); got["code"] != "LocationRequired" {
		t.Error(got)
	}
	created := w.want(http.MethodPut, strings.ToLower(subscription)+"//resourcegroups/GROUP/providers/microsoft.network/natgateways/Nat",
		object{"location": "eastus", "tags": object{"a": "b"}, "properties": object{"x": 1.0}}, http.StatusCreated)
	if created["id"] != nat || created["type"] != "Microsoft.Network/natGateways" {
		t.Error(created)
	}
	if state := resources.At(created, "properties", "provisioningState"); state != "Succeeded" {
		t.Error(created)
	}
	patched := w.want(http.MethodPatch, strings.ToLower(nat), object{"tags": object{"c": "d"}}, http.StatusOK)
	if tags := patched["tags"].(map[string]string); tags["c"] != "d" || len(tags) != 1 || resources.At(patched, "properties", "x") != 1.0 {
		t.Error(patched)
	}
	if got := w.want(http.MethodPut, nat, object{"location": "westus"}, http.StatusConflict); got["code"] != "InvalidResourceLocation" {
		t.Error(got)
	}
	w.want(http.MethodDelete, nat, nil, http.StatusOK)
	w.want(http.MethodDelete, nat, nil, http.StatusNoContent)
	if got := w.want(http.MethodDelete, strings.Replace(nat, "/Group/", "/Other/", 1), nil, http.StatusNotFound); got["code"] != "ResourceGroupNotFound" {
		t.Error(got)
	}
	if got := w.want(http.MethodPut, group+"/providers/A.B/c/d/e/f", object{}, http.StatusNotFound); got["code"] != "ParentResourceNotFound" {
		t.Error(got)
	}
}

func TestSubresourcesLiveInTheirParentAndOnTheirOwn(t *testing.T) {
	inUse := ""
	w := newFixture(t, map[string]resources.Behaviour{
		"Microsoft.Network/virtualNetworks": {Embeds: []string{"subnets", "tables"}, Keeps: []string{"subnets"}},
		"Microsoft.Network/virtualNetworks/subnets": {
			Put: func(_ context.Context, c *resources.Change) error {
				if c.New.Text("addressPrefix") == "" {
					return resources.Refuse(http.StatusBadRequest, "NoPrefix", "no prefix")
				}
				c.New.Default("Enabled", "policy")
				return nil
			},
			InUse: func(_ context.Context, r *resources.Resource) error {
				if r.Name == inUse {
					return resources.Refuse(http.StatusBadRequest, "InUseSubnetCannotBeDeleted", "in use")
				}
				return nil
			},
		},
	})
	w.want(http.MethodPut, network+"/subnets/a", object{"properties": object{"addressPrefix": "10.0.0.0/24"}}, http.StatusNotFound)
	w.want(http.MethodPut, network, object{"location": "eastus", "properties": object{"subnets": []any{
		object{"name": "a", "properties": object{"addressPrefix": "10.0.0.0/24"}},
	}}}, http.StatusCreated)
	w.want(http.MethodPut, network+"/tables/t", object{}, http.StatusCreated)
	w.want(http.MethodPut, network+"/subnets/b", object{"properties": object{}}, http.StatusBadRequest)
	w.want(http.MethodPut, network+"/subnets/b", object{"properties": object{"addressPrefix": "10.0.1.0/24"}}, http.StatusCreated)
	a := w.want(http.MethodGet, strings.ToUpper(network+"/subnets/a"), nil, http.StatusOK)
	if a["id"] != network+"/subnets/a" || resources.At(a, "properties", "policy") != "Enabled" {
		t.Error(a)
	}
	if err := w.Change(context.Background(), network+"/subnets/a", func(r *resources.Resource) error {
		r.Set("kept", "back")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	parent := w.want(http.MethodGet, network, nil, http.StatusOK)
	subnets := resources.Objects(resources.At(parent, "properties", "subnets"))
	if len(subnets) != 2 || resources.At(subnets[0], "properties", "back") != "kept" {
		t.Error(subnets)
	}
	// A PUT without a member that is not its own leaves it alone, and empties the others.
	w.want(http.MethodGet, network+"/tables/t", nil, http.StatusOK)
	parent = w.want(http.MethodPut, network, object{"location": "eastus", "properties": object{}}, http.StatusOK)
	if got := len(resources.Objects(resources.At(parent, "properties", "subnets"))); got != 2 {
		t.Errorf("%d subnets are left", got)
	}
	w.want(http.MethodGet, network+"/tables/t", nil, http.StatusNotFound)
	inUse = "a"
	if got := w.want(http.MethodPut, network, object{"location": "eastus", "properties": object{"subnets": []any{}}}, http.StatusBadRequest); got["code"] != "InUseSubnetCannotBeDeleted" {
		t.Error(got)
	}
	w.want(http.MethodDelete, network+"/subnets/a", nil, http.StatusBadRequest)
	w.want(http.MethodDelete, network+"/subnets/b", nil, http.StatusOK)
	w.want(http.MethodDelete, network+"/subnets/b", nil, http.StatusNoContent)
	if list := w.want(http.MethodGet, network+"/subnets", nil, http.StatusOK); len(resources.Objects(list["value"])) != 1 {
		t.Error(list)
	}
}

func TestWhatTakesTimeIsFollowedAndSurvivesARestart(t *testing.T) {
	const vm = group + "/providers/Microsoft.Compute/virtualMachines/vm"
	release := make(chan struct{})
	var settled atomic.Int32
	behaviours := map[string]resources.Behaviour{"Microsoft.Compute/virtualMachines": {
		Settle: func(ctx context.Context, _ *resources.Resource) error {
			settled.Add(1)
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}}
	w := newFixture(t, behaviours)
	answer, err := w.call(http.MethodPut, vm+"?api-version=2024-07-01", object{"location": "eastus"})
	if err != nil {
		t.Fatal(err)
	}
	follow := answer.Header.Get("Azure-AsyncOperation")
	if answer.Status != http.StatusCreated || !strings.HasPrefix(follow, "https://localhost:8443/subscriptions/") || !strings.HasSuffix(follow, "api-version=2024-07-01") {
		t.Fatal(answer.Status, answer.Header)
	}
	if r, err := w.Get(context.Background(), vm); err != nil || r.ProvisioningState() != "Creating" {
		t.Fatal(r, err)
	}
	if status := w.want(http.MethodGet, follow, nil, http.StatusOK); status["status"] != "InProgress" {
		t.Error(status)
	}
	w.Close()
	w.open(behaviours)
	close(release)
	w.within("the end of the operation", func() bool {
		return w.want(http.MethodGet, follow, nil, http.StatusOK)["status"] == "Succeeded"
	})
	if r, err := w.Get(context.Background(), vm); err != nil || r.ProvisioningState() != "Succeeded" || settled.Load() != 2 {
		t.Error(r, err, settled.Load())
	}
}

func TestDeletionOfWhatHasNoStateIsWaitedFor(t *testing.T) {
	const identity = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
	w := newFixture(t, map[string]resources.Behaviour{"Microsoft.ManagedIdentity/userAssignedIdentities": {
		Stateless: true,
		Deleted:   func(context.Context, *resources.Resource) error { time.Sleep(20 * time.Millisecond); return nil },
	}})
	w.Grace = time.Millisecond
	w.want(http.MethodPut, identity, object{"location": "eastus"}, http.StatusCreated)
	w.want(http.MethodDelete, identity, nil, http.StatusOK)
}

// gone deletes and waits for the end.
func (w *fixture) gone(path string) {
	w.t.Helper()
	answer, err := w.call(http.MethodDelete, path, nil)
	if err != nil || answer.Status != http.StatusOK && answer.Status != http.StatusAccepted {
		w.t.Fatal(answer, err)
	}
	w.within("end of "+path, func() bool {
		_, found, err := w.Find(context.Background(), path)
		return err == nil && !found
	})
}

func (w *fixture) within(what string, true func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("no %s within %s", what, patience)
		}
	}
}

func TestAFailureToSettleIsToldAndADeletionEndsWhatRuns(t *testing.T) {
	const vm = group + "/providers/Microsoft.Compute/virtualMachines/"
	w := newFixture(t, map[string]resources.Behaviour{"Microsoft.Compute/virtualMachines": {
		Settle: func(ctx context.Context, r *resources.Resource) error {
			if r.Name == "bad" {
				return resources.Refuse(http.StatusConflict, "AllocationFailed", "no room")
			}
			<-ctx.Done()
			return ctx.Err()
		},
	}})
	if got := w.want(http.MethodPut, vm+"bad", object{"location": "eastus"}, http.StatusConflict); got["code"] != "AllocationFailed" {
		t.Error(got)
	}
	if r, err := w.Get(context.Background(), vm+"bad"); err != nil || r.ProvisioningState() != "Failed" {
		t.Error(r, err)
	}
	w.want(http.MethodPut, vm+"slow", object{"location": "eastus"}, http.StatusCreated)
	w.gone(vm + "slow")
}

func TestAGroupIsEmptiedInTheOrderOfUse(t *testing.T) {
	const user, used = group + "/providers/A.B/users/z", group + "/providers/A.B/used/a"
	var deleted []string
	w := newFixture(t, nil)
	note := func(_ context.Context, r *resources.Resource) error {
		deleted = append(deleted, r.Name)
		return nil
	}
	w.Register("A.B/users", resources.Behaviour{Delete: note})
	w.Register("A.B/users/children", resources.Behaviour{Delete: note})
	w.Register("A.B/used", resources.Behaviour{Delete: note, InUse: func(ctx context.Context, _ *resources.Resource) error {
		if _, found, err := w.Find(ctx, user); err != nil || found {
			return errors.Join(err, resources.Refuse(http.StatusConflict, "InUse", "used"))
		}
		return nil
	}})
	w.want(http.MethodPut, used, object{"location": "eastus"}, http.StatusCreated)
	w.want(http.MethodPut, user, object{"location": "eastus"}, http.StatusCreated)
	w.want(http.MethodPut, user+"/children/c", object{}, http.StatusCreated)
	w.want(http.MethodPut, user+"/providers/Microsoft.Authorization/roleAssignments/1", object{}, http.StatusCreated)
	w.want(http.MethodDelete, used, nil, http.StatusConflict)
	w.gone(group)
	if got := strings.Join(deleted, " "); got != "c z a" {
		t.Errorf("deleted %s", got)
	}
	if rest, err := w.Below(context.Background(), subscription, ""); err != nil || len(rest) != 0 {
		t.Errorf("left %v, %v", rest, err)
	}
}

func TestETagsGuardWrites(t *testing.T) {
	const zone = group + "/providers/Microsoft.Network/dnsZones/example.com"
	w := newFixture(t, map[string]resources.Behaviour{"Microsoft.Network/dnsZones": {Global: true}})
	w.want(http.MethodPut, zone, object{"location": "global"}, http.StatusCreated)
	record := zone + "/A/api"
	w.want(http.MethodPut, record, object{}, http.StatusCreated, "If-None-Match", "*")
	if got := w.want(http.MethodPut, record, object{}, http.StatusPreconditionFailed, "If-None-Match", "*"); got["code"] != "PreconditionFailed" {
		t.Error(got)
	}
	etag := w.want(http.MethodGet, record, nil, http.StatusOK)["etag"].(string)
	w.want(http.MethodPut, record, object{"properties": object{"TTL": 1.0}}, http.StatusOK, "If-Match", etag)
	w.want(http.MethodPut, record, object{}, http.StatusPreconditionFailed, "If-Match", etag)
	w.want(http.MethodDelete, record, nil, http.StatusPreconditionFailed, "If-Match", etag)
	w.want(http.MethodDelete, record, nil, http.StatusOK, "If-Match", "*")
}

func TestListsFilterAndPage(t *testing.T) {
	w := newFixture(t, nil)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		tags := object{"letter": name}
		w.want(http.MethodPut, group+"/providers/A.B/things/"+name, object{"location": "eastus", "tags": tags}, http.StatusCreated)
	}
	w.want(http.MethodPut, group+"/providers/A.B/others/x", object{"location": "eastus"}, http.StatusCreated)
	names := func(target string) string {
		t.Helper()
		var got []string
		for target != "" {
			page := w.want(http.MethodGet, target, nil, http.StatusOK)
			for _, m := range page["value"].([]any) {
				got = append(got, m.(object)["name"].(string))
			}
			got = append(got, "|")
			target, _ = page["nextLink"].(string)
		}
		return strings.Join(got, "")
	}
	for target, want := range map[string]string{
		group + "/providers/A.B/things":                                                            "abcde|",
		subscription + "/providers/a.b/THINGS?$top=2":                                              "ab|cd|e|",
		group + "/resources?$top=4":                                                                "xabc|de|",
		group + "/resources?$filter=" + url.QueryEscape("resourceType eq 'A.B/others'"):            "x|",
		group + "/resources?$filter=" + url.QueryEscape("tagName eq 'letter' and tagValue eq 'c'"): "c|",
		group + "/resources?$filter=" + url.QueryEscape("(name eq 'a' or startswith(name,'E'))"):   "ae|",
		subscription + "/resourcegroups":                                                           "Group|",
	} {
		if got := names(target); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	w.want(http.MethodGet, group+"/resources?$filter=x", nil, http.StatusBadRequest)
	w.want(http.MethodGet, subscription+"/resourceGroups/none/providers/A.B/things", nil, http.StatusNotFound)
}

func TestManyCallsAtOnceNeitherBlockNorMixUp(t *testing.T) {
	w := newFixture(t, map[string]resources.Behaviour{
		"A.B/slow": {
			Settle: func(ctx context.Context, _ *resources.Resource) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(10 * time.Millisecond):
					return nil
				}
			},
			Delete: func(context.Context, *resources.Resource) error { return nil },
		},
	})
	var calls sync.WaitGroup
	for worker := range 16 {
		calls.Go(func() {
			for turn := range 10 {
				path := fmt.Sprintf("%s/providers/A.B/slow/%d", group, (worker+turn)%4)
				method := []string{http.MethodPut, http.MethodGet, http.MethodDelete}[turn%3]
				_, err := w.call(method, path, object{"location": "eastus", "properties": object{}})
				if err != nil && resources.AsError(err).Status == http.StatusInternalServerError {
					t.Errorf("%s %s: %v", method, path, err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { calls.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("calls block each other")
	}
	w.gone(group)
	if left, err := w.Below(context.Background(), group, ""); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
