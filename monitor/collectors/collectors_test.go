package collectors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/operator/flags"
)

const (
	operatorsPath = "/apis/config.openshift.io/v1/clusteroperators"
	poolsPath     = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools"
	machinesPath  = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines"
	nodesPath     = "/api/v1/nodes"
	aroPath       = "/apis/aro.openshift.io/v1alpha1/clusters/cluster"
	programsPath  = "/apis/apps/v1/namespaces/openshift-azure-operator/deployments"
	exportersPath = "/apis/apps/v1/namespaces/openshift-azure-logging/daemonsets"
	routerPath    = "/apis/operator.openshift.io/v1/namespaces/openshift-ingress-operator/ingresscontrollers/default"
	proxyPath     = "/apis/config.openshift.io/v1/proxies/cluster"
)

const (
	runs   = `{"metadata":{"name":"aro-operator-master","generation":2,"labels":{"version":"v9"}},"spec":{"replicas":1},"status":{"observedGeneration":2,"replicas":1,"updatedReplicas":1,"availableReplicas":1}}`
	starts = `{"metadata":{"name":"aro-operator-master","generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":1}}`
)

func asWorker(master string) string { return strings.Replace(master, "-master", "-worker", 1) }

func TestTheOperatorOfTheService(t *testing.T) {
	heartbeat, conditions, nsg, flagged := run("emitAroOperatorHeartbeat", All()), run("emitAroOperatorConditions", All()), run("emitNSGReconciliation", All()), run("emitOperatorFlagsAndSupportBanner", All())
	usual := flags.Defaults()
	standard := make([]string, 0, len(usual))
	for name, value := range usual {
		standard = append(standard, fmt.Sprintf("%q:%q", name, value))
	}
	withFlags := func(list string) answers {
		return answers{aroPath: `{"spec":{"operatorflags":{` + list + `}}}`}
	}
	annotated := func(value string) answers {
		return answers{aroPath: `{"metadata":{"annotations":{"aro.openshift.io/lastSubnetReconcileTimestamp":"` + value + `"}}}`}
	}
	check(t, map[string]tested{
		"it runs":               {collect: heartbeat, answers: answers{programsPath: items(runs, asWorker(runs))}, want: []string{"arooperator.heartbeat 1 name=aro-operator-master", "arooperator.heartbeat 1 name=aro-operator-worker"}},
		"it starts, or is gone": {collect: heartbeat, answers: answers{programsPath: items(starts)}, want: []string{"arooperator.heartbeat 0 name=aro-operator-master", "arooperator.heartbeat 0 name=aro-operator-worker"}},
		"it is not known":       {collect: heartbeat, answers: answers{programsPath: "500"}, fails: true},
		"all is well": {collect: conditions, answers: answers{aroPath: conditioned("cluster", "InternetReachableFromMaster=True", "InternetReachableFromWorker=True", "ServicePrincipalValid=True",
			"DefaultIngressCertificate=True", "MachineValid=True", "DNSControllerAvailable=True", "DNSControllerProgressing=False", "DNSControllerDegraded=False")}},
		"nothing is well": {collect: conditions, answers: answers{aroPath: conditioned("cluster", "ServicePrincipalValid=False", "MachineValid=Unknown", "DNSControllerAvailable=False", "DNSControllerDegraded=True", "Other=True")}, want: []string{
			"arooperator.conditions 1 status=False type=ServicePrincipalValid", "arooperator.conditions 1 status=Unknown type=MachineValid", "arooperator.conditions 1 status=False type=DNSControllerAvailable",
			"arooperator.conditions 1 status=True type=DNSControllerDegraded", "arooperator.conditions 1 status=True type=Other"}},
		"no operator":            {collect: conditions},
		"no answer":              {collect: conditions, answers: answers{aroPath: "503"}, fails: true},
		"subnets repaired":       {collect: nsg, answers: annotated(now.Add(-69 * time.Second).Format(time.RFC1123)), want: []string{"nsg.reconciliations 1"}},
		"subnets repaired once":  {collect: nsg, answers: annotated(now.Add(-71 * time.Second).Format(time.RFC1123))},
		"subnets, unreadable":    {collect: nsg, answers: annotated("today"), fails: true},
		"subnets never repaired": {collect: nsg, answers: answers{aroPath: `{"metadata":{}}`}},
		"usual flags":            {collect: flagged, answers: withFlags(strings.Join(standard, ","))},
		"no flags":               {collect: flagged, answers: withFlags("")},
		"other flags": {collect: flagged, answers: withFlags(strings.Join(append(lacking(standard, `"aro.checker.enabled"`, `"aro.banner.enabled"`), `"aro.banner.enabled":"true"`, `"new.flag":"x"`), ",")),
			want: []string{"cluster.nonstandard.operator.featureflags 1 aro.banner.enabled=true aro.checker.enabled=DNE"}},
		"banner":       {collect: flagged, answers: answers{aroPath: `{"spec":{"banner":{"content":"ContactSupport"}}}`}, want: []string{"cluster.nonstandard.banner 1 msg=contact support"}},
		"other banner": {collect: flagged, answers: answers{aroPath: `{"spec":{"banner":{"content":""}}}`}},
	})
}

