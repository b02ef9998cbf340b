package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/audit"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

// fixture is a log with a database, whose writes can be stopped.
type fixture struct {
	*testing.T
	store    *store.Store
	driver   *stubborn
	log      bytes.Buffer
	audit    *audit.Log
	registry *prometheus.Registry
}

// stubborn is a database that does not respond while it is stuck.
type stubborn struct {
	store.Driver
	stuck chan struct{} // closed when it responds again
	fail  chan error    // what the next writes fail with
}

func (d *stubborn) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	select {
	case <-d.stuck:
	case <-ctx.Done():
		return store.Record{}, ctx.Err()
	}
	select {
	case err := <-d.fail:
		return store.Record{}, err
	default:
		return d.Driver.Create(ctx, c, r)
	}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, driver: &stubborn{Driver: driver, stuck: make(chan struct{}), fail: make(chan error, 10)}, registry: prometheus.NewRegistry()}
	f.store = store.New(f.driver, keys)
	t.Cleanup(func() { _ = f.store.Close() })
	if f.audit, err = audit.New(slog.NewJSONHandler(&f.log, nil), f.store.Audit, f.registry, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	f.audit.Close(ctx)
}

// note logs a request.
func (f *fixture) note(at time.Time, attrs ...any) {
	f.Helper()
	r := slog.NewRecord(at, slog.LevelInfo, "audit", 0)
	r.Add(attrs...)
	if err := f.audit.Handle(f.Context(), r); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) search(q audit.Query, next string) audit.Page {
	f.Helper()
	page, err := audit.Search(f.Context(), f.store.Audit, q, next, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	return page
}

func (f *fixture) lost() float64 {
	f.Helper()
	families, err := f.registry.Gather()
	if err != nil || len(families) != 1 {
		f.Fatal(families, err)
	}
	return families[0].Metric[0].Counter.GetValue()
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// day is all records of the tests.
var day = audit.Query{From: noon.Add(-24 * time.Hour), To: noon.Add(12 * time.Hour)}

func TestRecordsAreFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	close(f.driver.stuck)
	f.driver.fail <- &store.UnavailableError{Cause: errors.New("too many requests")} // is tried again
	const cluster = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/Shop"
	f.note(noon, "operation", "Admin_UpdateCluster", "principal", "Ann@example.com", "method", "PATCH", "path", "/admin"+cluster, "subject", "Everything", "status", 200, "outcome", "Succeeded", "dry_run", true, "correlation_id", "C1")
	f.note(noon.Add(time.Minute), "operation", "Admin_UpdateCluster", "principal", "ann@example.com", "method", "PATCH", "path", "/admin"+cluster, "status", 409, "outcome", "Failed", "code", "OperationInProgress", "dry_run", false, "request_id", "r2")
	f.note(noon.Add(2*time.Minute), "operation", "Portal_ProxyKubernetes", "principal", "bob@example.com", "method", "GET", "path", cluster, "subject", "create pods/exec openshift-etcd/etcd-0", "status", 101, "outcome", "Succeeded")
	f.note(noon.Add(-2*time.Hour), "operation", "Admin_ListClusters", "certificate", "automation", "method", "GET", "path", "/admin/clusters", "status", 200, "outcome", "Succeeded")
	f.close(t.Context())
	for name, c := range map[string]struct {
		change func(*audit.Query)
		want   []string // minutes after noon
	}{
		"all":           {func(*audit.Query) {}, []string{"2", "1", "0", "-120"}},
		"user":          {func(q *audit.Query) { q.Who = "ANN@" }, []string{"1", "0"}},
		"certificate":   {func(q *audit.Query) { q.Who = "autom" }, []string{"-120"}},
		"operation":     {func(q *audit.Query) { q.What = "updatecluster" }, []string{"1", "0"}},
		"object":        {func(q *audit.Query) { q.What = "pods/exec" }, []string{"2"}},
		"cluster":       {func(q *audit.Query) { q.Cluster = "/shop" }, []string{"2", "1", "0"}},
		"outcome":       {func(q *audit.Query) { q.Outcome = "Failed" }, []string{"1"}},
		"correlation":   {func(q *audit.Query) { q.ID = "c1" }, []string{"0"}},
		"request":       {func(q *audit.Query) { q.ID = "r2" }, []string{"1"}},
		"part of an id": {func(q *audit.Query) { q.ID = "r" }, nil},
		"changes":       {func(q *audit.Query) { q.Changes = true }, []string{"2", "1"}},
		"time":          {func(q *audit.Query) { q.From, q.To = noon, noon.Add(time.Minute) }, []string{"1", "0"}},
		"until":         {func(q *audit.Query) { q.To = noon.Add(-time.Hour) }, []string{"-120"}},
	} {
		q := day
		c.change(&q)
		var got []string
		for _, r := range f.search(q, "").Records {
			got = append(got, fmt.Sprint(int(r.At.Sub(noon).Minutes())))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	first := f.search(audit.Query{ID: "c1", From: day.From, To: day.To}, "").Records[0]
	if want := (model.AuditRecord{At: noon, Operation: "Admin_UpdateCluster", Principal: "Ann@example.com", Method: "PATCH", Path: "/admin" + cluster, Subject: "Everything", Status: 200, Outcome: "Succeeded", DryRun: true, CorrelationID: "C1"}); fmt.Sprint(first) != fmt.Sprint(want) {
		t.Errorf("the record is %+v", first)
	}
	if f.lost() != 0 {
		t.Errorf("%v records are lost", f.lost())
	}
	if lines := strings.Count(f.log.String(), "\n"); lines != 4 {
		t.Errorf("the log has %d lines", lines)
	}
}

func TestPagesOfASearchFollowEachOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	close(f.driver.stuck)
	const all = 1500
	for i := range all { // over three hours, in batches of at most 100, each of one hour
		f.note(noon.Add(time.Duration(i)*7*time.Second), "operation", fmt.Sprint(i), "outcome", "Succeeded")
	}
	f.close(t.Context())
	seen := map[string]bool{}
	next, pages := "", 0
	for previous := noon.Add(24 * time.Hour); ; pages++ {
		page := f.search(day, next)
		for _, r := range page.Records {
			if seen[r.Operation] || r.At.After(previous) {
				t.Fatalf("record %s of %s comes twice or late", r.Operation, r.At)
			}
			seen[r.Operation], previous = true, r.At
		}
		if next = page.Next; next == "" {
			if !page.Reached.Equal(day.From) {
				t.Errorf("the search ended at %s", page.Reached)
			}
			break
		}
	}
	if len(seen) != all || pages == 0 {
		t.Errorf("%d of %d records on %d pages", len(seen), all, pages)
	}
	for _, next := range []string{"x", "2026-01-01T10 ", "2026-11-30T12 nonsense"} {
		if _, err := audit.Search(t.Context(), f.store.Audit, day, next, time.Now); !errors.Is(err, store.ErrBadContinuation) {
			t.Errorf("continuation %q: %v", next, err)
		}
	}
}

func TestADatabaseThatDoesNotRespondDelaysNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const sent = 6000
	began := time.Now()
	for i := range sent {
		f.note(noon, "operation", fmt.Sprint(i))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the log waited: %s", took)
	}
	lost := f.lost()
	if lost == 0 || lost > sent-4096 {
		t.Errorf("%v of %d records were given up", lost, sent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.audit.Close(ctx)
	if got := f.lost(); got < lost+100 {
		t.Errorf("those that were not written are not counted: %v", got)
	}
	if lines := strings.Count(f.log.String(), "\n"); lines != sent {
		t.Errorf("the log has %d of %d records", lines, sent)
	}
}
