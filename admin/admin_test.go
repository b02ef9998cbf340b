package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

func TestAdminSeesClustersAndNoSecrets(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	ready := w.Ready(harness.Newest, "Zulu")
	w.Create(harness.Newest, "alpha")
	busy := edge.ClusterID("alpha")
	started := time.Now().UTC().Truncate(time.Second)
	w.Alter(busy, func(doc *store.ClusterDocument) {
		op := doc.Cluster.Internal.Operation
		op.Steps, op.Finished = 2, []model.Step{{Name: "first", StartedAt: started, EndedAt: started}}
		op.Current = &model.Step{Name: "second", StartedAt: started, Attempts: 3, WaitingFor: "nodes", NextAttempt: started}
		doc.Owner, doc.Due, doc.Lost = "worker-1", store.Due(time.Minute), 1
	})
	list := w.Want(200, w.Send("GET", "/admin/clusters", "", nil))
	if harness.Text(list.JSON, "value.0.name") != "alpha" || harness.Text(list.JSON, "value.1.name") != "Zulu" {
		t.Errorf("not sorted by id: %v", list)
	}
	for path, want := range map[string]string{"resourceId": busy.String(), "key": strings.ToLower(busy.String()), "provisioningState": "Creating", "operation.kind": "Create",
		"operation.step": "second", "operation.waitingFor": "nodes", "operation.percentComplete": "50", "createdBy": "test", "resourceGroup": "Group-1", "subscription": edge.Subscription} {
		if got := harness.Text(list.JSON, "value.0."+path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for filter, want := range map[string]int{"name=zul": 1, "name=nothing": 0, "state=creating": 1, "subscription=a1": 2, "version=4.": 2, "created_by=tes": 2, "state=Succeeded&name=alpha": 0, "provisioned_by=other": 0} {
		if got := len(w.Want(200, w.Send("GET", "/admin/clusters?"+filter, "", nil)).JSON["value"].([]any)); got != want {
			t.Errorf("%s finds %d, want %d", filter, got, want)
		}
	}
	whole := w.Want(200, w.Send("GET", "/admin"+ready.String(), "", nil))
	if whole.Text("internal.uid") == "" || whole.Text("properties.provisioningState") != "Succeeded" || whole.Text("internal.transitions.0.to") != "Creating" {
		t.Error(whole)
	}
	for _, secret := range []string{harness.PullSecretCanary, harness.ClientSecretCanary, "password-canary", "kubeconfig-canary"} {
		if strings.Contains(string(whole.Body), secret) {
			t.Errorf("%s is in %s", secret, whole.Body)
		}
	}
	explained := w.Want(200, w.Send("GET", "/admin"+busy.String()+"/explain", "", nil))
	for path, want := range map[string]string{"currentStep.name": "second", "currentStep.attempts": "3", "waitingFor": "nodes", "retries": "1", "lease.owner": "worker-1",
		"finishedSteps.0.name": "first", "steps": "2", "transitions.0.to": "Creating", "nextAttempt": started.Format(time.RFC3339)} {
		if got := explained.Text(path); got != want {
			t.Errorf("%s is %q, want %q in %s", path, got, want, explained.Body)
		}
	}
	if r := w.Want(200, w.Send("GET", "/admin"+strings.ToUpper(ready.String())+"/explain", "", nil)); r.JSON["operation"] != nil || r.JSON["lease"] != nil {
		t.Error(r)
	}
	w.WantError(arm.ResourceNotFound, w.Send("GET", "/admin"+edge.ClusterID("absent").String(), "", nil))
	w.WantError(arm.ResourceNotFound, w.Send("GET", "/admin"+edge.ClusterID("absent").String()+"/explain", "", nil))
	w.WantError(arm.NotFound, w.Send("GET", "/admin/nothing", "", nil))
}

func TestAdminKeepsVersions(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	const path = "/admin/versions"
	version := func(v string, enabled, isDefault bool) harness.Object {
		return harness.Object{"properties": harness.Object{"version": v, "openShiftPullspec": "registry/ocp@" + v, "installerPullspec": "registry/installer@" + v, "enabled": enabled, "default": isDefault}}
	}
	w.Want(201, w.Send("PUT", path, "", version("4.99.1", true, true)))
	w.Want(200, w.Send("PUT", path, "", version("4.99.1", true, true)))
	list := w.Want(200, w.Send("GET", path, "", nil))
	defaults := 0
	for _, v := range list.JSON["value"].([]any) {
		if harness.At(v.(harness.Object), "properties.default") == true {
			defaults++
		}
	}
	if defaults != 1 {
		t.Errorf("%d versions are the default: %s", defaults, list.Body)
	}
	id := edge.ClusterID("new-default")
	if created := w.Want(201, w.Send("PUT", id.String(), harness.Newest, harness.Body(harness.Newest, id, "eastus"))); created.Text("properties.clusterProfile.version") != "4.99.1" {
		t.Errorf("the new default is not used at once: %v", created)
	}
	w.Want(201, w.Send("PUT", path, "", version("4.98.1", false, false)))
	offered := string(w.Send("GET", "/subscriptions/"+edge.Subscription+providerPath+"/locations/eastus/openShiftVersions", harness.Newest, nil).Body)
	if strings.Contains(offered, "4.98.1") || !strings.Contains(offered, "4.99.1") {
		t.Errorf("offered are %s", offered)
	}
	for why, test := range map[string]struct {
		body   any
		code   arm.Code
		target string
	}{
		"the default cannot be disabled": {version("4.99.1", false, false), arm.InvalidParameter, "properties.enabled"},
		"nor be made so":                 {version("4.97.1", false, true), arm.InvalidParameter, "properties.enabled"},
		"no version":                     {version("latest", true, false), arm.InvalidParameter, "properties.version"},
		"leading zeros":                  {version("04.019.1", true, false), arm.InvalidParameter, "properties.version"},
		"no images":                      {harness.Object{"properties": harness.Object{"version": "4.97.1"}}, arm.InvalidParameter, "properties.openShiftPullspec"},
		"another name":                   {harness.Set(version("4.99.1", true, true), "name", "4.98.1"), arm.PropertyChangeNotAllowed, "name"},
		"an unknown member":              {harness.Set(version("4.99.1", true, true), "surprise", 1), arm.InvalidParameter, "surprise"},
		"an unknown member below":        {harness.Set(version("4.99.1", true, true), "properties.surprise", 1), arm.InvalidParameter, "properties.surprise"},
		"a wrong type":                   {harness.Set(version("4.99.1", true, true), "properties.enabled", "yes"), arm.InvalidRequestContent, "properties.enabled"},
	} {
		r := w.WantError(test.code, w.Send("PUT", path, "", test.body))
		if test.target != "" && !strings.Contains(strings.Join(r.Targets(), " "), test.target) {
			t.Errorf("%s: %v", why, r)
		}
	}
}

func TestWhatNothingInstallsIsNotOffered(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *edge.Options) {
		c.Installable = func(p *model.OpenShiftVersionProperties) error {
			if strings.HasPrefix(p.Version, "4.19.") || p.InstallerImage() != "" {
				return nil
			}
			return errors.New("there is no installer of it")
		}
	})
	const path = "/admin/versions"
	version := func(v, image string, enabled bool) harness.Object {
		return harness.Object{"properties": harness.Object{"version": v, "openShiftPullspec": "registry/ocp@" + v, "installerPullspec": image, "enabled": enabled}}
	}
	r := w.WantError(arm.InvalidParameter, w.Send("PUT", path, "", version("4.98.1", "", true)))
	if !strings.Contains(strings.Join(r.Targets(), " "), "properties.enabled") || !strings.Contains(string(r.Body), "there is no installer of it") {
		t.Error(r)
	}
	w.Want(201, w.Send("PUT", path, "", version("4.98.1", "", false)))
	w.Want(201, w.Send("PUT", path, "", version("4.98.2", "registry/installer@1", true)))
	w.WantError(arm.InvalidParameter, w.Send("PUT", path, "", version("4.98.3", "registry/ocp@4.98.3", true)))
	offered := string(w.Send("GET", "/subscriptions/"+edge.Subscription+providerPath+"/locations/eastus/openShiftVersions", harness.Newest, nil).Body)
	// The fixture's store was filled before the installable versions were known.
	for v, want := range map[string]bool{"4.98.1": false, "4.98.2": true, "4.16.48": false, "4.19.24": true} {
		if strings.Contains(offered, v) != want {
			t.Errorf("%s is offered: %v", v, !want)
		}
	}
	id := edge.ClusterID("not-installable")
	body := harness.Set(harness.Body(harness.Newest, id, "eastus"), "properties.clusterProfile.version", "4.16.48")
	w.WantError(arm.InvalidParameter, w.Send("PUT", id.String(), harness.Newest, body))
	for _, v := range w.Want(200, w.Send("GET", path, "", nil)).JSON["value"].([]any) {
		name, why := harness.At(v.(harness.Object), "properties.version"), harness.At(v.(harness.Object), "properties.notInstallable")
		if (why == nil) != (name == "4.19.24" || name == "4.98.2") {
			t.Errorf("of %v admins are told %v", name, why)
		}
	}
}