func lacking(list []string, prefixes ...string) (left []string) {
	for _, one := range list {
		keep := true
		for _, p := range prefixes {
			keep = keep && !strings.HasPrefix(one, p)
		}
		if keep {
			left = append(left, one)
		}
	}
	return left
}

func TestClusterOperators(t *testing.T) {
	conditions, versions := run("emitClusterOperatorConditions", All()), run("emitClusterOperatorVersions", All())
	told := func(operator string, conditions ...string) answers {
		return answers{operatorsPath: items(conditioned(operator, conditions...))}
	}
	const one = "clusteroperator.count 1"
	check(t, map[string]tested{
		"well": {collect: conditions, answers: told("dns", "Available=True", "Degraded=False", "Progressing=False", "Upgradeable=True", "EvaluationConditionsDetected=False"), want: []string{one}},
		"not well": {collect: conditions, answers: told("dns", "Available=False", "Degraded=True", "Progressing=True", "Upgradeable=False", "Strange=True"), want: []string{one,
			"clusteroperator.conditions 1 name=dns status=False type=Available", "clusteroperator.conditions 1 name=dns status=True type=Degraded", "clusteroperator.conditions 1 name=dns status=True type=Progressing",
			"clusteroperator.conditions 1 name=dns status=False type=Upgradeable", "clusteroperator.conditions 1 name=dns status=True type=Strange"}},
		"unknown says nothing of upgrades": {collect: conditions, answers: told("dns", "Upgradeable=Unknown", "EvaluationConditionsDetected=Unknown", "TheUpgradeableThing=Unknown"), want: []string{one}},
		"unknown says something":           {collect: conditions, answers: told("dns", "Available=Unknown"), want: []string{one, "clusteroperator.conditions 1 name=dns status=Unknown type=Available"}},
		"cloud controller manager, ignored": {collect: conditions, answers: told("cloud-controller-manager", "TrustedCABundleControllerControllerDegraded=False", "TrustedCABundleControllerControllerAvailable=True",
			"CloudConfigControllerDegraded=False", "CloudConfigControllerUpgradeable=True", "CloudControllerOwner=True"), want: []string{one}},
		"cloud controller manager, told": {collect: conditions, answers: told("cloud-controller-manager", "CloudConfigControllerDegraded=True"), want: []string{one, "clusteroperator.conditions 1 name=cloud-controller-manager status=True type=CloudConfigControllerDegraded"}},
		"the same of another":            {collect: conditions, answers: told("dns", "CloudControllerOwner=True"), want: []string{one, "clusteroperator.conditions 1 name=dns status=True type=CloudControllerOwner"}},
		"baremetal":                      {collect: conditions, answers: told("baremetal", "Disabled=True"), want: []string{one}},
		"network":                        {collect: conditions, answers: told("network", "ManagementStateDegraded=False"), want: []string{one}},
		"network, degraded":              {collect: conditions, answers: told("network", "ManagementStateDegraded=True"), want: []string{one, "clusteroperator.conditions 1 name=network status=True type=ManagementStateDegraded"}},
		"etcd":                           {collect: conditions, answers: told("etcd", "RecentBackup=Unknown", "RecentBackup=True"), want: []string{one}},
		"insights":                       {collect: conditions, answers: told("insights", "Disabled=True", "SCAAvailable=False", "Degraded=True"), want: []string{one, "clusteroperator.conditions 1 name=insights status=True type=Degraded"}},
		"cluster API":                    {collect: conditions, answers: told("cluster-api", "CapiInstallerControllerAvailable=False", "SecretSyncControllerAvailable=True", "InfraClusterControllerAvailable=Unknown"), want: []string{one}},
		"no answer":                      {collect: conditions, answers: answers{operatorsPath: "500"}, fails: true},
		"versions": {collect: versions, answers: answers{operatorsPath: items(`{"metadata":{"name":"dns"},"status":{"versions":[{"name":"operator","version":"4.19.24"},{"name":"coredns","version":"1"}]}}`,
			`{"metadata":{"name":"etcd"},"status":{"versions":[{"name":"operator","version":"4.18.1"}]}}`)}, want: []string{"clusteroperator.versions 1 name=etcd version=4.18.1"}},
	})
}

