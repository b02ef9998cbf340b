package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// Manifests are objects of a program that the operator installs, in the order in which they are
// applied.
type Manifests []*unstructured.Unstructured

// ParseManifests reads objects from YAML.
func ParseManifests(text []byte) (Manifests, error) {
	var list Manifests
	for _, document := range strings.Split(string(text), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			return nil, fmt.Errorf("manifests: %w", err)
		}
		if o.GetName() == "" {
			return nil, errors.New("manifests: an object has no name")
		}
		normalize(o.Object)
		list = append(list, o)
	}
	return list, nil
}

// normalize makes whole numbers of YAML what Kubernetes has in their place: unstructured objects are
// copied with 64-bit integers only.
func normalize(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = normalize(member)
		}
	case []any:
		for i, item := range value {
			value[i] = normalize(item)
		}
	case float64:
		if whole := int64(value); float64(whole) == value {
			return whole
		}
	}
	return value
}

// Find returns the object of a kind and a name, which there must be.
func (m Manifests) Find(kind, name string) *unstructured.Unstructured {
	i := slices.IndexFunc(m, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	return m[i]
}

// Copy returns objects that can be changed.
func (m Manifests) Copy() Manifests {
	list := make(Manifests, len(m))
	for i, o := range m {
		list[i] = o.DeepCopy()
	}
	return list
}

// namespaces are those that the manifests contain.
func (m Manifests) namespaces() []string {
	var list []string
	for _, o := range m {
		if o.GetKind() == "Namespace" {
			list = append(list, o.GetName())
		}
	}
	return list
}

// exact are the kinds of which the server completes nothing, so that additions of others can be
// found and removed.
func exact(kind schema.GroupKind) bool {
	return kind.Group == rbacv1.GroupName || kind.Kind == "SecurityContextConstraints"
}

// EnsureAll makes the objects exist, owned by the Cluster.
func (r *Request) EnsureAll(ctx context.Context, m Manifests) error {
	for _, o := range m {
		r.Own(o)
		ensure := r.Ensure
		if exact(o.GroupVersionKind().GroupKind()) {
			ensure = r.EnsureExactly
		}
		if err := ensure(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// RemoveAll deletes the objects that exist, from the last to the first, and then namespaces. An object that cannot be deleted does
// not keep the others.
func (r *Request) RemoveAll(ctx context.Context, m Manifests) error {
	var failed []error
	for _, last := range []bool{false, true} {
		for _, o := range slices.Backward(m) {
			if (o.GetKind() == "Namespace") == last {
				_, err := r.Remove(ctx, o)
				failed = append(failed, err)
			}
		}
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return nil
}

// Unavailable returns why a Deployment does not run as it was applied, and an empty text if it
// does. It is an error if the Deployment makes no progress any more.
func (r *Request) Unavailable(ctx context.Context, namespace, name string) (why string, err error) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := r.Read(ctx, d); err != nil {
		return "", err
	}
	want, s := int32(1), d.Status
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	if s.ObservedGeneration == d.Generation && s.Replicas == want && s.UpdatedReplicas == want && s.AvailableReplicas == want {
		return "", nil
	}
	why = fmt.Sprintf("the deployment %s/%s has %d of %d pods available", namespace, name, s.AvailableReplicas, want)
	for _, c := range s.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return "", fmt.Errorf("%s: %s", why, c.Message)
		}
	}
	return why, nil
}

// Watches are those of the objects, as the controller made them.
func (m Manifests) Watches() []Watch {
	var list []Watch
	for _, o := range m {
		w := Watch{Kind: o.GroupVersionKind(), Namespace: o.GetNamespace(), Made: true}
		if !slices.ContainsFunc(list, func(have Watch) bool { return have.Kind == w.Kind && have.Namespace == w.Namespace }) && o.GetKind() != "Secret" {
			list = append(list, w)
		}
	}
	return list
}

// Rules are what EnsureAll and RemoveAll need.
func (m Manifests) Rules() []Rule {
	own := m.namespaces()
	var list []Rule
	for _, o := range m {
		rule := Rule{Namespace: o.GetNamespace(), PolicyRule: ResourceRule("get create patch update delete", o.GroupVersionKind().Group, resource(o.GroupVersionKind()), o.GetName())}
		if slices.Contains(own, rule.Namespace) {
			rule.Namespace = ""
		}
		if strings.HasSuffix(o.GetKind(), "Role") {
			// Giving rights that the operator does not have itself needs the verbs for that.
			rule.Verbs = append(rule.Verbs, "bind", "escalate")
		}
		list = append(list, rule)
	}
	return list
}

// resource is the name of a kind in URLs.
func resource(kind schema.GroupVersionKind) string {
	if kind.Kind == "SecurityContextConstraints" {
		return "securitycontextconstraints"
	}
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.Resource
}
