// Package simulated has plans whose clusters are simulated: their machines are records
// of a provider program. With them the API, the store and the worker are tested with
// thousands of clusters and hundreds of kills, for which Azure and an API server per
// cluster would be too slow. The program in the folder aro runs these plans in the
// process of the product; the product never does.
package simulated

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// Machines provides the machines of clusters, and what runs on them. All its
// methods answer soon, and repeating them is harmless.
type Machines interface {
	// Apply starts to make the machines match spec.
	Apply(ctx context.Context, spec provider.Spec) (provider.Status, error)
	// Get returns provider.ErrNotFound for what was never applied or is gone.
	Get(ctx context.Context, id string) (provider.Status, error)
	// Remove starts or continues to remove everything, and reports when nothing is
	// left.
	Remove(ctx context.Context, id string) (gone bool, err error)
}

// Dependencies are what the steps work with. All are needed but those with a
// default.
type Dependencies struct {
	Machines Machines
	Billing  *store.Collection[store.BillingDocument]
	// Build names this build of the service, for ProvisionedBy.
	Build string
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// NewInfraID makes the prefix of machine names from a cluster's name; the
	// package's function of that name by default.
	NewInfraID func(clusterName string) string
}

// Plans returns the plan of each kind of operation.
func Plans(d Dependencies) map[model.OperationKind][]backend.ClusterStep {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.NewInfraID == nil {
		d.NewInfraID = NewInfraID
	}
	m := machines{d.Machines, d.Now}
	r := records{d.Billing, d.Build, d.Now, d.NewInfraID}
	return map[model.OperationKind][]backend.ClusterStep{
		model.Create:      create(m, r),
		model.Update:      update(m, r),
		model.AdminUpdate: adminUpdate(m, r),
		model.Delete:      remove(m, r),
	}
}

// create makes a cluster out of nothing. The name comes before anything carries
// it. Credentials are stored as soon as they work, so that a create that fails
// later can be looked into. Billing begins once the cluster can be used at all,
// before the customer waits for the last node.
func create(m machines, r records) []backend.ClusterStep {
	return []backend.ClusterStep{
		{Name: "choose infra id", Do: r.chooseInfraID, Timeout: 10 * time.Minute},
		{Name: "request control plane", Do: m.apply, Timeout: 30 * time.Minute},
		{Name: "api server answers", Do: m.apiServerAnswers, Timeout: 40 * time.Minute},
		{Name: "store kubeconfigs", Do: m.storeAccess, Timeout: 10 * time.Minute},
		{Name: "begin billing", Do: r.beginBilling, Timeout: 10 * time.Minute},
		{Name: "nodes are ready", Do: m.nodesAreReady, Timeout: time.Hour},
		{Name: "record workers", Do: r.recordWorkers, Timeout: 10 * time.Minute},
	}
}

// update makes a running cluster match what its customer changed. Whatever moved
// meanwhile is stored with it.
func update(m machines, r records) []backend.ClusterStep {
	return []backend.ClusterStep{
		{Name: "apply machines", Do: m.apply, Timeout: 30 * time.Minute},
		{Name: "api server answers", Do: m.apiServerAnswers, Timeout: 40 * time.Minute},
		{Name: "refresh kubeconfigs", Do: m.storeAccess, Timeout: 10 * time.Minute},
		{Name: "nodes are ready", Do: m.nodesAreReady, Timeout: time.Hour},
		{Name: "record workers", Do: r.recordWorkers, Timeout: 10 * time.Minute},
	}
}

// adminUpdate runs the maintenance of a cluster's task. The build is recorded last,
// because it implies all steps before it. Simulated clusters have no operator: of its
// tasks only the wait for nodes is left.
func adminUpdate(m machines, r records) []backend.ClusterStep {
	all, certificates := task(model.Everything), task(model.Everything, model.CertificatesRenewal, model.KubeconfigRenewal)
	every := task(model.MaintenanceTasks()...)
	return []backend.ClusterStep{
		{Name: "find task", Do: refuseTask, Timeout: time.Minute, Only: foreignTask},
		{Name: "apply machines", Do: m.apply, Timeout: 30 * time.Minute, Only: all},
		{Name: "api server answers", Do: m.apiServerAnswers, Timeout: 40 * time.Minute, Only: every},
		{Name: "refresh kubeconfigs", Do: m.storeAccess, Timeout: 10 * time.Minute, Only: certificates},
		{Name: "nodes are ready", Do: m.nodesAreReady, Timeout: time.Hour, Only: task(model.Everything, model.MigrateLoadBalancer, model.OperatorUpdate, model.SyncClusterObject)},
		{Name: "record workers", Do: r.recordWorkers, Timeout: 10 * time.Minute, Only: all},
		{Name: "record build", Do: r.recordBuild, Timeout: 10 * time.Minute, Only: all},
	}
}

// remove takes a cluster away, whatever was made of it. Billing ends when there
// is nothing left that costs money.
func remove(m machines, r records) []backend.ClusterStep {
	return []backend.ClusterStep{
		{Name: "remove control plane", Do: m.remove, Timeout: time.Hour},
		{Name: "end billing", Do: r.endBilling, Timeout: 10 * time.Minute},
	}
}

// task selects clusters whose maintenance task is one of these.
func task(these ...model.MaintenanceTask) func(*model.Cluster) bool {
	return func(c *model.Cluster) bool { return slices.Contains(these, taskOf(c)) }
}

func taskOf(c *model.Cluster) model.MaintenanceTask {
	return cmp.Or(c.Internal.MaintenanceTask, model.Everything)
}

// foreignTask selects clusters with a task of another release.
func foreignTask(c *model.Cluster) bool {
	return taskOf(c) != model.KubeconfigRenewal && !slices.Contains(model.MaintenanceTasks(), taskOf(c))
}

// refuseTask fails the maintenance: to end well without a step would be a lie.
func refuseTask(_ context.Context, w *backend.ClusterWork) error {
	return arm.RequestNotAllowed.Errorf("This release of the service does not know the maintenance task %q. Repeat the request when all of it has been upgraded.", taskOf(w.Resource()))
}
