package guardrails

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace  = "openshift-azure-guardrails"
	audit      = "gatekeeper-audit"
	manager    = "gatekeeper-controller-manager"
	systemMark = "gatekeeper.sh/system"
	// image is the default, in the service's registry.
	image = "/gatekeeper:v3.19.2"
	// createdEvery is how often it is seen whether Gatekeeper has taken a template.
	createdEvery = 2 * time.Second
)

//go:embed gatekeeper.yaml
var gatekeeperText []byte

var templateKind = schema.GroupVersionKind{Group: "templates.gatekeeper.sh", Version: "v1", Kind: "ConstraintTemplate"}

// gatekeeper enforces the policies where the API server cannot.
type gatekeeper struct{ manifests controller.Manifests }

func newGatekeeper() (gatekeeper, error) {
	manifests, err := controller.ParseManifests(gatekeeperText)
	return gatekeeper{append(definitions(), manifests...)}, err
}

func (g gatekeeper) rules() []controller.Rule {
	rules := append(g.manifests.Rules(),
		controller.Rule{PolicyRule: controller.ResourceRule("list", "apps", "deployments")}, // those of a customer's Gatekeeper
	)
	for _, t := range templates() {
		lower := strings.ToLower(t.kind)
		rules = append(rules,
			controller.Rule{PolicyRule: controller.ResourceRule("get create patch update delete", templateKind.Group, "constrainttemplates", lower)})
		for _, c := range t.constraints {
			rules = append(rules, controller.Rule{PolicyRule: controller.ResourceRule("get create patch update delete", constraintGroup, lower, c.name)})
		}
	}
	return rules
}

// keep installs Gatekeeper, and the templates and constraints once it runs.
func (g gatekeeper) keep(ctx context.Context, r *controller.Request) error {
	if foreign, err := g.foreign(ctx, r); err != nil || foreign != "" {
		if err == nil {
			r.Log.WarnContext(ctx, "the customer runs Gatekeeper, so the service does not", "namespace", foreign)
		}
		return err
	}
	objects := g.manifests.Copy()
	if err := g.configure(objects, r); err != nil {
		return err
	}
	if err := r.EnsureAll(ctx, objects); err != nil {
		return err
	}
	for _, name := range []string{audit, manager} {
		if why, err := r.Unavailable(ctx, namespace, name); err != nil || why != "" {
			return err // until it is available, its changes wake the controller
		}
	}
	for _, t := range templates() {
		if err := r.Ensure(ctx, t.object()); err != nil {
			return err
		}
		created, err := isCreated(ctx, r, t)
		if err != nil {
			return err
		}
		if !created {
			r.Again(createdEvery)
			return nil
		}
	}
	r.Again(time.Duration(r.Flags.Number(flags.GatekeeperMinutes, 60)) * time.Minute)
	return constrain(ctx, r)
}

// constrain makes the constraints whose flags ask for them.
func constrain(ctx context.Context, r *controller.Request) error {
	var failed []error
	for _, t := range templates() {
		for _, c := range t.constraints {
			if r.Flags.True(flags.PolicyManaged(c.name)) {
				failed = append(failed, r.Ensure(ctx, c.object(t.kind, strings.ToLower(r.Flags.Value(flags.PolicyEnforcement(c.name), "dryrun")))))
			} else {
				_, err := r.Remove(ctx, c.object(t.kind, ""))
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

func isCreated(ctx context.Context, r *controller.Request, t template) (bool, error) {
	have := t.object()
	if err := r.Read(ctx, have); err != nil {
		return false, err
	}
	created, _, err := unstructured.NestedBool(have.Object, "status", "created")
	return created, err
}

// remove removes Gatekeeper if it is the service's.
func (g gatekeeper) remove(ctx context.Context, r *controller.Request) error {
	there := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: audit}}
	there.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	if err := r.Read(ctx, there); err != nil {
		return client.IgnoreNotFound(err)
	}
	var failed []error
	for _, t := range templates() {
		for _, c := range t.constraints {
			_, err := r.Remove(ctx, c.object(t.kind, ""))
			failed = append(failed, err)
		}
		_, err := r.Remove(ctx, t.object())
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		// Without its program nothing enforces them, and their definitions are removed next.
		r.Log.WarnContext(ctx, "policies of Gatekeeper remain", "error", err)
	}
	return r.RemoveAll(ctx, g.manifests.Copy())
}

// foreign returns the namespace of a Gatekeeper that is not the service's.
func (g gatekeeper) foreign(ctx context.Context, r *controller.Request) (string, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("DeploymentList"))
	if err := r.List(ctx, list, client.MatchingLabels{systemMark: "yes"}); err != nil {
		return "", fmt.Errorf("list deployments: %w", err)
	}
	for i := range list.Items {
		if list.Items[i].Namespace != namespace {
			return list.Items[i].Namespace, nil
		}
	}
	return "", nil
}

// configure sets what flags and the Cluster say.
func (g gatekeeper) configure(objects controller.Manifests, r *controller.Request) error {
	pull := r.Flags.NonEmpty(flags.GatekeeperPullSpec, r.Cluster.Spec.ACRDomain+image)
	for _, name := range []string{audit, manager} {
		short := strings.TrimPrefix(name, "gatekeeper-")
		short, _, _ = strings.Cut(strings.TrimPrefix(short, "controller-"), "-")
		of := func(kind, otherwise string) string {
			return r.Flags.NonEmpty(flags.GatekeeperResource(short, kind), otherwise)
		}
		resources := map[string]any{
			"requests": map[string]any{"cpu": of("requests.cpu", "100m"), "memory": of("requests.mem", "512Mi")},
			"limits":   map[string]any{"memory": of("limit.mem", "512Mi")},
		}
		if err := complete(objects.Find("Deployment", name), pull, resources); err != nil {
			return err
		}
	}
	webhook(objects.Find("ValidatingWebhookConfiguration", "gatekeeper-validating-webhook-configuration"), r.Flags, "validatingwebhook", 3)
	webhook(objects.Find("MutatingWebhookConfiguration", "gatekeeper-mutating-webhook-configuration"), r.Flags, "mutatingwebhook", 1)
	return nil
}

// complete makes a Deployment what both have in common: on masters, and restricted.
func complete(deployment *unstructured.Unstructured, image string, resources map[string]any) error {
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		return err
	}
	container := pod["containers"].([]any)[0].(map[string]any) // of the manifest
	container["image"], container["imagePullPolicy"], container["resources"] = image, "IfNotPresent", resources
	field := func(path string) any { return map[string]any{"fieldRef": map[string]any{"fieldPath": path}} }
	container["env"] = []any{
		map[string]any{"name": "POD_NAMESPACE", "valueFrom": field("metadata.namespace")}, map[string]any{"name": "POD_NAME", "valueFrom": field("metadata.name")},
		map[string]any{"name": "NAMESPACE", "valueFrom": field("metadata.namespace")}, map[string]any{"name": "CONTAINER_NAME", "value": "manager"},
	}
	probe := func(path string) any {
		return map[string]any{"httpGet": map[string]any{"path": path, "port": int64(9090)}}
	}
	container["livenessProbe"], container["readinessProbe"] = probe("/healthz"), probe("/readyz")
	container["securityContext"] = map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
		"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
	pod["serviceAccountName"], pod["priorityClassName"], pod["terminationGracePeriodSeconds"] = "gatekeeper-admin", "system-cluster-critical", int64(60)
	pod["nodeSelector"] = map[string]any{"node-role.kubernetes.io/master": ""}
	pod["tolerations"] = []any{map[string]any{"key": "node-role.kubernetes.io/master", "operator": "Exists", "effect": "NoSchedule"}}
	err = unstructured.SetNestedField(deployment.Object, "restricted-v2", "spec", "template", "metadata", "annotations", "openshift.io/required-scc")
	return errors.Join(err, unstructured.SetNestedMap(deployment.Object, pod, "spec", "template", "spec"))
}

