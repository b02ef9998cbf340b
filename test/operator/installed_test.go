package operator

import (
	"fmt"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	securityv1 "github.com/openshift/api/security/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/controllers/genevalogging"
	"github.com/aro-rp/aro/operator/controllers/guardrails"
	"github.com/aro-rp/aro/operator/controllers/managedupgradeoperator"
	"github.com/aro-rp/aro/operator/flags"
)

// must is a controller whose manifests can be read.
func must(t *testing.T) func(controller.Spec, error) controller.Spec {
	return func(spec controller.Spec, err error) controller.Spec {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
}

// named is an object of which only the kind and the name are known.
func named(group, version, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

func deployment(namespace, name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// available reports a Deployment as running, which here no controller does.
func (w *fixture) available(d *appsv1.Deployment) {
	w.Helper()
	w.eventually(d.Name+" is there", func() error {
		if err := w.Get(w.Context(), key(d), d); err != nil {
			return err
		}
		n := *d.Spec.Replicas
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, AvailableReplicas: n, ReadyReplicas: n}
		return w.Status().Update(w.Context(), d)
	})
}

// privilegedConstraints makes the SecurityContextConstraints that every cluster has, which are null where they add nothing.
func (w *fixture) privilegedConstraints() {
	w.Helper()
	var scc securityv1.SecurityContextConstraints
	scc.Name, scc.Groups, scc.AllowPrivilegedContainer = "privileged", []string{"system:nodes"}, true
	scc.Volumes = []securityv1.FSType{securityv1.FSTypeAll}
	o := named("security.openshift.io", "v1", "SecurityContextConstraints", "", "privileged")
	text, err := yaml.Marshal(scc)
	if err == nil {
		err = yaml.Unmarshal(text, &o.Object)
	}
	if err != nil {
		w.Fatal(err)
	}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "security.openshift.io", Version: "v1", Kind: "SecurityContextConstraints"})
	w.with(o)
}

