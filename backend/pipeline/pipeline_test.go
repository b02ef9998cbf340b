package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/message"
	"github.com/aro-rp/aro/wait"
)

var kind = backend.Clusters()

// bench is one cluster with an operation, and the means to run plans on it.
type bench struct {
	t        testing.TB
	clusters *store.Collection[store.ClusterDocument]
	now      time.Time
	replaced atomic.Int32
	renewed  atomic.Int32
	attempts []pipeline.Attempt
}

// counting counts the writes.
type counting struct {
	store.Driver
	n, renewed *atomic.Int32
}

func (c counting) Replace(ctx context.Context, container *store.Container, r store.Record) (store.Record, error) {
	c.n.Add(1)
	return c.Driver.Replace(ctx, container, r)
}

func (c counting) Postpone(ctx context.Context, container *store.Container, r store.Record, after time.Duration) (store.Record, error) {
	c.renewed.Add(1)
	return c.Driver.Postpone(ctx, container, r, after)
}

var key = sync.OnceValue(store.NewKey)

func setup(t testing.TB, kind model.OperationKind) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	k, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(key()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(counting{k, &b.replaced, &b.renewed}, keys)
	t.Cleanup(func() { s.Close() })
	b.clusters = s.Clusters
	doc := &store.ClusterDocument{Meta: store.Meta{ID: "rg|c", Partition: "sub", Due: store.Due(0)}}
	if err := doc.Cluster.Begin(model.Operation{ID: "op", Kind: kind, StartedAt: b.now}); err != nil {
		t.Fatal(err)
	}
	if err := s.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) read() *store.ClusterDocument {
	b.t.Helper()
	doc, err := b.clusters.Get(context.Background(), "sub", "rg|c")
	if err != nil {
		b.t.Fatal(err)
	}
	return doc
}

// claim begins to work as a worker that just picked the cluster up.
func (b *bench) claim() *backend.ClusterWork {
	b.t.Helper()
	lease, err := b.clusters.Claim(b.t.Context(), b.read(), "me", time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	return pipeline.NewWork(&kind, lease, pipeline.Options{
		Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Observe: func(a pipeline.Attempt) { b.attempts = append(b.attempts, a) },
	})
}

// run claims, runs and rests, as a worker does.
func (b *bench) run(steps ...backend.ClusterStep) error {
	b.t.Helper()
	w := b.claim()
	err := pipeline.Run(b.t.Context(), w, steps)
	var pause *pipeline.Pause
	if errors.As(err, &pause) {
		if err := w.Rest(b.t.Context(), pause); err != nil {
			b.t.Fatal(err)
		}
	}
	return err
}

func step(name string, do func() error) backend.ClusterStep {
	return backend.ClusterStep{Name: name, Timeout: 10 * time.Minute,
		Do: func(context.Context, *backend.ClusterWork) error { return do() }}
}

func fine() error { return nil }

func TestPlansThatCannotBeRecordedAreRefused(t *testing.T) {
	tests := map[string]struct {
		why   string
		steps []backend.ClusterStep
		want  string
	}{
		"empty":      {why: "it would succeed without doing anything", want: "no steps"},
		"nameless":   {why: "it could not be recorded", steps: []backend.ClusterStep{step("", fine)}, want: "no name"},
		"twice":      {why: "the second would count as finished", steps: []backend.ClusterStep{step("a", fine), step("a", fine)}, want: "twice"},
		"idle":       {why: "a nil call", steps: []backend.ClusterStep{{Name: "a", Timeout: 1}}, want: "does nothing"},
		"unbounded":  {why: "it would time out at once", steps: []backend.ClusterStep{{Name: "a", Do: step("a", fine).Do}}, want: "no timeout"},
		"acceptable": {why: "nothing is wrong", steps: []backend.ClusterStep{step("a", fine), step("b", fine)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := pipeline.Validate(test.steps)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: got %v, want %q", test.why, err, test.want)
			}
		})
	}
}

