package proof

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

const (
	// deploying is how many clusters wait for a deployment at once, with so many workers.
	deploying         = 6
	deploymentWorkers = "2"
	// deploymentTime is how long each deployment takes: longer than a killed provider's
	// lease, and as long as one worker would be held by it.
	deploymentTime = 30 * time.Second
	deploymentStep = "deploy network and storage"
	// standstill is the longest time without progress of any cluster.
	standstill = 3 * time.Minute
)

// TestLongDeploymentsHoldNoWorker creates more clusters than there are workers while each
// deployment takes long, and kills the provider when all of them wait. The next process
// resumes the same operations of Azure, which sees one PUT for each deployment. What
// follows it, the third write of a subnet, is refused: no installer is to hold a worker.
func TestLongDeploymentsHoldNoWorker(t *testing.T) {
	t.Parallel()
	k := newKiller(t, "ARO_WORKERS="+deploymentWorkers, "ARO_LEASE="+killedLease, "ARO_POLL=100ms")
	before := k.footprint(t.Context(), t)
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	creates := make([]*watched, deploying)
	for n := range creates {
		c := k.customer(t, order{name: fmt.Sprintf("slow%d", n)})
		k.want(ctx, t, http.MethodPut, "/local/faults/"+c.name, m{"match": m{"method": "PUT", "path": "/" + c.name + "-managed/.*/loadBalancers/[^/]*-internal$"},
			"action": m{"kind": "delay", "milliseconds": deploymentTime.Milliseconds()}}, nil)
		k.want(ctx, t, http.MethodPut, "/local/faults/"+c.puts(), m{"match": m{"method": "PUT", "path": "/" + c.name + "-managed/.*/deployments/storage$"},
			"action": m{"kind": "delay", "milliseconds": 0}}, nil)
		k.want(ctx, t, http.MethodPut, "/local/faults/"+c.name+"-end", m{"match": m{"method": "PUT", "path": "/" + c.name + "/.*/subnets/"}, "nth": 3,
			"action": m{"kind": "policyDenied"}}, nil)
		creates[n] = &watched{customer: c, moved: time.Now()}
	}
	for _, w := range creates {
		w.watch = w.create(ctx, t)
	}
	until := func(what string, is func(*watched) bool) {
		t.Helper()
		eventually(ctx, t, what, func() (bool, error) {
			all := true
			for _, w := range creates {
				if err := w.see(ctx); err != nil {
					return false, err
				}
				all = all && is(w)
			}
			return all, nil
		})
	}
	// A provider that is killed between Azure's answer and its own write begins another one.
	until("all clusters wait for their deployments", func(w *watched) bool {
		return w.step == deploymentStep && w.begun(ctx, t) == 1 && w.resumable(ctx, t)
	})
	if !k.kill() {
		t.Fatal("no provider was killed")
	}
	killed := time.Now()
	until("all clusters have got further", func(w *watched) bool { return w.step != deploymentStep })
	t.Logf("%d deployments of %s, %s workers, killed in the middle: all clusters were further %s after the kill", deploying, deploymentTime, deploymentWorkers, time.Since(killed).Round(time.Second))
	for _, w := range creates {
		if n := w.begun(ctx, t); n != 1 {
			t.Errorf("%s: Azure saw %d PUTs of its deployment, want one", w.name, n)
		}
	}
	k.want(ctx, t, http.MethodDelete, "/local/faults", nil, nil)
	customers := make([]*customer, deploying)
	for n, w := range creates {
		customers[n] = w.customer
	}
	for _, o := range together(ctx, t, customers, (*customer).remove) {
		if o.Status != "Succeeded" {
			t.Errorf("a delete ended as %+v", o)
		}
	}
	for _, c := range customers {
		c.leave(ctx, t)
	}
	k.isAsBefore(t, before)
}

// watched is a create, and when it was last seen in a new step.
type watched struct {
	*customer
	watch, step string
	moved       time.Time
}

// see fails if the create has ended or made no progress for too long.
func (w *watched) see(ctx context.Context) error {
	o, err := w.look(ctx, w.watch)
	switch {
	case err != nil:
		return nil //nolint:nilerr // the provider is being started
	case o.ended() && o.Error.Code != "RequestDisallowedByPolicy":
		return fmt.Errorf("the create of %s ended as %+v", w.name, o)
	case o.CurrentStep != w.step:
		w.step, w.moved = o.CurrentStep, time.Now()
	case time.Since(w.moved) > standstill:
		return fmt.Errorf("%s made no progress for %s, in the step %q", w.name, standstill, w.step)
	}
	return nil
}

// resumable reports whether the service has stored how to resume the deployment.
func (w *watched) resumable(ctx context.Context, t *testing.T) (is bool) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "aro.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const query = `SELECT count(*) > 0 FROM Clusters WHERE id LIKE ? AND json_extract(body, '$.cluster.internal.operation.current.name') = ?
		AND json_extract(body, '$.cluster.internal.operation.current.running') IS NOT NULL`
	if err := db.QueryRowContext(ctx, query, "%"+w.name, deploymentStep).Scan(&is); err != nil {
		t.Fatal(err)
	}
	return is
}

// puts is the name of what counts the PUTs of the deployment.
func (c *customer) puts() string { return c.name + "-puts" }

// begun is how many PUTs of its deployment Azure saw.
func (w *watched) begun(ctx context.Context, t *testing.T) (puts int) {
	t.Helper()
	var faults struct {
		Value []struct {
			Name string
			Seen int
		}
	}
	w.want(ctx, t, http.MethodGet, "/local/faults", nil, &faults)
	for _, f := range faults.Value {
		if f.Name == w.puts() {
			return f.Seen
		}
	}
	return 0
}
