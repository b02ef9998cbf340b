package conformance

import (
	"net/http"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// deleteChecks are chapter D.
func deleteChecks() []check {
	return []check{
		{id: "D01", title: "DELETE answers 202, and 204 when nothing is there; never 404", run: checkDeleteCodes,
			why: "2019-12-31-preview declares 200 and no 202, so there it is 200, with Azure-AsyncOperation as well"},
		{id: "D04", title: "answers to DELETE are empty", run: checkDeleteEmpty},
		{id: "D05", title: "DELETE is never refused because of the state", run: checkDeleteAnyState,
			why: "Failed cannot be provoked by URL: test/crash deletes a failed cluster"},
		{id: "D06", title: "DELETE works with any api-version, whatever version created the cluster", run: checkDeleteVersions},
		{id: "D07", title: "clusters of a group can be deleted in any order, again and again", run: checkDeleteGroup},
		{id: "D08", title: "children are cascaded or validated", why: "clusters have no child resources"},
	}
}

// gone waits until a cluster is not there any more.
func (t *T) gone(c *cluster) {
	t.Helper()
	t.needs(t.can.goAway)
	for deadline := time.Now().Add(t.patience); ; time.Sleep(t.pause) {
		reply := t.get(c.path, harness.Newest)
		if reply.Status == http.StatusNotFound {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there after %s: %s", t.patience, reply)
		}
	}
}

func checkDeleteCodes(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.begin("delete", version, nil)
		t.succeeds(t.want(t.remove(c.path, version), harness.Accepted(version)))
		t.want(t.get(c.path, version), http.StatusNotFound, "ResourceNotFound")
		t.want(t.remove(c.path, version), http.StatusNoContent)
	})
}

func checkDeleteEmpty(t *T) {
	c := t.begin("empty", harness.Newest, nil)
	for _, reply := range []*harness.Reply{t.want(t.remove(c.path, harness.Newest), http.StatusAccepted),
		t.want(t.remove(t.id("absent").String(), harness.Newest), http.StatusNoContent)} {
		if len(reply.Body) > 0 {
			t.Errorf("%s; want no body", reply)
		}
	}
}

func checkDeleteAnyState(t *T) {
	t.each("creating", func(t *T) {
		c := t.busy()
		deleted := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
		t.letGo(c)
		t.succeeds(deleted)
		if got := t.poll(c.created.Header.Get("Azure-AsyncOperation")).Text("status"); got != "Canceled" {
			t.Errorf("the create that was cut short ended %q, want Canceled", got)
		}
		t.gone(c)
	})
	t.each("updating", func(t *T) {
		c := t.ready("updating", harness.Newest, nil)
		t.held.Store(c.id.Name, true)
		updated := t.want(t.patch(c.path, harness.Newest, work("-upd")), http.StatusOK)
		deleted := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
		t.letGo(c)
		t.succeeds(deleted)
		if got := t.poll(updated.Header.Get("Azure-AsyncOperation")).Text("status"); got != "Canceled" {
			t.Errorf("the update that was cut short ended %q, want Canceled", got)
		}
		t.gone(c)
	})
	t.each("deleting", func(t *T) {
		c := t.ready("deleting", harness.Newest, nil)
		first := t.want(t.remove(c.path, harness.Newest), http.StatusAccepted)
		if again := t.remove(c.path, harness.Newest); again.Status != http.StatusAccepted && again.Status != http.StatusNoContent {
			t.Errorf("%s; want 202 or 204", again)
		}
		t.succeeds(first)
	})
}

func checkDeleteVersions(t *T) {
	for _, pair := range [][2]string{{harness.Oldest, harness.Newest}, {harness.Newest, harness.Oldest}, {"2023-11-22", "2020-04-30"}} {
		c := t.begin("mixed", pair[0], nil)
		t.succeeds(t.want(t.remove(c.path, pair[1]), harness.Accepted(pair[1])))
		t.gone(c)
	}
}

func checkDeleteGroup(t *T) {
	var all []*cluster
	for range 4 {
		all = append(all, t.begin("group", harness.Newest, nil))
	}
	for _, i := range []int{2, 0, 3, 1, 0, 2} {
		if reply := t.remove(all[i].path, harness.Newest); reply.Status != http.StatusAccepted && reply.Status != http.StatusNoContent {
			t.Errorf("%s; want 202 or 204", reply)
		}
	}
	for _, c := range all {
		t.gone(c)
	}
}
