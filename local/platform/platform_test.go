package platform

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(table) {
		if columns := strings.Split(line, "\t"); len(columns) != 8 && !strings.HasPrefix(line, "#") {
			t.Errorf("%q has %d columns", line, len(columns))
		}
	}
	for _, w := range workloads() {
		name := w.kind + " " + w.namespace + "/" + w.name
		scaled := w.kind == deployment || w.kind == statefulSet
		if seen[name] || w.operator == "" || !strings.HasPrefix(w.namespace, "openshift-") || len(w.containers) == 0 || scaled != (w.replicas > 0) || strings.Count(w.label, "=") != 1 {
			t.Errorf("%s is no workload: %+v", name, w)
		}
		if !scaled && w.kind != daemonSet && w.kind != static || w.nodes != onMasters && w.nodes != onWorkers && w.nodes != "all" {
			t.Errorf("%s: kind %q, nodes %q", name, w.kind, w.nodes)
		}
		seen[name] = true
	}
	if len(Namespaces("monitoring")) != 1 || len(Namespaces("network")) < 3 {
		t.Errorf("namespaces: %v, %v", Namespaces("monitoring"), Namespaces("network"))
	}
}

// TestRunningPodsBelongToTheirDeployments has what controllers look at before they leave pods alone.
func TestRunningPodsBelongToTheirDeployments(t *testing.T) {
	objects := Objects()
	sets, pods := map[string]*appsv1.ReplicaSet{}, map[string]int32{}
	for _, object := range Running(objects, []string{"m0", "m1", "m2"}, time.Now()) {
		switch object := object.(type) {
		case *appsv1.ReplicaSet:
			sets[string(object.UID)] = object
		case *corev1.Pod:
			set := sets[string(object.OwnerReferences[0].UID)]
			if set == nil || !labels.SelectorFromSet(set.Spec.Selector.MatchLabels).Matches(labels.Set(object.Labels)) || !strings.HasPrefix(object.Spec.NodeName, "m") {
				t.Fatalf("%s/%s belongs to %v", object.Namespace, object.Name, set)
			}
			pods[string(set.UID)]++
		}
	}
	deployments := 0
	for _, object := range objects {
		d, is := object.(*appsv1.Deployment)
		if _, here := nodeSelector(d, is)[masterRole]; !here {
			continue
		}
		deployments++
		if d.Status.AvailableReplicas != *d.Spec.Replicas {
			t.Errorf("%s has %d of %d", d.Name, d.Status.AvailableReplicas, *d.Spec.Replicas)
		}
	}
	for uid, set := range sets {
		if pods[uid] != *set.Spec.Replicas || set.Status.ReadyReplicas != pods[uid] {
			t.Errorf("%s has %d pods, and says %d of %d", set.Name, pods[uid], set.Status.ReadyReplicas, *set.Spec.Replicas)
		}
	}
	if len(sets) != deployments || deployments < 40 {
		t.Errorf("%d deployments have %d replica sets", deployments, len(sets))
	}
	if made := Running(Objects(), nil, time.Now()); len(made) != 0 {
		t.Errorf("without masters there are %d", len(made))
	}
}
