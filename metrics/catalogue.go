package metrics

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Unit is what a value counts.
type Unit string

// The units. One means that the value is always 1: the dimensions carry the information.
const (
	One          Unit = "1"
	Count        Unit = "count"
	Milliseconds Unit = "ms"
	Seconds      Unit = "s"
	Days         Unit = "days"
	RequestUnits Unit = "RU"
	OneOrZero    Unit = "0 or 1"
	AsExposed    Unit = "as at /metrics"
)

// Metric declares one metric that is sent to MDM.
type Metric struct {
	// Name is the metric's name. A part in <angle brackets> stands for any word.
	Name string
	Unit Unit
	// Dims are the dimensions beside those of every metric (CommonDimensions) and, for
	// metrics of clusters, of every cluster.
	Dims []string
	// Open is true if there are further dimensions, named after what is found.
	Open bool
	// By are the processes that emit it.
	By string
	// Problem is true if the metric is emitted only while something is not as it should be.
	Problem bool
	Meaning string
}

// CommonDimensions are those of every metric of a kind: service or clusters.
func CommonDimensions() map[string][]string {
	return map[string][]string{
		"service":  {"hostname", "location", "service", "version", "Environment"},
		"clusters": {"location", "Environment"},
	}
}

// ClusterDimensions are those of every metric about one cluster.
func ClusterDimensions() []string {
	return []string{"resourceId", "subscriptionId", "resourceGroup", "resourceName", "location"}
}

// Catalogue lists every metric that is sent to MDM: those of the service, and those of
// clusters.
func Catalogue() (service, clusters []Metric) { return serviceMetrics(), clusterMetrics() }

const (
	byRP      = "rp"
	byMonitor = "monitor"
	byPortal  = "portal"
	byAll     = "rp, monitor, portal"
)

func serviceMetrics() []Metric {
	return slices.Concat(frontendMetrics(), backendMetrics(), clientMetrics(), []Metric{
		{Name: "monitor.heartbeat", Unit: One, By: byMonitor, Meaning: "Once a minute, while the process is ready."},
		{Name: "monitor.cache.size", Unit: Count, Dims: []string{"cache"}, By: byMonitor, Meaning: "Entries of a cache: openshiftclusters or subscriptions."},
		{Name: "monitor.workers.active.count", Unit: Count, By: byMonitor, Meaning: "Clusters that are being checked."},
		{Name: "monitor.cluster.failedworker", Unit: One, Dims: []string{"resourceId", "location", "subscriptionId"}, By: byMonitor, Meaning: "A check of a cluster could not begin, or panicked."},
		{Name: "monitor.nsg.failedworker", Unit: One, Dims: []string{"resourceId", "location", "subscriptionId"}, By: byMonitor, Meaning: "A check of network security groups panicked."},
		{Name: "monitor.main.timedout", Unit: One, Dims: []string{"resourceId", "location", "subscriptionId"}, By: byMonitor, Meaning: "A check took longer than its budget."},
		{Name: "monitor.main.forcedcleanup", Unit: One, Dims: []string{"resourceId", "location", "subscriptionId"}, By: byMonitor, Meaning: "The connections of a check were closed after its budget."},
		{Name: "portal.heartbeat", Unit: One, Dims: []string{"version"}, By: byPortal, Meaning: "Once a minute, while the process is ready."},
		{Name: "go_<name>", Unit: AsExposed, Open: true, By: byAll, Meaning: "Counters and gauges of Prometheus' Go collector, once a minute."},
		{Name: "process_<name>", Unit: AsExposed, Open: true, By: byAll, Meaning: "Counters and gauges of Prometheus' process collector, once a minute."},
	})
}