func TestAdminKeepsRoleSets(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	const path = "/admin/platformworkloadidentityrolesets"
	role := harness.Object{"operatorName": "one", "roleDefinitionName": "One", "roleDefinitionId": "/r/1", "serviceAccounts": []any{"system:serviceaccount:a:b"}, "secretLocation": harness.Object{"namespace": "n", "name": "s"}}
	set := harness.Object{"properties": harness.Object{"openShiftVersion": "4.99", "platformWorkloadIdentityRoles": []any{role}}}
	w.Want(201, w.Send("PUT", path, "", set))
	if r := w.Want(200, w.Send("PUT", path, "", set)); r.Text("properties.platformWorkloadIdentityRoles.0.secretLocation.name") != "s" {
		t.Error(r)
	}
	w.Want(200, w.Send("GET", path, "", nil))
	got := w.Want(200, w.Send("GET", "/subscriptions/"+edge.Subscription+providerPath+"/locations/eastus/platformWorkloadIdentityRoleSets/4.99", harness.Newest, nil))
	if got.Text("properties.platformWorkloadIdentityRoles.0.operatorName") != "one" || strings.Contains(string(got.Body), "serviceAccounts") {
		t.Error(got)
	}
	r := w.WantError(arm.InvalidParameter, w.Send("PUT", path, "", harness.Object{"properties": harness.Object{"openShiftVersion": "4", "platformWorkloadIdentityRoles": []any{harness.Object{}}}}))
	unknown := harness.Object{"properties": harness.Object{"openShiftVersion": "4.99", "platformWorkloadIdentityRoles": []any{role, harness.Object{"sur~/prise": 1}}}}
	if r := w.WantError(arm.InvalidParameter, w.Send("PUT", path, "", unknown)); r.Text("error.target") != "properties.platformWorkloadIdentityRoles[1].sur~/prise" {
		t.Error(r)
	}
	for _, target := range []string{"properties.openShiftVersion", "properties.platformWorkloadIdentityRoles[0].operatorName", "properties.platformWorkloadIdentityRoles[0].serviceAccounts"} {
		if !strings.Contains(strings.Join(r.Targets(), " "), target) {
			t.Errorf("no target %s: %v", target, r)
		}
	}
}
