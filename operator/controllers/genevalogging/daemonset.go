package genevalogging

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aro-rp/aro/operator/flags"
)

// role is a kind of nodes with an exporter of its own.
type role struct {
	name    string
	profile flags.Name
	cpu     string
	// where selects the nodes.
	where []corev1.NodeSelectorTerm
}

const (
	masterLabel       = "node-role.kubernetes.io/master"
	controlPlaneLabel = "node-role.kubernetes.io/control-plane"
)

var roles = []role{
	{"master", flags.LogProfileMaster, "2", []corev1.NodeSelectorTerm{
		{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: masterLabel, Operator: corev1.NodeSelectorOpExists}}},
		{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: controlPlaneLabel, Operator: corev1.NodeSelectorOpExists}}},
	}},
	{"worker", flags.LogProfileWorker, "200m", []corev1.NodeSelectorTerm{
		{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: masterLabel, Operator: corev1.NodeSelectorOpDoesNotExist}, {Key: controlPlaneLabel, Operator: corev1.NodeSelectorOpDoesNotExist}}},
	}},
}

func daemonSetNamed(role role) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("DaemonSet"))
	o.SetNamespace(namespace)
	o.SetName(exporter + role.name)
	return o
}

// daemonSet runs the exporter on the nodes of a role.
func daemonSet(role role, config, image string, to gateway) (*unstructured.Unstructured, error) {
	name := exporter + role.name
	app := map[string]string{"app": name}
	set := &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: app},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: app, Annotations: map[string]string{"aro.openshift.io/otel-config-sha256": checksum(config)}},
			Spec:       pod(role, image, to),
		},
	}}
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&set.Spec)
	if err != nil {
		return nil, fmt.Errorf("daemon set %s: %w", name, err)
	}
	delete(spec, "updateStrategy") // the server's default
	o := daemonSetNamed(role)
	o.Object["spec"] = spec
	return o, nil
}

func pod(role role, image string, to gateway) corev1.PodSpec {
	no := false
	return corev1.PodSpec{
		ServiceAccountName:           account,
		AutomountServiceAccountToken: &no,
		PriorityClassName:            "system-cluster-critical",
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: role.where}}},
		Tolerations: []corev1.Toleration{
			{Effect: corev1.TaintEffectNoExecute, Operator: corev1.TolerationOpExists}, {Effect: corev1.TaintEffectNoSchedule, Operator: corev1.TolerationOpExists}},
		HostAliases: []corev1.HostAlias{{IP: to.address, Hostnames: []string{to.domain}}},
		Containers:  []corev1.Container{container(role, image, to)},
		Volumes: []corev1.Volume{
			hostPath("log", "/var/log", nil),
			hostPath("machine-id", "/etc/machine-id", pointer(corev1.HostPathFile)),
			hostPath("storage", storageDirectory, pointer(corev1.HostPathDirectoryOrCreate)),
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap}}}},
		},
	}
}

func container(role role, image string, to gateway) corev1.Container {
	root, no := int64(0), false
	return corev1.Container{
		Name: "otel-exporter", Image: image,
		Args: []string{"--config", "/etc/otel/" + role.name + "-config.yaml"},
		Env: []corev1.EnvVar{
			{Name: endpointVariable, Value: to.domain + ":4317"},
			{Name: nodeVariable, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}},
		},
		Ports: []corev1.ContainerPort{
			{Name: "health", ContainerPort: healthPort, Protocol: corev1.ProtocolTCP}, {Name: "metrics", ContainerPort: metricsPort, Protocol: corev1.ProtocolTCP}},
		LivenessProbe: probe(10), ReadinessProbe: probe(5),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("250Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(role.cpu), corev1.ResourceMemory: resource.MustParse("1000Mi")},
		},
		SecurityContext: &corev1.SecurityContext{
			RunAsUser: &root, AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, SELinuxOptions: &corev1.SELinuxOptions{Type: "spc_t"},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "log", MountPath: "/var/log", ReadOnly: true}, {Name: "machine-id", MountPath: "/etc/machine-id", ReadOnly: true},
			{Name: "storage", MountPath: storageDirectory}, {Name: "config", MountPath: "/etc/otel", ReadOnly: true},
		},
	}
}

func probe(delay int32) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(healthPort)}},
		InitialDelaySeconds: delay, PeriodSeconds: 10, FailureThreshold: 3}
}

func hostPath(name, path string, kind *corev1.HostPathType) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path, Type: kind}}}
}

func pointer[T any](value T) *T { return &value }
