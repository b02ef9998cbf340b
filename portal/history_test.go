package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/entra"
)

func TestThePageOfADeletedClusterShowsItsHistory(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	id, _ := arm.ParseClusterID(w.cluster)
	id.Name = "gone"
	if r := sre.get(id.String()); r.StatusCode != http.StatusNotFound {
		t.Errorf("a cluster that never was: %s", r.Status)
	}
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	doc := store.NewHistory(id, "o", at)
	doc.Entry = model.HistoryEntry{OperationID: "o", Kind: model.Delete, RequestedBy: "ann@example.com", StartedAt: at, EndedAt: at.Add(time.Minute), State: model.Succeeded}
	if err := w.store.History.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	r := sre.get(id.String())
	for _, want := range []string{">deleted</span>", "Delete, 2026-11-01 10:00:00", "ann@example.com"} {
		if r.StatusCode != http.StatusOK || !strings.Contains(r.text, want) {
			t.Errorf("%s: the page lacks %s: %s", r.Status, want, r.text)
		}
	}
	if r := sre.get(id.String() + "/objects"); r.StatusCode != http.StatusNotFound {
		t.Errorf("its objects: %s", r.Status)
	}
}

func TestThePageOfAClusterShowsItsHistory(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	if page := sre.get(clusterPath).text; !strings.Contains(page, "No operation has ended") {
		t.Error("a cluster without a history does not say so")
	}
	id, _ := arm.ParseClusterID(w.cluster)
	begun := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for i, kind := range []model.OperationKind{model.Create, model.Update} {
		at := begun.Add(time.Duration(i) * time.Hour)
		doc := store.NewHistory(id, "operation-"+string(kind), at)
		doc.Entry = model.HistoryEntry{OperationID: "operation-" + string(kind), Kind: kind, RequestedBy: "<b>ann</b>", APIVersion: "2025-07-25", StartedAt: at, EndedAt: at.Add(time.Minute), State: model.Failed,
			Error: &model.OperationError{Code: "OperationFailed", Message: "It failed."}, Changes: []model.Change{{Path: "tags.a", To: `"<i>"`}}, Steps: []model.Step{{Name: "a step", StartedAt: at, LastError: "refused"}}}
		if err := w.store.History.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	page := sre.get(clusterPath).text
	for _, want := range []string{"Update, 2026-11-01 11:00:00", "&lt;b&gt;ann&lt;/b&gt;", "2025-07-25", "OperationFailed: It failed.", "tags.a", "&#34;&lt;i&gt;&#34;", "a step", "refused", `max="1"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(page, "operation-Update") > strings.Index(page, "operation-Create") {
		t.Error("the newest operation does not come first")
	}
}