func frontendMetrics() []Metric {
	request := []string{"verb", "api-version", "code", "route"}
	return []Metric{
		{Name: "frontend.heartbeat", Unit: One, Dims: []string{"version"}, By: byRP, Meaning: "Once a minute, while the process is ready."},
		{Name: "frontend.maintenance.unplanned", Unit: One, Dims: []string{"resourceId"}, By: byRP, Meaning: "An action of the admin API works on the cluster: at its beginning and once a minute until its end."},
		{Name: "database.openshiftclusters.queue.length", Unit: Count, By: byRP, Meaning: "Clusters that wait for a worker, once a minute while the process is ready; 100 stands for more."},
		{Name: "frontend.count", Unit: One, Dims: request, By: byRP, Meaning: "A request was answered. The route is the name of the operation."},
		{Name: "frontend.duration", Unit: Milliseconds, Dims: request, By: byRP, Meaning: "Time to answer a request."},
	}
}

func backendMetrics() []Metric {
	states := []string{"oldProvisioningState", "newProvisioningState"}
	return []Metric{
		{Name: "backend.openshiftcluster.count", Unit: One, Dims: states, By: byRP, Meaning: "An operation of a cluster ended."},
		{Name: "backend.openshiftcluster.duration", Unit: Milliseconds, Dims: states, By: byRP, Meaning: "Time from the request of an operation to its end."},
		{Name: "backend.openshiftcluster.<operation>", Unit: One, Dims: operationDimensions(), By: byRP, Meaning: "An operation ended: Creating, Updating, AdminUpdating or Deleting, with what describes it and its cluster."},
		{Name: "backend.openshiftcluster.<topic>.<step>.duration.seconds", Unit: Seconds, By: byRP, Meaning: "Time that a step of an operation took that ended well. The topic is install, update or adminUpdate."},
		{Name: "backend.openshiftcluster.<topic>.duration.total.seconds", Unit: Seconds, By: byRP, Meaning: "Sum of the times of its steps."},
		{Name: "backend.openshiftcluster.workers.count", Unit: Count, By: byRP, Meaning: "Operations of clusters that run, at the beginning and at the end of each."},
		{Name: "backend.subscriptions.count", Unit: One, Dims: []string{"state"}, By: byRP, Meaning: "The deletion of the clusters of a deleted subscription ended, and how."},
		{Name: "backend.subscriptions.duration", Unit: Milliseconds, Dims: []string{"state"}, By: byRP, Meaning: "Time that it took."},
		{Name: "backend.subscriptions.workers.count", Unit: Count, By: byRP, Meaning: "Deleted subscriptions that are worked on, at the beginning and at the end of each."},
	}
}

// operationDimensions describe an operation and its cluster.
func operationDimensions() []string {
	return []string{"operationtype", "provisioningstate", "resulttype", "async_operationsid",
		"correlationdata.correlationid", "correlationdata.client_requestid", "correlationdata.requestid",
		"subscriptionid", "resourceid", "openshiftcluster.clustername", "openshiftcluster.clusterid", "openshiftcluster.location",
		"openshiftcluster.resourcegroup", "openshiftcluster.ocpversion", "openshiftcluster.rpversion",
		"tags", "pullsecret", "fips", "clusteridentity", "clusterprofile.domain", "ingressprofile",
		"masterprofile.vmsize", "masterprofile.encryptionathost", "masterprofile.diskencryptionsetid",
		"workprofile.count", "workprofile.disksize", "workprofile.vmsize", "workprofile.encryptionathost",
		"networkprofile.outboundtype", "networkprofile.preconfigurednsg", "networkprofile.podcidr", "networkprofile.servicecidr", "networkprofile.managedoutboundips"}
}