func TestEachStepIsRecordedInOneWrite(t *testing.T) {
	b := setup(t, model.Create)
	var seen []int32
	note := func() error { seen = append(seen, b.replaced.Load()); return nil }
	if err := b.run(step("a", note), step("b", note), step("c", note)); err != nil {
		t.Fatal(err)
	}
	if want := []int32{2, 3, 4}; fmt.Sprint(seen) != fmt.Sprint(want) { // the claim, and the first step's begin
		t.Errorf("writes before the steps: %v, want %v", seen, want)
	}
	op := b.read().Cluster.Internal.Operation
	if len(op.Finished) != 3 || op.Steps != 3 || op.Current != nil || op.PercentComplete() != 99 {
		t.Errorf("recorded %+v", op)
	}
	for i, name := range []string{"a", "b", "c"} {
		if s := op.Finished[i]; s.Name != name || s.Attempts != 1 || !s.StartedAt.Equal(b.now) || !s.EndedAt.Equal(b.now) {
			t.Errorf("step %d recorded as %+v", i, s)
		}
	}
}

func TestFinishedStepsDoNotRunAgain(t *testing.T) {
	b := setup(t, model.Create)
	b.run(step("a", fine), step("b", func() error { return wait.Later(0, "godot") }))
	ran := ""
	note := func(name string) backend.ClusterStep {
		return step(name, func() error { ran += name; return nil })
	}
	// Meanwhile a new release put a step before, and took none away.
	if err := b.run(note("new"), note("a"), note("b")); err != nil {
		t.Fatal(err)
	}
	if ran != "newb" {
		t.Errorf("ran %q, want newb", ran)
	}
}

func TestStepsForOtherClustersAreSkipped(t *testing.T) {
	b := setup(t, model.Create)
	never := step("never", func() error { return errors.New("it ran") })
	never.Only = func(*model.Cluster) bool { return false }
	if err := b.run(never, step("a", fine), never); err != nil {
		t.Fatal(err)
	}
	if op := b.read().Cluster.Internal.Operation; op.Steps != 1 || len(op.Finished) != 1 {
		t.Errorf("%d of %d steps, want 1 of 1", len(op.Finished), op.Steps)
	}
}

func TestAConditionRestsAndTellsWhatItWaitsFor(t *testing.T) {
	b := setup(t, model.Create)
	waits := step("waits", func() error { return fmt.Errorf("look: %w", wait.Later(15*time.Second, "a sign")) })
	began := b.now
	for n := 1; n <= 2; n++ {
		var pause *pipeline.Pause
		if err := b.run(waits); !errors.As(err, &pause) || pause.After != 15*time.Second {
			t.Fatalf("Run: %v, want a pause of 15s", err)
		}
		doc := b.read()
		if doc.Owner != "" || doc.Due == nil || *doc.Due != 15 {
			t.Errorf("the lease was not given back for 15s: owner %q, due %v", doc.Owner, doc.Due)
		}
		current := doc.Cluster.Internal.Operation.Current
		if current.Attempts != n || current.WaitingFor != "a sign" || !current.NextAttempt.Equal(b.now.Add(15*time.Second)) || !current.StartedAt.Equal(began) {
			t.Errorf("recorded %+v", current)
		}
		b.now = b.now.Add(15 * time.Second)
		b.due()
	}
	if err := b.run(step("waits", fine)); err != nil {
		t.Fatal(err)
	}
	if s := b.read().Cluster.Internal.Operation.Finished[0]; s.Attempts != 3 || s.WaitingFor != "" || s.EndedAt.Sub(s.StartedAt) != 30*time.Second {
		t.Errorf("finished as %+v", s)
	}
}