func TestTheClusterVersion(t *testing.T) {
	check(t, map[string]tested{
		"well": {collect: run("emitClusterVersionConditions", All()), change: func(l *Look) {
			l.version.Status.Conditions = []condition{{Type: "Available", Status: isTrue}, {Type: "Progressing", Status: isFalse}, {Type: "Degraded", Status: isFalse}, {Type: "Upgradeable", Status: isTrue}}
		}},
		"not well": {collect: run("emitClusterVersionConditions", All()), change: func(l *Look) {
			l.version.Status.Conditions = []condition{{Type: "Available", Status: isFalse}, {Type: "RetrievedUpdates", Status: isFalse}}
		}, want: []string{"clusterversion.conditions 1 status=False type=Available", "clusterversion.conditions 1 status=False type=RetrievedUpdates"}},
		"versions": {collect: run("emitClusterVersions", All()), answers: answers{programsPath: items(runs)}, want: []string{
			"cluster.versions 1 actualMinorVersion=4.19 actualVersion=4.19.24 availableRP=new desiredVersion=4.19.24 operatorVersion=v9 provisionedByResourceProviderVersion=old resourceProviderVersion=new"}},
		"versions of an update": {collect: run("emitClusterVersions", All()), change: func(l *Look) {
			l.Cluster.ProvisionedBy = "new"
			l.version.Spec.DesiredUpdate = &struct {
				Version string `json:"version"`
			}{"4.20.1"}
			l.version.Status.History[0].State = "Partial"
		}, want: []string{"cluster.versions 1 actualMinorVersion= actualVersion= availableRP= desiredVersion=4.20.1 operatorVersion=unknown provisionedByResourceProviderVersion=new resourceProviderVersion=new"}},
		"OpenShift 4": {collect: func(t *testing.T, l *Look) error { return nextMajor(t.Context(), l) }},
		"to OpenShift 5": {collect: func(t *testing.T, l *Look) error { return nextMajor(t.Context(), l) }, change: func(l *Look) { l.version.Status.Desired.Version = "5.0.1" },
			want: []string{"cluster.openshift5.versions 1 actualVersion= desiredVersion=5.0.1"}},
	})
}

