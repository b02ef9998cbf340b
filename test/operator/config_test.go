package operator

import (
	"slices"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controllers/alertwebhook"
	"github.com/aro-rp/aro/operator/controllers/cloudproviderconfig"
	"github.com/aro-rp/aro/operator/controllers/imageconfig"
	"github.com/aro-rp/aro/operator/controllers/ingress"
	"github.com/aro-rp/aro/operator/controllers/monitoring"
	"github.com/aro-rp/aro/operator/flags"
)

// set changes a flag of the Cluster and waits until controllers know.
func (w *fixture) set(c *arov1alpha1.Cluster, name flags.Name, value string) {
	w.Helper()
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags[string(name)] = value })
	w.quiet()
}

// unchanged holds the operator to writing nothing more.
func (w *fixture) unchanged(do func()) {
	w.Helper()
	w.quiet()
	before := w.requests.count()
	do()
	w.quiet()
	if writes := w.requests.writes(before); len(writes) > 0 {
		w.Errorf("it writes: %v", writes)
	}
}

func TestAlertWebhook(t *testing.T) {
	w := newFixture(t)
	const url = "http://aro-operator-master.openshift-azure-operator.svc.cluster.local:8080/healthz/ready"
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "alertmanager-main"}, Data: map[string][]byte{
		"alertmanager.yaml": []byte("global: {resolve_timeout: 5m}\nreceivers: [{name: Default, webhook_configs: [{url: a}, {url: b}]}, {name: Watchdog}, {name: \"null\"}]\n"), "other": []byte("kept"),
	}}
	w.with(secret)
	c := w.cluster()
	w.run(alertwebhook.New())
	hooks := func(s *corev1.Secret) (count int, names string) {
		var config struct {
			Global    map[string]string
			Receivers []struct {
				Name     string
				Webhooks []struct{ URL string } `json:"webhook_configs"`
			}
		}
		if err := yaml.Unmarshal(s.Data["alertmanager.yaml"], &config); err != nil {
			t.Fatal(err)
		}
		for _, r := range config.Receivers {
			if len(r.Webhooks) == 1 && r.Webhooks[0].URL == url {
				count++
				names += r.Name + " "
			}
		}
		return count, names + config.Global["resolve_timeout"]
	}
	pointed := func(s *corev1.Secret) bool {
		_, names := hooks(s)
		return names == "Default null 5m" && string(s.Data["other"]) == "kept"
	}
	becomes(w, secret, "two receivers are pointed at the operator", pointed)
	edit(w, secret, func(s *corev1.Secret) {
		s.Data["alertmanager.yaml"] = []byte(strings.ReplaceAll(string(s.Data["alertmanager.yaml"]), url, "http://elsewhere"))
	})
	becomes(w, secret, "they are again", pointed)
	w.unchanged(w.touched)
	w.set(c, flags.AlertWebhook, "yes")
	edit(w, secret, func(s *corev1.Secret) { s.Data["alertmanager.yaml"] = []byte("receivers: [{name: Default}]") })
	w.quiet()
	if err := w.Get(t.Context(), key(secret), secret); err != nil || string(secret.Data["alertmanager.yaml"]) != "receivers: [{name: Default}]" {
		t.Errorf("a flag that is not true is off, but the secret changed: %v", err)
	}
}

func TestMonitoring(t *testing.T) {
	w := newFixture(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "cluster-monitoring-config"}}
	w.cleans(config)
	claim := func(name, instance string) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: name, Labels: map[string]string{"app": "prometheus", "prometheus": instance}},
			Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}}
	}
	ours, theirs := claim("ours", "k8s"), claim("theirs", "other")
	w.with(ours)
	w.with(theirs)
	w.cluster(flag(flags.Monitoring, "true"))
	w.run(monitoring.New())
	is := func(want string) func(*corev1.ConfigMap) bool {
		return func(m *corev1.ConfigMap) bool {
			a, errA := yaml.YAMLToJSON([]byte(m.Data["config.yaml"]))
			b, errB := yaml.YAMLToJSON([]byte(want))
			return errA == nil && errB == nil && string(a) == string(b)
		}
	}
	becomes(w, config, "the ConfigMap is made", is("{}"))
	w.disappears(ours)
	if err := w.Get(t.Context(), key(theirs), theirs); err != nil || theirs.DeletionTimestamp != nil {
		t.Errorf("the claim of another instance is not kept: %v", err)
	}
	edit(w, config, func(m *corev1.ConfigMap) {
		m.Data["config.yaml"] = "prometheusK8s: {retention: 1d, volumeClaimTemplate: {}, extra: 1}\nalertmanagerMain: {volumeClaimTemplate: {a: b}, x: y}\nunknown: {deep: [1]}\n"
	})
	becomes(w, config, "only what is not allowed is removed", is("prometheusK8s: {extra: 1}\nalertmanagerMain: {x: y}\nunknown: {deep: [1]}\n"))
	w.unchanged(func() { edit(w, config, func(m *corev1.ConfigMap) { m.Data["config.yaml"] = "" }) })
	edit(w, config, func(m *corev1.ConfigMap) { m.Data["config.yaml"] = "a: [" })
	w.condition("MonitoringControllerDegraded", operatorv1.ConditionTrue, "config.yaml")
	w.gone(config)
	becomes(w, config, "the ConfigMap is made again", is("{}"))
	w.healthy("Monitoring")
}

