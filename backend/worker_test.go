package backend_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

type steps = map[model.OperationKind][]backend.ClusterStep

func TestLifeOfACluster(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var order []string
	note := func(name string) backend.ClusterStep {
		return step(name, func(context.Context, *backend.ClusterWork) error { order = append(order, name); return nil })
	}
	w := db.work(t, backend.Config{Plans: plans(steps{model.Create: {note("a"), note("b")}, model.Delete: {note("z")}})})

	doc := request(t, s, subscription, "c")
	w.Wake()
	if op := result(t, s, doc.Cluster.Internal.Operation.ID); op.State != model.Succeeded || op.EndedAt == nil || op.Error != nil {
		t.Errorf("create told %+v, want Succeeded with its end", op)
	}
	if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("after create the cluster is %s, want Succeeded", c.Properties.ProvisioningState)
	}
	id := change(t, s, doc, model.Delete)
	w.Wake()
	if op := result(t, s, id); op.State != model.Succeeded {
		t.Errorf("delete told %s, want Succeeded", op.State)
	}
	if settled(t, s, doc) != nil {
		t.Error("the document is still there after the delete")
	}
	if got := strings.Join(order, " "); got != "a b z" {
		t.Errorf("steps ran in the order %q, want a b z", got)
	}
}

func TestFailuresReachClientAndCluster(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		why   string
		kind  model.OperationKind
		err   error
		code  string
		state model.ProvisioningState
		was   model.ProvisioningState // FailedProvisioningState
	}{
		"create": {why: "a half-made cluster can only be deleted", kind: model.Create,
			err: arm.InvalidParameter.At("properties.x", "wrong"), code: "InvalidParameter", state: model.Failed, was: model.Creating},
		"update": {why: "a failed update may be repeated", kind: model.Update,
			err: arm.InvalidParameter.At("properties.x", "wrong"), code: "InvalidParameter", state: model.Failed, was: model.Updating},
		"delete": {why: "what is left must stay visible", kind: model.Delete,
			err: arm.InvalidParameter.At("properties.x", "wrong"), code: "InvalidParameter", state: model.Failed, was: model.Deleting},
		"maintenance": {why: "ours, not the customer's failure", kind: model.AdminUpdate,
			err: arm.InvalidParameter.At("properties.x", "wrong"), code: "InvalidParameter", state: model.Succeeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			s, _ := db.connect(t)
			fails := []backend.ClusterStep{step("fails", func(context.Context, *backend.ClusterWork) error { return test.err })}
			db.work(t, backend.Config{Plans: plans(steps{test.kind: fails})})
			doc := request(t, s, subscription, "c")
			id := doc.Cluster.Internal.Operation.ID
			if test.kind != model.Create {
				settled(t, s, doc)
				id = change(t, s, doc, test.kind)
			}
			op := result(t, s, id)
			if op.State != model.Failed || op.Error == nil || op.Error.Code != test.code || op.Error.Target != "properties.x" {
				t.Errorf("%s: told %+v, want Failed with %s", test.why, op, test.code)
			}
			c := settled(t, s, doc).Cluster
			if c.Properties.ProvisioningState != test.state || c.Internal.FailedProvisioningState != test.was {
				t.Errorf("%s: cluster is %s (failed while %q), want %s (%q)", test.why,
					c.Properties.ProvisioningState, c.Internal.FailedProvisioningState, test.state, test.was)
			}
			if f := c.Internal.LastFailure; f == nil || f.OperationID != id || f.Step != "fails" || f.Error.Code != test.code || f.Error.Target != "properties.x" {
				t.Errorf("%s: recorded %+v", test.why, f)
			}
			if maintained := c.Internal.LastAdminUpdateError != ""; maintained != (test.kind == model.AdminUpdate) {
				t.Errorf("%s: last maintenance error is %q", test.why, c.Internal.LastAdminUpdateError)
			}
		})
	}
}

func TestDeleteCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	entered, left := make(chan struct{}), make(chan struct{})
	create := step("blocks", func(ctx context.Context, w *backend.ClusterWork) error {
		close(entered)
		<-ctx.Done()
		time.Sleep(100 * time.Millisecond) // cleaning up
		if err := w.Save(context.WithoutCancel(ctx), func(*model.Cluster) error { return nil }); !errors.Is(err, pipeline.ErrSuperseded) {
			t.Errorf("Save of the cancelled create: %v, want ErrSuperseded", err)
		}
		close(left)
		return nil
	})
	remove := step("removes", func(context.Context, *backend.ClusterWork) error {
		select {
		case <-left:
		default:
			t.Error("the delete began before the create's step had returned")
		}
		return nil
	})
	w := db.work(t, backend.Config{LeaseTTL: time.Second, Plans: plans(steps{model.Create: {create}, model.Delete: {remove}})})
	doc := request(t, s, subscription, "c")
	within(t, "the create's step begins", entered)
	id := change(t, s, doc, model.Delete)
	w.Wake()
	if op := result(t, s, id); op.State != model.Succeeded {
		t.Errorf("delete told %s, want Succeeded", op.State)
	}
	if settled(t, s, doc) != nil {
		t.Error("the document is still there")
	}
	created, err := s.Operations.Get(t.Context(), doc.Cluster.Internal.Operation.ID, doc.Cluster.Internal.Operation.ID)
	if err != nil || created.Operation.State != "" {
		t.Errorf("the cancelled create told %q (%v); its status is for the server to derive", created.Operation.State, err)
	}
}

func TestTooManyLostWorkersFailTheOperation(t *testing.T) {
	t.Parallel()
	for lost, want := range map[int]model.ProvisioningState{4: model.Succeeded, 5: model.Failed} {
		t.Run(fmt.Sprint(lost+1), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			s, _ := db.connect(t)
			doc := request(t, s, subscription, "c")
			if _, err := s.Clusters.Update(t.Context(), doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
				d.Owner, d.Lost = "dead", lost
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			db.work(t, backend.Config{Plans: plans(nil)})
			op := result(t, s, doc.Cluster.Internal.Operation.ID)
			if op.State != want || want == model.Failed && op.Error.Code != arm.TooManyClaims.Name {
				t.Errorf("after %d lost workers: %+v, want %s", lost+1, op, want)
			}
			if now := settled(t, s, doc); now.Lost != 0 {
				t.Errorf("the next operation would inherit %d lost workers", now.Lost)
			}
		})
	}
}

func TestDrainHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	entered := make(chan struct{})
	var once sync.Once
	plan := plans(steps{model.Create: {step("goes on elsewhere", func(ctx context.Context, _ *backend.ClusterWork) error {
		first := false
		once.Do(func() { first = true })
		if !first {
			return nil
		}
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})}})
	first := db.work(t, backend.Config{LeaseTTL: time.Hour, Plans: plan})
	doc := request(t, s, subscription, "c")
	within(t, "the step begins", entered)
	db.work(t, backend.Config{LeaseTTL: time.Hour, Plans: plan})
	begun := time.Now()
	if err := first.stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded || c.Lost != 0 {
		t.Errorf("cluster is %s with %d lost workers, want Succeeded with none", c.Cluster.Properties.ProvisioningState, c.Lost)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the other worker needed %s", took)
	}
}

func TestDrainGivesUpOnAStuckStep(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	entered, end := make(chan struct{}), make(chan struct{})
	w := db.work(t, backend.Config{DrainGrace: 50 * time.Millisecond, Plans: plans(steps{model.Create: {
		step("stuck", func(context.Context, *backend.ClusterWork) error { close(entered); <-end; return nil })}})})
	request(t, s, subscription, "c")
	within(t, "the step begins", entered)
	if err := w.stop(); err == nil || !strings.Contains(err.Error(), "1 operations did not stop") {
		t.Errorf("drain with a stuck step: %v", err)
	}
	close(end)
}

func TestOneSubscriptionDoesNotStarveAnother(t *testing.T) {
	t.Parallel()
	const other = "00000000-0000-0000-0000-000000000002"
	db := newDatabase(t)
	s, _ := db.connect(t)
	var mu sync.Mutex
	var order []string
	plan := plans(steps{model.Create: {step("slow", func(_ context.Context, w *backend.ClusterWork) error {
		mu.Lock()
		order = append(order, w.Resource().ID)
		mu.Unlock()
		return nil
	})}})
	var docs []*store.ClusterDocument
	for i := range 40 {
		docs = append(docs, request(t, s, subscription, fmt.Sprint("c", i)))
	}
	docs = append(docs, request(t, s, other, "late"))
	db.work(t, backend.Config{Concurrency: 4, Plans: plan})
	for _, doc := range docs {
		settled(t, s, doc)
	}
	for i, id := range order {
		if strings.Contains(id, other) && i > 4 {
			t.Errorf("the other subscription's only cluster was number %d", i+1)
		}
	}
}