func TestManagedUpgradeOperator(t *testing.T) {
	w := newFixture(t)
	const namespace, name = "openshift-managed-upgrade-operator", "managed-upgrade-operator"
	w.clusterVersion("4.16.9", configv1.CompletedUpdate)
	c := w.cluster(flag(flags.UpgradeOperatorPullSpec, ""))
	w.run(must(t)(managedupgradeoperator.New()))
	d := becomes(w, deployment(namespace, name), "it is deployed", func(d *appsv1.Deployment) bool {
		return len(d.OwnerReferences) == 1 && d.OwnerReferences[0].UID == c.UID &&
			d.Spec.Template.Spec.Containers[0].Image == "arosvc.azurecr.io/app-sre/managed-upgrade-operator:v0.1.1445-g512fbce" && *d.Spec.Template.Spec.SecurityContext.RunAsNonRoot
	})
	w.quiet()
	for _, o := range []client.Object{
		named("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "upgradeconfigs.upgrade.managed.openshift.io"),
		named("monitoring.coreos.com", "v1", "PrometheusRule", "openshift-monitoring", "sre-managed-upgrade-operator-alerts"),
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: "muo-pullsecret-reader"}},
		&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "muo-monitoring-interactor"}},
	} {
		if err := w.Get(t.Context(), key(o), o); err != nil {
			t.Error(err)
		}
	}
	bundle := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trusted-ca-bundle"}}
	edit(w, bundle, func(m *corev1.ConfigMap) { m.Data = map[string]string{"ca-bundle.crt": "injected"} })
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
	edit(w, role, func(r *rbacv1.ClusterRole) {
		r.Rules = append(r.Rules, rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}})
	})
	becomes(w, role, "an added right is taken back", func(r *rbacv1.ClusterRole) bool {
		return r.Rules[len(r.Rules)-1].Resources[0] != "secrets"
	})
	w.set(c, flags.UpgradeOperatorPullSpec, "example.com/other:v2")
	becomes(w, d, "the flag's image", func(d *appsv1.Deployment) bool {
		return d.Spec.Template.Spec.Containers[0].Image == "example.com/other:v2"
	})
	becomes(w, bundle, "what OpenShift injects stays", func(m *corev1.ConfigMap) bool { return m.Data["ca-bundle.crt"] == "injected" })
	w.available(d)
	w.unchanged(w.touched)
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", Message: "timed out progressing"}}
	d.Status.AvailableReplicas, d.Status.ReadyReplicas = 0, 0
	if err := w.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	w.eventually("it tells of a deployment that makes no progress", func() error { return w.logged("timed out progressing") })
	w.set(c, flags.UpgradeOperatorManaged, "false")
	w.disappears(d)
	w.disappears(named("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "upgradeconfigs.upgrade.managed.openshift.io"))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	w.disappears(ns)
	w.finalize(ns)
}

func TestGenevaLogging(t *testing.T) {
	w := newFixture(t)
	const namespace = "openshift-azure-logging"
	w.clusterVersion("4.16.9", configv1.CompletedUpdate)
	w.namespace(namespace)
	old := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "fluent-config"}}
	w.with(old)
	c := w.cluster()
	w.run(must(t)(genevalogging.New()))
	w.condition("GenevaLoggingControllerDegraded", operatorv1.ConditionTrue, "privileged")
	w.privilegedConstraints()
	set := func(role string) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "otel-exporter-" + role}}
	}
	w.cleans(set("master"), set("worker"), named("security.openshift.io", "v1", "SecurityContextConstraints", "", "privileged-genevalogging"))
	w.healthy("GenevaLogging")
	w.disappears(old)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "otel-config"}}
	becomes(w, config, "the configuration", func(m *corev1.ConfigMap) bool {
		return m.Data["config.yaml"] == m.Data["master-config.yaml"] && strings.Contains(m.Data["master-config.yaml"], "audit.log") && !strings.Contains(m.Data["worker-config.yaml"], "audit.log")
	})
	scc := named("security.openshift.io", "v1", "SecurityContextConstraints", "", "privileged-genevalogging")
	becomes(w, scc, "the constraints are the exporters' alone", func(o *unstructured.Unstructured) bool {
		users, _, _ := unstructured.NestedStringSlice(o.Object, "users")
		groups, _, _ := unstructured.NestedStringSlice(o.Object, "groups")
		return o.Object["allowPrivilegedContainer"] == true && len(groups) == 0 && len(users) == 1 && users[0] == "system:serviceaccount:openshift-azure-logging:geneva"
	})
	if err := w.Get(t.Context(), key(set("master")), set("master")); !apierrors.IsNotFound(err) {
		t.Errorf("without a gateway: %v", err)
	}
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.GatewayPrivateEndpointIP = "nowhere" })
	w.condition("GenevaLoggingControllerDegraded", operatorv1.ConditionTrue, "is no IP address")
	edit(w, c, func(c *arov1alpha1.Cluster) {
		c.Spec.GatewayPrivateEndpointIP, c.Spec.GatewayTelemetryDomain = "10.9.9.9", "Telemetry.eastus.example.com"
	})
	sum := ""
	master := becomes(w, set("master"), "the exporter of masters", func(s *appsv1.DaemonSet) bool {
		pod := s.Spec.Template.Spec
		sum = s.Spec.Template.Annotations["aro.openshift.io/otel-config-sha256"]
		return pod.HostAliases[0].IP == "10.9.9.9" && pod.HostAliases[0].Hostnames[0] == "telemetry.eastus.example.com" && pod.Containers[0].Env[0].Value == "telemetry.eastus.example.com:4317" && len(sum) == 64
	})
	w.healthy("GenevaLogging")
	w.unchanged(w.touched)
	edit(w, master, func(s *appsv1.DaemonSet) { s.Spec.Template.Spec.NodeSelector = map[string]string{"none": ""} })
	becomes(w, master, "the selector is cleared", func(s *appsv1.DaemonSet) bool { return len(s.Spec.Template.Spec.NodeSelector) == 0 })
	if err := w.Delete(t.Context(), set("worker")); err != nil {
		t.Fatal(err)
	}
	becomes(w, set("worker"), "it is made again", func(*appsv1.DaemonSet) bool { return true })
	w.set(c, flags.LogProfile, "max-logs")
	becomes(w, master, "the pods get the other profile", func(s *appsv1.DaemonSet) bool {
		return s.Spec.Template.Annotations["aro.openshift.io/otel-config-sha256"] != sum
	})
	w.set(c, flags.LogProfileWorker, "all")
	w.condition("GenevaLoggingControllerDegraded", operatorv1.ConditionTrue, "worker")
}

