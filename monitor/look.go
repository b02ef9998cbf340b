package monitor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

// look looks at a cluster, and has it looked at again.
func (m *Monitor) look(ctx context.Context, due *member) {
	began := m.Now()
	m.counted.begin(began, due.last)
	found := &problems{Emitter: m.Clusters}
	looked, err := m.lookAt(ctx, due, began, found)
	if ctx.Err() != nil {
		return
	}
	answered := !errors.Is(err, collectors.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded)
	if !answered && due.failures == 0 {
		m.forgetIfGone(ctx, due)
	}
	if looked {
		m.record(ctx, due, found, answered)
	}
	m.fleet.done(due, began, answered)
	m.counted.end(m.Now().Sub(began), err, answered)
	if err != nil {
		m.Log.DebugContext(ctx, "a look at a cluster found trouble", "cluster", due.id, "error", err)
	}
}

// lookAt looks at a cluster within the budget. looked is false if the cluster could not be,
// or is not to be, looked at.
func (m *Monitor) lookAt(ctx context.Context, due *member, began time.Time, emit metrics.Emitter) (looked bool, err error) {
	c, err := m.read(ctx, due)
	if err != nil || c == nil || !m.billed(due) {
		return false, err
	}
	id, _ := arm.ParseClusterID(c.ResourceID)
	dims := map[string]string{"resourceId": c.ResourceID, "location": c.Location, "subscriptionId": id.SubscriptionID}
	api, err := open(c)
	if err != nil {
		m.Own.EmitGauge("monitor.cluster.failedworker", 1, dims)
		return false, fmt.Errorf("reach the cluster: %w", err)
	}
	defer api.Close()
	ctx, cancel := context.WithTimeout(ctx, m.Budget)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() { m.force(ctx, ended, api, dims) })()
	group := errgroup.Group{}
	group.Go(func() error {
		return m.guarded("monitor.cluster.failedworker", dims, func() error {
			l := &collectors.Look{Service: m.About, Cluster: c, API: api, Emit: emit, Hourly: hourly(due.last, began), Log: m.Log, Now: m.Now}
			return l.Run(ctx)
		})
	})
	if m.NSG != nil {
		check := began.Sub(due.lastNSG) >= m.NSGInterval
		if check {
			due.lastNSG = began
		}
		group.Go(func() error {
			return m.guarded("monitor.nsg.failedworker", dims, func() error { return m.NSG.Look(ctx, c, emit, check) })
		})
	}
	err = group.Wait()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		m.Own.EmitGauge("monitor.main.timedout", 1, dims)
		err = errors.Join(err, ctx.Err())
	}
	return true, err
}

// connections are those of a check, of which it needs one, unless an answer takes long.
const connections = 2

// open prepares to talk to a cluster. Its kubeconfig is read the first time: most clusters
// that a process learns of are another's to look at.
func open(c *collectors.Cluster) (*openshift.API, error) {
	if c.Access == nil {
		access, err := openshift.ReadKubeconfig(c.Kubeconfig)
		if err != nil {
			return nil, err
		}
		c.Access, c.Kubeconfig = access, nil
	}
	return c.Access.Open(c.Address, connections)
}

// force closes the connections of a check that continues after its timeout.
func (m *Monitor) force(ctx context.Context, ended <-chan struct{}, api *openshift.API, dims map[string]string) {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return
	}
	timer := time.NewTimer(m.Grace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		m.Own.EmitGauge("monitor.main.forcedcleanup", 1, dims)
		api.Abort()
	}
}

// hourly reports whether another hour has begun since the last check. The first check does not
// count: many processes may start at once.
func hourly(last, now time.Time) bool {
	return !last.IsZero() && !last.Truncate(time.Hour).Equal(now.Truncate(time.Hour))
}

// guarded runs a part of a look. A panic is its error, and counted.
func (m *Monitor) guarded(metric string, dims map[string]string, part func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			m.Log.Error("panic", "metric", metric, "error", r, "stack", string(debug.Stack()))
			m.Own.EmitGauge(metric, 1, dims)
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return part()
}

// read is the cluster as its document is. It is in memory unless another process had
// the cluster when the document changed.
func (m *Monitor) read(ctx context.Context, due *member) (*collectors.Cluster, error) {
	m.fleet.mu.Lock()
	c := due.cluster
	m.fleet.mu.Unlock()
	if c != nil {
		return c, nil
	}
	doc, err := m.Store.Clusters.Get(ctx, due.partition, due.id)
	if errors.Is(err, store.ErrNotFound) {
		m.fleet.remove(due.partition, due.id, due.uid)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c = seenOf(&doc.Cluster, m.About.Domain)
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	if m.fleet.buckets[due.bucket] && due.cluster == nil {
		due.cluster = c
	}
	return c, nil
}

// forgetIfGone forgets a cluster whose document is gone: engineers may remove one
// without an operation.
func (m *Monitor) forgetIfGone(ctx context.Context, due *member) {
	if _, err := m.Store.Clusters.View(ctx, due.partition, due.id); errors.Is(err, store.ErrNotFound) {
		m.fleet.remove(due.partition, due.id, due.uid)
	}
}

// tellSkipped is the interval at which a skipped subscription is logged.
const tellSkipped = 30 * time.Minute

// billed reports whether the cluster's subscription is one whose clusters are looked at.
func (m *Monitor) billed(due *member) bool {
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	state, known := m.fleet.subscriptions[due.partition]
	if known && state != model.Deleted && state != model.Suspended && state != model.Warned {
		return true
	}
	if now := m.Now(); now.Sub(m.fleet.skipped[due.partition]) >= tellSkipped {
		m.fleet.skipped[due.partition] = now
		m.Log.Warn("clusters of a subscription are not looked at", "subscription", due.partition, "state", string(state))
	}
	return false
}