func TestAnOutageOfTheStoreIsSurvived(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var ran atomic.Int32
	entered, back := make(chan struct{}), make(chan struct{})
	w := db.work(t, backend.Config{LeaseTTL: time.Minute, Plans: plans(steps{model.Create: {
		step("during the outage", func(context.Context, *backend.ClusterWork) error { ran.Add(1); close(entered); <-back; return nil }),
		step("after it", func(context.Context, *backend.ClusterWork) error { ran.Add(1); return nil })}})})
	doc := request(t, s, subscription, "c")
	within(t, "the step begins", entered)
	w.wire.cut()
	close(back)
	refused := w.wire.refused.Load()
	eventually(t, "the step's record fails twice", func() bool { return w.wire.refused.Load() >= refused+2 })
	w.wire.isCut.Store(false)
	if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded || ran.Load() != 2 {
		t.Errorf("cluster is %s after %d steps, want Succeeded after 2", c.Cluster.Properties.ProvisioningState, ran.Load())
	}
}

func TestALeaseThatCannotBeKeptCancelsTheStep(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	entered, left := make(chan struct{}), make(chan struct{})
	w := db.work(t, backend.Config{LeaseTTL: time.Second, Plans: plans(steps{model.Create: {
		step("blocks", func(ctx context.Context, _ *backend.ClusterWork) error {
			close(entered)
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, store.ErrLeaseLost) {
				t.Errorf("the step was cancelled because %v", cause)
			}
			close(left)
			return ctx.Err()
		})}})})
	request(t, s, subscription, "c")
	within(t, "the step begins", entered)
	w.wire.cut()
	within(t, "the step is cancelled", left)
}

func TestMetricsAndLogsTellNoSecretsAndNoNames(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	db := newDatabase(t)
	s, _ := db.connect(t)
	registry := prometheus.NewRegistry()
	var attempts atomic.Int32
	w := db.work(t, backend.Config{Metrics: registry, Plans: plans(steps{model.Create: {
		step("keeps a secret", func(ctx context.Context, w *backend.ClusterWork) error {
			err := w.Save(ctx, func(c *model.Cluster) error { c.Internal.KubeadminPassword = canary; return nil })
			switch attempts.Add(1) {
			case 1:
				return fmt.Errorf("%v is not what %+v wants: %w", w.Resource().Internal.KubeadminPassword, w.Resource().Internal, errors.New("no"))
			case 2:
				panic(map[string]string{"password": canary})
			}
			return err
		})}})})
	doc := request(t, s, subscription, "secretive")
	if op := result(t, s, doc.Cluster.Internal.Operation.ID); op.State != model.Succeeded {
		t.Fatalf("told %+v", op)
	}
	settled(t, s, doc)
	var text string
	gather := func() bool { // the worker counts an operation after it ended it
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		text = fmt.Sprint(families)
		return strings.Contains(text, "aro_backend_operation_duration_seconds")
	}
	for deadline := time.Now().Add(patience); !gather() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	for _, want := range []string{"aro_backend_operations_total", "aro_backend_operation_duration_seconds", "aro_backend_step_duration_seconds",
		"aro_backend_step_attempts_total", "aro_backend_pickup_delay_seconds", "aro_backend_running_operations", "aro_backend_claims_total", "aro_backend_lost_leases_total"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no metric %s", want)
		}
	}
	if strings.Contains(text, "secretive") || strings.Contains(text, subscription) {
		t.Error("a metric names the customer's resource")
	}
	log := w.logs.String()
	for _, want := range []string{`"operation_id":"` + doc.Cluster.Internal.Operation.ID, `"correlation_id":"correlation"`, `"resource_id":"/subscriptions/`, `"step":"keeps a secret"`, `"attempt":3`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(log+text, canary) {
		t.Errorf("the secret got out:\n%s", log)
	}
}

func TestAWaitingStepIsAskedAgainInTime(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var looks []time.Time
	const gap = 100 * time.Millisecond
	w := db.work(t, backend.Config{PollInterval: time.Hour, Plans: plans(steps{model.Create: {step("waits", func(context.Context, *backend.ClusterWork) error {
		if looks = append(looks, time.Now()); len(looks) < 5 {
			return wait.Later(gap, "the fifth look")
		}
		return nil
	})}})})
	doc := request(t, s, subscription, "c")
	w.Wake()
	settled(t, s, doc) // although the worker polls once an hour
	for i := 1; i < len(looks); i++ {
		if d := looks[i].Sub(looks[i-1]); d < gap {
			t.Errorf("look %d came after %s, want at least %s", i+1, d, gap)
		}
	}
}

func TestWaitingClustersKeepNoWorkerBusy(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	w := db.work(t, backend.Config{Concurrency: 1, Plans: plans(steps{model.Create: {step("waits", func(_ context.Context, w *backend.ClusterWork) error {
		if strings.HasPrefix(w.Resource().Name, "waits") {
			return wait.Later(time.Hour, "nothing that comes")
		}
		return nil
	})}})})
	for i := range 5 {
		request(t, s, subscription, fmt.Sprint("waits", i))
	}
	doc := request(t, s, subscription, "works")
	w.Wake()
	if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("cluster is %s, want Succeeded", c.Properties.ProvisioningState)
	}
}

