package proof

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// repairsTimeout bounds what is done to a cluster once it is made, repairTimeout one repair.
const (
	repairTimeout  = time.Minute
	repairsTimeout = 8 * time.Minute
)

// place is an object of a cluster.
type place struct{ group, version, resource, namespace, name string }

func (p place) String() string {
	return strings.TrimPrefix(p.namespace+"/", "/") + p.resource + " " + p.name
}

func (p place) kind() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: p.group, Version: p.version, Resource: p.resource}
}

var (
	dnsConfig     = place{"machineconfiguration.openshift.io", "v1", "machineconfigs", "", "99-worker-aro-dns"}
	hostsConfig   = place{"machineconfiguration.openshift.io", "v1", "machineconfigs", "", "99-worker-aro-etc-hosts-gateway-domains"}
	sizing        = place{"machineconfiguration.openshift.io", "v1", "kubeletconfigs", "", "dynamic-node"}
	healthCheck   = place{"machine.openshift.io", "v1beta1", "machinehealthchecks", machineNamespace, "aro-machinehealthcheck"}
	upgrader      = place{"apps", "v1", "deployments", "openshift-managed-upgrade-operator", "managed-upgrade-operator"}
	gatekeeper    = place{"apps", "v1", "deployments", "openshift-azure-guardrails", "gatekeeper-audit"}
	mandatoryRule = place{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "", "aro-cluster-version-major-upgrade-deny"}
	machinesRule  = place{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "", "aro-machines-deny"}
	banner        = place{"console.openshift.io", "v1", "consolenotifications", "", "openshift-aro-sre"}
	logExporter   = place{"apps", "v1", "daemonsets", "openshift-azure-logging", "otel-exporter-worker"}
	router        = place{"operator.openshift.io", "v1", "ingresscontrollers", "openshift-ingress-operator", "default"}
	nameServer    = place{"operator.openshift.io", "v1", "dnses", "", "default"}
	images        = place{"config.openshift.io", "v1", "images", "", "cluster"}
	monitoringMap = place{"", "v1", "configmaps", "openshift-monitoring", "cluster-monitoring-config"}
	masterSet     = place{"machine.openshift.io", "v1", "controlplanemachinesets", machineNamespace, "cluster"}
)

// breakage is something that a person breaks, and how it is when the operator has repaired it.
type breakage struct {
	controller, flag string
	at               place
	change           string // a merge patch; empty to delete the object
	right            string // text of the object when it is right; empty for whatever there is again
	wrong            string // text that it no longer has
	optional         bool   // the flag is not set in new clusters
}

