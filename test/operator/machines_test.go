package operator

import (
	"fmt"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/aro-rp/aro/operator/controllers/cpms"
	"github.com/aro-rp/aro/operator/controllers/machine"
	"github.com/aro-rp/aro/operator/controllers/machinehealthcheck"
	"github.com/aro-rp/aro/operator/controllers/machineset"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	machineAPI = "openshift-machine-api"
	roleLabel  = "machine.openshift.io/cluster-api-machine-role"
)

func azureSpec(disk int, offer string) *runtime.RawExtension {
	return &runtime.RawExtension{Raw: fmt.Appendf(nil, `{"apiVersion":"machine.openshift.io/v1beta1","kind":"AzureMachineProviderSpec","osDisk":{"diskSizeGB":%d},"image":{"publisher":"azureopenshift","offer":%q,"sku":"s","version":"1","resourceID":""},"vmSize":"x","vnet":"vnet","subnet":"worker","networkResourceGroup":"net"}`, disk, offer)}
}

func newMachine(name, role string, disk int) *machinev1beta1.Machine {
	return &machinev1beta1.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: machineAPI, Name: name, Labels: map[string]string{roleLabel: role}},
		Spec: machinev1beta1.MachineSpec{ProviderSpec: machinev1beta1.ProviderSpec{Value: azureSpec(disk, "aro4")}}}
}

func newMachineSet(name string, replicas int32) *machinev1beta1.MachineSet {
	label := map[string]string{"set": name}
	set := &machinev1beta1.MachineSet{ObjectMeta: metav1.ObjectMeta{Namespace: machineAPI, Name: name, Labels: map[string]string{roleLabel: "worker"}}}
	set.Spec.Replicas = &replicas
	set.Spec.Selector.MatchLabels = label
	set.Spec.Template.Labels = label
	set.Spec.Template.Spec.ProviderSpec.Value = azureSpec(128, "aro4")
	return set
}

func TestMachine(t *testing.T) {
	w := newFixture(t)
	for i := range 3 {
		w.with(newMachine(fmt.Sprintf("master-%d", i), "master", 64)) // small disks of masters are fine
	}
	w.with(newMachineSet("aro-x1-worker-1", 2))
	w.with(newMachine("worker-0", "worker", 128))
	c := w.cluster()
	w.run(machine.New())
	w.condition("MachineValid", operatorv1.ConditionFalse, "there are 1 workers, want 2")
	second := newMachine("worker-1", "infra", 64)
	w.with(second)
	w.condition("MachineValid", operatorv1.ConditionFalse, "machine worker-1: its disk has 64 GiB")
	edit(w, second, func(m *machinev1beta1.Machine) { m.Spec.ProviderSpec.Value = azureSpec(128, "other") })
	w.condition("MachineValid", operatorv1.ConditionFalse, "azureopenshift/other")
	edit(w, second, func(m *machinev1beta1.Machine) { m.Spec.ProviderSpec.Value = azureSpec(128, "aro4") })
	w.condition("MachineValid", operatorv1.ConditionTrue, "CheckDone")
	edit(w, second, func(m *machinev1beta1.Machine) { m.Labels = nil })
	w.condition("MachineValid", operatorv1.ConditionFalse, "has no label")
	w.set(c, flags.Machine, "false")
	w.unchanged(func() {
		edit(w, second, func(m *machinev1beta1.Machine) { m.Labels = map[string]string{roleLabel: "worker"} })
	})
	w.condition("MachineValid", operatorv1.ConditionFalse, "has no label")
}

func TestMachineSet(t *testing.T) {
	w := newFixture(t)
	sets := []*machinev1beta1.MachineSet{newMachineSet("aro-x1-worker-1", 0), newMachineSet("aro-x1-worker-2", 0), newMachineSet("aro-x1-worker-3", 0)}
	for _, s := range sets {
		w.with(s)
	}
	c := w.cluster()
	w.run(machineset.New())
	wants := func(i int, n int32) {
		t.Helper()
		becomes(w, sets[i], fmt.Sprintf("set %d has %d", i, n), func(s *machinev1beta1.MachineSet) bool { return *s.Spec.Replicas == n })
	}
	scale := func(i int, n int32) {
		t.Helper()
		edit(w, sets[i], func(s *machinev1beta1.MachineSet) { s.Spec.Replicas = &n })
	}
	wants(0, 2)
	w.unchanged(func() { scale(1, 2); scale(0, 0) })
	wants(0, 0)
	scale(1, 1)
	wants(1, 2)
	theirs := newMachineSet("customers", 0)
	w.with(theirs)
	w.unchanged(func() { scale(1, 0) })
	w.gone(theirs)
	wants(0, 2)
	w.healthy("MachineSet")
	w.set(c, flags.MachineSet, "false")
	w.unchanged(func() { scale(0, 0) })
}

