package openshift

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	jsonpatch "github.com/evanphx/json-patch/v5"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Object is an object of a cluster.
type Object interface {
	metav1.Object
	runtime.Object
}

// Where limits a request to a namespace and to a label selector; empty ones limit
// nothing.
type Where struct{ Namespace, Labels string }

// Objects reads and writes the objects of a cluster.
type Objects interface {
	Get(ctx context.Context, key types.NamespacedName, into Object) error
	List(ctx context.Context, into runtime.Object, where Where) error
	Create(ctx context.Context, object Object) error
	// Patch applies a JSON merge patch, and reads the result into object.
	Patch(ctx context.Context, object Object, patch []byte) error
	// Apply makes an object have all that is in it, by server-side apply as an owner,
	// who takes over what others own of that.
	Apply(ctx context.Context, object *unstructured.Unstructured, owner string) error
	// DeleteAll deletes the objects of the kind.
	DeleteAll(ctx context.Context, kind Object, where Where) error
}

// restObjects are the objects behind an API server's REST API. A general client
// would link every type of Kubernetes, and run discovery in each cluster.
type restObjects map[schema.GroupVersion]rest.Interface

func newRESTObjects(config *rest.Config, client *http.Client) (restObjects, error) {
	objects := restObjects{}
	for kind := range resources {
		version := kind.GroupVersion()
		if objects[version] != nil {
			continue
		}
		c := rest.CopyConfig(config)
		c.GroupVersion, c.APIPath = &version, "/apis"
		if version.Group == "" {
			c.APIPath = "/api"
		}
		c.NegotiatedSerializer = serializer.NewCodecFactory(scheme()).WithoutConversion()
		var err error
		if objects[version], err = rest.RESTClientForConfigAndClient(c, client); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// resource is the endpoint of a kind of object.
type resource struct {
	rest.Interface
	name       string
	namespaced bool
}

func (o restObjects) resource(object runtime.Object) (resource, error) {
	kinds, _, err := scheme().ObjectKinds(object)
	if err != nil {
		return resource{}, err
	}
	found, there := resources[kinds[0]]
	if !there {
		return resource{}, fmt.Errorf("the resource of %s is not known", kinds[0])
	}
	return resource{o[kinds[0].GroupVersion()], found.name, found.namespaced}, nil
}

func (r resource) in(namespace string, request *rest.Request) *rest.Request {
	return request.NamespaceIfScoped(namespace, r.namespaced && namespace != "").Resource(r.name)
}

func (w Where) limit(request *rest.Request) *rest.Request {
	if w.Labels == "" {
		return request
	}
	return request.Param("labelSelector", w.Labels)
}

// Get reads one object.
func (o restObjects) Get(ctx context.Context, key types.NamespacedName, into Object) error {
	r, err := o.resource(into)
	if err != nil {
		return err
	}
	return r.in(key.Namespace, r.Interface.Get()).Name(key.Name).Do(ctx).Into(into)
}

// List reads a list of objects.
func (o restObjects) List(ctx context.Context, into runtime.Object, where Where) error {
	r, err := o.resource(into)
	if err != nil {
		return err
	}
	return where.limit(r.in(where.Namespace, r.Interface.Get())).Do(ctx).Into(into)
}

// Create creates an object.
func (o restObjects) Create(ctx context.Context, object Object) error {
	r, err := o.resource(object)
	if err != nil {
		return err
	}
	return r.in(object.GetNamespace(), r.Post()).Body(object).Do(ctx).Into(object)
}

// Patch changes an object.
func (o restObjects) Patch(ctx context.Context, object Object, patch []byte) error {
	r, err := o.resource(object)
	if err != nil {
		return err
	}
	return r.in(object.GetNamespace(), r.Interface.Patch(types.MergePatchType)).Name(object.GetName()).Body(patch).Do(ctx).Into(object)
}

// Apply changes one, or creates it.
func (o restObjects) Apply(ctx context.Context, object *unstructured.Unstructured, owner string) error {
	r, err := o.resource(object)
	if err != nil {
		return err
	}
	content, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	return r.in(object.GetNamespace(), r.Interface.Patch(types.ApplyPatchType)).Name(object.GetName()).
		Param("fieldManager", owner).Param("force", "true").Body(content).Do(ctx).Error()
}

// DeleteAll deletes objects.
func (o restObjects) DeleteAll(ctx context.Context, kind Object, where Where) error {
	r, err := o.resource(kind)
	if err != nil {
		return err
	}
	return where.limit(r.in(where.Namespace, r.Delete())).Do(ctx).Error()
}

// keyOf returns the name of an object.
func keyOf(object Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// difference returns the merge patch from one state of an object to another. It
// applies to that version of the object only.
func difference(before, after Object) ([]byte, error) {
	version := before.GetResourceVersion()
	before.SetResourceVersion("")
	after.SetResourceVersion(version)
	old, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	changed, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	return jsonpatch.CreateMergePatch(old, changed)
}
