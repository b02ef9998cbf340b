package backend_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

const (
	subscription = "00000000-0000-0000-0000-000000000001"
	patience     = 20 * time.Second // for what must happen
)

// database is a file that several stores open, as processes do.
type database struct {
	path string
	keys []byte
}

func newDatabase(t testing.TB) database {
	return database{filepath.Join(t.TempDir(), "aro.db"), []byte(store.NewKey())}
}

// wire is a process's connection to the database. It can be cut.
type wire struct {
	store.Driver
	isCut atomic.Bool
	// refused counts the replaces that it did not let through.
	refused atomic.Int32
	wrote   atomic.Pointer[func(container string)]
}

// onWrite calls f after each write that went through.
func (w *wire) onWrite(f func(container string)) { w.wrote.Store(&f) }

func (w *wire) cut() { w.isCut.Store(true) }

func (w *wire) try() error {
	if w.isCut.Load() {
		return fmt.Errorf("wire cut: %w", store.ErrUnavailable)
	}
	return nil
}

func (w *wire) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	if err := w.try(); err != nil {
		return r, err
	}
	r, err := w.Driver.Create(ctx, c, r)
	if f := w.wrote.Load(); err == nil && f != nil {
		(*f)(c.Name)
	}
	return r, err
}

func (w *wire) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	if err := w.try(); err != nil {
		return store.Record{}, err
	}
	return w.Driver.Read(ctx, c, partition, id)
}

func (w *wire) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	if err := w.try(); err != nil {
		w.refused.Add(1)
		return r, err
	}
	r, err := w.Driver.Replace(ctx, c, r)
	if f := w.wrote.Load(); err == nil && f != nil {
		(*f)(c.Name)
	}
	return r, err
}

func (w *wire) Postpone(ctx context.Context, c *store.Container, r store.Record, after time.Duration) (store.Record, error) {
	if err := w.try(); err != nil {
		return r, err
	}
	r, err := w.Driver.Postpone(ctx, c, r, after)
	if f := w.wrote.Load(); err == nil && f != nil {
		(*f)(c.Name)
	}
	return r, err
}

func (w *wire) Delete(ctx context.Context, c *store.Container, partition, id, etag string) error {
	if err := w.try(); err != nil {
		return err
	}
	return w.Driver.Delete(ctx, c, partition, id, etag)
}

func (w *wire) Due(ctx context.Context, c *store.Container, perPartition, limit int) ([]store.Record, error) {
	if err := w.try(); err != nil {
		return nil, err
	}
	return w.Driver.Due(ctx, c, perPartition, limit)
}

func (d database) connect(t testing.TB) (*store.Store, *wire) {
	t.Helper()
	k, err := sqlite.Open(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring(d.keys)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Driver: k}
	s := store.New(w, keys)
	t.Cleanup(func() { s.Close() })
	return s, w
}

// logs collects what a worker logs, as JSON.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// plans gives every kind of operation the same steps but those given.
func plans(other map[model.OperationKind][]backend.ClusterStep) map[model.OperationKind][]backend.ClusterStep {
	all := map[model.OperationKind][]backend.ClusterStep{}
	for _, kind := range []model.OperationKind{model.Create, model.Update, model.AdminUpdate, model.Delete} {
		all[kind] = []backend.ClusterStep{step("nothing", func(context.Context, *backend.ClusterWork) error { return nil })}
		if steps := other[kind]; steps != nil {
			all[kind] = steps
		}
	}
	return all
}

func step(name string, do func(context.Context, *backend.ClusterWork) error) backend.ClusterStep {
	return backend.ClusterStep{Name: name, Do: do, Timeout: time.Minute}
}

// running is a worker at work. kill makes it as dead as a process can be inside another.
type running struct {
	*backend.Worker
	wire *wire
	logs *logs
	stop func() error // drains; may be called again
}

func (d database) work(t testing.TB, cfg backend.Config) *running {
	t.Helper()
	r := &running{logs: &logs{}}
	cfg.Store, r.wire = d.connect(t)
	if cfg.Log == nil {
		cfg.Log = r.logs.logger()
	}
	if cfg.PollInterval == 0 {
		cfg.PollInterval = 20 * time.Millisecond
	}
	w, err := backend.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Worker = w
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("worker's log:\n%s", r.logs)
		}
	})
	return r
}

// request writes what the server writes for a PUT that creates a cluster.
func request(t testing.TB, s *store.Store, sub, name string) *store.ClusterDocument {
	t.Helper()
	id := arm.ClusterID{SubscriptionID: sub, ResourceGroup: "rg", Name: name}
	doc := store.NewCluster(id)
	doc.Due = store.Due(0)
	doc.Cluster = model.Cluster{ID: id.String(), Name: name}
	doc.Cluster.Internal.UID = uuid.NewString()
	op := newOperation(t, s, model.Create, doc)
	if err := doc.Cluster.Begin(op); err != nil {
		t.Fatal(err)
	}
	if err := s.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// change writes what the server writes for a later request, and returns the operation's id.
func change(t testing.TB, s *store.Store, doc *store.ClusterDocument, kind model.OperationKind) string {
	t.Helper()
	op := newOperation(t, s, kind, doc)
	_, err := s.Clusters.Update(t.Context(), doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		if d.Owner == "" {
			d.Due = store.Due(0)
		}
		return d.Cluster.Begin(op)
	})
	if err != nil {
		t.Fatal(err)
	}
	return op.ID
}

func newOperation(t testing.TB, s *store.Store, kind model.OperationKind, doc *store.ClusterDocument) model.Operation {
	op := model.Operation{ID: uuid.NewString(), Kind: kind, StartedAt: time.Now().UTC(), CorrelationID: "correlation"}
	od := store.NewOperation(op.ID)
	od.Operation = model.AsyncOperation{ID: op.ID, Kind: kind, InitialState: kind.Underway(), ResourceID: doc.Cluster.ID}
	if err := s.Operations.Create(t.Context(), od); err != nil {
		t.Fatal(err)
	}
	return op
}

// result waits for the end of an operation.
func result(t testing.TB, s *store.Store, id string) model.AsyncOperation {
	t.Helper()
	var op model.AsyncOperation
	eventually(t, "operation "+id+" ends", func() bool {
		d, err := s.Operations.Get(t.Context(), id, id)
		if err != nil {
			t.Fatal(err)
		}
		op = d.Operation
		return op.State != ""
	})
	return op
}

// settled waits until nothing runs on the cluster, and returns it; nil if it is gone.
func settled(t testing.TB, s *store.Store, doc *store.ClusterDocument) *store.ClusterDocument {
	t.Helper()
	var now *store.ClusterDocument
	eventually(t, doc.ID+" settles", func() bool {
		var err error
		now, err = s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
		if errors.Is(err, store.ErrNotFound) {
			now = nil
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		return now.Cluster.Internal.Operation == nil && now.Due == nil && now.Owner == ""
	})
	return now
}

// history returns the entries of a cluster, the newest first.
func history(t testing.TB, s *store.Store, name string) []model.HistoryEntry {
	t.Helper()
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: name}
	docs, _, err := s.History.List(t.Context(), store.Query{Partition: store.HistoryPartition(id), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var entries []model.HistoryEntry
	for _, doc := range docs {
		entries = append(entries, doc.Entry)
	}
	return entries
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func within(t testing.TB, what string, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-time.After(patience):
		t.Fatalf("not within %s: %s", patience, what)
	}
}