func TestMachineHealthCheck(t *testing.T) {
	w := newFixture(t)
	check := &machinev1beta1.MachineHealthCheck{ObjectMeta: metav1.ObjectMeta{Namespace: machineAPI, Name: "aro-machinehealthcheck"}}
	w.cleans(check)
	rule := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
	rule.SetAPIVersion("monitoring.coreos.com/v1")
	rule.SetKind("PrometheusRule")
	rule.SetNamespace(machineAPI)
	rule.SetName("mhc-remediation-alert")
	w.with(rule)
	c := w.cluster()
	w.run(machinehealthcheck.New())
	w.condition("MachineHealthCheckControllerDegraded", operatorv1.ConditionTrue, "ClusterVersion")
	w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	right := func(m *machinev1beta1.MachineHealthCheck) bool {
		_, pause := m.Annotations["cluster.x-k8s.io/paused"]
		return m.Spec.MaxUnhealthy.String() == "1" && m.Spec.NodeStartupTimeout.Duration == 25*time.Minute && len(m.Spec.UnhealthyConditions) == 2 &&
			len(m.OwnerReferences) == 1 && m.OwnerReferences[0].UID == c.UID && !pause
	}
	becomes(w, check, "it is made", right)
	w.disappears(rule)
	edit(w, check, func(m *machinev1beta1.MachineHealthCheck) {
		m.Spec.UnhealthyConditions = m.Spec.UnhealthyConditions[:1]
		m.Annotations = map[string]string{"cluster.x-k8s.io/paused": "", "x": "y"}
	})
	becomes(w, check, "it is repaired, also what was added", func(m *machinev1beta1.MachineHealthCheck) bool { return right(m) && m.Annotations["x"] == "" })
	// The definition's pattern is one of text: it takes any number.
	edit(w, check, func(m *machinev1beta1.MachineHealthCheck) { m.Spec.MaxUnhealthy = ptr.To(intstr.FromInt32(-1)) })
	becomes(w, check, "a number that means nothing is repaired", right)
	if err := w.Delete(t.Context(), check); err != nil {
		t.Fatal(err)
	}
	becomes(w, check, "it is made again", right)
	w.history("4.20.1", configv1.PartialUpdate)
	becomes(w, check, "it is paused", func(m *machinev1beta1.MachineHealthCheck) bool {
		_, is := m.Annotations["cluster.x-k8s.io/paused"]
		return is
	})
	w.history("4.20.1", configv1.CompletedUpdate)
	becomes(w, check, "it goes on", right)
	w.healthy("MachineHealthCheck")
	w.unchanged(w.touched)
	w.set(c, flags.MachineHealthCheckManaged, "false")
	w.disappears(check)
}

func TestControlPlaneMachineSet(t *testing.T) {
	w := newFixture(t)
	labels := map[string]string{roleLabel: "master", "machine.openshift.io/cluster-api-machine-type": "master", "machine.openshift.io/cluster-api-cluster": "x"}
	active := func() *machinev1.ControlPlaneMachineSet {
		replicas := int32(3)
		set := &machinev1.ControlPlaneMachineSet{ObjectMeta: metav1.ObjectMeta{Namespace: machineAPI, Name: "cluster"}}
		set.Spec.Replicas, set.Spec.State = &replicas, machinev1.ControlPlaneMachineSetStateInactive
		set.Spec.Selector.MatchLabels = labels
		set.Spec.Template.MachineType = machinev1.OpenShiftMachineV1Beta1MachineType
		set.Spec.Template.OpenShiftMachineV1Beta1Machine = &machinev1.OpenShiftMachineV1Beta1MachineTemplate{
			ObjectMeta: machinev1.ControlPlaneMachineSetTemplateObjectMeta{Labels: labels},
			Spec:       machinev1beta1.MachineSpec{ProviderSpec: machinev1beta1.ProviderSpec{Value: azureSpec(128, "aro4")}},
		}
		return set
	}
	set := active()
	w.with(set)
	c := w.cluster()
	w.run(cpms.New())
	w.unchanged(w.touched)
	edit(w, set, func(s *machinev1.ControlPlaneMachineSet) { s.Spec.State = machinev1.ControlPlaneMachineSetStateActive })
	w.disappears(set)
	w.set(c, flags.CPMS, "true")
	set = active()
	set.Spec.State = machinev1.ControlPlaneMachineSetStateActive
	w.unchanged(func() { w.with(set) })
}
