package model_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
)

func TestHistoryShowsWhatChangedWithoutSecrets(t *testing.T) {
	c := &model.Cluster{ID: "/id", Location: "eastus", Tags: map[string]string{"a": "1", "b.c": "2"}}
	c.Properties.ProvisioningState = model.Succeeded
	c.Properties.ClusterProfile = model.ClusterProfile{Version: "4.19.24", PullSecret: "canary-1"}
	c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "old", ClientSecret: "canary-2"}
	c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", Count: 3}}
	before := c.Visible()
	c.Tags = map[string]string{"a": "3", "b.c": "2"}
	c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "new", ClientSecret: "canary-3"}
	c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", Count: 4}, {Name: strings.Repeat("x", 600)}}
	begun := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	op := model.Operation{ID: "op", Kind: model.Update, StartedAt: begun, RequestedBy: "somebody", APIVersion: "2025-07-25", CorrelationID: "correlation", Before: before,
		Finished: []model.Step{{Name: "one", Attempts: 2, Running: map[string]string{"x": "canary-4"}, Waited: map[string]float64{"azure": 3}}},
		Current:  &model.Step{Name: "two", Attempts: 2, LastError: "before"}}
	if err := c.Begin(op); err != nil {
		t.Fatal(err)
	}
	ended := begun.Add(time.Minute)
	entries := c.History(model.AsyncOperation{State: model.Failed, EndedAt: &ended, Error: &model.OperationError{Code: "OperationFailed", Message: strings.Repeat("é", 1000)}})
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	e := entries[0]
	if strings.Contains(fmt.Sprintf("%+v", entries), "canary") || strings.Contains(before, "canary") {
		t.Error("a secret is in the history")
	}
	want := [][3]string{
		{"properties.servicePrincipalProfile.clientId", `"old"`, `"new"`},
		{"properties.workerProfiles[0].count", "3", "4"},
		{"properties.workerProfiles[1].name", "", `"` + strings.Repeat("x", 508) + "…"},
		{"tags.a", `"1"`, `"3"`},
	}
	if len(e.Changes) != len(want) {
		t.Fatalf("changes: %+v", e.Changes)
	}
	for i, change := range e.Changes {
		if got := [3]string{change.Path, change.From, change.To}; got != want[i] {
			t.Errorf("change %d is %q, want %q", i, got, want[i])
		}
	}
	if e.RequestedBy != "somebody" || e.APIVersion != "2025-07-25" || e.CorrelationID != "correlation" || e.State != model.Failed || !e.EndedAt.Equal(ended) || e.Error.Code != "OperationFailed" {
		t.Errorf("the entry is %+v", e)
	}
	if len(e.Steps) != 2 || e.Steps[0].Attempts != 2 || e.Steps[0].Waited["azure"] != 3 || len(e.Steps[1].LastError) > 1024 || !strings.HasPrefix(e.Steps[1].LastError, "OperationFailed: é") || e.Steps[1].Attempts != 3 || !e.Steps[1].EndedAt.Equal(ended) {
		t.Errorf("the steps are %+v", e.Steps)
	}
}

func TestHistoryOfACreateHasTheWholeCluster(t *testing.T) {
	c := &model.Cluster{Location: "eastus", Tags: map[string]string{`with "quotes" and.dot`: "1"}}
	for i := range 250 {
		c.Properties.WorkerProfiles = append(c.Properties.WorkerProfiles, model.WorkerProfile{Name: fmt.Sprint(i)})
	}
	if err := c.Begin(model.Operation{ID: "op", Kind: model.Create}); err != nil {
		t.Fatal(err)
	}
	e := c.History(model.AsyncOperation{State: model.Succeeded})[0]
	if len(e.Changes) != 200 || e.MoreChanges != 52 || e.Changes[0].Path != "location" {
		t.Errorf("%d changes and %d more, the first %+v", len(e.Changes), e.MoreChanges, e.Changes[0])
	}
}

func TestHistoryKeepsWhatADeleteReplaced(t *testing.T) {
	c := &model.Cluster{}
	c.Properties.ProvisioningState = model.Succeeded
	for _, op := range []model.Operation{{ID: "update", Kind: model.Update, Finished: []model.Step{{Name: "one"}}}, {ID: "delete", Kind: model.Delete}} {
		if err := c.Begin(op); err != nil {
			t.Fatal(err)
		}
	}
	entries := c.History(model.AsyncOperation{State: model.Succeeded})
	if len(entries) != 2 || entries[0].OperationID != "update" || entries[0].State != model.Canceled || len(entries[0].Steps) != 1 || entries[1].OperationID != "delete" || entries[1].Changes != nil {
		t.Errorf("the entries are %+v", entries)
	}
}
