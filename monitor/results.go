package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// storeAgain is the age at which a result is stored although it has not changed: less
	// than half of the time for which its container keeps it.
	storeAgain = 72 * time.Hour
	// storePause is the least time between two writes of problems that come and go. A change
	// of the outcome is written at once.
	storePause = 5 * time.Minute
	// maxDimension bounds the text of a dimension in a stored problem.
	maxDimension = 256
)

// stored is what a process knows of the stored result of a cluster.
type stored struct {
	outcome model.MonitorOutcome
	sum     [sha256.Size]byte
	// at is when it was written; zero if this process has not read it yet.
	at time.Time
}

// problems is an emitter that notes the metrics which the catalogue marks as problems.
type problems struct {
	metrics.Emitter

	mu  sync.Mutex
	all map[string]model.MonitorProblem
}

// EmitGauge implements metrics.Emitter.
func (p *problems) EmitGauge(name string, value int64, dims map[string]string) {
	p.note(name, dims)
	p.Emitter.EmitGauge(name, value, dims)
}

func (p *problems) note(name string, dims map[string]string) {
	if m, ok := metrics.Find(name); !ok || !m.Problem {
		return
	}
	own := map[string]string{}
	for k, v := range dims {
		if !slices.Contains(metrics.ClusterDimensions(), k) {
			own[k] = arm.Plain(v, maxDimension)
		}
	}
	key, _ := json.Marshal(own) // strings always marshal, with their keys in order
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]model.MonitorProblem{}
	}
	p.all[name+string(key)] = model.MonitorProblem{Metric: name, Dimensions: own}
}

// result is what the check found.
func (p *problems) result(uid string, now time.Time, answered bool) (r model.MonitorResult, sum [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r = model.MonitorResult{ClusterUID: uid, Outcome: model.MonitorHealthy, Since: now.UTC(), ProblemCount: len(p.all)}
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(p.all)) {
		_, _ = h.Write([]byte(key + "\n")) // never fails
		if len(r.Problems) < model.MaxMonitorProblems {
			r.Problems = append(r.Problems, p.all[key])
		}
	}
	switch {
	case !answered:
		r.Outcome = model.MonitorUnreachable
	case len(p.all) > 0:
		r.Outcome = model.MonitorProblems
	}
	_, _ = h.Write([]byte(r.Outcome))
	return r, [sha256.Size]byte(h.Sum(nil))
}

// record stores the result of a check if it is another one than before, and seldom
// otherwise, so that clusters at rest cause no load on the database.
func (m *Monitor) record(ctx context.Context, due *member, found *problems, answered bool) {
	now := m.Now()
	r, sum := found.result(due.uid, now, answered)
	same, age := due.stored.sum == sum, now.Sub(due.stored.at)
	if same && age < storeAgain-rand.N(storeAgain/4) || !same && r.Outcome == due.stored.outcome && age < storePause {
		return
	}
	at := now
	_, err := m.Store.MonitorResults.Upsert(ctx, due.partition, due.id,
		func() *store.MonitorResultDocument { return store.NewMonitorResult(due.partition, due.id) },
		func(doc *store.MonitorResultDocument) error {
			old := &doc.Result
			at = now
			if old.ClusterUID == r.ClusterUID && old.Outcome == r.Outcome && sumOf(old) == sumOf(&r) {
				if r.Since = old.Since; now.Sub(doc.WrittenAt) < storeAgain/2 {
					at = doc.WrittenAt
					return store.ErrUnchanged // another process stored it
				}
			}
			r.Unknown = old.Unknown
			doc.Result = r
			return nil
		})
	if err != nil {
		m.Log.WarnContext(ctx, "the result of a check cannot be stored", "cluster", due.id, "error", err)
		return
	}
	due.stored = stored{outcome: r.Outcome, sum: sum, at: at}
}

// sumOf is a text that is the same for the same problems.
func sumOf(r *model.MonitorResult) string {
	text, _ := json.Marshal(struct {
		Problems []model.MonitorProblem
		Count    int
	}{r.Problems, r.ProblemCount})
	return string(text)
}