// breakages are one or more of each controller that keeps an object whatever else happens.
func breakages() []breakage {
	text := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return []breakage{
		{controller: "Alertwebhook", flag: "aro.alertwebhook.enabled", at: place{"", "v1", "secrets", "openshift-monitoring", "alertmanager-main"},
			change: `{"data":{"alertmanager.yaml":"` + text("receivers:\n- name: Default\n") + `"}}`, wrong: `"` + text("receivers:\n- name: Default\n") + `"`},
		{controller: "CloudProviderConfig", flag: "aro.cloudproviderconfig.enabled", at: place{"", "v1", "configmaps", "openshift-config", "cloud-provider-config"},
			change: `{"data":{"config":"{\"other\":\"kept\"}"}}`, right: `disableOutboundSNAT`},
		{controller: "GenevaLogging", flag: "aro.genevalogging.enabled", at: place{"", "v1", "configmaps", "openshift-azure-logging", "otel-config"}},
		{controller: "ImageConfig", flag: "aro.imageconfig.enabled", at: images, change: `{"spec":{"registrySources":{"allowedRegistries":["quay.io"]}}}`, right: `.data.azurecr.io"`},
		{controller: "IngressControllerARO", flag: "aro.ingress.enabled", at: router, change: `{"spec":{"replicas":1}}`, right: `"replicas":2`},
		{controller: "MachineHealthCheck", flag: "aro.machinehealthcheck.enabled", at: healthCheck, change: `{"spec":{"maxUnhealthy":"5"}}`, right: `"maxUnhealthy":"1"`},
		{controller: "ManagedUpgradeOperator", flag: "rh.srep.muo.enabled", at: upgrader},
		{controller: "Monitoring", flag: "aro.monitoring.enabled", optional: true, at: monitoringMap,
			change: `{"data":{"config.yaml":"prometheusK8s: {retention: 1d, logLevel: debug}"}}`, right: "logLevel: debug", wrong: "retention"},
		{controller: "NetworkPolicy", flag: "aro.ccopprof.enabled", at: place{"policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "", "aro-cco-deny-pprof"},
			change: `{"spec":{"priority":7}}`, right: `"priority":50`},
		{controller: "PullSecret", flag: "aro.pullsecret.enabled", at: place{"", "v1", "secrets", "openshift-config", "pull-secret"}},
		{controller: "RBAC", flag: "aro.rbac.enabled", at: place{"rbac.authorization.k8s.io", "v1", "clusterroles", "", "system:aro-diagnostics"},
			change: `{"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]}`, right: `"nodes"`, wrong: `"secrets"`},
		{controller: "Workaround", flag: "aro.workaround.enabled", at: place{"machineconfiguration.openshift.io", "v1", "machineconfigs", "", "99-master-disable-dirtyfrag"}},
		{controller: "GuardRails", flag: "aro.guardrails.enabled", at: machinesRule},
		{controller: "DnsmasqMachineConfig", flag: "aro.dnsmasq.enabled", at: dnsConfig},
		{controller: "EtcHostsMachineConfig", flag: "aro.etchosts.enabled", at: hostsConfig},
	}
}

// TestOperatorRepairsByHand breaks all that the operator keeps in a cluster, as its administrators do.
func TestOperatorRepairsByHand(t *testing.T) {
	if !*long {
		t.Skip("the long form, -long, breaks a cluster of its own in every way")
	}
	t.Parallel()
	w := newEnvironment(t, "ARO_LOCAL_OPERATOR=true")
	k := w.customer(t, order{name: "mended"}).operated(t)
	ctx, cancel := context.WithTimeout(t.Context(), repairsTimeout)
	defer cancel()
	k.isUpdated(ctx, t)
	k.set(ctx, t, m{"aro.forcereconciliation": "true", "aro.monitoring.enabled": "true"})
	k.becomes(ctx, t, monitoringMap, "config.yaml", "")
	for _, b := range breakages() {
		t.Run("repaired/"+b.controller, func(t *testing.T) { k.breaks(ctx, t, b); k.becomes(ctx, t, b.at, b.right, b.wrong) })
	}
	t.Run("left alone", func(t *testing.T) { k.areLeftAlone(ctx, t) })
	t.Run("always on", func(t *testing.T) { k.keepsWithoutFlags(ctx, t) })
	t.Run("removed", func(t *testing.T) { k.removesUnmanaged(ctx, t) })
	t.Run("found", func(t *testing.T) { k.finds(ctx, t) })
	t.Run("gatekeeper", func(t *testing.T) { k.runsGatekeeper(ctx, t) })
	t.Run("logs", func(t *testing.T) { k.shipsLogs(ctx, t) })
	t.Run("drained", func(t *testing.T) { k.finishesDrains(ctx, t) })
	t.Run("workers", func(t *testing.T) { k.keepsWorkers(ctx, t) })
}

// isUpdated waits until the machines of all pools have what they are to have.
func (k *kube) isUpdated(ctx context.Context, t *testing.T) {
	t.Helper()
	eventually(ctx, t, "all pools are updated", func() (bool, error) {
		list, err := k.dynamic.Resource(pools).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for i := range list.Items {
			wants, _, _ := unstructured.NestedString(list.Items[i].Object, "spec", "configuration", "name")
			has, _, _ := unstructured.NestedString(list.Items[i].Object, "status", "configuration", "name")
			if wants == "" || wants != has || conditions(&list.Items[i])["Updated"] != "True" {
				return false, nil
			}
		}
		return len(list.Items) > 0, nil
	})
}

func (k *kube) set(ctx context.Context, t *testing.T, flags m) {
	t.Helper()
	k.spec(ctx, t, m{"operatorflags": flags})
}

// spec changes that of the Cluster.
func (k *kube) spec(ctx context.Context, t *testing.T, members m) {
	t.Helper()
	body, err := json.Marshal(m{"spec": members})
	if err != nil {
		t.Fatal(err)
	}
	k.patch(ctx, t, aroClusters, "", "cluster", string(body))
}

// breaks does what a person does by hand.
func (k *kube) breaks(ctx context.Context, t *testing.T, b breakage) {
	t.Helper()
	if b.change != "" {
		k.patch(ctx, t, b.at.kind(), b.at.namespace, b.at.name, b.change)
	} else if err := k.dynamic.Resource(b.at.kind()).Namespace(b.at.namespace).Delete(ctx, b.at.name, metav1.DeleteOptions{}); err != nil {
		t.Fatalf("delete %s: %v", b.at, err)
	}
}

// read returns an object as JSON; empty if it is not there or being deleted.
func (k *kube) read(ctx context.Context, p place) (string, error) {
	o, err := k.dynamic.Resource(p.kind()).Namespace(p.namespace).Get(ctx, p.name, metav1.GetOptions{})
	if err != nil || o.GetDeletionTimestamp() != nil {
		return "", ignoreAbsent(err)
	}
	o.SetManagedFields(nil)
	text, err := o.MarshalJSON()
	return string(text), err
}

func (k *kube) becomes(ctx context.Context, t *testing.T, p place, right, wrong string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, repairTimeout)
	defer cancel()
	began := time.Now()
	eventually(ctx, t, p.String()+" is right", func() (bool, error) {
		text, err := k.read(ctx, p)
		return text != "" && strings.Contains(text, right) && (wrong == "" || !strings.Contains(text, wrong)), err
	})
	t.Logf("%s is right after %s", p, time.Since(began).Round(10*time.Millisecond))
}