func clientMetrics() []Metric {
	azure, kubernetes, cosmos := []string{"client", "code"}, []string{"verb", "code"}, []string{"verb", "path", "code"}
	return []Metric{
		{Name: "client.azure.count", Unit: One, Dims: azure, By: byAll, Meaning: "A request to Azure ended, each repetition included. The code is 0 without an answer."},
		{Name: "client.azure.duration", Unit: Milliseconds, Dims: azure, By: byAll, Meaning: "Time until Azure answered."},
		{Name: "client.azure.errors", Unit: One, Dims: azure, By: byAll, Meaning: "A request to Azure got no answer."},
		{Name: "client.k8s.count", Unit: One, Dims: kubernetes, By: byAll, Meaning: "A request to a cluster's API server ended. The code is <error> without an answer."},
		{Name: "client.k8s.duration", Unit: Milliseconds, Dims: []string{"verb", "path"}, By: byAll, Meaning: "Time until the API server answered. Namespaces and names are left out of the path."},
		{Name: "client.k8s.errors", Unit: One, Dims: kubernetes, By: byAll, Meaning: "A request to a cluster's API server got no answer."},
		{Name: "client.cosmosdb.count", Unit: One, Dims: cosmos, By: byAll, Meaning: "A request to Cosmos DB ended, each repetition included. The code is 0 without an answer."},
		{Name: "client.cosmosdb.duration", Unit: Milliseconds, Dims: cosmos, By: byAll, Meaning: "Time until Cosmos DB answered."},
		{Name: "client.cosmosdb.errors", Unit: One, Dims: cosmos, By: byAll, Meaning: "A request to Cosmos DB got no answer."},
		{Name: "client.cosmosdb.requestunits", Unit: RequestUnits, Dims: cosmos, By: byAll, Meaning: "Request units that a request took."},
	}
}

