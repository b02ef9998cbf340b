package machineconfig

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubernetesscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestConfigsAreRolledOutNodeByNode with a KubeletConfig, which both workers get, one after the other.
func TestConfigsAreRolledOutNodeByNode(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kubernetesscheme.AddToScheme, configv1.Install, machineconfigurationv1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	const worker = "node-role.kubernetes.io/worker"
	node := func(name string) client.Object {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{worker: ""}},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p"}, Spec: corev1.PodSpec{NodeName: "a"}}
	pool := &machineconfigurationv1.MachineConfigPool{ObjectMeta: metav1.ObjectMeta{Name: "worker", Labels: map[string]string{"built-in": ""}}, Spec: machineconfigurationv1.MachineConfigPoolSpec{
		MachineConfigSelector: &metav1.LabelSelector{MatchLabels: map[string]string{roleLabel: "worker"}}, NodeSelector: &metav1.LabelSelector{MatchLabels: map[string]string{worker: ""}}}}
	version := &configv1.ClusterVersion{ObjectMeta: metav1.ObjectMeta{Name: "version"}, Status: configv1.ClusterVersionStatus{History: []configv1.UpdateHistory{{State: configv1.CompletedUpdate}}}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(pool, &machineconfigurationv1.KubeletConfig{}).
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }).
		WithObjects(node("a"), node("b"), pod, pool, version).Build()
	o := &operator{client: c, live: c}
	ctx := t.Context()
	reconcile := func() {
		t.Helper()
		if _, err := o.reconcile(ctx); err != nil {
			t.Fatal(err)
		}
	}
	reconcile() // nodes that joined have what there is
	reconcile()
	if got := states(ctx, t, c); got != "a Done, b Done" {
		t.Fatalf("at first: %s", got)
	}
	if err := c.Create(ctx, &machineconfigurationv1.KubeletConfig{ObjectMeta: metav1.ObjectMeta{Name: "k", UID: "u"}, Spec: machineconfigurationv1.KubeletConfigSpec{
		AutoSizingReserved: ptr.To(true), MachineConfigPoolSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"built-in": ""}}}}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for range 20 {
		reconcile()
		aged(ctx, t, c)
		if got := states(ctx, t, c); len(seen) == 0 || seen[len(seen)-1] != got {
			seen = append(seen, got)
		}
	}
	want := []string{"a Done, b Done", "a Working cordoned, b Done", "a Done, b Done", "a Done, b Working cordoned", "a Done, b Done"}
	// The second node may begin with the look that lets the first one in.
	if !slices.Equal(seen, want) && !slices.Equal(seen, slices.Delete(want, 2, 3)) {
		t.Errorf("the nodes were %q", seen)
	}
	if err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod); err == nil {
		t.Error("the pod of a drained node is still there")
	}
	if err := c.Get(ctx, client.ObjectKeyFromObject(pool), pool); err != nil || pool.Status.UpdatedMachineCount != 2 ||
		!slices.ContainsFunc(pool.Status.Configuration.Source, func(r corev1.ObjectReference) bool { return r.Name == "99-worker-generated-kubelet" }) {
		t.Errorf("the pool is %+v, %v", pool.Status, err)
	}
}

func states(ctx context.Context, t *testing.T, c client.Client) string {
	t.Helper()
	var nodes corev1.NodeList
	if err := c.List(ctx, &nodes); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, n := range nodes.Items {
		text := n.Name + " " + n.Annotations[state]
		if n.Spec.Unschedulable {
			text += " cordoned"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// aged makes rendered configs old enough to be rolled out.
func aged(ctx context.Context, t *testing.T, c client.Client) {
	t.Helper()
	var list machineconfigurationv1.MachineConfigList
	if err := c.List(ctx, &list); err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		list.Items[i].CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Minute))
		if err := c.Update(ctx, &list.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeysOfSSHNeedNoDrain(t *testing.T) {
	config := func(raw string, arguments ...string) *machineconfigurationv1.MachineConfig {
		c := &machineconfigurationv1.MachineConfig{}
		c.Spec.Config.Raw, c.Spec.KernelArguments = []byte(raw), arguments
		return c
	}
	from := config(`{"ignition":{"version":"3.2.0"},"passwd":{"users":[{"name":"core"}]}}`)
	if needsDrain(from, config(`{"ignition":{"version":"3.2.0"},"passwd":{"users":[]}}`)) {
		t.Error("a key of SSH needs a drain")
	}
	if !needsDrain(from, config(`{"ignition":{"version":"3.2.0"},"storage":{"files":[]}}`)) || !needsDrain(from, config(string(from.Spec.Config.Raw), "x")) || !needsDrain(nil, from) {
		t.Error("files or kernel arguments need no drain")
	}
}