func (k *kube) goes(ctx context.Context, t *testing.T, p place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, repairTimeout)
	defer cancel()
	eventually(ctx, t, p.String()+" is removed", func() (bool, error) {
		text, err := k.read(ctx, p)
		return text == "", err
	})
}

// areLeftAlone turns all flags off, breaks all, and turns them on again.
func (k *kube) areLeftAlone(ctx context.Context, t *testing.T) {
	off, on := m{}, m{}
	for _, b := range breakages() {
		off[b.flag], on[b.flag] = "false", "TRUE"
	}
	k.set(ctx, t, off)
	// That the operator knows these flags, and the events of what is broken after them, is seen by a
	// controller that acts on its own flag in either case.
	told := func() {
		k.set(ctx, t, m{"aro.autosizednodes.enabled": "false"})
		k.goes(ctx, t, sizing)
		k.set(ctx, t, m{"aro.autosizednodes.enabled": "true"})
		k.becomes(ctx, t, sizing, `"autoSizingReserved":true`, "")
	}
	told()
	broken := map[place]string{}
	for _, b := range breakages() {
		k.breaks(ctx, t, b)
		text, err := k.read(ctx, b.at)
		if err != nil {
			t.Fatal(err)
		}
		broken[b.at] = text
	}
	told()
	for _, b := range breakages() {
		// What other controllers report in an object is not its content.
		if text, err := k.read(ctx, b.at); err != nil || (text == "") != (broken[b.at] == "") || b.change != "" && !strings.Contains(text, firstOf(b.wrong, broken[b.at])) {
			t.Errorf("%s: with its flag off it changed: %v: %.500s", b.controller, err, text)
		}
	}
	k.set(ctx, t, on)
	for _, b := range breakages() {
		k.becomes(ctx, t, b.at, b.right, b.wrong)
	}
}