func TestWaitingForAShortTimeWritesNothingAndKeepsNoWorkerBusy(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var looks atomic.Int32
	w := db.work(t, backend.Config{Concurrency: 1, LeaseTTL: 20 * time.Second, Plans: plans(steps{model.Create: {step("waits", func(_ context.Context, w *backend.ClusterWork) error {
		if strings.HasPrefix(w.Resource().Name, "waits") {
			looks.Add(1)
			return wait.Later(20*time.Millisecond, "nothing that comes")
		}
		return nil
	})}})})
	var writes atomic.Int32
	w.wire.onWrite(func(container string) {
		if container == "Clusters" {
			writes.Add(1)
		}
	})
	for i := range 5 {
		request(t, s, subscription, fmt.Sprint("waits", i))
	}
	w.Wake()
	eventually(t, "many looks", func() bool { return looks.Load() > 100 })
	if n := writes.Load(); n > 5*3+5 { // claims, begins, what they wait for; and a heartbeat each
		t.Errorf("%d writes", n)
	}
	doc := request(t, s, subscription, "works")
	w.Wake()
	if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("cluster is %s, want Succeeded", c.Properties.ProvisioningState)
	}
}

func TestADeleteCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]bool{"in this process": true, "in another process": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			s, _ := db.connect(t)
			ttl := time.Hour // its heartbeat does not help
			if !tell {
				ttl = 4 * time.Second
			}
			waits := step("waits", func(context.Context, *backend.ClusterWork) error {
				return wait.Later(ttl-time.Second, "nothing that comes")
			})
			w := db.work(t, backend.Config{LeaseTTL: ttl, Plans: plans(steps{model.Create: {waits}})})
			doc := request(t, s, subscription, "c")
			eventually(t, "the create waits", func() bool {
				now, err := s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
				if err != nil {
					t.Fatal(err)
				}
				current := now.Cluster.Internal.Operation.Current
				return current != nil && current.WaitingFor != ""
			})
			id := change(t, s, doc, model.Delete)
			if tell {
				w.Replaced(doc.Partition, doc.ID)
			}
			if op := result(t, s, id); op.State != model.Succeeded {
				t.Errorf("delete told %s, want Succeeded", op.State)
			}
		})
	}
}

func TestDrainHandsOverWhatWaits(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var stopped atomic.Bool
	plan := plans(steps{model.Create: {step("waits", func(context.Context, *backend.ClusterWork) error {
		if !stopped.Load() {
			return wait.Later(time.Second, "the other worker")
		}
		return nil
	})}})
	first := db.work(t, backend.Config{LeaseTTL: time.Hour, Plans: plan})
	var docs []*store.ClusterDocument
	for i := range 20 {
		docs = append(docs, request(t, s, subscription, fmt.Sprint("c", i)))
	}
	for _, doc := range docs {
		eventually(t, "the create waits", func() bool {
			now, err := s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.Cluster.Internal.Operation.Current != nil && now.Cluster.Internal.Operation.Current.WaitingFor != ""
		})
	}
	db.work(t, backend.Config{LeaseTTL: time.Hour, Plans: plan})
	if err := first.stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	stopped.Store(true)
	for _, doc := range docs {
		if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded || c.Lost != 0 {
			t.Errorf("%s is %s with %d lost workers, want Succeeded with none", doc.ID, c.Cluster.Properties.ProvisioningState, c.Lost)
		}
	}
}

func TestAnotherWorkerGoesOnWithWhatADeadOneHeld(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var looks atomic.Int32
	waits := func(end bool) map[model.OperationKind][]backend.ClusterStep {
		return plans(steps{model.Create: {step("waits", func(context.Context, *backend.ClusterWork) error {
			if end {
				return nil
			}
			looks.Add(1)
			return wait.Later(100*time.Millisecond, "the other worker")
		})}})
	}
	const ttl = 2 * time.Second
	dying := db.work(t, backend.Config{LeaseTTL: ttl, Plans: waits(false)})
	doc := request(t, s, subscription, "c")
	eventually(t, "several looks", func() bool { return looks.Load() > 3 })
	dying.wire.cut()
	db.work(t, backend.Config{LeaseTTL: ttl, Plans: waits(true)})
	begun := time.Now()
	if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("cluster is %s, want Succeeded", c.Cluster.Properties.ProvisioningState)
	}
	if took := time.Since(begun); took > ttl+2*time.Second {
		t.Errorf("the other worker took over after %s, want at most a lease of %s", took, ttl)
	}
	eventually(t, "the dead worker gives up", func() bool { return strings.Contains(dying.logs.String(), `"msg":"lease lost"`) })
}