func TestImageConfig(t *testing.T) {
	const registry, replica = "arosvc.azurecr.io", "arosvc.eastus.data.azurecr.io"
	w := newFixture(t)
	image := &configv1.Image{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	w.with(image)
	c := w.cluster()
	w.run(imageconfig.New())
	w.healthy("ImageConfig")
	if err := w.Get(t.Context(), key(image), image); err != nil || image.Spec.RegistrySources.AllowedRegistries != nil || image.Spec.RegistrySources.BlockedRegistries != nil {
		t.Errorf("lists that were not set are set: %v %s", err, brief(image))
	}
	for _, s := range []struct{ allowed, blocked, wantAllowed, wantBlocked []string }{
		{allowed: []string{"quay.io"}, wantAllowed: []string{"quay.io", registry, replica}},
		{allowed: []string{"AROSVC.azurecr.io", "quay.io", replica}, wantAllowed: []string{"quay.io", registry, replica}},
		{blocked: []string{"quay.io", registry}, wantBlocked: []string{"quay.io"}},
	} {
		edit(w, image, func(i *configv1.Image) {
			i.Spec.RegistrySources = configv1.RegistrySources{AllowedRegistries: s.allowed, BlockedRegistries: s.blocked}
		})
		becomes(w, image, "ours are allowed", func(i *configv1.Image) bool {
			return slices.Equal(i.Spec.RegistrySources.AllowedRegistries, s.wantAllowed) && slices.Equal(i.Spec.RegistrySources.BlockedRegistries, s.wantBlocked)
		})
	}
	both := image.DeepCopy()
	for _, allowed := range [][]string{{"a"}, {}} { // an empty list is one, too
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(both)
		if err != nil {
			t.Fatal(err)
		}
		raw := &unstructured.Unstructured{Object: content}
		raw.SetGroupVersionKind(configv1.GroupVersion.WithKind("Image"))
		if err := unstructured.SetNestedStringSlice(raw.Object, allowed, "spec", "registrySources", "allowedRegistries"); err != nil {
			t.Fatal(err)
		}
		if err := w.Update(t.Context(), raw); !apierrors.IsInvalid(err) {
			t.Errorf("the definition takes both lists, %v of the allowed: %v; there must be a test of the Degraded condition for them", allowed, err)
		}
	}
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.AZEnvironment = "AzureUSGovernmentCloud" })
	edit(w, image, func(i *configv1.Image) {
		i.Spec.RegistrySources = configv1.RegistrySources{AllowedRegistries: []string{"quay.io"}}
	})
	becomes(w, image, "the other cloud's is allowed", func(i *configv1.Image) bool {
		return slices.Contains(i.Spec.RegistrySources.AllowedRegistries, "arosvc.eastus.data.azurecr.us")
	})
}

func TestIngress(t *testing.T) {
	w := newFixture(t)
	router := &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}}
	c := w.cluster()
	w.run(ingress.New())
	w.condition("IngressControllerAROControllerDegraded", operatorv1.ConditionTrue, "openshift-ingress-operator/default")
	w.with(router)
	w.healthy("IngressControllerARO")
	scale := func(n int32) {
		edit(w, router, func(r *operatorv1.IngressController) { r.Spec.Replicas = &n })
	}
	for _, n := range []int32{1, 0, 3} {
		scale(n)
		becomes(w, router, "two replicas at least", func(r *operatorv1.IngressController) bool {
			return r.Spec.Replicas != nil && *r.Spec.Replicas == max(n, 2)
		})
	}
	w.unchanged(func() { edit(w, router, func(r *operatorv1.IngressController) { r.Spec.Replicas = nil }) })
	w.set(c, flags.Ingress, "false")
	w.unchanged(func() { scale(1) })
}

func TestCloudProviderConfig(t *testing.T) {
	w := newFixture(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: "cloud-provider-config"},
		Data: map[string]string{"config": `{"cloud":"AzurePublicCloud","unknown":{"n":12345678901234567890}}`}}
	w.cluster()
	w.run(cloudproviderconfig.New())
	w.eventually("its absence is an error", func() error { return w.logged("openshift-config/cloud-provider-config") })
	w.with(config)
	off := func(m *corev1.ConfigMap) bool {
		return strings.Contains(m.Data["config"], `"disableOutboundSNAT": true`) && strings.Contains(m.Data["config"], "12345678901234567890") && strings.Contains(m.Data["config"], "AzurePublicCloud")
	}
	becomes(w, config, "outbound SNAT is off, all else is kept", off)
	edit(w, config, func(m *corev1.ConfigMap) { m.Data["config"] = strings.Replace(m.Data["config"], "true", "false", 1) })
	becomes(w, config, "it is off again", off)
	w.unchanged(w.touched)
	for _, broken := range []map[string]string{{"config": "{"}, {"config": "null"}, {}} {
		w.unchanged(func() { edit(w, config, func(m *corev1.ConfigMap) { m.Data = broken }) })
	}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(config), config); err != nil || len(config.Data) != 0 {
		t.Errorf("a config that cannot be read is changed: %v", config.Data)
	}
}
