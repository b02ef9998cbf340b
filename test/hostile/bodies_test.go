package hostile

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// TestWhatTheInstallerRefusesIsRefusedAtPut sends bodies that the installer refuses
// for one member, and then the same bodies with that member corrected.
func TestWhatTheInstallerRefusesIsRefusedAtPut(t *testing.T) {
	t.Parallel()
	const version = "2023-11-22"
	for file, want := range map[string]struct {
		target, corrected string
		says, never       []string
	}{
		"b01-domain-55": {"properties.clusterProfile.domain", strings.Repeat("a", 54),
			[]string{"54 characters"}, nil},
		"b02-pull-secret-without-auth": {"properties.clusterProfile.pullSecret", `{"auths":{"quay.io":{"auth":"YTpi","email":"a@b.c"}}}`,
			[]string{`"quay.io"`, `"auth"`}, []string{"a@b.c", "email"}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			process, client := plain(t)
			text, err := os.ReadFile(filepath.Join("testdata", "bodies", file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var body harness.Object
			if err := json.Unmarshal(text, &body); err != nil {
				t.Fatal(err)
			}
			put := func(body any) *harness.Reply {
				id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: "demo"}
				reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: version, Body: body})
				if err != nil {
					t.Fatal(err)
				}
				return reply
			}
			reply := put(text)
			if targets := reply.Targets(); reply.Status != http.StatusBadRequest || targets[0] != want.target || slices.ContainsFunc(targets, func(s string) bool { return s != want.target }) {
				t.Errorf("%s; want 400 at %s alone", reply, want.target)
			}
			for _, part := range append(want.says, want.target) {
				if !strings.Contains(reply.Message(), part) {
					t.Errorf("the message %q does not say %s", reply.Message(), part)
				}
			}
			for _, part := range want.never {
				if strings.Contains(string(reply.Body), part) || strings.Contains(process.Output(), part) {
					t.Errorf("the answer or the log repeats %q: %s", part, reply.Body)
				}
			}
			if reply := put(harness.Set(body, want.target, want.corrected)); reply.Status != http.StatusCreated {
				t.Errorf("corrected: %s", reply)
			}
		})
	}
}

// TestAClusterLivesInAGroupOfAnyScript: created in one casing of a percent-encoded
// path, found, listed, changed and deleted in any.
func TestAClusterLivesInAGroupOfAnyScript(t *testing.T) {
	t.Parallel()
	w := watch(t)
	const group = "группа-日本"
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: group, Name: "one"}
	path := func(group string) string {
		return strings.Replace(id.String(), id.ResourceGroup, url.PathEscape(group), 1)
	}
	body := harness.Set(harness.Body(harness.Newest, id, location), "properties.clusterProfile.resourceGroupId", "/subscriptions/"+subscription+"/resourceGroups/управляемая-日本")
	if created := w.send(http.MethodPut, path(group), harness.Newest, body); created.Status != http.StatusCreated || created.Text("id") != id.String() {
		t.Fatal(created)
	}
	w.settled(path(group))
	casings := []string{group, "ГРУППА-日本"}
	for _, casing := range casings {
		if got := w.send(http.MethodGet, path(casing), harness.Newest, nil); got.Status != http.StatusOK || got.Text("id") != id.String() {
			t.Error(got)
		}
		for _, list := range []string{strings.TrimSuffix(path(casing), "/one"), listOfClusters} {
			if got := w.send(http.MethodGet, list, harness.Newest, nil); got.Status != http.StatusOK || got.Text("value.0.id") != id.String() {
				t.Errorf("not in the list: %s", got)
			}
		}
		patched := w.send(http.MethodPatch, path(casing), harness.Newest, harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": rotatedCanary}}})
		if patched.Status != http.StatusOK && patched.Status != http.StatusAccepted {
			t.Error(patched)
		}
		w.settled(path(casing))
	}
	for _, other := range []string{"группа-日木", "gruppa-日本"} {
		if got := w.send(http.MethodGet, path(other), harness.Newest, nil); got.Status != http.StatusNotFound {
			t.Error(got)
		}
	}
	deleted := w.send(http.MethodDelete, path(casings[1]), harness.Newest, nil)
	if deleted.Status != http.StatusAccepted {
		t.Fatal(deleted)
	}
	w.settled(path(group))
	for _, casing := range casings {
		if got := w.send(http.MethodGet, path(casing), harness.Newest, nil); got.Status != http.StatusNotFound {
			t.Error(got)
		}
	}
	if status := w.send(http.MethodGet, deleted.Header.Get("Azure-AsyncOperation"), "", nil); status.Text("status") != "Succeeded" {
		t.Error(status)
	}
}