func TestExporters(t *testing.T) {
	set := func(name string, desired, available int) string {
		return fmt.Sprintf(`{"metadata":{"name":%q},"status":{"desiredNumberScheduled":%d,"numberAvailable":%d}}`, name, desired, available)
	}
	of := func(sets ...string) answers { return answers{exportersPath: items(sets...)} }
	collect := run("emitDaemonsetStatuses", All())
	check(t, map[string]tested{
		"everywhere": {collect: collect, answers: of(set("otel-exporter-master", 3, 3), set("otel-exporter-worker", 5, 5), set("mdsd", 5, 0))},
		"none":       {collect: collect},
		"some":       {collect: collect, answers: of(set("otel-exporter-master", 3, 2)), want: []string{"daemonset.statuses 1 desiredNumberScheduled=3 name=otel-exporter-master namespace=openshift-azure-logging numberAvailable=2"}},
		"nowhere": {collect: collect, answers: of(set("otel-exporter-worker", 3, 0)), want: []string{"daemonset.statuses 1 desiredNumberScheduled=3 name=otel-exporter-worker namespace=openshift-azure-logging numberAvailable=0",
			"genevalogging.otel.cannotstart 1 desiredNumberScheduled=3 name=otel-exporter-worker namespace=openshift-azure-logging numberAvailable=0"}},
		"no answer": {collect: collect, answers: answers{exportersPath: "500"}, fails: true},
	})
}

func TestMachineConfigPools(t *testing.T) {
	conditions, unmanaged := run("emitMachineConfigPoolConditions", All()), run("emitMachineConfigPoolUnmanagedNodeCounts", All())
	counted := func(n int) string {
		return fmt.Sprintf(`{"metadata":{"name":"p"},"status":{"machineCount":%d}}`, n)
	}
	nodes := items(`{"metadata":{"name":"a"}}`, `{"metadata":{"name":"b"}}`, `{"metadata":{"name":"c"}}`)
	check(t, map[string]tested{
		"well": {collect: conditions, answers: answers{poolsPath: items(conditioned("master", "Degraded=False", "NodeDegraded=False", "RenderDegraded=False", "Updating=False", "Updated=True"))}, want: []string{"machineconfigpool.count 1"}},
		"not well": {collect: conditions, answers: answers{poolsPath: items(conditioned("master", "Degraded=True", "Updated=False"), conditioned("worker"))}, want: []string{"machineconfigpool.count 2",
			"machineconfigpool.conditions 1 name=master status=True type=Degraded", "machineconfigpool.conditions 1 name=master status=False type=Updated"}},
		"all are managed": {collect: unmanaged, answers: answers{poolsPath: items(counted(1), counted(2)), nodesPath: nodes}},
		"one is not":      {collect: unmanaged, answers: answers{poolsPath: items(counted(2)), nodesPath: nodes}, want: []string{"machineconfigpool.unmanagednodescount 1"}},
		"one is not yet":  {collect: unmanaged, answers: answers{poolsPath: items(counted(4)), nodesPath: nodes}, want: []string{"machineconfigpool.unmanagednodescount -1"}},
	})
}

const (
	workerMachine = `{"metadata":{"name":"w1","labels":{"machine.openshift.io/cluster-api-machine-role":"worker","machine.openshift.io/cluster-api-machineset":"set"}},"spec":{"providerSpec":{"value":{"spotVMOptions":{}}}},"status":{"phase":"Running"}}`
	masterMachine = `{"metadata":{"name":"m1","labels":{"machine.openshift.io/cluster-api-machine-role":"master"}},"spec":{"providerSpec":{"value":{"spotVMOptions":null}}},"status":{}}`
)

