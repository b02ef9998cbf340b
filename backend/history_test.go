package backend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// TestEveryOperationIsInTheHistory also of a cluster that is gone, and also one that a delete replaced.
func TestEveryOperationIsInTheHistory(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	running := make(chan struct{})
	worker := db.work(t, backend.Config{Plans: plans(steps{
		model.Create: {step("create", func(ctx context.Context, w *backend.ClusterWork) error {
			return w.Save(ctx, func(c *model.Cluster) error {
				c.Properties.ClusterProfile = model.ClusterProfile{Version: "4.19.24", PullSecret: "canary"}
				c.Internal.SSHKey = "canary"
				return nil
			})
		})},
		model.Update: {step("refused", func(context.Context, *backend.ClusterWork) error {
			return arm.InvalidParameter.At("properties.x", "It is wrong.")
		})},
		model.AdminUpdate: {step("endless", func(ctx context.Context, _ *backend.ClusterWork) error {
			close(running)
			<-ctx.Done()
			return ctx.Err()
		})},
	})})
	doc := request(t, s, subscription, "c")
	settled(t, s, doc)
	change(t, s, doc, model.Update)
	settled(t, s, doc)
	change(t, s, doc, model.AdminUpdate)
	within(t, "the maintenance runs", running)
	change(t, s, doc, model.Delete)
	worker.Replaced(doc.Partition, doc.ID)
	if settled(t, s, doc) != nil {
		t.Fatal("the cluster is still there")
	}
	entries := history(t, s, "c")
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprint(e.Kind, " ", e.State))
		if e.CorrelationID != "correlation" || e.ClusterUID != doc.Cluster.Internal.UID || e.EndedAt.Before(e.StartedAt) {
			t.Errorf("an entry is %+v", e)
		}
	}
	if want := "[Delete Succeeded AdminUpdate Canceled Update Failed Create Succeeded]"; fmt.Sprint(got) != want {
		t.Fatalf("the history is %v, want %s", got, want)
	}
	if e := entries[2]; e.Error == nil || e.Error.Code != "InvalidParameter" || len(e.Steps) != 1 || !strings.Contains(e.Steps[0].LastError, "It is wrong.") {
		t.Errorf("the failure is %+v", e)
	}
	if e := entries[3]; len(e.Changes) != 1 || e.Changes[0].Path != "properties.clusterProfile.version" || e.Changes[0].To != `"4.19.24"` {
		t.Errorf("the create changed %+v", e.Changes)
	}
	records, _, err := s.History.List(t.Context(), store.Query{Limit: 100})
	if err != nil || strings.Contains(fmt.Sprintf("%+v", records), "canary") {
		t.Errorf("a secret is in the history, or it cannot be read: %v", err)
	}
}
