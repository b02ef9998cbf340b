package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// slowly makes the changes of networks, machines, groups and deployments long-running
// operations: each ends when it has been asked for often enough, and has taken long
// enough. What is deleted is there until then.
type slowly struct {
	asks  int
	takes time.Duration

	mu    sync.Mutex
	begun map[string]int // by method and path, of what was not yet done
	ops   []*slowOperation
}

type slowOperation struct {
	began time.Time
	asked int
	end   func()
}

func isLong(r *http.Request) bool {
	path := strings.ToLower(r.URL.Path)
	kind := strings.Contains(path, "/microsoft.network/") || strings.Contains(path, "/microsoft.compute/") || strings.Contains(path, "/microsoft.resources/deployments/")
	return r.Method != http.MethodGet && (kind || strings.EqualFold(path, groupID) && r.Method == http.MethodDelete)
}

func (s *slowly) answer(r *http.Request, a *fakeAzure) (*http.Response, error) {
	var n int
	if _, err := fmt.Sscanf(r.URL.Path, "/slow/%d", &n); err == nil {
		return s.ask(r, n), nil
	}
	call := r.Method + " " + strings.ToLower(r.URL.Path)
	if !isLong(r) || r.Method == http.MethodDelete && a.get(r.URL.Path) == nil {
		return a.answer(r)
	}
	status, doc, end := http.StatusAccepted, any(nil), func() {}
	if r.Method == http.MethodDelete {
		end = func() { a.answer(r) }
	} else {
		resp, err := a.answer(r)
		if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
			return resp, err
		}
		if r.Method == http.MethodPut {
			status, doc = http.StatusCreated, a.get(r.URL.Path)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun[call]++
	resp := reply(r, status, doc)
	resp.Header.Set("Azure-AsyncOperation", fmt.Sprint(origin, "/slow/", len(s.ops)))
	s.ops = append(s.ops, &slowOperation{began: time.Now(), end: end})
	return resp, nil
}

func (s *slowly) ask(r *http.Request, n int) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.ops[n]
	if op.asked++; op.asked < s.asks || time.Since(op.began) < s.takes {
		return reply(r, http.StatusOK, map[string]any{"status": "InProgress"})
	}
	if op.end != nil {
		op.end()
		op.end = nil
	}
	return reply(r, http.StatusOK, map[string]any{"status": "Succeeded"})
}

// next is the work as another worker picks it up after the one before it was killed.
func (s *fixture) next(w *Work) *Work {
	s.t.Helper()
	id, _ := arm.ParseClusterID(w.Resource().ID)
	doc, err := s.store.Clusters.Update(s.t.Context(), id.Partition(), id.Key(), func(d *store.ClusterDocument) error { d.Due = store.Due(0); return nil })
	s.must(err)
	lease, err := s.store.Clusters.Claim(s.t.Context(), doc, "the next", time.Hour)
	s.must(err)
	return pipeline.NewWork(&documents, lease, pipeline.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Observe: func(pipeline.Attempt) {}})
}

