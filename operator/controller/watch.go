package controller

import (
	"fmt"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// ownerLabel names the controller that made an object. By it the objects are
// watched, and only they.
const ownerLabel = "aro.openshift.io/controller"

// Watch is a set of objects of one kind. Only their metadata is kept in memory, unless Keep says more.
type Watch struct {
	Kind schema.GroupVersionKind
	// Namespace and Name choose objects; empty for all.
	Namespace, Name string
	// Made chooses those that the controller itself made.
	Made bool
	// Matches chooses further by metadata; nil for all.
	Matches func(client.Object) bool
	// Spec ignores changes of the status, for kinds whose generation changes with the spec only.
	Spec bool
	// Of is an object of the kind as Go's type, and Keep returns what stays in memory of one: its name and resource
	// version at least. Changes of the rest are ignored.
	Of   client.Object
	Keep toolscache.TransformFunc
}

// String describes the watch in its page.
func (w Watch) String() string {
	what := w.Kind.Kind
	if w.Kind.Group != "" {
		what += "." + w.Kind.Group
	}
	switch {
	case w.Name != "" && w.Namespace != "":
		what += fmt.Sprintf(" `%s/%s`", w.Namespace, w.Name)
	case w.Name != "":
		what += fmt.Sprintf(" `%s`", w.Name)
	case w.Namespace != "":
		what += fmt.Sprintf(" in `%s`", w.Namespace)
	}
	if w.Made {
		what += " that it made"
	}
	return what
}

func (w Watch) object() client.Object {
	if w.Keep != nil {
		return w.Of
	}
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(w.Kind)
	return o
}

func (w Watch) matches(controller string, o client.Object) bool {
	return o != nil && (w.Namespace == "" || w.Namespace == o.GetNamespace()) && (w.Name == "" || w.Name == o.GetName()) &&
		(!w.Made || o.GetLabels()[ownerLabel] == controller) && (w.Matches == nil || w.Matches(o))
}

// events passes on what wakes the controller.
func (w Watch) events(controller string) predicate.Predicate {
	match := func(o client.Object) bool { return w.matches(controller, o) }
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return match(e.Object) },
		DeleteFunc:  func(e event.DeleteEvent) bool { return match(e.Object) },
		GenericFunc: func(e event.GenericEvent) bool { return match(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return (match(e.ObjectNew) || match(e.ObjectOld)) && (!w.Spec || specChanged(e.ObjectOld, e.ObjectNew)) &&
				(w.Keep == nil || keptChanged(e.ObjectOld, e.ObjectNew))
		},
	}
}

func specChanged(old, changed client.Object) bool {
	return old.GetGeneration() != changed.GetGeneration() || !equality.Semantic.DeepEqual(old.GetLabels(), changed.GetLabels()) ||
		!equality.Semantic.DeepEqual(old.GetAnnotations(), changed.GetAnnotations()) || old.GetDeletionTimestamp() != nil != (changed.GetDeletionTimestamp() != nil)
}

// keptChanged reports whether two versions of an object differ in more than being versions.
func keptChanged(old, changed client.Object) bool {
	same, _ := old.DeepCopyObject().(client.Object) // a copy of what is one
	same.SetResourceVersion(changed.GetResourceVersion())
	return !equality.Semantic.DeepEqual(same, changed)
}

// clusterEvents passes on changes of the Cluster.
func clusterEvents(status bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() || status && e.ObjectOld.GetResourceVersion() != e.ObjectNew.GetResourceVersion()
	}}
}

// releaseEvents passes on what changes the answers of package release.
func releaseEvents() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		old, _ := e.ObjectOld.(*configv1.ClusterVersion)
		changed, _ := e.ObjectNew.(*configv1.ClusterVersion)
		return old == nil || changed == nil || !equality.Semantic.DeepEqual(old.Spec, changed.Spec) ||
			!equality.Semantic.DeepEqual(old.Status.History, changed.Status.History) || !equality.Semantic.DeepEqual(old.Status.Desired, changed.Status.Desired)
	}}
}

// selection is what of a kind in a namespace is kept in memory. It is wider where
// several controllers watch different objects.
type selection struct{ name, label string }

func (w Watch) selection() selection {
	if w.Made {
		return selection{label: ownerLabel}
	}
	return selection{name: w.Name}
}

func (s selection) or(other selection) selection {
	if s != other {
		return selection{}
	}
	return s
}

