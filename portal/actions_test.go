package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/entra"
)

var confirmField = regexp.MustCompile(`name="confirm" value="([^"]+)"`)

// act sends the form of an action.
func (b *browser) act(name string, members ...string) reply {
	b.Helper()
	form := url.Values{"csrf": {b.csrf()}}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	return b.post(b.cluster+"/actions/"+name, form)
}

func (w *fixture) stored() *model.Cluster {
	w.Helper()
	id := armID(subscription, "shop")
	doc, err := w.store.Clusters.View(w.Context(), id.Partition(), id.Key())
	if err != nil {
		w.Fatal(err)
	}
	return &doc.Cluster
}

func TestActionsAreTriedBeforeTheyRun(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	admin := w.login("admin@example.com", entra.GroupHigh)
	if r := admin.get(w.cluster + "/actions"); r.StatusCode != http.StatusOK || !strings.Contains(r.text, "/actions/UpdateCluster") || !strings.Contains(r.text, "/actions/GetSerialConsole") {
		t.Fatalf("the list is %s %s", r.Status, r.text)
	}
	if r := admin.get(w.cluster + "/actions/UpdateCluster?maintenanceTask=Pending"); !strings.Contains(r.text, `<option value="Pending" selected>`) || !strings.Contains(r.text, `<textarea id="field-operatorFlags"`) {
		t.Fatalf("the form is %s", r.text)
	}
	task := []string{"maintenanceTask", "SyncClusterObject", "operatorFlags", "a.b=false\nc.d=x=y"}
	tried := admin.act("UpdateCluster", append(task, "step", "try")...)
	confirm := confirmField.FindStringSubmatch(tried.text)
	if tried.StatusCode != http.StatusOK || confirm == nil || !strings.Contains(tried.text, "a.b: &#34;false&#34;") {
		t.Fatalf("the dry run is %s %s", tried.Status, tried.text)
	}
	if c := w.stored(); c.Internal.Operation != nil || c.Internal.OperatorFlags != nil || c.Internal.MaintenanceTask != "" {
		t.Fatalf("the dry run changed the cluster: %+v", c.Internal)
	}
	for name, members := range map[string][]string{
		"no confirmation": append(task, "step", "run"), "another confirmation": append(task, "step", "run", "confirm", "x"),
		"other parameters": {"maintenanceTask", "SyncClusterObject", "operatorFlags", "a.b=true", "step", "run", "confirm", confirm[1]},
	} {
		if r := admin.act("UpdateCluster", members...); r.StatusCode != http.StatusConflict || w.stored().Internal.Operation != nil {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	ran := admin.act("UpdateCluster", append(task, "step", "run", "confirm", confirm[1])...)
	c := w.stored()
	if ran.StatusCode != http.StatusOK || c.Internal.Operation == nil || c.Internal.OperatorFlags["c.d"] != "x=y" || c.Internal.Operation.RequestedBy != "admin@example.com" {
		t.Fatalf("the run is %s: %+v %s", ran.Status, c.Internal, ran.text)
	}
	again := admin.act("UpdateCluster", append(task, "step", "try")...)
	if again.StatusCode != http.StatusConflict || !strings.Contains(again.text, "OperationInProgress") || confirmField.MatchString(again.text) {
		t.Errorf("a dry run that would be refused is %s %s", again.Status, again.text)
	}
	log := w.log.String()
	for _, want := range []string{`"operation":"Admin_UpdateCluster","certificate":"","fingerprint":"","principal":"admin@example.com","method":"PATCH"`, `"dry_run":true`, `"subject":"SyncClusterObject","status":200,"outcome":"Succeeded","dry_run":false`} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit lacks %s", want)
		}
	}
}

func TestActionsNeedRights(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	for _, step := range []string{"try", "run"} {
		if r := sre.act("UpdateCluster", "step", step, "confirm", "x"); r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusConflict || w.stored().Internal.Operation != nil {
			t.Errorf("%s: %s", step, r.Status)
		}
	}
	if r := sre.act("ExplainCluster", "step", "run"); r.StatusCode != http.StatusOK || !strings.Contains(r.text, "<dt>") {
		t.Errorf("a person who may read reads %s %s", r.Status, r.text)
	}
	if r := sre.post(w.cluster+"/actions/ExplainCluster", url.Values{"step": {"run"}}); r.StatusCode != http.StatusForbidden {
		t.Errorf("without a token: %s", r.Status)
	}
	if r := sre.act("NoSuchThing", "step", "run"); r.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown action: %s", r.Status)
	}
	if r := sre.act("GetPodLogs", "step", "run"); r.StatusCode != http.StatusBadRequest || !strings.Contains(r.text, "must not be empty") {
		t.Errorf("a form without what it needs: %s", r.Status)
	}
	for _, who := range []*browser{w.browser(), sre} {
		if r := who.get("/admin/clusters", "X-Ms-Client-Principal-Name", "admin@example.com"); r.StatusCode != http.StatusForbidden {
			t.Errorf("the admin API answers from outside: %s", r.Status)
		}
	}
}
