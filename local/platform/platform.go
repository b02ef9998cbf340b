// Package platform has the workloads of OpenShift's operators: the deployments, daemon sets, stateful sets and static pods
// by which people and tools know a cluster. It is a table, workloads.tsv.
//
// Nothing runs in their containers, unless an image is given a program. They are what pods of any other image are: objects that
// controllers, scheduler and nodes look after.
package platform

import (
	_ "embed" // the table
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

//go:embed workloads.tsv
var table string

// repository is where the images of a release are; the tag stands for the digest.
const repository = "quay.io/openshift-release-dev/ocp-v4.0-art-dev"

// workload is a line of the table.
type workload struct {
	operator        string // name of the ClusterOperator
	namespace, name string
	kind            string
	replicas        int32 // of kinds that have them
	nodes           string
	label           string
	containers      []string
}

// The kinds of workloads, and the nodes that they run on.
const (
	deployment, daemonSet, statefulSet, static = "Deployment", "DaemonSet", "StatefulSet", "Pod"
	onMasters, onWorkers                       = "master", "worker"
)

// workloads are the lines of the table.
var workloads = sync.OnceValue(func() (all []workload) {
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		replicas, _ := strconv.ParseInt(columns[4], 10, 32) // of kinds that have none
		all = append(all, workload{
			operator: columns[0], namespace: columns[1], kind: columns[2], name: columns[3], replicas: int32(replicas),
			nodes: columns[5], label: columns[6], containers: strings.Fields(columns[7]),
		})
	}
	return all
})

// Namespaces are those that the workloads of an operator are in.
func Namespaces(operator string) (names []string) {
	seen := map[string]bool{}
	for _, w := range workloads() {
		if w.operator == operator && !seen[w.namespace] {
			names, seen[w.namespace] = append(names, w.namespace), true
		}
	}
	return names
}

// Deployments are those of an operator.
func Deployments(operator string) (names []types.NamespacedName) {
	for _, w := range workloads() {
		if w.operator == operator && w.kind == deployment {
			names = append(names, types.NamespacedName{Namespace: w.namespace, Name: w.name})
		}
	}
	return names
}

// Objects are the workloads that Kubernetes' controllers make pods of.
func Objects() (all []client.Object) {
	for _, w := range workloads() {
		meta := metav1.ObjectMeta{Namespace: w.namespace, Name: w.name, Labels: w.labels(), UID: newUID(), Generation: 1}
		selector := &metav1.LabelSelector{MatchLabels: w.labels()}
		switch template := w.template(); w.kind {
		case deployment:
			all = append(all, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &w.replicas, Selector: selector, Template: template}})
		case daemonSet:
			all = append(all, &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}})
		case statefulSet:
			all = append(all, &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{
				Replicas: &w.replicas, Selector: selector, Template: template, ServiceName: w.name, PodManagementPolicy: appsv1.ParallelPodManagement,
			}})
		}
	}
	return all
}

func newUID() types.UID { return types.UID(uuid.NewString()) }

// Static are the pods that the agent of a master runs by itself, for the API server to show.
func Static(node string) (all []corev1.Pod) {
	for _, w := range workloads() {
		if w.kind != static {
			continue
		}
		template := w.template()
		pod := corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		pod.Namespace, pod.Name = w.namespace, w.name+"-"+node
		pod.Spec.NodeName, pod.Spec.HostNetwork = node, true
		all = append(all, pod)
	}
	return all
}

func (w workload) labels() map[string]string {
	key, value, _ := strings.Cut(w.label, "=")
	return map[string]string{key: value}
}

func (w workload) template() corev1.PodTemplateSpec {
	spec := corev1.PodSpec{
		PriorityClassName: "system-cluster-critical", AutomountServiceAccountToken: ptr.To(false), // no program would read it
		Tolerations: []corev1.Toleration{
			{Key: "node-role.kubernetes.io/master", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
			{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
			{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
		},
	}
	if w.kind == daemonSet || w.kind == static {
		spec.PriorityClassName, spec.Tolerations = "system-node-critical", []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	if w.nodes == onMasters || w.nodes == onWorkers {
		spec.NodeSelector = map[string]string{"node-role.kubernetes.io/" + w.nodes: ""}
	}
	for _, name := range w.containers {
		spec.Containers = append(spec.Containers, corev1.Container{Name: name, Image: repository + ":" + name, TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError})
	}
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: w.labels()}, Spec: spec}
}
