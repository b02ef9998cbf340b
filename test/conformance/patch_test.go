package conformance

import (
	"net/http"
	"reflect"

	"github.com/aro-rp/aro/test/harness"
)

// patchChecks are chapter A.
func patchChecks() []check {
	return []check{
		{id: "A02", title: "id, name, type, location and provisioningState cannot be patched", run: checkPatchFixed},
		{id: "A03", title: "tags can be patched in every api-version", run: checkPatchTags},
		{id: "A04", title: "patched tags replace the set", run: checkPatchTagSet},
		{id: "A05", title: "properties are patched as RFC 7396 says", run: checkMergePatch},
		{id: "A06", title: "a synchronous PATCH is 200; an asynchronous one carries Azure-AsyncOperation", run: checkPatchCodes,
			why: "the published specs and SDKs know 200 and 201 only, so an asynchronous PATCH is 200 instead of 202"},
		{id: "A07", title: "PATCH of an absent cluster is 404", run: checkPatchAbsent},
		{id: "A12", title: "an empty PATCH begins an update; one that changes nothing does not", run: checkPatchEmpty,
			why: "no rule of ARM: it is how users of the existing service reconcile a cluster"},
		{id: "A11", title: "a PATCH of tags alone starts no work", run: checkTagsAlone},
	}
}

func checkPatchFixed(t *T) {
	c := t.shared()
	for _, test := range []struct {
		target string
		patch  harness.Object
	}{
		{"id", harness.Object{"id": "/other"}},
		{"name", harness.Object{"name": "other"}},
		{"type", harness.Object{"type": "Other/things"}},
		{"location", harness.Object{"location": "westeurope"}},
		{"properties.provisioningState", harness.Object{"properties": harness.Object{"provisioningState": "Failed"}}},
		{"properties.clusterProfile.domain", harness.Object{"properties": harness.Object{"clusterProfile": harness.Object{"domain": "other"}}}},
	} {
		reply := t.want(t.patch(c.path, harness.Newest, test.patch), http.StatusBadRequest)
		t.wantTarget(reply, test.target)
	}
	same := t.get(c.path, harness.Newest)
	echo := harness.Object{}
	for _, member := range []string{"id", "name", "type", "location"} {
		echo[member] = same.JSON[member]
	}
	echo["properties"] = harness.Object{"provisioningState": "Succeeded"}
	t.want(t.patch(c.path, harness.Newest, echo), http.StatusOK)
}

func checkPatchTags(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("tagged", version, nil)
		want := harness.Object{"patched-by": version}
		t.want(t.patch(c.path, version, harness.Object{"tags": want}), http.StatusOK)
		if got := t.get(c.path, version).JSON["tags"]; !reflect.DeepEqual(got, want) {
			t.Errorf("tags are %v, want %v", got, want)
		}
	})
}

func checkPatchTagSet(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("tagset", version, func(b harness.Object) { b["tags"] = harness.Object{"old": "1", "both": "1"} })
		for _, test := range []struct {
			why  string
			tags any
			want any
		}{
			{"a set replaces the set", harness.Object{"both": "2"}, harness.Object{"both": "2"}},
			{"null removes all", nil, nil},
		} {
			t.want(t.patch(c.path, version, harness.Object{"tags": test.tags}), http.StatusOK)
			got, _ := t.get(c.path, version).JSON["tags"].(harness.Object)
			want, _ := test.want.(harness.Object)
			if len(got) != len(want) || got["both"] != want["both"] {
				t.Errorf("%s: tags are %v, want %v", test.why, got, want)
			}
		}
	})
}

func checkMergePatch(t *T) {
	c := t.ready("merge", harness.Newest, nil)
	const count = "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"
	before := t.get(c.path, harness.Newest).JSON
	patch := harness.Object{"properties": harness.Object{"networkProfile": harness.Object{"loadBalancerProfile": harness.Object{"managedOutboundIps": harness.Object{"count": 3}}}}}
	t.succeeds(t.want(t.patch(c.path, harness.Newest, patch), http.StatusOK))
	after := t.get(c.path, harness.Newest).JSON
	if got := harness.Text(after, count); got != "3" {
		t.Errorf("count is %q, want the patched 3", got)
	}
	for _, kept := range []string{"tags", "properties.clusterProfile", "properties.masterProfile", "properties.workerProfiles", "properties.networkProfile.podCidr"} {
		if !reflect.DeepEqual(harness.At(after, kept), harness.At(before, kept)) {
			t.Errorf("%s was not sent and changed from %v to %v", kept, harness.At(before, kept), harness.At(after, kept))
		}
	}
	// Null is not absent: it takes the member away, so that it has its default again.
	patch = harness.Object{"properties": harness.Object{"networkProfile": harness.Object{"loadBalancerProfile": nil}}}
	t.succeeds(t.want(t.patch(c.path, harness.Newest, patch), http.StatusOK))
	if got := t.get(c.path, harness.Newest).Text(count); got != "1" {
		t.Errorf("count is %q after null, want the default 1", got)
	}
}

func checkPatchCodes(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("sync", version, nil)
		sync := t.want(t.patch(c.path, version, harness.Object{"tags": harness.Object{"a": "b"}}), http.StatusOK)
		if sync.Header.Get("Azure-AsyncOperation") != "" {
			t.Errorf("%s began an operation", sync)
		}
		async := t.want(t.patch(c.path, version, work("-new")), http.StatusOK)
		if got := async.Text("properties.provisioningState"); got != "Updating" {
			t.Errorf("state is %q, want Updating", got)
		}
		t.succeeds(async)
	})
}

func checkPatchEmpty(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("empty", version, nil)
		same := t.want(t.patch(c.path, version, harness.Object{"tags": c.body["tags"]}), http.StatusOK)
		if same.Header.Get("Azure-AsyncOperation") != "" {
			t.Errorf("%s began an operation", same)
		}
		begun := t.want(t.patch(c.path, version, harness.Object{}), http.StatusOK)
		if got := begun.Text("properties.provisioningState"); got != "Updating" {
			t.Errorf("state is %q, want Updating", got)
		}
		t.succeeds(begun)
	})
	busy := t.busy()
	t.want(t.patch(busy.path, harness.Newest, harness.Object{}), http.StatusConflict, "OperationInProgress")
}

func checkPatchAbsent(t *T) {
	t.versions(func(t *T, version string) {
		path := t.id("absent").String()
		t.want(t.patch(path, version, harness.Object{"tags": harness.Object{"a": "b"}}), http.StatusNotFound, "ResourceNotFound")
		t.want(t.get(path, version), http.StatusNotFound, "ResourceNotFound")
	})
}

func checkTagsAlone(t *T) {
	c := t.ready("tagonly", harness.Newest, nil)
	applied := t.applied(c)
	reply := t.want(t.patch(c.path, harness.Newest, harness.Object{"tags": harness.Object{"a": "b"}}), http.StatusOK)
	if state := reply.Text("properties.provisioningState"); state != "Succeeded" || reply.Header.Get("Azure-AsyncOperation") != "" {
		t.Errorf("%s began work", reply)
	}
	if again := t.applied(c); again != applied {
		t.Errorf("the control plane was applied %d times, before the PATCH %d", again, applied)
	}
}

// applied is how often the cluster's control plane was applied; 0 when the kit cannot see it.
func (t *T) applied(c *cluster) int {
	if t.planes == nil {
		return 0
	}
	for _, r := range t.planes.Records() {
		if r.Name == c.id.Name {
			return r.Applied
		}
	}
	return 0
}
