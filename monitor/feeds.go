package monitor

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/store"
)

// feeds keep the fleet in step with the database.
//
// The database's changes do not include deletions. It keeps the operation of a deletion for days:
// its document is written when the deletion begins, so that a cluster is removed even if it was
// deleted between two reads of its own document.
type feeds struct {
	store *store.Store
	fleet *fleet
	log   *slog.Logger
	every time.Duration
	// domain completes those of clusters below the service's own.
	domain string

	clusters, operations, subscriptions string // the marks
	// read is when all feeds were last read to their ends, as nanoseconds since 1970.
	read atomic.Int64
}

// run reads until ctx ends.
func (f *feeds) run(ctx context.Context) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for {
		if err := f.poll(ctx); err != nil && ctx.Err() == nil {
			f.log.WarnContext(ctx, "changes of clusters cannot be read", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// poll reads what changed. Subscriptions come first, so that clusters find theirs, and
// operations last, so that a deleted cluster does not come back.
func (f *feeds) poll(ctx context.Context) (err error) {
	if f.subscriptions, err = drain(ctx, f.store.Subscriptions, f.subscriptions, f.subscription); err != nil {
		return err
	}
	if f.clusters, err = drain(ctx, f.store.Clusters, f.clusters, f.cluster); err != nil {
		return err
	}
	if f.operations, err = drain(ctx, f.store.Operations, f.operations, f.operation); err != nil {
		return err
	}
	f.read.Store(time.Now().UnixNano())
	return nil
}

// drain gives every document that changed since the mark to take.
func drain[T any](ctx context.Context, c *store.Collection[T], mark string, take func(*T)) (string, error) {
	for more := true; more; {
		var docs []*T
		var err error
		var next string
		if docs, next, more, err = c.Changes(ctx, mark); err != nil {
			return mark, err
		}
		mark = next
		for _, doc := range docs {
			take(doc)
		}
	}
	return mark, nil
}

func (f *feeds) cluster(doc *store.ClusterDocument) {
	var seen *collectors.Cluster
	if watched(&doc.Cluster) {
		seen = seenOf(&doc.Cluster, f.domain)
	}
	f.fleet.put(doc.Partition, doc.ID, doc.Cluster.Internal.UID, seen)
}

func (f *feeds) operation(doc *store.OperationDocument) {
	if doc.Operation.Kind != model.Delete {
		return
	}
	if id, ok := arm.ParseClusterID(doc.Operation.ResourceID); ok {
		f.fleet.remove(id.Partition(), id.Key(), doc.Operation.ClusterUID)
	}
}

func (f *feeds) subscription(doc *store.SubscriptionDocument) {
	f.fleet.mu.Lock()
	defer f.fleet.mu.Unlock()
	f.fleet.subscriptions[doc.ID] = doc.Subscription.State
}

// watched reports whether there is a cluster to look at.
func watched(c *model.Cluster) bool {
	half := func(s model.ProvisioningState) bool { return s == model.Creating || s == model.Deleting }
	state := c.Properties.ProvisioningState
	return !half(state) && (state != model.Failed || !half(c.Internal.FailedProvisioningState))
}

// seenOf is what the monitor needs of a cluster. Texts are copied, so that nothing keeps
// the document from being forgotten.
func seenOf(c *model.Cluster, domain string) *collectors.Cluster {
	kubeconfig := c.Internal.ServiceKubeconfig
	if kubeconfig == "" {
		kubeconfig = c.Internal.AdminKubeconfig
	}
	p := &c.Properties
	seen := &collectors.Cluster{
		ResourceID: strings.Clone(c.ID), Location: strings.Clone(c.Location), UID: strings.Clone(c.Internal.UID),
		Kubeconfig: []byte(kubeconfig), Address: strings.Clone(c.Internal.PrivateEndpointIP),
		ProvisioningState: strings.Clone(string(p.ProvisioningState)), FailedProvisioningState: strings.Clone(string(c.Internal.FailedProvisioningState)),
		MaintenanceState: strings.Clone(string(c.Internal.MaintenanceState)), ProvisionedBy: strings.Clone(c.Internal.ProvisionedBy), CreatedAt: c.Internal.CreatedAt,
		Domain: (&environment.Environment{Domain: domain}).FullDomain(strings.Clone(p.ClusterProfile.Domain)), TenantID: strings.Clone(c.Internal.TenantID),
		PodCIDR: strings.Clone(p.NetworkProfile.PodCIDR), ServiceCIDR: strings.Clone(p.NetworkProfile.ServiceCIDR),
		PreconfiguredNSG: p.NetworkProfile.PreconfiguredNSG == model.Enabled, WorkloadIdentity: c.UsesWorkloadIdentity(),
		MasterSubnet: strings.Clone(p.MasterProfile.SubnetID),
	}
	_, pools := p.WorkerPools()
	for _, pool := range pools {
		if pool.SubnetID != "" && pool.Count != 0 {
			seen.WorkerSubnets = append(seen.WorkerSubnets, strings.Clone(pool.SubnetID))
		}
	}
	return seen
}