// define makes the kinds of templates, as Gatekeeper does.
func (w *fixture) define(kinds []string) {
	w.Helper()
	yes := true
	for _, kind := range kinds {
		lower := strings.ToLower(kind)
		w.with(&apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: lower + ".constraints.gatekeeper.sh"}, Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "constraints.gatekeeper.sh", Scope: apiextensionsv1.ClusterScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, Plural: lower, Singular: lower, ListKind: kind + "List"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1beta1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &yes}}}},
		}})
	}
}

// taken reports templates as created, as Gatekeeper does, and returns their sources.
func (w *fixture) taken(kinds []string) map[string]source {
	w.Helper()
	sources := map[string]source{}
	for _, kind := range kinds {
		template := named("templates.gatekeeper.sh", "v1", "ConstraintTemplate", "", strings.ToLower(kind))
		w.eventually("the template of "+kind, func() error {
			if err := w.Get(w.Context(), key(template), template); err != nil {
				return err
			}
			template.Object["status"] = map[string]any{"created": true}
			return w.Status().Update(w.Context(), template)
		})
		targets, _, _ := unstructured.NestedSlice(template.Object, "spec", "targets")
		text, err := yaml.Marshal(targets)
		var parsed []struct{ Code []struct{ Source source } }
		if err == nil {
			err = yaml.Unmarshal(text, &parsed)
		}
		if err != nil {
			w.Fatal(err)
		}
		sources[kind] = parsed[0].Code[0].Source
	}
	return sources
}

// source is a template's, in the language of the API server's policies.
type source struct {
	Variables   []admissionv1.Variable
	Validations []admissionv1.Validation
}