// webhook sets what the API server does when Gatekeeper does not answer, and after which time.
func webhook(configuration *unstructured.Unstructured, f flags.Flags, name string, seconds int) {
	policy := f.NonEmpty(flags.GatekeeperWebhook(name, "managed"), "false")
	switch strings.ToLower(policy) {
	case "true":
		policy = "Fail"
	case "false":
		policy = "Ignore"
	}
	hooks, _ := configuration.Object["webhooks"].([]any)
	for _, item := range hooks {
		if hook, is := item.(map[string]any); is {
			hook["failurePolicy"], hook["timeoutSeconds"] = policy, int64(f.Number(flags.GatekeeperWebhook(name, "timeoutSeconds"), seconds))
		}
	}
}

// definition is one of Gatekeeper's kinds.
type definition struct {
	group, kind, plural string
	versions            string // the stored one first
	namespaced, status  bool
}

// definitions are Gatekeeper's kinds, without schemas: Gatekeeper's webhook validates them, and what
// a newer Gatekeeper adds is kept.
func definitions() controller.Manifests {
	var list controller.Manifests
	for _, d := range []definition{
		{"config", "Config", "configs", "v1alpha1", true, false},
		{"expansion", "ExpansionTemplate", "expansiontemplate", "v1beta1 v1alpha1", false, true},
		{"externaldata", "Provider", "providers", "v1beta1 v1alpha1", false, false},
		{"mutations", "Assign", "assign", "v1 v1beta1 v1alpha1", false, true},
		{"mutations", "AssignImage", "assignimage", "v1alpha1", false, true},
		{"mutations", "AssignMetadata", "assignmetadata", "v1 v1beta1 v1alpha1", false, true},
		{"mutations", "ModifySet", "modifyset", "v1 v1beta1 v1alpha1", false, true},
		{"status", "ConfigPodStatus", "configpodstatuses", "v1beta1", true, false},
		{"status", "ConstraintPodStatus", "constraintpodstatuses", "v1beta1", true, false},
		{"status", "ConstraintTemplatePodStatus", "constrainttemplatepodstatuses", "v1beta1", true, false},
		{"status", "ExpansionTemplatePodStatus", "expansiontemplatepodstatuses", "v1beta1", true, false},
		{"status", "MutatorPodStatus", "mutatorpodstatuses", "v1beta1", true, false},
		{"syncset", "SyncSet", "syncsets", "v1alpha1", false, false},
		{"templates", "ConstraintTemplate", "constrainttemplates", "v1 v1beta1 v1alpha1", false, true},
	} {
		list = append(list, d.object())
	}
	return list
}

func (d definition) object() *unstructured.Unstructured {
	group, lower, scope := d.group+".gatekeeper.sh", strings.ToLower(d.kind), "Cluster"
	if d.namespaced {
		scope = "Namespaced"
	}
	var versions []any
	for i, name := range strings.Fields(d.versions) {
		anything := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
		version := map[string]any{"name": name, "served": true, "storage": i == 0, "schema": map[string]any{"openAPIV3Schema": anything}}
		if d.status {
			version["subresources"] = map[string]any{"status": map[string]any{}}
		}
		versions = append(versions, version)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"group": group, "scope": scope, "versions": versions,
		"names": map[string]any{"kind": d.kind, "listKind": d.kind + "List", "plural": d.plural, "singular": lower},
	}}}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	o.SetName(d.plural + "." + group)
	o.SetLabels(map[string]string{systemMark: "yes"})
	return o
}
