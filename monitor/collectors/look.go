// Package collectors looks at one cluster and emits what is not as it should be. Each
// collector is a file: what it reads, what it expects, as a table, and what it emits.
//
// Collectors read cheaply: in pages, from the API server's cache where that is fresh
// enough, and no more of an object than they need. The package knows neither how
// clusters are found nor when they are looked at.
package collectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/openshift"
)

// sideBySide is the number of collectors that query a cluster at the same time.
const sideBySide = 5

// Service is what is the same for all clusters.
type Service struct {
	// Build is the version of this program.
	Build string
	// Domain is the one below which the service has certificates for clusters.
	Domain string
	// Network reads virtual networks; nil where Azure is not reached.
	Network Network
}

// Network reads the networks of a cluster, as the service.
type Network interface {
	// Subnets returns the address ranges of a cluster's subnets by their ids, and whether their
	// networks have custom DNS servers.
	Subnets(ctx context.Context, c *Cluster, ids []string) (prefixes map[string][]string, customDNS bool, err error)
}

// Look is one look at one cluster.
type Look struct {
	Service
	Cluster *Cluster
	API     *openshift.API
	// Emit gets the metrics; the dimensions of the cluster are added here.
	Emit metrics.Emitter
	// Hourly enables what is reported once an hour.
	Hourly bool
	Log    *slog.Logger
	Now    func() time.Time

	version   *clusterVersion
	operators func() ([]clusterOperator, error)
	pools     func() ([]machineConfigPool, error)
	machines  func() (map[string]machine, error)
	nodes     func() ([]node, error)
	aro       func() (*aroCluster, error)
	programs  func() (map[string]deployment, error)
}

// Collector is one kind of look at a cluster.
type Collector struct {
	// Name is the value of the dimension collector.
	Name    string
	Collect func(ctx context.Context, l *Look) error
}

// All lists the collectors that are run side by side, once the cluster answers.
func All() []Collector {
	return []Collector{
		{"emitAroOperatorHeartbeat", operatorHeartbeat},
		{"emitAroOperatorConditions", operatorConditions},
		{"emitNSGReconciliation", subnetReconciliation},
		{"emitOperatorFlagsAndSupportBanner", operatorFlags},
		{"emitClusterOperatorConditions", operatorsConditions},
		{"emitClusterOperatorVersions", operatorsVersions},
		{"emitClusterVersionConditions", versionConditions},
		{"emitClusterVersions", versions},
		{"emitDaemonsetStatuses", daemonSets},
		{"emitMachineConfigPoolConditions", poolConditions},
		{"emitMachineConfigPoolUnmanagedNodeCounts", unmanagedNodes},
		{"emitMachineConditions", machinePhases},
		{"emitNodeConditions", nodeConditions},
		{"emitPodConditions", podConditions},
		{"emitCNVVirtualMachineInstanceStatuses", virtualMachines},
		{"emitSummary", summary},
		{"emitMaintenanceState", maintenance},
		{"emitIngressAndAPIServerCertificateExpiry", servingCertificates},
		{"emitEtcdCertificateExpiry", etcdCertificates},
		{"emitPrometheusAlerts", alerts},
		{"emitCWPStatus", proxyStatus},
		{"emitClusterAuthenticationType", authentication},
		{"emitNetworkMTU", networkMTU},
	}
}

// ErrUnreachable means that the API server of a cluster does not answer.
var ErrUnreachable = errors.New("the API server does not answer")

// Run looks at the cluster. Its errors are joined; one that keeps a cluster from being
// looked at further is an ErrUnreachable.
func (l *Look) Run(ctx context.Context) error {
	began := l.Now()
	l.Emit = metrics.With(l.Emit, l.Cluster.dimensions())
	l.prepare(ctx)
	if l.Hourly {
		provisioning(l)
	}
	if err := l.collect(ctx, Collector{"emitAPIServerHealthzCode", healthz}); err != nil {
		return errors.Join(err, l.collect(ctx, Collector{"emitAPIServerPingCode", ping}))
	}
	if err := l.collect(ctx, Collector{"prefetchClusterVersion", readVersion}); err != nil {
		return err
	}
	err := l.collect(ctx, Collector{"emitOpenShift5Versions", nextMajor})
	if err = errors.Join(err, l.together(ctx, All())); err != nil {
		return err
	}
	l.Emit.EmitFloat("monitor.cluster.duration", l.Now().Sub(began).Seconds(), nil)
	return nil
}