func TestADueClusterWithoutAnOperationIsPutToRest(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	doc := store.NewCluster(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: "c"})
	doc.Due = store.Due(0)
	doc.Cluster.Properties.ProvisioningState = model.Succeeded
	if err := s.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	db.work(t, backend.Config{Plans: plans(nil)})
	if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("cluster is %s, want Succeeded as before", c.Properties.ProvisioningState)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	_, err := backend.New(backend.Config{Concurrency: -1, LeaseTTL: -time.Second, Plans: steps{model.Create: {{Name: "idle"}}}})
	for _, want := range []string{"no store", "concurrency", "lease time", `plan Create: step "idle" does nothing`, "plan Delete: the plan has no steps"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want a word on %q", err, want)
		}
	}
}

// TestReadyOperationsMoveToAProcessThatHasWorkers has a process hold operations whose next
// attempt has come while its only worker is busy for long, and another process idle.
func TestReadyOperationsMoveToAProcessThatHasWorkers(t *testing.T) {
	t.Parallel()
	const ttl = 6 * time.Second // a lease that outlasts a stalled machine
	db := newDatabase(t)
	s, _ := db.connect(t)
	busy, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	var elsewhere atomic.Bool
	plan := plans(steps{model.Create: {step("waits", func(_ context.Context, w *backend.ClusterWork) error {
		switch {
		case w.Resource().Name == "busy":
			close(busy)
			<-end
			return nil
		case elsewhere.Load():
			return nil
		}
		return wait.Later(time.Second/2, "the other process")
	})}})
	registry := prometheus.NewRegistry()
	first := db.work(t, backend.Config{Concurrency: 1, LeaseTTL: ttl, DrainGrace: time.Millisecond, Metrics: registry, Plans: plan})
	var docs []*store.ClusterDocument
	for i := range 5 {
		docs = append(docs, request(t, s, subscription, fmt.Sprint("waits", i)))
	}
	for _, doc := range docs {
		eventually(t, "the create waits", func() bool {
			now, err := s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
			return err == nil && now.Cluster.Internal.Operation.Current != nil && now.Cluster.Internal.Operation.Current.WaitingFor != ""
		})
	}
	request(t, s, subscription, "busy")
	first.Wake()
	within(t, "the only worker is busy", busy)
	elsewhere.Store(true)
	db.work(t, backend.Config{Concurrency: 1, LeaseTTL: ttl, Plans: plan})
	for _, doc := range docs {
		if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded || c.Lost != 0 {
			t.Errorf("%s is %s with %d lost workers, want Succeeded with none", doc.ID, c.Cluster.Properties.ProvisioningState, c.Lost)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "aro_backend_handed_back_total" && f.GetMetric()[0].GetCounter().GetValue() != float64(len(docs)) {
			t.Errorf("%v operations were handed back, want %d", f.GetMetric()[0].GetCounter().GetValue(), len(docs))
		}
	}
}

// TestAStepThatSavesInTimeKeepsItsLease has the database answer a step's write so late
// that a heartbeat that waits for it comes too late by its own count.
func TestAStepThatSavesInTimeKeepsItsLease(t *testing.T) {
	t.Parallel()
	const ttl = 4 * time.Second
	db := newDatabase(t)
	s, _ := db.connect(t)
	var w *running
	w = db.work(t, backend.Config{LeaseTTL: ttl, Plans: plans(steps{model.Create: {step("saves", func(ctx context.Context, work *backend.ClusterWork) error {
		time.Sleep(ttl / 5) // less than a heartbeat
		w.wire.onWrite(func(string) { time.Sleep(ttl * 7 / 10) })
		err := work.Save(ctx, func(c *model.Cluster) error { c.Internal.InfraID = "x"; return nil })
		w.wire.onWrite(func(string) {})
		select {
		case <-ctx.Done():
			t.Errorf("the step was cancelled: %v", context.Cause(ctx))
		case <-time.After(ttl / 8):
		}
		return err
	})}})})
	doc := request(t, s, subscription, "c")
	if c := settled(t, s, doc); c.Cluster.Properties.ProvisioningState != model.Succeeded || c.Fence != 1 {
		t.Errorf("cluster is %s after %d claims, want Succeeded after one", c.Cluster.Properties.ProvisioningState, c.Fence)
	}
}
