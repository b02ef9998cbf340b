package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
)

// fieldOwner is whose the members are that the operator applies.
const fieldOwner = "aro-operator"

// Client reads and writes objects at the API server itself: what controllers read
// before they write must be true.
type Client struct{ client.Client }

// explain adds the failed verb and the object to an error.
func explain(o client.Object, verb string, err error) error {
	if err == nil {
		return nil
	}
	kind := o.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		kind = reflect.TypeOf(o).Elem().Name()
	}
	return fmt.Errorf("%s %s %s: %w", verb, kind, strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"), err)
}

// Read reads the object that is named in it.
func (c Client) Read(ctx context.Context, o client.Object) error {
	return explain(o, "read", c.Get(ctx, client.ObjectKeyFromObject(o), o))
}

// Change reads an object, changes it, and writes the difference, if any: members that this program
// does not know are kept. It reads the object again when another client wrote meanwhile. An error
// of change ends it.
func (c Client) Change(ctx context.Context, o client.Object, change func() error) error {
	key := client.ObjectKeyFromObject(o)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		blank(o, key)
		if err := c.Read(ctx, o); err != nil {
			return err
		}
		before, _ := o.DeepCopyObject().(client.Object) // a copy of what is one
		if err := change(); err != nil {
			return err
		}
		if equality.Semantic.DeepEqual(before, o) {
			return nil
		}
		return explain(o, "change", c.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
	})
}

// blank leaves of an object its name: reading adds to what is there.
func blank(o client.Object, key client.ObjectKey) {
	if u, is := o.(*unstructured.Unstructured); is {
		kind := u.GroupVersionKind()
		u.Object = map[string]any{}
		u.SetGroupVersionKind(kind)
	} else {
		reflect.ValueOf(o).Elem().SetZero()
	}
	o.SetNamespace(key.Namespace)
	o.SetName(key.Name)
}

// Make creates an object. If another client created it meanwhile, that is an error, and the next
// attempt finds the object.
func (c Client) Make(ctx context.Context, o client.Object) error {
	return explain(o, "create", c.Create(ctx, o, client.FieldOwner(fieldOwner)))
}

// Remove deletes an object if it is there, and reports whether it was. It reads
// first: a settled cluster gets no requests that change anything.
func (c Client) Remove(ctx context.Context, o client.Object) (was bool, err error) {
	kind, err := apiutil.GVKForObject(o, c.Scheme())
	if err != nil {
		return false, err
	}
	have := &metav1.PartialObjectMetadata{}
	have.SetGroupVersionKind(kind)
	err = c.Get(ctx, client.ObjectKeyFromObject(o), have)
	if err == nil && have.DeletionTimestamp != nil {
		return true, nil
	}
	if err == nil {
		err = c.Delete(ctx, o, client.Preconditions{UID: &have.UID})
	}
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return false, nil
	}
	return err == nil, explain(o, "delete", err)
}

// Ensure makes an object exist with all that is given, by server-side apply.
// Members that others added stay. It writes nothing if all is there.
func (c Client) Ensure(ctx context.Context, o client.Object) error {
	want, err := c.desired(o)
	if err != nil {
		return err
	}
	have, err := c.live(ctx, want)
	if err != nil || have != nil && covers(have.Object, want.Object) {
		return err
	}
	return c.apply(ctx, want)
}

// EnsureExactly is Ensure for an object to which nothing else may be added: labels, annotations,
// and everything outside the metadata. It is not for kinds that the server or other clients
// complete.
func (c Client) EnsureExactly(ctx context.Context, o client.Object) error {
	want, err := c.desired(o)
	if err != nil {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		have, err := c.live(ctx, want)
		if err != nil {
			return err
		}
		if have == nil {
			return c.apply(ctx, want)
		}
		if covers(have.Object, want.Object) && covers(content(want), content(have)) &&
			sameText(have.GetLabels(), want.GetLabels()) && sameText(have.GetAnnotations(), want.GetAnnotations()) {
			return nil
		}
		replacement := want.DeepCopy()
		if status, is := have.Object["status"]; is {
			replacement.Object["status"] = status
		}
		replacement.SetResourceVersion(have.GetResourceVersion())
		replacement.SetFinalizers(have.GetFinalizers())
		return explain(want, "replace", c.Update(ctx, replacement, client.FieldOwner(fieldOwner)))
	})
}

// content is all of an object but its metadata and its status.
func content(u *unstructured.Unstructured) map[string]any {
	all := maps.Clone(u.Object)
	delete(all, "metadata")
	delete(all, "status")
	return all
}

// sameText reports whether labels or annotations are the same; an empty text is a value here.
func sameText(a, b map[string]string) bool { return len(a) == 0 && len(b) == 0 || maps.Equal(a, b) }

// desired returns an object as it is sent to the server: without a status and the zero values that
// Go's types cannot leave out.
func (c Client) desired(o client.Object) (*unstructured.Unstructured, error) {
	kind, err := apiutil.GVKForObject(o, c.Scheme())
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind.Kind, o.GetName(), err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(kind)
	delete(u.Object, "status")
	withoutNulls(u.Object)
	return u, nil
}

func withoutNulls(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if member == nil {
				delete(value, name)
			} else {
				withoutNulls(member)
			}
		}
	case []any:
		for _, item := range value {
			withoutNulls(item)
		}
	}
}

// live is the object as it is, nil if it is not there.
func (c Client) live(ctx context.Context, want *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(want.GroupVersionKind())
	err := c.Get(ctx, client.ObjectKeyFromObject(want), have)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return have, explain(want, "read", err)
}

func (c Client) apply(ctx context.Context, want *unstructured.Unstructured) error {
	err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(want.DeepCopy()), client.FieldOwner(fieldOwner), client.ForceOwnership)
	return explain(want, "apply", err)
}

// covers reports whether have contains all members of want. Lists are compared as a whole.
func covers(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		h, is := have.(map[string]any)
		if !is {
			return len(want) == 0 && have == nil
		}
		for name, member := range want {
			if !covers(h[name], member) {
				return false
			}
		}
		return true
	case []any:
		h, _ := have.([]any)
		if len(h) != len(want) {
			return false
		}
		for i := range want {
			if !covers(h[i], want[i]) {
				return false
			}
		}
		return true
	default:
		return equal(have, want)
	}
}

// equal compares numbers, strings and booleans. Zero values equal absent ones: servers omit them.
func equal(have, want any) bool {
	if have == nil {
		return want == nil || reflect.ValueOf(want).IsZero()
	}
	a, errA := json.Marshal(have)
	b, errB := json.Marshal(want)
	return errA == nil && errB == nil && string(a) == string(b)
}

// Own makes the Cluster the owner of objects that this controller made, so that
// they go with it and are watched.
func (r *Request) Own(objects ...client.Object) {
	r.OwnBy(r.Cluster, arov1alpha1.GroupVersion.WithKind("Cluster"), objects...)
	for _, o := range objects {
		l := maps.Clone(o.GetLabels())
		if l == nil {
			l = map[string]string{}
		}
		l[ownerLabel] = r.name
		o.SetLabels(l)
	}
}

// OwnBy makes another object the owner.
func (r *Request) OwnBy(owner client.Object, kind schema.GroupVersionKind, objects ...client.Object) {
	yes := true
	for _, o := range objects {
		o.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: &yes, BlockOwnerDeletion: &yes,
		}})
	}
}