// due makes the cluster due at once, as time does.
func (b *bench) due() {
	b.t.Helper()
	if _, err := b.clusters.Update(b.t.Context(), "sub", "rg|c", func(d *store.ClusterDocument) error {
		d.Due = store.Due(0)
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
}

func TestOutcomesOfAttempts(t *testing.T) {
	refused := arm.InvalidParameter.Errorf("It is wrong.")
	later := wait.Later(time.Minute, "a sign")
	partly := wait.LaterFor("etcd", time.Minute, "a leader")
	tests := map[string]struct {
		why   string
		kind  model.OperationKind
		age   time.Duration // of the step when it is attempted for the second time
		err   error
		code  string // of the error that ends the plan; empty for a pause
		says  string
		at    string        // its target
		after time.Duration // longest pause
	}{
		"waiting":                 {why: "there is time", age: time.Minute, err: later, after: time.Minute},
		"waiting near the end":    {why: "the last look is at the deadline", age: 10*time.Minute - time.Second, err: later, after: time.Second},
		"waiting too long":        {why: "the document's clock counts, not the process's", age: 10 * time.Minute, err: later, code: "StepTimedOut", says: `"s" did not end within 10m0s. It was waiting for a sign.`},
		"waiting for a part":      {why: "people look there", age: 10 * time.Minute, err: partly, code: "StepTimedOut", says: "etcd: The step"},
		"failing":                 {why: "ours are tried again", age: time.Minute, err: errors.New("no"), after: 2 * time.Second},
		"failing too long":        {why: "the client learns the step", kind: model.Update, age: time.Hour, err: errors.New("no"), code: "OperationFailed", says: `"s"`},
		"failing too long create": {why: "the client learns what to do", age: time.Hour, err: errors.New("no"), code: "ClusterCreationFailed", says: `"s"`},
		"theirs":                  {why: "no retry can cure it", err: fmt.Errorf("subnet: %w", refused), code: "InvalidParameter"},
		"about a member":          {why: "customers look there", err: arm.InvalidParameter.At("properties.x[1].y", "It is wrong."), code: "InvalidParameter", says: "properties.x[1].y: It is wrong.", at: "properties.x[1].y"},
		"about a resource":        {why: "no member of the cluster names it", err: arm.ScopeLocked.At("/subscriptions/s/locks/l", "It is locked."), code: "ScopeLocked", says: "/subscriptions/s/locks/l: It is locked."},
		"retryable":               {why: "it may go away", err: arm.TooManyRequests.Errorf("Go slowly."), after: 2 * time.Second},
		"asked to wait":           {why: "sooner is of no use", err: wait.AgainAfter(5*time.Minute, arm.TooManyRequests.Errorf("Go slowly.")), after: 5 * time.Minute},
		"asked to wait too long":  {why: "the last look is at the deadline", age: 8 * time.Minute, err: wait.AgainAfter(5*time.Minute, arm.TooManyRequests.Errorf("Go slowly.")), after: 2 * time.Minute},
		"retryable too long":      {why: "its own words are best", age: time.Hour, err: arm.TooManyRequests.Errorf("Go slowly."), code: "ThrottlingLimitExceeded"},
		"hanging too long":        {why: "its context ended", age: time.Hour, err: context.DeadlineExceeded, code: "StepTimedOut"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kind := test.kind
			if kind == "" {
				kind = model.Create
			}
			b := setup(t, kind)
			b.run(step("s", func() error { return errors.New("the first time") }))
			b.now = b.now.Add(test.age)
			b.due()
			err := b.run(step("s", func() error { return test.err }))
			var pause *pipeline.Pause
			var typed *arm.Error
			switch {
			case test.code == "" && (!errors.As(err, &pause) || pause.After > test.after || pause.After < test.after*4/5):
				t.Errorf("%s: got %v, want a pause of about %s", test.why, err, test.after)
			case test.code != "" && errors.As(err, &typed) && len(message.Wrong(typed)) > 0:
				t.Errorf("%s: %v: %q", test.why, err, message.Wrong(typed))
			case test.code != "" && (!errors.As(err, &typed) || typed.Code.Name != test.code || !strings.Contains(typed.Message, test.says) || typed.Target != test.at):
				t.Errorf("%s: got %v, want %s with %q", test.why, err, test.code, test.says)
			}
		})
	}
}

func TestFailedAttemptsBackOffAndAreRecorded(t *testing.T) {
	b := setup(t, model.Create)
	longest := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	for i, want := range longest {
		want *= time.Second
		var pause *pipeline.Pause
		if err := b.run(step("s", func() error { return errors.New("no luck") })); !errors.As(err, &pause) {
			t.Fatalf("attempt %d: %v", i+1, err)
		}
		if pause.After > want || pause.After < want*4/5 {
			t.Errorf("pause %d is %s, want about %s", i+1, pause.After, want)
		}
		current := b.read().Cluster.Internal.Operation.Current
		if current.Attempts != i+1 || current.LastError != "no luck" || !current.NextAttempt.Equal(b.now.Add(pause.After)) {
			t.Errorf("attempt %d recorded as %+v", i+1, current)
		}
		b.due()
	}
	if got := b.attempts[0]; got.Result != pipeline.Retrying || got.Step != "s" {
		t.Errorf("observed %+v", got)
	}
}

func TestAPanicIsAFailedAttempt(t *testing.T) {
	tests := map[string]struct {
		why  string
		do   func() error
		want string
	}{
		"the runtime's": {why: "engineers need its words", do: func() error { var p *model.Cluster; p.Name = "x"; return nil }, want: "nil pointer"},
		"any other":     {why: "its value may be anything", do: func() error { panic("hunter2") }, want: "panic with a string"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := setup(t, model.Create)
			var pause *pipeline.Pause
			if err := b.run(step("s", test.do)); !errors.As(err, &pause) {
				t.Fatalf("got %v, want a pause", err)
			}
			if got := b.read().Cluster.Internal.Operation.Current.LastError; !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
				t.Errorf("%s: recorded %q, want %q", test.why, got, test.want)
			}
		})
	}
}

