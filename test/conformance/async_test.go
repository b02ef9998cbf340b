package conformance

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/test/harness"
)

// asyncChecks are chapter L.
func asyncChecks() []check {
	return []check{
		{id: "L01", title: "an asynchronous PUT answers a non-terminal state and the future values", run: checkFutureValues},
		{id: "L03", title: "every asynchronous answer carries Azure-AsyncOperation", run: checkAsyncHeader},
		{id: "L04", title: "202 carries an absolute Location on the caller's host and no body", run: checkLocationHeader},
		{id: "L05", title: "asynchronous PATCH and DELETE carry the polling headers", run: checkPollingHeaders,
			why: "PATCH is 200 with Azure-AsyncOperation, as the published specs have it; POST actions are synchronous"},
		{id: "L07", title: "provisioningState is read-only: an equal value is ignored, another is 400", run: checkStateReadOnly},
		{id: "L08", title: "states change only as permitted; a change during an operation is 409; POST actions do not change the state", run: checkStates},
		{id: "L09", title: "Location is 202 while running, then the synchronous answer", run: checkResults},
		{id: "L10", title: "the status is 200 while readable and has status, name, percent and error as agreed", run: checkStatus},
		{id: "L12", title: "operation ids are fresh, and results outlive the cluster", run: checkOperationIDs},
		{id: "L13", title: "polling from another subscription is 404; a status has no secrets", run: checkForeignPoll},
		{id: "L15", title: "properties revert after a failure if that is the actual result", why: "a failing operation cannot be provoked from outside: the worker's own tests do"},
	}
}

func checkFutureValues(t *T) {
	t.versions(func(t *T, version string) {
		c := t.begin("future", version, nil)
		if got := c.created.Text("properties.provisioningState"); got != "Creating" {
			t.Errorf("state is %q, want Creating", got)
		}
		for _, member := range []string{"location", "tags.made-by", "properties.masterProfile.vmSize", "properties.networkProfile.podCidr"} {
			if got, want := c.created.Text(member), harness.Text(c.body, member); got != want {
				t.Errorf("%s is %q, want %q", member, got, want)
			}
		}
	})
}

func checkAsyncHeader(t *T) {
	c := t.ready("headers", harness.Newest, nil)
	updated := t.want(t.patch(c.path, harness.Newest, work("-h")), http.StatusOK)
	t.succeeds(updated)
	deleted := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
	for name, reply := range map[string]*harness.Reply{"create": c.created, "update": updated, "delete": deleted} {
		u, err := url.Parse(reply.Header.Get("Azure-AsyncOperation"))
		if err != nil || !u.IsAbs() || !strings.Contains(strings.ToLower(u.Path), "/operationsstatus/") || u.Query().Get("api-version") == "" {
			t.Errorf("Azure-AsyncOperation of %s is %q", name, reply.Header.Get("Azure-AsyncOperation"))
		}
	}
}

func checkLocationHeader(t *T) {
	c := t.begin("location", harness.Newest, nil)
	reply := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
	u, err := url.Parse(reply.Header.Get("Location"))
	if err != nil || !u.IsAbs() || !strings.Contains(strings.ToLower(u.Path), "/operationresults/") {
		t.Errorf("Location is %q", reply.Header.Get("Location"))
	}
	if !strings.HasPrefix(reply.Header.Get("Location"), t.rp+"/") {
		t.Errorf("Location is %q, want it on the host that was asked, %s", reply.Header.Get("Location"), t.rp)
	}
	if len(reply.Body) > 0 {
		t.Errorf("%s; want no body", reply)
	}
}

func checkPollingHeaders(t *T) {
	c := t.ready("polling", harness.Newest, nil)
	updated := t.want(t.patch(c.path, harness.Newest, work("-p")), http.StatusOK)
	deleted := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
	for name, reply := range map[string]*harness.Reply{"PATCH": updated, "DELETE": deleted} {
		if reply.Header.Get("Azure-AsyncOperation") == "" || reply.Header.Get("Retry-After") == "" {
			t.Errorf("%s: polling headers are missing: %v", name, reply.Header)
		}
	}
	t.succeeds(deleted)
}

func checkStateReadOnly(t *T) {
	c := t.shared()
	t.versions(func(t *T, version string) {
		body := t.want(t.get(c.path, version), http.StatusOK).JSON
		t.want(t.put(c.path, version, body), http.StatusOK)
		reply := t.want(t.put(c.path, version, harness.Set(body, "properties.provisioningState", "Failed")), http.StatusBadRequest)
		t.wantTarget(reply, "properties.provisioningState")
	})
}