func firstOf(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

// keepsWithoutFlags breaks what has no flag, or one that means the opposite.
func (k *kube) keepsWithoutFlags(ctx context.Context, t *testing.T) {
	for _, b := range []breakage{
		{at: place{"config.openshift.io", "v1", "clusteroperators", "", "aro"}, right: `"Available"`},
		{at: mandatoryRule},
		{at: sizing, change: `{"spec":{"autoSizingReserved":false}}`, right: `"autoSizingReserved":true`},
	} {
		k.breaks(ctx, t, b)
		k.becomes(ctx, t, b.at, b.right, b.wrong)
	}
	k.patchRefused(ctx, t, "config.openshift.io/clusterversions/version", `{"spec":{"channel":"stable-5.0"}}`, "OpenShift 5")
	workers := m{"metadata": m{"labels": m{"machine.openshift.io/cluster-api-machine-role": "master", "machine.openshift.io/cluster-api-machine-type": "master", "machine.openshift.io/cluster-api-cluster": "x"}}, "spec": m{}}
	active := &unstructured.Unstructured{Object: m{"apiVersion": "machine.openshift.io/v1", "kind": "ControlPlaneMachineSet", "metadata": m{"name": "cluster", "namespace": machineNamespace}, "spec": m{
		"replicas": int64(3), "state": "Active", "strategy": m{"type": "RollingUpdate"}, "selector": m{"matchLabels": workers["metadata"].(m)["labels"]},
		"template": m{"machineType": "machines_v1beta1_machine_openshift_io", "machines_v1beta1_machine_openshift_io": workers}}}}
	if _, err := k.dynamic.Resource(masterSet.kind()).Namespace(machineNamespace).Create(ctx, active, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.goes(ctx, t, masterSet)
	k.spec(ctx, t, m{"banner": m{"content": "ContactSupport"}, "operatorflags": m{"aro.banner.enabled": "true"}})
	k.becomes(ctx, t, banner, "contact support", "")
	k.breaks(ctx, t, breakage{at: banner, change: `{"spec":{"text":"nothing"}}`})
	k.becomes(ctx, t, banner, "contact support", "")
	k.spec(ctx, t, m{"banner": m{"content": ""}})
	k.goes(ctx, t, banner)
	old := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "openshift-azure-routefix"}}
	if _, err := k.CoreV1().Namespaces().Create(ctx, old, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.goes(ctx, t, place{"", "v1", "namespaces", "", old.Name})
}

// patchRefused expects that a change is not taken.
func (k *kube) patchRefused(ctx context.Context, t *testing.T, path, change, why string) {
	t.Helper()
	part := strings.Split(path, "/")
	_, err := k.dynamic.Resource(schema.GroupVersionResource{Group: part[0], Version: "v1", Resource: part[1]}).
		Patch(ctx, part[2], "application/merge-patch+json", []byte(change), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: %v, want a refusal with %q", path, err, why)
	}
}

// removesUnmanaged has the operator remove what it kept, and make it again.
func (k *kube) removesUnmanaged(ctx context.Context, t *testing.T) {
	for flag, p := range map[string]place{
		"aro.machinehealthcheck.managed": healthCheck, "aro.etchosts.managed": hostsConfig, "rh.srep.muo.managed": upgrader,
		"aro.guardrails.deploy.managed": machinesRule, "aro.guardrails.policies.aro-machines-deny.managed": machinesRule,
	} {
		k.set(ctx, t, m{flag: "false"})
		k.goes(ctx, t, p)
		k.set(ctx, t, m{flag: "true"})
		k.becomes(ctx, t, p, "", "")
	}
	if text, err := k.read(ctx, mandatoryRule); err != nil || text == "" {
		t.Errorf("the mandatory policy: %v %q", err, text)
	}
}

// finds breaks what is only reported.
func (k *kube) finds(ctx context.Context, t *testing.T) {
	says := func(condition, status string) {
		t.Helper()
		eventually(ctx, t, condition+" is "+status, func() (bool, error) {
			cluster, err := k.dynamic.Resource(aroClusters).Get(ctx, "cluster", metav1.GetOptions{})
			return err == nil && conditions(cluster)[condition] == status, err
		})
	}
	cluster, err := k.dynamic.Resource(aroClusters).Get(ctx, "cluster", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	urls, _, _ := unstructured.NestedSlice(cluster.Object, "spec", "internetChecker", "urls")
	k.spec(ctx, t, m{"internetChecker": m{"urls": append(urls, "https://127.0.0.1:1/")}}) // attempts take a minute
	for condition, b := range map[string]breakage{
		"DefaultClusterDNS":         {at: nameServer, change: `{"spec":{"servers":[{"name":"all","zones":["."],"forwardPlugin":{"upstreams":["10.0.0.1"]}}]}}`, right: `{"spec":{"servers":null}}`},
		"DefaultIngressCertificate": {at: router, change: `{"spec":{"defaultCertificate":{"name":"mine"}}}`},
	} {
		before, err := k.dynamic.Resource(b.at.kind()).Namespace(b.at.namespace).Get(ctx, b.at.name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		k.breaks(ctx, t, b)
		// In a domain of the customer's, or of a cloud on a laptop, any certificate is right.
		if condition == "DefaultIngressCertificate" {
			k.patch(ctx, t, b.at.kind(), b.at.namespace, b.at.name, `{"spec":{"defaultCertificate":null}}`)
			certificate, _, _ := unstructured.NestedString(before.Object, "spec", "defaultCertificate", "name")
			b.right = fmt.Sprintf(`{"spec":{"defaultCertificate":{"name":%q}}}`, certificate)
		}
		says(condition, "False")
		k.patch(ctx, t, b.at.kind(), b.at.namespace, b.at.name, b.right)
		says(condition, "True")
	}
	machines := schema.GroupVersionResource{Group: "machine.openshift.io", Version: "v1beta1", Resource: "machines"}
	list, err := k.dynamic.Resource(machines).Namespace(machineNamespace).List(ctx, metav1.ListOptions{LabelSelector: "machine.openshift.io/cluster-api-machine-role=worker"})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("there are %d machines: %v", len(list.Items), err)
	}
	identity := func(name string) {
		k.patch(ctx, t, machines, machineNamespace, list.Items[0].GetName(), `{"spec":{"providerSpec":{"value":{"managedIdentity":"`+name+`"}}}}`)
	}
	had, _, _ := unstructured.NestedString(list.Items[0].Object, "spec", "providerSpec", "value", "managedIdentity")
	identity("mine")
	says("MachineValid", "False")
	identity(had)
	says("MachineValid", "True")
	says("InternetReachableFromMaster", "False")
	says("InternetReachableFromWorker", "False")
	k.spec(ctx, t, m{"internetChecker": m{"urls": urls}})
	says("InternetReachableFromMaster", "True")
	says("InternetReachableFromWorker", "True")
	k.set(ctx, t, m{"aro.checker.enabled": "false"})
	for _, condition := range []string{"InternetReachableFromMaster", "InternetReachableFromWorker", "DefaultClusterDNS", "DefaultIngressCertificate", "ServicePrincipalValid"} {
		says(condition, "Unknown")
	}
	k.set(ctx, t, m{"aro.checker.enabled": "true"})
	says("ServicePrincipalValid", "True")
	k.isOperated(ctx, t)
}

// runsGatekeeper has the policies enforced as before OpenShift 4.17. Gatekeeper itself does not run here.
func (k *kube) runsGatekeeper(ctx context.Context, t *testing.T) {
	k.set(ctx, t, m{"aro.guardrails.method": "gatekeeper"})
	k.goes(ctx, t, machinesRule)
	k.becomes(ctx, t, gatekeeper, `"availableReplicas":1`, "")
	k.breaks(ctx, t, breakage{at: gatekeeper})
	k.becomes(ctx, t, gatekeeper, `"availableReplicas":1`, "")
	k.becomes(ctx, t, place{"templates.gatekeeper.sh", "v1", "constrainttemplates", "", "arodenylabels"}, "K8sNativeValidation", "")
	k.set(ctx, t, m{"aro.guardrails.method": "auto"})
	k.becomes(ctx, t, machinesRule, "", "")
	k.goes(ctx, t, gatekeeper)
}

// shipsLogs gives the cluster a gateway, to which exporters on all nodes send.
func (k *kube) shipsLogs(ctx context.Context, t *testing.T) {
	k.spec(ctx, t, m{"gatewayPrivateEndpointIP": "10.0.0.9", "gatewayTelemetryDomain": "telemetry.example.com"})
	k.becomes(ctx, t, logExporter, "telemetry.example.com:4317", "")
	k.breaks(ctx, t, breakage{at: logExporter})
	k.becomes(ctx, t, logExporter, `"numberReady":3`, "")
	k.breaks(ctx, t, breakage{at: logExporter, change: `{"spec":{"template":{"spec":{"nodeSelector":{"no":"node"}}}}}`})
	k.becomes(ctx, t, logExporter, `"numberReady":3`, `"nodeSelector"`)
	k.spec(ctx, t, m{"gatewayPrivateEndpointIP": nil, "gatewayTelemetryDomain": nil})
}

// finishesDrains rolls a machine config out to the workers, where a pod's budget stands in the way.
func (k *kube) finishesDrains(ctx context.Context, t *testing.T) {
	k.isUpdated(ctx, t)
	nodes, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/worker"})
	if err != nil || len(nodes.Items) == 0 {
		t.Fatalf("there are %d workers: %v", len(nodes.Items), err)
	}
	name, labels := nodes.Items[0].Name, map[string]string{"app": "stays"}
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "stays"}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "stays", Labels: labels}, Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{{Name: "c", Image: "example.com/c:1"}}}}
	if _, err := k.PolicyV1().PodDisruptionBudgets("default").Create(ctx, budget, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config := &unstructured.Unstructured{Object: m{"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig",
		"metadata": m{"name": "99-worker-mine", "labels": m{"machineconfiguration.openshift.io/role": "worker"}}, "spec": m{"kernelArguments": []any{"mine"}}}}
	if _, err := k.dynamic.Resource(machineConfigs).Create(ctx, config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	const noted = "aro.openshift.io/drainStartTime"
	eventually(ctx, t, "the operator notes that the node is drained", func() (bool, error) {
		n, err := k.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		return err == nil && n.Spec.Unschedulable && n.Annotations[noted] != "", err
	})
	if stays, err := k.CoreV1().Pods("default").Get(ctx, "stays", metav1.GetOptions{}); err != nil || stays.DeletionTimestamp != nil {
		t.Fatalf("the budget was not kept: %v", err)
	}
	k.patch(ctx, t, schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, "", name,
		`{"metadata":{"annotations":{"`+noted+`":"`+time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339)+`"}}}`)
	k.isUpdated(ctx, t)
	rendered, err := k.dynamic.Resource(pools).Get(ctx, "worker", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	has, _, _ := unstructured.NestedString(rendered.Object, "status", "configuration", "name")
	k.becomes(ctx, t, place{"machineconfiguration.openshift.io", "v1", "machineconfigs", "", has}, `"mine"`, "")
	eventually(ctx, t, "the note is removed", func() (bool, error) {
		n, err := k.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		return err == nil && !n.Spec.Unschedulable && n.Annotations[noted] == "", err
	})
}

// keepsWorkers scales all workers away.
func (k *kube) keepsWorkers(ctx context.Context, t *testing.T) {
	sets, err := k.dynamic.Resource(machineSets).Namespace(machineNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range sets.Items {
		k.patch(ctx, t, machineSets, machineNamespace, sets.Items[i].GetName(), `{"spec":{"replicas":0}}`)
	}
	eventually(ctx, t, "two workers are wanted", func() (bool, error) {
		sets, err := k.dynamic.Resource(machineSets).Namespace(machineNamespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		sum := int64(0)
		for i := range sets.Items {
			n, _, _ := unstructured.NestedInt64(sets.Items[i].Object, "spec", "replicas")
			sum += n
		}
		return sum == 2, nil
	})
}