func TestMachinesAndNodes(t *testing.T) {
	machines, nodes := run("emitMachineConditions", All()), run("emitNodeConditions", All())
	nodeOf := func(name, role, machine string, conditions ...string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q,"labels":{"node-role.kubernetes.io/%s":"","node-role.kubernetes.io/worker2":""},"annotations":{"machine.openshift.io/machine":"openshift-machine-api/%s"}},"status":{"nodeInfo":{"kubeletVersion":"v1"},"conditions":[%s]}}`,
			name, role, machine, conditionsJSON(conditions...))
	}
	counts := func(master, worker, infra int) []string {
		return []string{fmt.Sprintf("node.count %d role=master", master), fmt.Sprintf("node.count %d role=worker", worker), fmt.Sprintf("node.count %d role=infra", infra)}
	}
	both := answers{machinesPath: items(workerMachine, masterMachine)}
	check(t, map[string]tested{
		"phases":                {collect: machines, answers: both, want: []string{"machine.count 2", "machine.phase 1 machineName=w1 machineset=set phase=Running role=worker spotInstance=true"}},
		"machines, no answer":   {collect: machines, answers: answers{machinesPath: "500"}},
		"nodes that are well":   {collect: nodes, answers: answers{machinesPath: both[machinesPath], nodesPath: items(nodeOf("n", "worker", "w1", "Ready=True", "DiskPressure=False", "MemoryPressure=False", "PIDPressure=False", "NetworkUnavailable=False"))}, want: append(counts(0, 1, 0), "node.kubelet.version 1 kubeletVersion=v1 nodeName=n role=worker")},
		"nodes that are not":    {collect: nodes, answers: answers{machinesPath: both[machinesPath], nodesPath: items(nodeOf("n", "worker", "w1", "Ready=Unknown", "DiskPressure=True"))}, want: append(counts(0, 1, 0), "node.kubelet.version 1 kubeletVersion=v1 nodeName=n role=worker", "node.conditions 1 machineset=set nodeName=n role=worker spotInstance=true status=Unknown type=Ready", "node.conditions 1 machineset=set nodeName=n role=worker spotInstance=true status=True type=DiskPressure")},
		"nodes of no machine":   {collect: nodes, answers: answers{machinesPath: "500", nodesPath: items(nodeOf("n", "master", "m1", "Ready=False"), nodeOf("i", "infra", "x"), nodeOf("s", "strange", "x"))}, want: append(counts(1, 0, 1), "node.count 1 role=unknown", "node.kubelet.version 1 kubeletVersion=v1 nodeName=n role=master", "node.kubelet.version 1 kubeletVersion=v1 nodeName=i role=infra", "node.kubelet.version 1 kubeletVersion=v1 nodeName=s role=unknown", "node.conditions 1 machineset= nodeName=n role=master spotInstance=false status=False type=Ready")},
		"nodes, no answer":      {collect: nodes, answers: answers{machinesPath: both[machinesPath], nodesPath: "403"}, fails: true},
		"summary":               {collect: run("emitSummary", All()), answers: answers{nodesPath: items(nodeOf("a", "master", "x"), nodeOf("b", "worker", "x"), nodeOf("c", "worker", "x"))}, change: func(l *Look) { l.Hourly = true }, want: []string{"cluster.summary 1 actualMinorVersion=4.19 actualVersion=4.19.24 createdAt=2026-11-29T12:00:00Z desiredVersion=4.19.24 masterCount=1 provisioningState=Succeeded workerCount=2"}},
		"summary, not hourly":   {collect: run("emitSummary", All())},
		"summary, not known":    {collect: run("emitSummary", All()), answers: answers{nodesPath: "500"}, change: func(l *Look) { l.Hourly = true }, fails: true},
		"maintenance, none":     {collect: run("emitMaintenanceState", All()), want: []string{"cluster.maintenance.pucm 1 state=none"}},
		"maintenance, pending":  {collect: run("emitMaintenanceState", All()), change: func(l *Look) { l.Cluster.MaintenanceState = "Pending" }, want: []string{"cluster.maintenance.pucm 1 state=pending"}},
		"maintenance, customer": {collect: run("emitMaintenanceState", All()), change: func(l *Look) { l.Cluster.MaintenanceState = "CustomerActionNeeded" }, want: []string{"cluster.maintenance.pucm 1 state=customerActionNeeded"}},
		"service principal":     {collect: run("emitClusterAuthenticationType", All()), want: []string{"cluster.AuthenticationType 1 type=servicePrincipal"}},
		"workload identity":     {collect: run("emitClusterAuthenticationType", All()), change: func(l *Look) { l.Cluster.WorkloadIdentity = true }, want: []string{"cluster.AuthenticationType 1 type=managedIdentity"}},
		"MTU":                   {collect: run("emitNetworkMTU", All()), answers: answers{"/apis/config.openshift.io/v1/networks/cluster": `{"status":{"clusterNetworkMTU":1400,"networkType":"OVNKubernetes"}}`}, want: []string{"network.mtu 1 mtu=1400 network_type=OVNKubernetes"}},
		"MTU, no answer":        {collect: run("emitNetworkMTU", All()), fails: true},
	})
}

func TestPods(t *testing.T) {
	collect := run("emitPodConditions", All())
	const path = "/api/v1/namespaces/openshift-etcd/pods"
	all := func(p string) answers {
		a := answers{}
		for _, namespace := range watchedNamespaces {
			a["/api/v1/namespaces/"+namespace+"/pods"] = items()
		}
		a[path] = items(p)
		return a
	}
	podOf := func(phase, reason, containers string, conditions ...string) string {
		return fmt.Sprintf(`{"metadata":{"name":"p","namespace":"openshift-etcd"},"spec":{"nodeName":"n"},"status":{"phase":%q,"reason":%q,"conditions":[%s],"containerStatuses":[%s]}}`, phase, reason, conditionsJSON(conditions...), containers)
	}
	waits := `{"name":"c","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"OOMKilled"}}}`
	ready := []string{"ContainersReady=True", "Initialized=True", "PodScheduled=True", "Ready=True", "PodReadyToStartContainers=True"}
	check(t, map[string]tested{
		"well":       {collect: collect, answers: all(podOf("Running", "", `{"name":"c","restartCount":9,"state":{}}`, ready...))},
		"not ready":  {collect: collect, answers: all(podOf("Running", "", "", "Ready=False")), want: []string{"pod.conditions 1 name=p namespace=openshift-etcd nodeName=n status=False type=Ready"}},
		"succeeded":  {collect: collect, answers: all(podOf("Succeeded", "", waits, "Ready=False"))},
		"preempting": {collect: collect, answers: all(podOf("Pending", "Preempting", waits, "Ready=False")), want: []string{"pod.containerstatuses 1 containername=c lastTerminationState=OOMKilled name=p namespace=openshift-etcd nodeName=n reason=CrashLoopBackOff"}},
		"waits":      {collect: collect, answers: all(podOf("Running", "", waits)), want: []string{"pod.containerstatuses 1 containername=c lastTerminationState=OOMKilled name=p namespace=openshift-etcd nodeName=n reason=CrashLoopBackOff"}},
		"restarts":   {collect: collect, answers: all(podOf("Running", "", `{"name":"c","restartCount":6,"state":{}},{"name":"d","restartCount":4,"state":{}}`)), want: []string{"pod.restartcounter 10 name=p namespace=openshift-etcd"}},
		"no answer":  {collect: collect, answers: answers{path: "500"}, fails: true},
	})
}