func checkStates(t *T) {
	t.meanwhile()
	t.needs(t.can.getReady)
	c := t.begin("states", harness.Newest, nil)
	seen := []string{c.created.Text("properties.provisioningState")}
	look := func(reply *harness.Reply) {
		state := reply.Text("properties.provisioningState")
		if reply.Status == http.StatusNotFound {
			state = "gone"
		}
		if seen[len(seen)-1] != state {
			seen = append(seen, state)
		}
	}
	until := func(states ...string) {
		for deadline := time.Now().Add(t.patience); !slices.Contains(states, seen[len(seen)-1]); time.Sleep(t.pause / 3) {
			look(t.get(c.path, harness.Newest))
			if time.Now().After(deadline) {
				t.Fatalf("states were %q, want %q", seen, states)
			}
		}
	}
	until("Succeeded")
	t.credentials(c)
	look(t.get(c.path, harness.Newest))
	look(t.want(t.patch(c.path, harness.Newest, work("-s")), http.StatusOK))
	until("Succeeded")
	t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
	until("gone")
	with := []string{"Creating", "Succeeded", "Updating", "Succeeded", "Deleting", "gone"}
	quick := []string{"Creating", "Succeeded", "Updating", "Succeeded", "gone"}
	if !slices.Equal(seen, with) && !slices.Equal(seen, quick) {
		t.Errorf("states were %q, want %q", seen, with)
	}
}

// meanwhile proves that a change during an operation is refused and names it.
func (t *T) meanwhile() {
	t.Helper()
	c := t.busy()
	u, err := url.Parse(c.created.Header.Get("Azure-AsyncOperation"))
	if err != nil {
		t.Fatalf("Azure-AsyncOperation: %v", err)
	}
	changed := harness.Set(harness.Copy(c.body), "tags", harness.Object{"changed": "yes"})
	for _, reply := range []*harness.Reply{t.put(c.path, harness.Newest, changed), t.patch(c.path, harness.Newest, work("-m"))} {
		t.want(reply, http.StatusConflict, "OperationInProgress")
		if !strings.Contains(reply.Message(), path.Base(u.Path)) {
			t.Errorf("%s does not name the operation %s", reply, path.Base(u.Path))
		}
	}
	for _, action := range []string{"/listCredentials", "/listAdminCredentials"} {
		t.want(t.post(c.path+action, harness.Newest), http.StatusBadRequest, "RequestNotAllowed")
	}
}

// credentials requests both kinds of credentials and checks their form.
func (t *T) credentials(c *cluster) {
	t.Helper()
	user := t.want(t.post(c.path+"/listCredentials", harness.Newest), http.StatusOK)
	if user.Text("kubeadminUsername") != "kubeadmin" || user.Text("kubeadminPassword") == "" {
		t.Errorf("listCredentials has user %q and a password of %d characters", user.Text("kubeadminUsername"), len(user.Text("kubeadminPassword")))
	}
	admin := t.want(t.post(c.path+"/listAdminCredentials", harness.Newest), http.StatusOK)
	config, err := base64.StdEncoding.DecodeString(admin.Text("kubeconfig"))
	if err != nil || !strings.Contains(string(config), "kind: Config") {
		t.Errorf("listAdminCredentials has no kubeconfig in base64: %v", err)
	}
}

func checkResults(t *T) {
	c := t.busy()
	t.letGo(c)
	t.succeeds(c.created)
	// The results of a create are found beside its status.
	results := strings.Replace(c.created.Header.Get("Azure-AsyncOperation"), "operationsstatus", "operationresults", 1)
	if done := t.want(t.get(results, ""), http.StatusOK); !reflect.DeepEqual(done.JSON, t.get(c.path, harness.Newest).JSON) {
		t.Errorf("the result of the create is %s, want what GET answers", done)
	}
	location := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted).Header.Get("Location")
	for deadline := time.Now().Add(t.patience); ; time.Sleep(t.pause) {
		reply := t.get(location, "")
		if reply.Status == http.StatusNoContent {
			break
		}
		if t.want(reply, http.StatusAccepted); len(reply.Body) > 0 {
			t.Errorf("%s; want no body", reply)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the delete did not end within %s", t.patience)
		}
	}
	busy := t.busy()
	results = strings.Replace(busy.created.Header.Get("Azure-AsyncOperation"), "operationsstatus", "operationresults", 1)
	if running := t.want(t.get(results, ""), http.StatusAccepted); len(running.Body) > 0 || running.Header.Get("Location") == "" {
		t.Errorf("%s; want an empty body and a Location", running)
	}
}