func TestAStepIsCancelledAtItsDeadline(t *testing.T) {
	b := setup(t, model.Create)
	err := b.run(backend.ClusterStep{Name: "hangs", Timeout: 30 * time.Millisecond, Do: func(ctx context.Context, _ *backend.ClusterWork) error {
		<-ctx.Done()
		b.now = b.now.Add(time.Second)
		return ctx.Err()
	}})
	if !arm.StepTimedOut.Is(err) {
		t.Errorf("got %v, want StepTimedOut", err)
	}
}

func TestACancelledPlanGivesTheCauseAndFailsNothing(t *testing.T) {
	b := setup(t, model.Create)
	cause := errors.New("stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := pipeline.Run(ctx, b.claim(), []backend.ClusterStep{
		step("a", func() error { cancel(cause); return nil }),
		step("b", func() error { t.Error("b ran"); return nil }),
	})
	if !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if op := b.read().Cluster.Internal.Operation; !op.HasFinished("a") {
		t.Error("a was done, but that is not recorded")
	}
}

func TestSupersededAndLostWorkStops(t *testing.T) {
	tests := map[string]struct {
		why    string
		change func(*store.ClusterDocument) error
		want   error
	}{
		"superseded": {why: "a delete began", want: pipeline.ErrSuperseded, change: func(d *store.ClusterDocument) error {
			return d.Cluster.Begin(model.Operation{ID: "other", Kind: model.Delete})
		}},
		"lost": {why: "another worker has a newer fence", want: store.ErrLeaseLost, change: func(d *store.ClusterDocument) error {
			d.Fence++
			d.Owner = "other"
			return nil
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := setup(t, model.Create)
			w := b.claim()
			err := pipeline.Run(t.Context(), w, []backend.ClusterStep{{Name: "s", Timeout: time.Minute, Do: func(ctx context.Context, w *backend.ClusterWork) error {
				if _, err := b.clusters.Update(ctx, "sub", "rg|c", test.change); err != nil {
					t.Fatal(err)
				}
				if err := w.Save(ctx, func(c *model.Cluster) error { c.Name = "mine"; return nil }); !errors.Is(err, test.want) {
					t.Errorf("%s: Save gave %v, want %v", test.why, err, test.want)
				}
				return nil
			}}})
			if !errors.Is(err, test.want) {
				t.Errorf("%s: Run gave %v, want %v", test.why, err, test.want)
			}
			if doc := b.read(); doc.Cluster.Name == "mine" || doc.Cluster.Internal.Operation.HasFinished("s") {
				t.Errorf("%s: the old worker still wrote", test.why)
			}
		})
	}
}

