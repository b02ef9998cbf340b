package openshift_test

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/openshift"
)

// faked puts the objects of controller-runtime's fake beneath a Cluster.
type faked struct{ kube client.Client }

func limits(where openshift.Where) client.ListOptions {
	selector, err := labels.Parse(where.Labels)
	if err != nil {
		panic(err)
	}
	return client.ListOptions{Namespace: where.Namespace, LabelSelector: selector}
}

func (f faked) Get(ctx context.Context, key types.NamespacedName, into openshift.Object) error {
	return f.kube.Get(ctx, key, into)
}

func (f faked) List(ctx context.Context, into runtime.Object, where openshift.Where) error {
	options := limits(where)
	return f.kube.List(ctx, into.(client.ObjectList), &options)
}

func (f faked) Create(ctx context.Context, object openshift.Object) error {
	return f.kube.Create(ctx, object)
}

func (f faked) Patch(ctx context.Context, object openshift.Object, patch []byte) error {
	return f.kube.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
}

func (f faked) Apply(ctx context.Context, object *unstructured.Unstructured, owner string) error {
	return f.kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(owner), client.ForceOwnership)
}

func (f faked) DeleteAll(ctx context.Context, kind openshift.Object, where openshift.Where) error {
	return f.kube.DeleteAllOf(ctx, kind, &client.DeleteAllOfOptions{ListOptions: limits(where)})
}