func TestLongOperationsHoldNoWorkerAndAreResumedByTheNext(t *testing.T) {
	const asks = 4
	subnet := map[string]any{"properties": map[string]any{"addressPrefix": "10.0.0.0/24"}}
	machines := groupID + "/providers/Microsoft.Compute/virtualMachines/"
	tests := map[string]struct {
		why     string
		kind    model.OperationKind
		prepare func(s *fixture)
		step    func(s *fixture) func(context.Context, *Work) error
		begun   int
	}{
		"removal": {why: "of each machine and network resource, the group and the subnet", kind: model.Delete, prepare: func(s *fixture) { s.created() }, begun: 9,
			step: func(s *fixture) func(context.Context, *Work) error { return s.removeResources }},
		"bootstrap": {why: "machine, disk and interface, one after the other", kind: model.Create, begun: 3,
			prepare: func(s *fixture) {
				s.put(machines+infraID+"-bootstrap", map[string]any{})
				s.put(groupID+"/providers/Microsoft.Compute/disks/"+infraID+"-bootstrap_OSDisk", map[string]any{})
				s.put(groupID+"/providers/Microsoft.Network/networkInterfaces/"+infraID+"-bootstrap-nic", map[string]any{})
			},
			step: func(s *fixture) func(context.Context, *Work) error { return s.removeBootstrap }},
		"subnets": {why: "each is changed once", kind: model.Create, begun: 2,
			prepare: func(s *fixture) {
				s.put(vnetID+"/subnets/master", subnet)
				s.put(vnetID+"/subnets/worker", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.1.0/24"}})
			},
			step: func(s *fixture) func(context.Context, *Work) error { return s.attachSecurityGroup }},
		"deployment": {why: "one PUT makes everything", kind: model.Create, prepare: func(*fixture) {}, begun: 1,
			step: func(s *fixture) func(context.Context, *Work) error { return s.deployBase }},
		"start": {why: "masters are awaited", kind: model.Update, begun: 1,
			prepare: func(s *fixture) {
				s.power(infraID+"-master-0", "deallocated", func(*http.Request, []byte) (int, any) {
					s.power(infraID+"-master-0", "starting", nil)
					return 200, nil
				})
			},
			step: func(s *fixture) func(context.Context, *Work) error { return s.startMachines }},
		"private endpoint": {why: "it is removed once", kind: model.Delete, begun: 1,
			prepare: func(s *fixture) {
				s.put(ownID+"/resourceGroups/aro-rp/providers/Microsoft.Network/privateEndpoints/rp-pe-5f5c0a3e-2f64-4f3c-9a0e-0b6f4d0c9e11", map[string]any{})
			},
			step: func(s *fixture) func(context.Context, *Work) error { return s.unlinkAPIServer }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			test.prepare(s)
			s.slow = &slowly{asks: asks, begun: map[string]int{}}
			w := s.work(test.kind, nil)
			steps := s.explained([]Step{{Name: "s", Timeout: time.Hour, Do: test.step(s)}})
			attempts := 0
			for {
				attempts++
				err := pipeline.Run(t.Context(), w, steps)
				if err == nil {
					break
				}
				var pause *pipeline.Pause
				if !errors.As(err, &pause) || attempts > 100 {
					t.Fatalf("%s: attempt %d: %v", test.why, attempts, err)
				}
				s.must(w.Hold(t.Context(), pause))
				if current := w.Resource().Internal.Operation.Current; len(current.Running) == 0 || current.WaitingFor == "" {
					t.Fatalf("%s: recorded %+v, want what Azure does", test.why, current)
				}
				w = s.next(w) // the worker was killed
			}
			total := 0
			for call, times := range s.slow.begun {
				total += times
				if times != 1 {
					t.Errorf("%s: %s was begun %d times", test.why, call, times)
				}
			}
			if total != test.begun || attempts < asks {
				t.Errorf("%s: %d operations were begun in %d attempts, want %d in %d or more: %v", test.why, total, attempts, test.begun, asks, s.slow.begun)
			}
			if done := w.Resource().Internal.Operation.Finished; len(done) != 1 || len(done[0].Running) > 0 {
				t.Errorf("%s: in the end recorded %+v", test.why, done)
			}
		})
	}
}

// TestManyLongDeploymentsNeedFewWorkers has 300 clusters wait for deployments that take
// 6 s each, with 10 workers: if a deployment held a worker, the last would end after 180 s.
func TestManyLongDeploymentsNeedFewWorkers(t *testing.T) {
	const clusters, workers, takes = 300, 10, 6 * time.Second
	s := setUp(t)
	s.slow = &slowly{takes: takes, begun: map[string]int{}}
	plan := s.explained([]Step{{Name: "deploy", Timeout: time.Hour, Do: func(ctx context.Context, w *Work) error {
		return s.azure.deploy(ctx, w, baseDeployment, map[string]any{})
	}}})
	worker, err := backend.New(backend.Config{Store: s.store, Concurrency: workers, Log: slog.New(slog.DiscardHandler), PollInterval: 100 * time.Millisecond,
		Plans: map[model.OperationKind][]Step{model.Create: plan, model.Update: plan, model.AdminUpdate: plan, model.Delete: plan}})
	s.must(err)
	for i := range clusters {
		id := arm.ClusterID{SubscriptionID: lastSegment(customerID), ResourceGroup: "rg", Name: fmt.Sprint("c", i)}
		doc := store.NewCluster(id)
		doc.Due = store.Due(0)
		doc.Cluster.ID, doc.Cluster.Name, doc.Cluster.Internal.TenantID = id.String(), id.Name, tenant
		doc.Cluster.Properties.ClusterProfile.ResourceGroupID = groupID + "-" + id.Name
		s.must(doc.Cluster.Begin(model.Operation{ID: "op-" + id.Name, Kind: model.Create, StartedAt: time.Now()}))
		s.must(s.store.Clusters.Create(t.Context(), doc))
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- worker.Run(ctx) }()
	count := func() (running int) {
		for q := (store.Query{Limit: 100}); ; {
			docs, next, err := s.store.Clusters.List(t.Context(), q)
			s.must(err)
			for _, d := range docs {
				if d.Cluster.Internal.Operation != nil {
					running++
				}
			}
			if q.Continuation = next; next == "" {
				return running
			}
		}
	}
	for running := count(); running > 0; running = count() {
		if time.Since(began) > clusters*takes/workers/2 {
			t.Fatalf("%d of %d clusters are not done after %s", running, clusters, time.Since(began))
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d deployments of %s with %d workers took %s", clusters, takes, workers, time.Since(began))
	stop()
	s.must(<-ended)
	for call, times := range s.slow.begun {
		if times != 1 {
			t.Errorf("%s was begun %d times", call, times)
		}
	}
	if n := len(s.slow.begun); n != clusters {
		t.Errorf("%d deployments were made, want %d", n, clusters)
	}
}
