package platform

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// templateHash stands for that of a replica set's template: any value does.
const templateHash = "5d8c9b7f4"

// Running completes those deployments among objects whose pods run on masters, and returns their replica sets and pods, in the
// state in which controllers and nodes leave them. It takes an API server and these programs seconds of processor time to come
// to that by themselves. Nodes that do not join lose these pods again, as any do.
func Running(objects []client.Object, masters []string, now time.Time) (made []client.Object) {
	next := 0
	for _, object := range objects {
		d, is := object.(*appsv1.Deployment)
		if _, here := nodeSelector(d, is)[masterRole]; !here || len(masters) == 0 {
			continue
		}
		set := replicaSet(d, now)
		made = append(made, set)
		template := set.Spec.Template
		template.Namespace = set.Namespace
		for range *d.Spec.Replicas {
			made = append(made, podOf(owner(set, "ReplicaSet"), template, masters[next%len(masters)], strconv.Itoa(next), now))
			next++
		}
	}
	return made
}

const masterRole = "node-role.kubernetes.io/" + onMasters

func nodeSelector(d *appsv1.Deployment, is bool) map[string]string {
	if !is {
		return nil
	}
	return d.Spec.Template.Spec.NodeSelector
}

// replicaSet returns that of a deployment, and notes in both that all replicas are available.
func replicaSet(d *appsv1.Deployment, now time.Time) *appsv1.ReplicaSet {
	const revision = "deployment.kubernetes.io/revision"
	n, at := *d.Spec.Replicas, metav1.NewTime(now)
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-" + templateHash, UID: newUID(), Generation: 1,
		OwnerReferences: []metav1.OwnerReference{owner(d, "Deployment")}, Labels: withHash(d.Spec.Selector.MatchLabels), Annotations: map[string]string{
			revision: "1", "deployment.kubernetes.io/desired-replicas": strconv.Itoa(int(n)), "deployment.kubernetes.io/max-replicas": strconv.Itoa(int(n + 1)),
		}}}
	set.Spec = appsv1.ReplicaSetSpec{Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: set.Labels}, Template: *d.Spec.Template.DeepCopy()}
	set.Spec.Template.Labels = withHash(set.Spec.Template.Labels)
	set.Status = appsv1.ReplicaSetStatus{Replicas: n, FullyLabeledReplicas: n, ReadyReplicas: n, AvailableReplicas: n, ObservedGeneration: 1}
	metav1.SetMetaDataAnnotation(&d.ObjectMeta, revision, "1")
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n, Conditions: []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability.", LastUpdateTime: at, LastTransitionTime: at},
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable", Message: fmt.Sprintf("ReplicaSet %q has successfully progressed.", set.Name),
			LastUpdateTime: at, LastTransitionTime: at},
	}}
	return set
}

func withHash(labels map[string]string) map[string]string {
	all := maps.Clone(labels)
	all[appsv1.DefaultDeploymentUniqueLabelKey] = templateHash
	return all
}

func owner(o client.Object, kind string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: o.GetName(), UID: o.GetUID(), Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true)}
}

// podOf returns a pod that runs on a node, in the namespace of the template. The suffix tells it from its like.
func podOf(by metav1.OwnerReference, template corev1.PodTemplateSpec, node, suffix string, now time.Time) *corev1.Pod {
	at := metav1.NewTime(now)
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.Name, pod.GenerateName = by.Name+"-"+suffix, by.Name+"-"
	pod.UID, pod.Generation, pod.OwnerReferences = newUID(), 1, []metav1.OwnerReference{by}
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, "openshift.io/scc", "privileged")
	pod.Spec.NodeName, pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = node, "default", "default"
	pod.Status = corev1.PodStatus{ObservedGeneration: 1, Phase: corev1.PodRunning, QOSClass: corev1.PodQOSBestEffort, StartTime: &at}
	for _, kind := range []corev1.PodConditionType{"PodReadyToStartContainers", corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady, corev1.PodScheduled} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: at, ObservedGeneration: 1})
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "simulated://" + string(pod.UID) + "/" + c.Name, Ready: true, Started: ptr.To(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		})
	}
	return pod
}

// IsDaemonSet reports whether a daemon set is one of the table, and runs on masters or workers.
func IsDaemonSet(namespace, name string, master bool) bool {
	for _, w := range workloads() {
		if w.kind == daemonSet && w.namespace == namespace && w.name == name {
			return w.nodes != onWorkers && master || w.nodes != onMasters && !master
		}
	}
	return false
}

// OnNode is the pod of a daemon set on a node that has not joined yet. The hash is that of the set's template.
func OnNode(set *appsv1.DaemonSet, hash, node string, now time.Time) *corev1.Pod {
	template := set.Spec.Template.DeepCopy()
	template.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], template.Labels["pod-template-generation"] = hash, strconv.FormatInt(set.Generation, 10)
	template.Namespace = set.Namespace
	return podOf(owner(set, "DaemonSet"), *template, node, string(newUID())[:5], now)
}
