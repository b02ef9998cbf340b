package operators

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// alerting is what alertmanager is configured with at first: alerts go nowhere.
const alerting = `global:
  resolve_timeout: 5m
inhibit_rules:
- equal: [namespace, alertname]
  source_matchers: [severity = critical]
  target_matchers: [severity =~ warning|info]
receivers:
- name: Default
- name: Watchdog
- name: Critical
- name: "null"
route:
  group_by: [namespace]
  group_interval: 5m
  group_wait: 30s
  receiver: Default
  repeat_interval: 12h
  routes:
  - matchers: [alertname = Watchdog]
    receiver: Watchdog
  - matchers: [severity = critical]
    receiver: Critical
`

// scraping is what Prometheus is configured with. The API server's process is also etcd's, whose metrics get
// the job that they have in OpenShift. The buckets of the histograms that have most of the API server's series are left out, as in OpenShift.
const scraping = `global:
  scrape_interval: 15s
  scrape_timeout: 10s
scrape_configs:
- job_name: apiserver
  scheme: https
  authorization:
    credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
  tls_config:
    ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    server_name: kubernetes.default.svc
  static_configs:
  - targets: ["${APISERVER}"]
    labels: {namespace: default, service: kubernetes}
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: (apiserver_(request_(sli_duration|body_size|slo_duration)|response_sizes|watch_|flowcontrol_|admission_)|etcd_request_duration|scheduler_|workqueue_)[a-z_]*_bucket
    action: drop
  - source_labels: [__name__]
    regex: etcd_(server|disk|network|mvcc|cluster|snap)_.*
    target_label: job
    replacement: etcd
`

const (
	monitoringNamespace = "openshift-monitoring"
	prometheusName      = "prometheus-k8s"
)

// monitoring is the configuration of what notifies of alerts and of Prometheus, and what Prometheus may do.
func monitoring() []client.Object {
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: monitoringNamespace, Name: name}
	}
	return []client.Object{
		&corev1.Secret{ObjectMeta: named("alertmanager-main"), Type: corev1.SecretTypeOpaque, Data: map[string][]byte{"alertmanager.yaml": []byte(alerting)}},
		&corev1.ServiceAccount{ObjectMeta: named(prometheusName)},
		&corev1.ConfigMap{ObjectMeta: named(prometheusName), Data: map[string]string{"prometheus.yaml": scraping}},
		&rbacv1.ClusterRole{ObjectMeta: the(prometheusName), Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: the(prometheusName), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: prometheusName},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: monitoringNamespace, Name: prometheusName}}},
	}
}

// prometheus makes the Prometheus of the cluster: one replica, whose program rests until it gets a query.
func (o *operators) prometheus(ctx context.Context) (time.Duration, error) {
	return 0, o.create(ctx, &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: monitoringNamespace, Name: prometheusName},
		Spec: appsv1.StatefulSetSpec{
			Replicas: ptr.To[int32](1), ServiceName: "prometheus-operated",
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "prometheus"}},
			Template: prometheusPod(),
		},
	})
}

func prometheusPod() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/name": "prometheus"}},
		Spec: corev1.PodSpec{
			ServiceAccountName: prometheusName,
			Containers: []corev1.Container{{
				Name: "prometheus", Image: "quay.io/openshift/origin-prometheus:latest", ImagePullPolicy: corev1.PullIfNotPresent,
				Args:         []string{"--listen=$(POD_IP):9090", "--config=/etc/prometheus/prometheus.yaml", "--data=/prometheus", "--variable=APISERVER=$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)"},
				Env:          []corev1.EnvVar{{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}}}},
				Ports:        []corev1.ContainerPort{{Name: "web", ContainerPort: 9090, Protocol: corev1.ProtocolTCP}},
				VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/prometheus", ReadOnly: true}, {Name: "data", MountPath: "/prometheus"}},
			}},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: prometheusName}}}},
				{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		},
	}
}