func clusterMetrics() []Metric {
	node := []string{"nodeName", "type", "status", "spotInstance", "role", "machineset"}
	set := []string{"name", "namespace", "desiredNumberScheduled", "numberAvailable"}
	state := []string{"name", "type", "status"}
	all := slices.Concat(lookMetrics(), []Metric{
		{Name: "arooperator.heartbeat", Unit: OneOrZero, Dims: []string{"name"}, Meaning: "Whether a deployment of the ARO operator is ready: aro-operator-master and aro-operator-worker."},
		{Name: "arooperator.conditions", Unit: One, Dims: []string{"type", "status"}, Problem: true, Meaning: "A condition of the Cluster resource of the ARO operator is not as expected."},
		{Name: "nsg.reconciliations", Unit: One, Meaning: "The ARO operator attached network security groups to subnets again within the last 70 s."},
		{Name: "clusteroperator.count", Unit: Count, Meaning: "ClusterOperators."},
		{Name: "clusteroperator.conditions", Unit: One, Dims: state, Problem: true, Meaning: "A condition of a ClusterOperator is not as expected."},
		{Name: "clusteroperator.versions", Unit: One, Dims: []string{"name", "version"}, Problem: true, Meaning: "A ClusterOperator has another version than the cluster should have."},
		{Name: "clusterversion.conditions", Unit: One, Dims: []string{"type", "status"}, Problem: true, Meaning: "A condition of the ClusterVersion is not as expected."},
		{Name: "cluster.versions", Unit: One, Dims: []string{"actualVersion", "desiredVersion", "provisionedByResourceProviderVersion", "resourceProviderVersion", "operatorVersion", "availableRP", "actualMinorVersion"}, Meaning: "Versions of OpenShift, of the ARO operator, and of the service."},
		{Name: "cluster.openshift5.versions", Unit: One, Dims: []string{"actualVersion", "desiredVersion"}, Meaning: "The cluster has, or is to have, OpenShift 5."},
		{Name: "daemonset.statuses", Unit: One, Dims: set, Problem: true, Meaning: "A DaemonSet of the log exporter does not run on all its nodes."},
		{Name: "genevalogging.otel.cannotstart", Unit: One, Dims: set, Problem: true, Meaning: "A DaemonSet of the log exporter runs on no node."},
		{Name: "machineconfigpool.count", Unit: Count, Meaning: "MachineConfigPools."},
		{Name: "machineconfigpool.conditions", Unit: One, Dims: state, Problem: true, Meaning: "A condition of a MachineConfigPool is not as expected."},
		{Name: "machineconfigpool.unmanagednodescount", Unit: Count, Problem: true, Meaning: "Nodes less the machines of all MachineConfigPools, unless 0."},
		{Name: "machine.count", Unit: Count, Meaning: "Machines."},
		{Name: "machine.phase", Unit: One, Dims: []string{"machineName", "phase", "spotInstance", "role", "machineset"}, Meaning: "Phase of a Machine."},
		{Name: "node.count", Unit: Count, Dims: []string{"role"}, Meaning: "Nodes of a role."},
		{Name: "node.conditions", Unit: One, Dims: node, Problem: true, Meaning: "A condition of a Node is not as expected."},
		{Name: "node.kubelet.version", Unit: One, Dims: []string{"nodeName", "role", "kubeletVersion"}, Meaning: "Version of a kubelet."},
		{Name: "pod.conditions", Unit: One, Dims: []string{"name", "namespace", "nodeName", "type", "status"}, Problem: true, Meaning: "A condition of a Pod of a watched namespace is not as expected."},
		{Name: "pod.containerstatuses", Unit: One, Dims: []string{"name", "namespace", "nodeName", "containername", "reason", "lastTerminationState"}, Problem: true, Meaning: "A container waits."},
		{Name: "pod.restartcounter", Unit: Count, Dims: []string{"name", "namespace"}, Problem: true, Meaning: "Restarts of the containers of a Pod, from 10."},
		{Name: "cnv.virtualmachineinstance.info", Unit: One, Dims: []string{"namespace", "name", "phase", "os", "workload", "flavor", "guest_os_kernel_release", "guest_os_arch", "guest_os_name", "guest_os_version_id"}, Meaning: "A virtual machine of OpenShift Virtualization."},
		{Name: "cluster.provisioning", Unit: One, Dims: []string{"provisioningState", "failedProvisioningState"}, Meaning: "State of the cluster, once an hour."},
		{Name: "cluster.summary", Unit: One, Dims: []string{"actualVersion", "actualMinorVersion", "desiredVersion", "masterCount", "workerCount", "provisioningState", "createdAt"}, Meaning: "Summary of the cluster, once an hour."},
		{Name: "cluster.nonstandard.operator.featureflags", Unit: One, Open: true, Meaning: "Flags of the ARO operator that are not the default ones: a dimension for each, with its value or DNE."},
		{Name: "cluster.nonstandard.banner", Unit: One, Dims: []string{"msg"}, Meaning: "The console asks the customer to contact support."},
		{Name: "cluster.maintenance.pucm", Unit: One, Dims: []string{"state"}, Meaning: "State of maintenance: none, pending, planned, unplanned or customerActionNeeded."},
		{Name: "cluster.AuthenticationType", Unit: One, Dims: []string{"type"}, Meaning: "Identity of the cluster: managedIdentity or servicePrincipal."},
		{Name: "network.mtu", Unit: One, Dims: []string{"mtu", "network_type"}, Meaning: "MTU of the cluster's network."},
		{Name: "certificate.expirationdate", Unit: Days, Dims: []string{"namespace", "name", "subject", "thumbprint"}, Meaning: "Whole days until a certificate expires."},
		{Name: "certificate.secretnotfound", Unit: One, Dims: []string{"namespace", "name"}, Problem: true, Meaning: "The secret of a certificate does not exist."},
		{Name: "prometheus.alerts.count", Unit: Count, Meaning: "Alerts that fire in the cluster."},
		{Name: "prometheus.alerts", Unit: Count, Dims: []string{"alert", "severity"}, Problem: true, Meaning: "Alerts of a name that fire in the cluster."},
		{Name: "prometheus.targeted.alerts", Unit: Count, Dims: []string{"alert", "severity", "target", "secondary_target"}, Problem: true, Meaning: "Alerts of a name that fire in the cluster and name a target."},
		{Name: "clusterWideProxy.status", Unit: One, Dims: []string{"status", "Message"}, Meaning: "Cluster-wide proxy; the status true means that its noProxy lacks something."},
		{Name: "monitor.preconfigurednsg.enabled", Unit: One, Meaning: "The customer brought network security groups."},
		{Name: "monitor.preconfigurednsg.failedmonitorcreation", Unit: One, Problem: true, Meaning: "Azure cannot be asked about them."},
		{Name: "monitor.preconfigurednsg.subnetaccessforbidden", Unit: One, Dims: []string{"subnet", "vNet", "nsgresourcegroup"}, Problem: true, Meaning: "The service may not read a subnet."},
		{Name: "monitor.preconfigurednsg.invaliddenyrule", Unit: One, Dims: []string{"nsgresourcegroup", "networksecuritygroup", "rulename", "sources", "destinations", "direction", "priority"}, Problem: true, Meaning: "A rule keeps machines of the cluster from reaching each other."},
		{Name: "monitor.nsg.duration", Unit: Seconds, Meaning: "Time that a check of network security groups took."},
	})
	for i := range all {
		all[i].By = byMonitor
	}
	return all
}

