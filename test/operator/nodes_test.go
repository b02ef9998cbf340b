package operator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/autosizednodes"
	"github.com/aro-rp/aro/operator/controllers/dnsmasq"
	"github.com/aro-rp/aro/operator/controllers/etchosts"
	"github.com/aro-rp/aro/operator/controllers/node"
	"github.com/aro-rp/aro/operator/controllers/workaround"
	"github.com/aro-rp/aro/operator/flags"
)

func pool(name string) *machineconfigurationv1.MachineConfigPool {
	return &machineconfigurationv1.MachineConfigPool{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func machineConfig(name string) *machineconfigurationv1.MachineConfig {
	return &machineconfigurationv1.MachineConfig{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func kubeletConfig(name string) *machineconfigurationv1.KubeletConfig {
	return &machineconfigurationv1.KubeletConfig{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// files are the contents of a MachineConfig, which the official library must take.
func files(t *testing.T, config *machineconfigurationv1.MachineConfig) map[string]string {
	t.Helper()
	return ignitionFiles(t, config.Spec.Config.Raw)
}

func TestDnsmasq(t *testing.T) {
	w := newFixture(t)
	workers, config := pool("worker"), machineConfig("99-worker-aro-dns")
	w.cleans(config)
	w.with(workers)
	c := w.cluster(func(c *arov1alpha1.Cluster) { c.Spec.IngressIP = "" })
	w.run(dnsmasq.New()...)
	for _, name := range []string{"DnsmasqCluster", "DnsmasqMachineConfig", "DnsmasqMachineConfigPool"} {
		w.condition(name+"ControllerDegraded", operatorv1.ConditionTrue, "ingressIP")
	}
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.IngressIP = "10.0.0.2" })
	w.condition("DnsmasqClusterControllerDegraded", operatorv1.ConditionTrue, "ClusterVersion")
	w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	becomes(w, config, "a pool without one gets it at once", func(m *machineconfigurationv1.MachineConfig) bool {
		return m.Labels["machineconfiguration.openshift.io/role"] == "worker" && len(m.OwnerReferences) == 1 && m.OwnerReferences[0].UID == workers.UID
	})
	if found := files(t, config); len(found) != 3 || !strings.Contains(found["/etc/dnsmasq.conf"], "address=/api.c.example.com/10.0.0.1\n") {
		t.Errorf("the files are %v", found)
	}
	for _, name := range []string{"DnsmasqCluster", "DnsmasqMachineConfig", "DnsmasqMachineConfigPool"} {
		w.healthy(name)
	}

	// Outside upgrades existing objects stay as they are, changed or not.
	w.unchanged(func() {
		edit(w, config, func(m *machineconfigurationv1.MachineConfig) { m.Labels["x"] = "y" })
		edit(w, c, func(c *arov1alpha1.Cluster) {
			c.Spec.GatewayDomains, c.Spec.GatewayPrivateEndpointIP = []string{"a.example.com", "b.example.com"}, "10.0.0.3"
			c.Spec.OperatorFlags[string(flags.DnsmasqRestart)] = "true"
		})
	})
	becomes(w, config, "nothing changed", func(m *machineconfigurationv1.MachineConfig) bool { return m.Labels["x"] == "y" })
	w.history("4.20.1", configv1.PartialUpdate)
	becomes(w, config, "an upgrade brings it up to date", func(m *machineconfigurationv1.MachineConfig) bool { return m.Labels["x"] == "" })
	found := files(t, config)
	if len(found) != 4 || !strings.Contains(found["/etc/dnsmasq.conf"], "address=/b.example.com/10.0.0.3\n") {
		t.Errorf("the files are %v", found)
	}
	w.history("4.20.1", configv1.CompletedUpdate)
	w.set(c, flags.ForceReconciliation, "true")
	edit(w, config, func(m *machineconfigurationv1.MachineConfig) { m.Labels["x"] = "y" })
	becomes(w, config, "forced, it is restored at once", func(m *machineconfigurationv1.MachineConfig) bool { return m.Labels["x"] == "" })
	w.unchanged(w.touched)
	// The same in other words stays, because nodes restart when the text changes.
	other := bytes.ReplaceAll(config.Spec.Config.Raw, []byte("data:text/plain;charset=utf-8;base64,"), []byte("data:;base64,"))
	edit(w, config, func(m *machineconfigurationv1.MachineConfig) { m.Spec.Config.Raw, m.Labels["x"] = other, "y" })
	becomes(w, config, "its labels are restored", func(m *machineconfigurationv1.MachineConfig) bool { return m.Labels["x"] == "" })
	if !bytes.Equal(config.Spec.Config.Raw, other) {
		t.Error("an ignition is rewritten that says the same")
	}
	w.set(c, flags.Dnsmasq, "false")
	w.unchanged(func() { w.gone(config) })
}

func TestEtcHosts(t *testing.T) {
	w := newFixture(t)
	masters, workers := pool("master"), pool("worker")
	w.with(masters)
	w.with(workers)
	ofMasters, ofWorkers, other := machineConfig("99-master-aro-etc-hosts-gateway-domains"), machineConfig("99-worker-aro-etc-hosts-gateway-domains"), machineConfig("99-other")
	w.with(other)
	w.cleans(ofMasters, ofWorkers)
	w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	c := w.cluster()
	w.run(etchosts.New()...)
	w.healthy("EtcHostsCluster")
	w.healthy("EtcHostsMachineConfig")
	w.unchanged(w.touched)
	for _, config := range []client.Object{ofMasters, ofWorkers} {
		if err := w.Get(t.Context(), key(config), config); client.IgnoreNotFound(err) != nil || err == nil {
			t.Errorf("%s is made outside an upgrade: %v", config.GetName(), err)
		}
	}
	w.history("4.20.1", configv1.PartialUpdate)
	hosts := func(want string) func(*machineconfigurationv1.MachineConfig) bool {
		return func(m *machineconfigurationv1.MachineConfig) bool {
			return files(t, m)["/etc/hosts.d/aro.conf"] == want
		}
	}
	plain := "10.0.0.1\tapi.c.example.com api-int.c.example.com\n"
	becomes(w, ofMasters, "an upgrade makes them", hosts(plain))
	becomes(w, ofWorkers, "an upgrade makes them", hosts(plain))
	edit(w, c, func(c *arov1alpha1.Cluster) {
		c.Spec.GatewayDomains, c.Spec.GatewayPrivateEndpointIP = []string{"a.example.com", "b.example.com"}, "10.0.0.3"
	})
	becomes(w, ofWorkers, "the gateway's names are there", hosts(plain+"10.0.0.3\ta.example.com b.example.com\n"))
	edit(w, ofWorkers, func(m *machineconfigurationv1.MachineConfig) {
		m.Spec.Config.Raw = []byte(`{"ignition":{"version":"3.2.0"}}`)
	})
	becomes(w, ofWorkers, "it is restored", hosts(plain+"10.0.0.3\ta.example.com b.example.com\n"))
	w.history("4.20.1", configv1.CompletedUpdate)
	w.unchanged(func() { w.set(c, flags.EtcHostsManaged, "false") })
	w.history("4.20.2", configv1.PartialUpdate)
	w.disappears(ofMasters)
	w.disappears(ofWorkers)
	if err := w.Get(t.Context(), key(other), other); err != nil {
		t.Errorf("another MachineConfig is gone: %v", err)
	}
}

func TestAutoSizedNodes(t *testing.T) {
	w := newFixture(t)
	config := kubeletConfig("dynamic-node")
	w.cleans(config)
	c := w.cluster()
	w.run(autosizednodes.New())
	sizes := func(k *machineconfigurationv1.KubeletConfig) bool {
		return k.Spec.AutoSizingReserved != nil && *k.Spec.AutoSizingReserved && k.Spec.KubeletConfig == nil && len(k.Spec.MachineConfigPoolSelector.MatchExpressions) == 1
	}
	becomes(w, config, "it is made", sizes)
	edit(w, config, func(k *machineconfigurationv1.KubeletConfig) {
		k.Spec = machineconfigurationv1.KubeletConfigSpec{}
		k.Labels["theirs"] = "kept"
	})
	becomes(w, config, "it is restored, and labels stay", func(k *machineconfigurationv1.KubeletConfig) bool { return sizes(k) && k.Labels["theirs"] == "kept" })
	w.unchanged(w.touched)
	edit(w, c, func(c *arov1alpha1.Cluster) { delete(c.Spec.OperatorFlags, string(flags.AutoSizedNodes)) })
	w.disappears(config)
}

func TestWorkaround(t *testing.T) {
	w := newFixture(t)
	copyFail, dirtyFrag, limits, workers := machineConfig("99-master-disable-algif-aead"), machineConfig("99-master-disable-dirtyfrag"), kubeletConfig("aro-limits"), pool("worker")
	w.cleans(copyFail, dirtyFrag, limits)
	w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	c := w.cluster(flag(flags.AutoSizedNodes, "false"))
	w.run(workaround.New())
	becomes(w, copyFail, "kernel setting", func(m *machineconfigurationv1.MachineConfig) bool {
		return len(m.Spec.KernelArguments) == 1 && m.Spec.KernelArguments[0] == "initcall_blacklist=algif_aead_init"
	})
	becomes(w, dirtyFrag, "modules", func(m *machineconfigurationv1.MachineConfig) bool {
		return files(t, m)["/etc/modprobe.d/aro-dirtyfrag-mitigation-controlplane.conf"] == "install esp4 /bin/false\ninstall esp6 /bin/false\ninstall rxrpc /bin/false\n"
	})
	w.eventually("the missing pool is an error, which stopped neither", func() error { return w.logged("MachineConfigPool worker") })
	w.with(workers)
	labelled := func(p *machineconfigurationv1.MachineConfigPool) bool {
		_, is := p.Labels["aro.openshift.io/limits"]
		return is
	}
	becomes(w, workers, "label", labelled)
	becomes(w, limits, "reservation", func(k *machineconfigurationv1.KubeletConfig) bool {
		var kubelet struct{ SystemReserved, EvictionHard map[string]string }
		return k.Spec.KubeletConfig != nil && json.Unmarshal(k.Spec.KubeletConfig.Raw, &kubelet) == nil && kubelet.SystemReserved["memory"] == "2000Mi" && len(kubelet.EvictionHard) == 4
	})
	edit(w, copyFail, func(m *machineconfigurationv1.MachineConfig) { m.Spec.KernelArguments = []string{"x"} })
	becomes(w, copyFail, "restored", func(m *machineconfigurationv1.MachineConfig) bool { return m.Spec.KernelArguments[0] != "x" })
	w.unchanged(w.touched)

	network := &operatorv1.Network{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	network.Spec.ManagementState = operatorv1.Managed
	network.Spec.ClusterNetwork = []operatorv1.ClusterNetworkEntry{}
	network.Spec.DefaultNetwork.OVNKubernetesConfig = &operatorv1.OVNKubernetesConfig{IPsecConfig: &operatorv1.IPsecConfig{Mode: operatorv1.IPsecModeFull}}
	w.with(network)
	w.disappears(dirtyFrag)
	w.set(c, flags.AutoSizedNodes, "true")
	w.disappears(limits)
	becomes(w, workers, "no label", func(p *machineconfigurationv1.MachineConfigPool) bool { return !labelled(p) })
	if err := w.Get(t.Context(), key(copyFail), copyFail); err != nil {
		t.Errorf("IPsec removes the other workaround: %v", err)
	}
	w.gone(network)
	becomes(w, dirtyFrag, "it is back without IPsec", func(*machineconfigurationv1.MachineConfig) bool { return true })
	w.set(c, flags.WorkaroundDirtyFrag, "false")
	w.disappears(dirtyFrag)
	w.set(c, flags.WorkaroundDirtyFrag, "true")
	w.history("4.19.31", configv1.CompletedUpdate)
	w.disappears(copyFail)
	w.disappears(dirtyFrag)
}

const drainStart = "aro.openshift.io/drainStartTime"

// newNode returns a ready node that is not being drained.
func (w *fixture) newNode(name string, labels map[string]string) *corev1.Node {
	w.Helper()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	w.with(n)
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if err := w.Status().Update(w.Context(), n); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *fixture) newPod(name, on string, owner *metav1.OwnerReference) *corev1.Pod {
	w.Helper()
	none := int64(0)
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: name, Labels: map[string]string{"pod": "x"}}}
	p.Spec = corev1.PodSpec{NodeName: on, TerminationGracePeriodSeconds: &none, Containers: []corev1.Container{{Name: "x", Image: "x"}}}
	if owner != nil {
		p.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	w.with(p)
	return p
}

// drain makes a node look like one that the machine config operator drains.
func drain(n *corev1.Node) {
	n.Spec.Unschedulable = true
	for name, value := range map[string]string{"currentConfig": "a", "desiredConfig": "b", "state": "Working"} {
		metav1.SetMetaDataAnnotation(&n.ObjectMeta, "machineconfiguration.openshift.io/"+name, value)
	}
}

func TestNodeDrainer(t *testing.T) {
	w := newFixture(t)
	worker, master := w.newNode("worker-0", nil), w.newNode("master-0", map[string]string{"node-role.kubernetes.io/master": ""})
	pod := w.newPod("plain", "worker-0", nil)
	yes := true
	daemon := w.newPod("daemon", "worker-0", &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "x", UID: "x", Controller: &yes})
	one := intstr.FromInt32(1)
	for i := range 2 { // two budgets: an eviction would fail for ever
		w.with(&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: fmt.Sprintf("budget-%d", i)},
			Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: pod.Labels}}})
	}
	c := w.cluster()
	w.run(node.New())
	w.healthy("Node")
	w.quiet()
	before := w.requests.count()
	edit(w, master, drain)
	edit(w, worker, drain)
	w.condition("NodeControllerProgressing", operatorv1.ConditionTrue, "worker-0")
	noted := func(n *corev1.Node) bool {
		_, err := time.Parse(time.RFC3339, n.Annotations[drainStart])
		return err == nil
	}
	becomes(w, worker, "the start is noted", noted)
	w.quiet()
	if reads := w.requests.reads(before, "/api/v1/nodes/"); reads > 0 {
		t.Errorf("%d reads to note that a drain began", reads)
	}
	if err := w.Get(t.Context(), key(pod), pod); err != nil || pod.DeletionTimestamp != nil {
		t.Errorf("a pod is deleted before its time: %v", err)
	}
	edit(w, worker, func(n *corev1.Node) {
		n.Annotations[drainStart] = time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	})
	w.disappears(pod)
	becomes(w, worker, "the note is removed", func(n *corev1.Node) bool {
		return !noted(n) || time.Since(n.CreationTimestamp.Time) > 0 && freshNote(n)
	})
	if err := w.Get(t.Context(), key(daemon), daemon); err != nil || daemon.DeletionTimestamp != nil {
		t.Errorf("the pod of a DaemonSet is deleted: %v", err)
	}
	edit(w, worker, func(n *corev1.Node) { n.Annotations["machineconfiguration.openshift.io/currentConfig"] = "b" })
	becomes(w, worker, "a drain that is over is forgotten", func(n *corev1.Node) bool { return n.Annotations[drainStart] == "" })
	w.healthy("Node")
	edit(w, worker, func(n *corev1.Node) {
		drain(n)
		n.Annotations["machineconfiguration.openshift.io/state"], n.Annotations["machineconfiguration.openshift.io/reason"] = "Degraded", "something else"
	})
	w.quiet()
	if err := w.Get(t.Context(), key(worker), worker); err != nil || worker.Annotations[drainStart] != "" {
		t.Errorf("another fault counts as a drain: %v", err)
	}
	if err := w.Get(t.Context(), key(master), master); err != nil || master.Annotations[drainStart] != "" {
		t.Errorf("a master is touched: %v", err)
	}
	w.set(c, flags.NodeDrainer, "false")
	w.unchanged(func() {
		edit(w, worker, func(n *corev1.Node) { n.Annotations["machineconfiguration.openshift.io/state"] = "Working" })
	})
}

// freshNote reports whether a new drain began after the old annotation was removed.
func freshNote(n *corev1.Node) bool {
	start, err := time.Parse(time.RFC3339, n.Annotations[drainStart])
	return err == nil && time.Since(start) < time.Hour
}