func checkStatus(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.begin("status", version, nil)
		if t.can.getReady != "" { // then its end cannot be controlled
			t.isFinal(t.want(t.get(c.created.Header.Get("Azure-AsyncOperation"), ""), http.StatusOK))
			return
		}
		for deadline := time.Now().Add(t.patience); ; time.Sleep(t.pause) {
			reply := t.want(t.get(c.created.Header.Get("Azure-AsyncOperation"), ""), http.StatusOK)
			if t.isFinal(reply) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("did not end: %s", reply)
			}
		}
	})
}

// isFinal checks a status and reports whether it is final.
func (t *T) isFinal(reply *harness.Reply) bool {
	t.Helper()
	if name := reply.Text("name"); name == "" || path.Base(reply.Text("id")) != name {
		t.Errorf("%s; want name to be the last segment of id", reply)
	}
	if _, err := time.Parse(time.RFC3339, reply.Text("startTime")); err != nil {
		t.Errorf("%s; want a startTime", reply)
	}
	percent, there := reply.JSON["percentComplete"].(float64)
	if reply.JSON["percentComplete"] != nil && (!there || percent < 0 || percent > 100) {
		t.Errorf("%s; want percentComplete from 0 to 100", reply)
	}
	status := reply.Text("status")
	final := slices.Contains([]string{"Succeeded", "Failed", "Canceled"}, status)
	if status == "" || !final && reply.JSON["error"] != nil {
		t.Errorf("%s; want a status, and no error while running", reply)
	}
	if status != "Succeeded" && reply.JSON["properties"] != nil {
		t.Errorf("%s; want properties only on success", reply)
	}
	if status == "Failed" && (reply.Code() == "" || reply.Message() == "") || status == "Canceled" && reply.Code() == "" {
		t.Errorf("%s; want error.code, and error.message when it failed", reply)
	}
	if final {
		if _, err := time.Parse(time.RFC3339, reply.Text("endTime")); err != nil {
			t.Errorf("%s; want an endTime", reply)
		}
	}
	return final
}

func checkOperationIDs(t *T) {
	c := t.ready("ops", harness.Newest, nil)
	updated := t.want(t.patch(c.path, harness.Newest, work("-1")), http.StatusOK)
	t.succeeds(updated)
	deleted := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
	t.succeeds(deleted)
	t.gone(c)
	seen := map[string]bool{}
	for _, reply := range []*harness.Reply{c.created, updated, deleted} {
		address := reply.Header.Get("Azure-AsyncOperation")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatalf("%q: %v", address, err)
		}
		id := path.Base(u.Path)
		if _, err := uuid.Parse(id); err != nil || seen[id] {
			t.Errorf("operation id %q is no fresh UUID", id)
		}
		seen[id] = true
		if segments := strings.Split(strings.Trim(u.Path, "/"), "/"); len(segments)%2 != 0 {
			t.Errorf("%s has an odd number of segments", u.Path)
		}
		for _, reserved := range []string{"t", "c", "s", "h"} {
			if u.Query().Has(reserved) {
				t.Errorf("%s uses the reserved parameter %s", address, reserved)
			}
		}
		if reply := t.want(t.get(address, ""), http.StatusOK); reply.Text("status") != "Succeeded" {
			t.Errorf("%s after the delete; want Succeeded", reply)
		}
	}
}

func checkForeignPoll(t *T) {
	c := t.shared()
	address := c.created.Header.Get("Azure-AsyncOperation")
	own := t.want(t.get(address, ""), http.StatusOK)
	for _, secret := range []string{"password", "kubeconfig", "pullSecret", "clientSecret"} {
		if strings.Contains(strings.ToLower(string(own.Body)), secret) {
			t.Errorf("the status has %q: %s", secret, own)
		}
	}
	for _, kind := range []string{"operationsstatus", "operationresults"} {
		own := strings.Replace(address, "operationsstatus", kind, 1)
		t.want(t.get(strings.Replace(own, t.subscription, t.other, 1), ""), http.StatusNotFound, "NotFound")
		t.want(t.get(t.locationPath(t.subscription)+"/"+kind+"/"+uuid.NewString(), harness.Newest), http.StatusNotFound, "NotFound")
		t.want(t.get(t.locationPath(t.subscription)+"/"+kind+"/no-uuid", harness.Newest), http.StatusBadRequest, "InvalidOperationID")
	}
}