func TestVirtualMachines(t *testing.T) {
	const path = "/apis/kubevirt.io/v1/virtualmachineinstances"
	collect := run("emitCNVVirtualMachineInstanceStatuses", All())
	check(t, map[string]tested{
		"no OpenShift Virtualization": {collect: collect},
		"none":                        {collect: collect, answers: answers{path: items()}},
		"one": {collect: collect, answers: answers{path: items(`{"metadata":{"name":"vm","namespace":"ns","annotations":{"vm.kubevirt.io/os":"rhel9","vm.kubevirt.io/workload":"server","vm.kubevirt.io/flavor":"small"}},"status":{"phase":"Running","guestOSInfo":{"kernelRelease":"5.14","machine":"x86_64","name":"RHEL","versionId":"9.4"}}}`)},
			want: []string{"cnv.virtualmachineinstance.info 1 flavor=small guest_os_arch=x86_64 guest_os_kernel_release=5.14 guest_os_name=RHEL guest_os_version_id=9.4 name=vm namespace=ns os=rhel9 phase=Running workload=server"}},
		"no answer": {collect: collect, answers: answers{path: "500"}, fails: true},
	})
}

// certificate is one that is valid until then, as a Secret has it, and its thumbprint.
func certificate(t *testing.T, until time.Time) (text, thumbprint string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cn"}, NotAfter: until}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), fmt.Sprintf("%X", sha1.Sum(der))
}