func TestSaveKeepsWhatOthersWroteAndCountsARevision(t *testing.T) {
	b := setup(t, model.Update)
	before := b.read().Cluster.Internal.Revision
	w := b.claim()
	if _, err := b.clusters.Update(t.Context(), "sub", "rg|c", func(d *store.ClusterDocument) error {
		d.Cluster.Tags = map[string]string{"by": "server"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Save(t.Context(), func(c *model.Cluster) error { c.Internal.InfraID = "x"; return nil }); err != nil {
		t.Fatal(err)
	}
	c := b.read().Cluster
	if c.Tags["by"] != "server" || c.Internal.InfraID != "x" || c.Internal.Revision != before+1 {
		t.Errorf("got tags %v, infra id %q, revision %d", c.Tags, c.Internal.InfraID, c.Internal.Revision)
	}
	if w.Resource().Tags["by"] != "server" {
		t.Error("the step does not see what the server wrote")
	}
}

func TestAFinishedStepClearsLostWorkers(t *testing.T) {
	b := setup(t, model.Create)
	if _, err := b.clusters.Update(t.Context(), "sub", "rg|c", func(d *store.ClusterDocument) error {
		d.Lost = 4
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.run(step("a", fine), step("b", func() error {
		if lost := b.read().Lost; lost != 0 {
			t.Errorf("after a finished step %d workers count as lost", lost)
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
}

func TestARefusalIsTriedAgainForItsBoundAndShownMeanwhile(t *testing.T) {
	b := setup(t, model.Create)
	refusal := arm.RefusedByAzure.At("/resource", "Azure says no (Odd).")
	refused := wait.AgainFor(6*time.Minute, refusal)
	busy := wait.Again(arm.ServiceUnavailable.Errorf("busy"))
	begun := b.now
	for _, outcome := range []error{refused, busy, refused} {
		var pause *pipeline.Pause
		if err := b.run(step("s", func() error { return outcome })); !errors.As(err, &pause) {
			t.Fatalf("after %s: %v", b.now.Sub(begun), err)
		}
		current := b.read().Cluster.Internal.Operation.Current
		var told *arm.Error
		if errors.As(outcome, &told); current.Refusal == nil || current.Refusal.Message != told.Message || current.Refusal.Code != told.Code.Name || current.Refusal.Target != "" {
			t.Errorf("after %s customers see %+v", b.now.Sub(begun), current.Refusal)
		}
		b.now = b.now.Add(2*time.Minute + 50*time.Second)
		b.due()
	}
	b.now = begun.Add(6*time.Minute - 10*time.Second)
	var pause *pipeline.Pause
	if err := b.run(step("s", func() error { return refused })); !errors.As(err, &pause) || pause.After > 10*time.Second {
		t.Errorf("the last look is not at the bound: %v", err)
	}
	b.now = begun.Add(6 * time.Minute)
	b.due()
	if err := b.run(step("s", func() error { return refused })); !arm.RefusedByAzure.Is(err) {
		t.Errorf("after 6 minutes of 10: %v", err)
	}
}

func TestABoundBeginsAnewAfterProgress(t *testing.T) {
	b := setup(t, model.Create)
	refused := wait.AgainFor(3*time.Minute, arm.RefusedByAzure.Errorf("no"))
	for _, outcome := range []error{refused, wait.Later(time.Minute, "a sign"), refused} {
		var pause *pipeline.Pause
		if err := b.run(step("s", func() error { return outcome })); !errors.As(err, &pause) {
			t.Fatal(err)
		}
		b.now = b.now.Add(2 * time.Minute)
		b.due()
	}
	if err := b.run(step("s", fine)); err != nil {
		t.Fatal(err)
	}
	if done := b.read().Cluster.Internal.Operation.Finished[0]; done.Refusal != nil || !done.RefusedSince.IsZero() {
		t.Errorf("a step that ended well is recorded as %+v", done)
	}
}
