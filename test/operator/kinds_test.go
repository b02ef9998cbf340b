package operator

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
)

// TestKindsThatAreServedLater gives a running operator a kind that a controller watches, as an upgrade of the
// cluster does. The controller sees its object, and needs no further rights.
func TestKindsThatAreServedLater(t *testing.T) {
	w := newFixture(t)
	w.kindsEvery = 100 * time.Millisecond
	kind := schema.GroupVersionKind{Group: "later.example.com", Version: "v1", Kind: "Thing"}
	thing := func(name string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(kind)
		o.SetName(name)
		return o
	}
	w.cluster()
	var calls, seen atomic.Int32
	w.run(controller.Spec{Name: "Later", Watches: []controller.Watch{{Kind: kind, Name: "ours"}}, Reconcile: func(ctx context.Context, r *controller.Request) error {
		calls.Add(1)
		o := &metav1.PartialObjectMetadata{}
		o.SetGroupVersionKind(kind)
		if r.Cached.Get(ctx, client.ObjectKey{Name: "ours"}, o) == nil {
			seen.Add(1)
		}
		return nil
	}})
	w.eventually("the controller runs", func() error { return unless(calls.Load() > 0) })
	keepUnknown := true
	definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "things.later.example.com"}, Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: kind.Group, Scope: apiextensionsv1.ClusterScoped, Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Kind: kind.Kind},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: kind.Version, Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keepUnknown}}}},
	}}
	w.with(definition)
	for _, name := range []string{"theirs", "ours"} {
		w.eventually("the kind is served", func() error { return client.IgnoreAlreadyExists(w.Create(t.Context(), thing(name))) })
	}
	w.eventually("the controller sees its object", func() error { return unless(seen.Load() > 0) })
	w.quiet()
	before := seen.Load()
	edit(w, thing("ours"), func(o *unstructured.Unstructured) { o.SetLabels(map[string]string{"x": "y"}) })
	w.eventually("a change wakes it", func() error { return unless(seen.Load() > before) })
}

// unless returns an error until something is true.
func unless(is bool) error {
	if is {
		return nil
	}
	return errNotYet
}