func TestCertificates(t *testing.T) {
	serving, etcd := run("emitIngressAndAPIServerCertificateExpiry", All()), run("emitEtcdCertificateExpiry", All())
	long, longPrint := certificate(t, now.Add(30*day+time.Hour))
	over, overPrint := certificate(t, now.Add(-time.Hour))
	const secrets = "/api/v1/namespaces/openshift-azure-operator/secrets/"
	router := `{"spec":{"defaultCertificate":{"name":"uid-ingress"}}}`
	secret := func(name, certificate string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q},"data":{"tls.crt":%q,"tls.key":"eA=="}}`, name, certificate)
	}
	old := func(l *Look) { l.version.Status.History[0].Version = "4.8.11" }
	const etcdPath = "/api/v1/namespaces/openshift-etcd/secrets"
	check(t, map[string]tested{
		"valid, and not any more": {collect: serving, answers: answers{routerPath: router, secrets + "uid-ingress": secret("uid-ingress", long), secrets + "uid-apiserver": secret("uid-apiserver", over)}, want: []string{
			"certificate.expirationdate 30 name=uid-ingress namespace=openshift-azure-operator subject=cn thumbprint=" + longPrint,
			"certificate.expirationdate -1 name=uid-apiserver namespace=openshift-azure-operator subject=cn thumbprint=" + overPrint}},
		"gone": {collect: serving, answers: answers{routerPath: router, secrets + "uid-ingress": secret("uid-ingress", long)}, want: []string{
			"certificate.expirationdate 30 name=uid-ingress namespace=openshift-azure-operator subject=cn thumbprint=" + longPrint, "certificate.secretnotfound 1 name=uid-apiserver namespace=openshift-azure-operator"}},
		"no certificate":            {collect: serving, answers: answers{routerPath: router, secrets + "uid-ingress": secret("x", "eA=="), secrets + "uid-apiserver": secret("x", "eA==")}, fails: true},
		"the customer's domain":     {collect: serving, change: func(l *Look) { l.Cluster.Domain = "example.org" }},
		"the customer's router":     {collect: serving, answers: answers{routerPath: `{"spec":{}}`}, fails: true},
		"etcd renews its own":       {collect: etcd},
		"etcd of an old cluster":    {collect: etcd, change: old, answers: answers{etcdPath: items(secret("etcd-peer-m0", long), secret("etcd-serving-m0", over), secret("other", long))}, want: []string{"certificate.expirationdate 30 name=etcd-peer-m0 namespace=openshift-etcd subject=cn thumbprint=" + longPrint, "certificate.expirationdate -1 name=etcd-serving-m0 namespace=openshift-etcd subject=cn thumbprint=" + overPrint}},
		"etcd that does not answer": {collect: etcd, change: old, answers: answers{etcdPath: "500"}, fails: true},
	})
}

func TestAlertsThatAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		labels   map[string]string
		reported bool
	}{
		"of OpenShift":           {map[string]string{"alertname": "KubePodCrashLooping", "namespace": "openshift-monitoring"}, true},
		"of the whole cluster":   {map[string]string{"alertname": "ClusterOperatorDown"}, true},
		"of a customer":          {map[string]string{"alertname": "KubePodCrashLooping", "namespace": "shop"}, false},
		"named like OpenShift's": {map[string]string{"alertname": "KubePodCrashLooping", "namespace": "openshift-monitoring-of-ours"}, false},
		"pruning":                {map[string]string{"alertname": "ImagePruningDisabled"}, false},
		"insights":               {map[string]string{"alertname": "InsightsDisabled"}, false},
		"deprecated":             {map[string]string{"alertname": "UsingDeprecatedAPIExtensions"}, false},
		"removed":                {map[string]string{"alertname": "APIRemovedInNextReleaseInUse"}, false},
	} {
		if a := (alert{c.labels}); a.isReported() != c.reported {
			t.Errorf("%s: isReported is %v", name, a.isReported())
		}
	}
}