// TestGatekeeperGuardsOlderReleases installs Gatekeeper before 4.17, and puts the API server's
// policies in its place after.
func TestGatekeeperGuardsOlderReleases(t *testing.T) {
	w := newFixture(t)
	const namespace = "openshift-azure-guardrails"
	w.clusterVersion("4.16.9", configv1.CompletedUpdate)
	w.namespace("customers")
	theirs := deployment("customers", "gatekeeper")
	theirs.Labels = map[string]string{"gatekeeper.sh/system": "yes"}
	theirs.Spec = appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}}
	w.with(theirs)
	kinds := []string{"ARODenyLabels", "ARODenyMachineConfig", "ARODenyPrivilegedNamespace", "ARODenyMasterTolerationTaints", "ARODenyDeletePullSecret"}
	w.define(kinds)
	c := w.cluster(flag(flags.PolicyManaged("aro-nodes-deny"), "false"), flag(flags.PolicyManaged("aro-pull-secret-deny"), "true"),
		flag(flags.GatekeeperWebhook("validatingwebhook", "timeoutSeconds"), "1"))
	w.run(must(t)(guardrails.New()))
	w.eventually("the customer's Gatekeeper is left alone", func() error { return w.logged("the customer runs Gatekeeper") })
	w.quiet()
	if writes := w.requests.writes(0); len(writes) > 0 {
		t.Errorf("beside the customer's Gatekeeper it writes %v", writes)
	}
	w.gone(theirs)
	w.touched()
	for _, name := range []string{"gatekeeper-audit", "gatekeeper-controller-manager"} {
		d := becomes(w, deployment(namespace, name), "it is deployed", func(d *appsv1.Deployment) bool {
			return d.Spec.Template.Spec.Containers[0].Image == "arosvc.azurecr.io/gatekeeper:v3.19.2"
		})
		w.available(d)
	}
	sources := w.taken(kinds)
	constraint := func(kind, name string) *unstructured.Unstructured {
		return named("constraints.gatekeeper.sh", "v1beta1", kind, "", name)
	}
	enforced := func(action string) func(*unstructured.Unstructured) bool {
		return func(o *unstructured.Unstructured) bool {
			got, _, _ := unstructured.NestedString(o.Object, "spec", "enforcementAction")
			return got == action
		}
	}
	becomes(w, constraint("ARODenyLabels", "aro-machines-deny"), "machines are guarded", enforced("deny"))
	becomes(w, constraint("ARODenyMachineConfig", "aro-machine-config-deny"), "machine configs are noted", enforced("dryrun"))
	becomes(w, constraint("ARODenyDeletePullSecret", "aro-pull-secret-deny"), "a policy that is off by default", enforced("dryrun"))
	w.quiet()
	if err := w.Get(t.Context(), client.ObjectKey{Name: "aro-nodes-deny"}, constraint("ARODenyLabels", "")); !apierrors.IsNotFound(err) {
		t.Errorf("a policy whose flag is false: %v", err)
	}

	w.history("4.17.3", configv1.CompletedUpdate) // the API server takes over
	w.cleansPolicies()
	becomes(w, &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "aro-machines-deny-binding"}}, "the API server guards",
		func(*admissionv1.ValidatingAdmissionPolicyBinding) bool { return true })
	w.disappears(deployment(namespace, "gatekeeper-audit"))
	w.disappears(named("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "constrainttemplates.templates.gatekeeper.sh"))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	w.disappears(ns)
	w.finalize(ns)
	w.set(c, flags.GuardRailsManaged, "false")
	w.evaluated(sources)
}

// cleansPolicies removes the API server's policies at the end of the test.
func (w *fixture) cleansPolicies() {
	for _, name := range []string{"aro-cluster-version-major-upgrade-deny", "aro-machines-deny", "aro-nodes-deny", "aro-machine-config-deny", "aro-privileged-namespace-deny"} {
		w.cleans(&admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name + "-binding"}}, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
}

// evaluated evaluates the conditions in Gatekeeper's templates at the API server, whose own policies are
// in the same language.
func (w *fixture) evaluated(sources map[string]source) {
	w.Helper()
	resources := map[string]string{"ARODenyLabels": "machines", "ARODenyMasterTolerationTaints": "pods", "ARODenyDeletePullSecret": "secrets", "ARODenyPrivilegedNamespace": "secrets"}
	for kind, source := range sources {
		rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{Operations: []admissionv1.OperationType{"*"},
			Rule: admissionv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{firstOf(resources[kind], "machineconfigs")}}}}
		name, fail := "judge-"+strings.ToLower(kind), admissionv1.Fail
		w.with(&admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicySpec{FailurePolicy: &fail,
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}}, Variables: source.Variables, Validations: source.Validations}})
		w.with(&admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}})
	}
	customer := w.as("gatekept")
	pod := func(toleration string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "x"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}},
			Tolerations: []corev1.Toleration{{Key: toleration, Operator: corev1.TolerationOpExists}}}}
	}
	w.refused("judge-arodenymastertolerationtaints", func() error {
		return customer.Create(w.Context(), pod("node-role.kubernetes.io/master"), client.DryRunAll)
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: "pull-secret"}}
	w.with(secret)
	w.refused("judge-arodenydeletepullsecret", func() error { return customer.Delete(w.Context(), secret, client.DryRunAll) })
	master, worker := newMachine("judged-master", "master", 128), newMachine("judged-worker", "worker", 128)
	w.with(master)
	w.with(worker)
	w.refused("judge-arodenylabels", func() error { return customer.Delete(w.Context(), master, client.DryRunAll) })
	w.refused("judge-arodenyprivilegednamespace", func() error {
		return customer.Create(w.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "x"}}, client.DryRunAll)
	})
	for what, try := range map[string]func() error{
		"a worker":         func() error { return customer.Delete(w.Context(), worker, client.DryRunAll) },
		"a pod of workers": func() error { return customer.Create(w.Context(), pod("theirs"), client.DryRunAll) },
		"a secret of its own": func() error {
			return customer.Create(w.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "x"}}, client.DryRunAll)
		},
		"a change of a master": func() error {
			return customer.Patch(w.Context(), master, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"a":"b"}}}`)), client.DryRunAll)
		},
	} {
		if err := try(); err != nil {
			w.Error(fmt.Errorf("%s is refused: %w", what, err))
		}
	}
}
