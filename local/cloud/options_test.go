package cloud_test

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/network"
)

// snapshot is a template with one resource and the options that Bicep's decorators
// compile to.
func snapshot(name string, options object) object {
	r := object{"type": "Microsoft.Compute/snapshots", "apiVersion": "2023-04-02", "name": name, "location": "eastus", "tags": object{"by": "template"}, "properties": object{}}
	if options != nil {
		r["@options"] = options
	}
	return object{"resources": []any{r}}
}

// TestRetryOnTriesAgainOnItsCodesOnly lets the first writes of a resource be refused,
// or be accepted and fail later.
func TestRetryOnTriesAgainOnItsCodesOnly(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	for name, test := range map[string]struct {
		why      string
		kind     string
		times    int
		options  object
		succeeds bool
	}{
		"refused":        {"once, and tried again", "fail", 1, object{"retryOn": []any{[]any{"Odd", "Busy"}, 1}}, true},
		"later":          {"accepted, failed, and tried again", "failLater", 1, object{"retryOn": []any{[]any{"busy"}, 2}}, true},
		"once":           {"without a count it is tried once more", "fail", 1, object{"retryOn": []any{[]any{"Busy"}}}, true},
		"toooften":       {"more often than it is tried again", "fail", 2, object{"retryOn": []any{[]any{"Busy"}, 1}}, false},
		"othercode":      {"the code is another one", "fail", 1, object{"retryOn": []any{[]any{"Odd"}, 3}}, false},
		"withoutoptions": {"it was not requested", "fail", 1, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			fault := cloud.Fault{Name: name, Match: cloud.FaultMatch{Method: http.MethodPut, Path: "snapshots/" + name + "$"}, Count: test.times,
				Action: cloud.FaultAction{Kind: test.kind, Code: "Busy", Message: "Not now."}}
			if test.kind == "fail" {
				fault.Action.Status = http.StatusConflict
			}
			if _, err := w.SetFault(context.Background(), fault); err != nil {
				t.Fatal(err)
			}
			if _, err := w.deploy(w.demo(), name, snapshot(name, test.options), nil); (err == nil) != test.succeeds {
				t.Errorf("%s: %v", test.why, err)
			}
		})
	}
}

func TestOnlyIfNotExistsLeavesWhatExists(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const there = customer + "/resourceGroups/g/providers/Microsoft.Compute/snapshots/there?api-version=1"
	w.want(w.demo(), http.MethodPut, there, object{"location": "eastus", "tags": object{"by": "hand"}}, http.StatusCreated, "")
	for name, by := range map[string]string{"there": "hand", "new": "template"} {
		if _, err := w.deploy(w.demo(), name, snapshot(name, object{"onlyIfNotExists": []any{}}), nil); err != nil {
			t.Error(err)
		}
		got := w.want(w.demo(), http.MethodGet, strings.Replace(there, "there", name, 1), nil, http.StatusOK, "")
		if got["tags"].(object)["by"] != by {
			t.Errorf("%s has the tags %v", name, got["tags"])
		}
	}
}

func TestOptionsThatAreNotKnownAreRefusedByName(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	for name, options := range map[string]object{"waitUntil": {"waitUntil": []any{"x"}}, "retryOn": {"retryOn": "Busy"}} {
		if _, err := w.deploy(w.demo(), name, snapshot("odd", options), nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", options, err)
		}
	}
}

// TestNewGuidIsAnotherOneInEachDeployment: in a default value, where it is allowed,
// one name serves the whole deployment and no other.
func TestNewGuidIsAnotherOneInEachDeployment(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	isGUID := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 2 {
		done, err := w.deploy(w.demo(), "guids", object{"parameters": object{"id": object{"type": "string", "defaultValue": "[newGuid()]"}}, "resources": []any{},
			"outputs": object{"a": object{"type": "string", "value": "[parameters('id')]"}, "b": object{"type": "string", "value": "[parameters('id')]"}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		outputs := done.Properties.Outputs.(map[string]any)
		a, b := outputs["a"].(map[string]any)["value"].(string), outputs["b"].(map[string]any)["value"].(string)
		if a != b || !isGUID.MatchString(a) || seen[a] {
			t.Errorf("the values are %q and %q, earlier ones %v", a, b, seen)
		}
		seen[a] = true
	}
}

// TestVersionsOfTheNetworkThatClientsSendAreKnown are the api-versions of
// Microsoft.Network in azure-sdk-for-go (services/network/mgmt of v68, armnetwork
// v1.1 to v7) and azure-mgmt-network, and those of az, which takes it from there, in
// the profiles of hybrid clouds too.
func TestVersionsOfTheNetworkThatClientsSendAreKnown(t *testing.T) {
	w := newFixture(t, cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		network.New(a.Engine, slog.New(slog.DiscardHandler))
		return nil
	}}})
	w.group("g")
	deploy := func(version string) error {
		_, err := w.deploy(w.demo(), "versions", object{"resources": []any{object{"type": "Microsoft.Network/routeTables", "apiVersion": version, "name": "routes", "location": "eastus", "properties": object{}}}}, nil)
		return err
	}
	for _, version := range strings.Fields(`2015-06-15 2017-10-01 2017-11-01 2018-01-01 2018-02-01 2018-04-01 2018-06-01 2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01
		2019-02-01 2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01 2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01
		2021-02-01 2021-03-01 2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 2022-09-01 2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 2023-11-01
		2024-01-01 2024-03-01 2024-05-01 2024-07-01 2024-10-01 2025-01-01`) {
		if err := deploy(version); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
	for _, never := range []string{"2019-10-01", "2022-02-01", "2023-12-01-beta", "soon"} {
		if err := deploy(never); err == nil || !strings.Contains(err.Error(), "NoRegisteredProviderFound") {
			t.Errorf("%s: %v", never, err)
		}
	}
}
