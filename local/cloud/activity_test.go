package cloud

import (
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

// withLog is a local Azure of which only the activity log is there.
func withLog(t *testing.T) *Azure {
	t.Helper()
	db, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	engine := resources.New(resources.Options{State: db, Origin: "https://localhost:1"})
	t.Cleanup(func() { engine.Close(); _ = db.Close() })
	return &Azure{Options: Options{Log: slog.New(slog.DiscardHandler), Now: time.Now}, State: db, Engine: engine}
}

func TestTheOldestEventsOfAllSubscriptionsAreDropped(t *testing.T) {
	a, ctx, start := withLog(t), t.Context(), time.Now()
	// The keys of the younger events come first.
	const older, younger, oldEvents, youngEvents = "b", "a", 600, eventsKept - 100
	err := a.State.Update(ctx, func(tx *state.Tx) error {
		for i := range oldEvents + youngEvents {
			subscription := older
			if i >= oldEvents {
				subscription = younger
			}
			if err := tx.Put(ctx, eventKind, eventKey(subscription, start.Add(time.Duration(i)), int64(i)), i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.purgeEvents(ctx)
	for subscription, want := range map[string]int{older: eventsKept - youngEvents, younger: youngEvents} {
		left, err := a.State.List(ctx, eventKind, subscription+"/")
		if err != nil || len(left) != want {
			t.Errorf("%d events of subscription %s are left (%v), want %d", len(left), subscription, err, want)
		}
	}
}

func TestTheActivityLogIsPagedFromTheNewestEventOn(t *testing.T) {
	a, ctx := withLog(t), t.Context()
	a.activityRoutes()
	const subscription = "/subscriptions/s"
	want := []string{"a", "b", "c", "d", "e"}
	for _, name := range append(slices.Clone(want), "other") {
		a.note(ctx, &resources.Call{Method: http.MethodPut, Path: subscription + "/resourceGroups/" + name}, http.StatusCreated, "", nil)
	}
	query := url.Values{"$top": {"2"}, "$filter": {"resourceGroupName ne 'other'"}}
	var got []string
	for pages := 0; query != nil; pages++ {
		if pages == len(want) {
			t.Fatal("the pages do not end")
		}
		answer, err := a.Engine.Serve(ctx, &resources.Call{Method: http.MethodGet, Path: subscription + "/providers/Microsoft.Insights/eventtypes/management/values", Query: query})
		if err != nil {
			t.Fatal(err)
		}
		body := answer.Body.(map[string]any)
		for _, event := range body["value"].([]any) {
			id := event.(map[string]any)["resourceId"].(string)
			got = append(got, id[strings.LastIndex(id, "/")+1:])
		}
		if query = nil; body["nextLink"] != nil {
			next, err := url.Parse(body["nextLink"].(string))
			if err != nil {
				t.Fatal(err)
			}
			query = next.Query()
		}
	}
	slices.Reverse(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
