package operator

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// TestObjectsOfAnOlderOperatorAreTakenOver gives every object that the operator applies the form in
// which an older release could have left it, and deletes each by hand afterwards. Two operators run
// at the same time, as during a rolling update.
func TestObjectsOfAnOlderOperatorAreTakenOver(t *testing.T) {
	w := newFixture(t)
	m, open := newResourceManager(t)
	w.furnished(m)
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}, Data: raw(logins)})
	c := w.cluster(flag(flags.ForceReconciliation, "true"), flag(flags.Monitoring, "true"), flag("of.another.release", "x"), func(c *arov1alpha1.Cluster) {
		c.Spec.GatewayDomains, c.Spec.GatewayPrivateEndpointIP, c.Spec.GatewayTelemetryDomain = []string{"a.example.com"}, "10.0.0.3", "telemetry.example.com"
	})
	specs := everything(t, open)
	settled := func() {
		t.Helper()
		for _, spec := range specs {
			if spec.Reports == controller.Health {
				w.healthy(spec.Name)
			}
		}
		w.quiet()
	}
	stop := w.run(specs...)
	settled()
	stop()
	wanted := w.applied()
	if len(wanted) < 30 {
		t.Fatalf("it made %d objects only", len(wanted))
	}
	for _, o := range wanted {
		if o.GetKind() != "Namespace" { // here no controller ends them
			w.cleans(o)
		}
		w.aged(o.DeepCopy())
	}

	w.requests = &requests{}
	w.run(specs...)
	w.run(specs...)
	for _, o := range wanted {
		w.restored(o, "")
	}
	settled()
	w.unchanged(w.touched)
	becomes(w, c, "flags of another release stay", func(c *arov1alpha1.Cluster) bool { return c.Spec.OperatorFlags["of.another.release"] == "x" })

	var deleted []*unstructured.Unstructured
	for _, o := range wanted {
		if o.GetKind() == "Namespace" {
			continue
		}
		now := o.DeepCopy()
		if err := w.Get(t.Context(), key(o), now); err != nil {
			t.Fatal(err)
		}
		w.gone(now)
		deleted = append(deleted, now)
	}
	for _, o := range deleted {
		w.restored(o, o.GetUID())
	}
	t.Logf("%d objects were taken over, %d were made again", len(wanted), len(deleted))
}

// applied returns the objects that the operator made by server-side apply, as they are.
func (w *fixture) applied() []*unstructured.Unstructured {
	w.Helper()
	w.requests.mu.Lock()
	created := append([]request(nil), w.requests.created...)
	w.requests.mu.Unlock()
	var list []*unstructured.Unstructured
	for _, r := range created {
		if r.method != http.MethodPatch {
			continue
		}
		o := w.at(r.path)
		if err := w.Get(w.Context(), key(o), o); err != nil {
			w.Fatalf("%s: %v", r.path, err)
		}
		list = append(list, o)
	}
	return list
}

// at is the object with a path at the API server.
func (w *fixture) at(path string) *unstructured.Unstructured {
	w.Helper()
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var kind schema.GroupVersionResource
	if parts[0] == "api" {
		kind.Version, parts = parts[1], parts[2:]
	} else {
		kind.Group, kind.Version, parts = parts[1], parts[2], parts[3:]
	}
	namespace := ""
	if parts[0] == "namespaces" && len(parts) > 3 {
		namespace, parts = parts[1], parts[2:]
	}
	kind.Resource = parts[0]
	found, err := w.RESTMapper().KindFor(kind)
	if err != nil {
		w.Fatal(err)
	}
	return named(found.Group, found.Version, found.Kind, namespace, parts[1])
}

// aged writes an object as a release could have done that did not apply it: without owner and
// labels, of another field manager, with other rules and images.
func (w *fixture) aged(o *unstructured.Unstructured) {
	w.Helper()
	o.SetManagedFields([]metav1.ManagedFieldsEntry{{}}) // forgets the managers
	o.SetOwnerReferences(nil)
	o.SetLabels(nil)
	o.SetAnnotations(nil)
	if o.GroupVersionKind().Group == rbacv1.GroupName && o.Object["rules"] != nil {
		o.Object["rules"] = []any{}
	}
	if containers, is, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers"); is {
		containers[0].(map[string]any)["image"] = "of.another/release"
		if err := unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers"); err != nil {
			w.Fatal(err)
		}
	}
	if err := w.Update(w.Context(), o, client.FieldOwner("aro")); err != nil {
		w.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
	}
}

// restored waits until an object is as it was, and is not the one with an UID.
func (w *fixture) restored(was *unstructured.Unstructured, but types.UID) {
	w.Helper()
	becomes(w, named(was.GroupVersionKind().Group, was.GroupVersionKind().Version, was.GetKind(), was.GetNamespace(), was.GetName()),
		was.GetKind()+" "+was.GetName()+" is as it was", func(o *unstructured.Unstructured) bool {
			return o.GetUID() != but && o.GetDeletionTimestamp() == nil && reflect.DeepEqual(substance(o), substance(was))
		})
}

// substance is what of an object its writers determine.
func substance(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, name := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(o.Object, "metadata", name)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "deprecated.daemonset.template.generation")
	delete(o.Object, "status")
	return o.Object
}