// lookMetrics describe the checks of clusters.
func lookMetrics() []Metric {
	collector := []string{"collector"}
	return []Metric{
		{Name: "apiserver.healthz.code", Unit: One, Dims: []string{"code"}, Meaning: "Status of /healthz of the API server; 0 without an answer."},
		{Name: "apiserver.healthz.ping.code", Unit: One, Dims: []string{"code"}, Meaning: "Status of /healthz/ping, after /healthz failed."},
		{Name: "monitor.cluster.collector.error", Unit: One, Dims: collector, Problem: true, Meaning: "A collector failed."},
		{Name: "monitor.cluster.collector.skipped", Unit: One, Dims: collector, Problem: true, Meaning: "A collector did not run because the time of the check was over."},
		{Name: "monitor.cluster.collector.duration", Unit: Seconds, Dims: collector, Meaning: "Time that a collector took that ended well."},
		{Name: "monitor.cluster.duration", Unit: Seconds, Meaning: "Time that a check took in which all collectors ended well."},
	}
}

// declared are the metrics of the catalogue whose names are fixed, and the others.
type declared struct {
	fixed    map[string]Metric
	patterns []Metric
	matching []*regexp.Regexp
}

var placeholder = regexp.MustCompile(`<[a-z]+>`)

func declare() *declared {
	d := &declared{fixed: map[string]Metric{}}
	service, clusters := Catalogue()
	for _, m := range slices.Concat(service, clusters) {
		if !placeholder.MatchString(m.Name) {
			d.fixed[m.Name] = m
			continue
		}
		d.patterns = append(d.patterns, m)
		parts := placeholder.Split(m.Name, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		d.matching = append(d.matching, regexp.MustCompile("^"+strings.Join(parts, `\w+`)+"$"))
	}
	return d
}

// Find returns the declaration of a metric.
func (d *declared) find(name string) (Metric, bool) {
	if m, ok := d.fixed[name]; ok {
		return m, true
	}
	for i, matching := range d.matching {
		if matching.MatchString(name) {
			return d.patterns[i], true
		}
	}
	return Metric{}, false
}

var theDeclared = declare()

// Find returns the declaration of a metric by its name.
func Find(name string) (Metric, bool) { return theDeclared.find(name) }

// Undeclared returns what the catalogue does not declare of a metric; nil if it declares all of it.
// Tests call it with every emitted metric.
func Undeclared(name string, dims map[string]string) error {
	m, ok := Find(name)
	if !ok {
		return fmt.Errorf("metric %s is not declared in the catalogue", name)
	}
	if m.Open {
		return nil
	}
	allowed := slices.Concat(m.Dims, ClusterDimensions(), CommonDimensions()["service"])
	for _, dim := range slices.Sorted(maps.Keys(dims)) {
		if !slices.Contains(allowed, dim) {
			return fmt.Errorf("metric %s is declared without the dimension %s", name, dim)
		}
	}
	return nil
}