// prepare sets up the reads that several collectors share, each done once by the first that needs
// it.
func (l *Look) prepare(ctx context.Context) {
	l.operators = sync.OnceValues(func() ([]clusterOperator, error) { return readOperators(ctx, l) })
	l.pools = sync.OnceValues(func() ([]machineConfigPool, error) { return readPools(ctx, l) })
	l.machines = sync.OnceValues(func() (map[string]machine, error) { return readMachines(ctx, l) })
	l.nodes = sync.OnceValues(func() ([]node, error) { return readNodes(ctx, l) })
	l.aro = sync.OnceValues(func() (*aroCluster, error) { return readARO(ctx, l) })
	l.programs = sync.OnceValues(func() (map[string]deployment, error) { return readDeployments(ctx, l) })
}

// together runs collectors side by side. None of them stops another.
func (l *Look) together(ctx context.Context, all []Collector) error {
	errs := make([]error, len(all))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range sideBySide { // a few goroutines: each one's stack grows once
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(all); i = next.Add(1) - 1 {
				errs[i] = l.collect(ctx, all[i])
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

// collect runs one collector, and reports its duration and result.
func (l *Look) collect(ctx context.Context, c Collector) error {
	dims := map[string]string{"collector": c.Name}
	if ctx.Err() != nil {
		l.Emit.EmitGauge("monitor.cluster.collector.skipped", 1, dims)
		return fmt.Errorf("%s: %w", c.Name, ctx.Err())
	}
	began := l.Now()
	if err := l.guarded(ctx, c); err != nil {
		l.Emit.EmitGauge("monitor.cluster.collector.error", 1, dims)
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	l.Emit.EmitFloat("monitor.cluster.collector.duration", l.Now().Sub(began).Seconds(), dims)
	return nil
}

func (l *Look) guarded(ctx context.Context, c Collector) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.Log.Error("panic", "collector", c.Name, "error", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return c.Collect(ctx, l)
}

// gauge emits that something is so.
func (l *Look) gauge(name string, dims map[string]string) { l.Emit.EmitGauge(name, 1, dims) }

// hourly logs what is not as it should be, once an hour.
func (l *Look) hourly(what string, attrs ...any) {
	if l.Hourly {
		l.Log.Info(what, append([]any{"resource_id", l.Cluster.ResourceID}, attrs...)...)
	}
}

// Cluster is what the service knows of a cluster. The monitor keeps one for each
// cluster that it looks at, so that it has no more than is needed.
type Cluster struct {
	ResourceID, Location string
	// UID names this cluster among all that had its resource id.
	UID string
	// Kubeconfig and Address are how the service reaches the API server.
	Kubeconfig []byte
	Address    string
	// Access is Kubeconfig once it has been read, in its place.
	Access *openshift.Access

	ProvisioningState, FailedProvisioningState, MaintenanceState string
	ProvisionedBy                                                string
	CreatedAt                                                    time.Time

	Domain string
	// TenantID is that of the subscription.
	TenantID             string
	PodCIDR, ServiceCIDR string
	PreconfiguredNSG     bool
	WorkloadIdentity     bool
	MasterSubnet         string
	WorkerSubnets        []string
}

// dimensions are those of every metric of the cluster.
func (c *Cluster) dimensions() map[string]string {
	id, _ := arm.ParseClusterID(c.ResourceID)
	return map[string]string{"resourceId": c.ResourceID, "subscriptionId": id.SubscriptionID, "resourceGroup": id.ResourceGroup, "resourceName": id.Name}
}

// apiHost is the name of the API server.
func (c *Cluster) apiHost() string { return "api." + c.Domain }

// condition is a statement of an object about itself.
type condition struct {
	Type    string `json:"type" protobuf:"1"`
	Status  string `json:"status" protobuf:"2"`
	Reason  string `json:"reason" protobuf:"5"`
	Message string `json:"message" protobuf:"6"`
}

// The statuses of conditions.
const (
	isTrue    = "True"
	isFalse   = "False"
	isUnknown = "Unknown"
)

// unexpected are the conditions whose status is not the one of the table. Those of
// types that are not in the table are never expected.
func unexpected(all []condition, expected map[string]string) (found []condition) {
	for _, c := range all {
		if expected[c.Type] != c.Status {
			found = append(found, c)
		}
	}
	return found
}

// and is dims with more in it.
func and(dims map[string]string, more ...string) map[string]string {
	all := maps.Clone(dims)
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}