// selections are those of several controllers, by kind and namespace.
func selections(specs []Spec) map[schema.GroupVersionKind]map[string]selection {
	all := map[schema.GroupVersionKind]map[string]selection{}
	for _, spec := range specs {
		for _, w := range spec.Watches {
			if all[w.Kind] == nil {
				all[w.Kind] = map[string]selection{}
			}
			chosen := w.selection()
			if have, is := all[w.Kind][w.Namespace]; is {
				chosen = chosen.or(have)
			}
			all[w.Kind][w.Namespace] = chosen
		}
	}
	return all
}

// CacheOptions keep in memory what is watched and nothing else.
func CacheOptions(specs []Spec, unserved Kinds) cache.Options {
	options := cache.Options{ByObject: map[client.Object]cache.ByObject{}, ReaderFailOnMissingInformer: true, DefaultTransform: cache.TransformStripManagedFields()}
	for kind, namespaces := range selections(specs) {
		if !unserved[kind] {
			options.ByObject[Watch{Kind: kind}.object()] = byObject(namespaces)
		}
	}
	for _, spec := range specs {
		for _, w := range spec.Watches {
			if w.Keep != nil && !unserved[w.Kind] {
				kept := byObject(map[string]selection{w.Namespace: w.selection()})
				kept.Transform = w.Keep
				options.ByObject[w.object()] = kept
			}
		}
	}
	return options
}

func byObject(namespaces map[string]selection) cache.ByObject {
	if whole, is := namespaces[""]; is {
		if len(namespaces) > 1 {
			whole = selection{}
		}
		c := whole.config()
		return cache.ByObject{Label: c.LabelSelector, Field: c.FieldSelector}
	}
	by := cache.ByObject{Namespaces: map[string]cache.Config{}}
	for namespace, s := range namespaces {
		by.Namespaces[namespace] = s.config()
	}
	return by
}

func (s selection) config() cache.Config {
	var c cache.Config
	if s.name != "" {
		c.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, s.name)
	}
	if s.label != "" {
		exists, err := labels.Parse(s.label)
		if err == nil { // a constant
			c.LabelSelector = exists
		}
	}
	return c
}

// AllRules are what the controllers may do together: what they declare, what
// follows from what they watch, and what the framework does for them.
func AllRules(specs []Spec) []Rule {
	read := []string{"get", "list", "watch"}
	rules := []Rule{
		{PolicyRule: rbacv1.PolicyRule{APIGroups: []string{"aro.openshift.io"}, Resources: []string{"clusters"}, Verbs: read}},
		{PolicyRule: rbacv1.PolicyRule{APIGroups: []string{"aro.openshift.io"}, Resources: []string{"clusters/status"}, Verbs: []string{"get", "patch", "update"}}},
		// OpenShift asks for it where the Cluster becomes the owner of an object.
		{PolicyRule: rbacv1.PolicyRule{APIGroups: []string{"aro.openshift.io"}, Resources: []string{"clusters/finalizers"}, Verbs: []string{"update"}}},
	}
	if usesRelease(specs) {
		rules = append(rules, Rule{PolicyRule: rbacv1.PolicyRule{APIGroups: []string{configv1.GroupName}, Resources: []string{"clusterversions"}, Verbs: read}})
	}
	own := map[string]bool{}
	for _, spec := range specs {
		own[spec.Namespace] = true
	}
	for kind, namespaces := range selections(specs) {
		for namespace, s := range namespaces {
			if _, whole := namespaces[""]; whole && namespace != "" {
				continue // one rule for all
			}
			rule := Rule{Namespace: namespace, PolicyRule: rbacv1.PolicyRule{APIGroups: []string{kind.Group}, Resources: []string{resource(kind)}, Verbs: read}}
			if own[namespace] {
				rule.Namespace = ""
			}
			if s.name != "" && len(namespaces) == 1 || s.name != "" && namespace != "" {
				rule.ResourceNames = []string{s.name}
			}
			rules = append(rules, rule)
		}
	}
	for _, spec := range specs {
		rules = append(rules, spec.Rules...)
	}
	return compact(rules)
}

// ResourceRule is the usual form of a rule: verbs on resources of one group, some
// by name.
func ResourceRule(verbs, group, resources string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: strings.Fields(verbs), APIGroups: []string{group}, Resources: strings.Fields(resources), ResourceNames: names}
}

func usesRelease(specs []Spec) bool {
	for _, s := range specs {
		if s.Release {
			return true
		}
	}
	return false
}
