// Package prepared defines what an etcd holds before its first API server reads it: the objects
// that every cluster of a release has, in the state in which the API server would have stored them.
// An API server that starts on it has nothing to establish.
//
// The installer's manifests, which differ between clusters, are not included: they go through the
// API server, which validates them.
package prepared

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/google/uuid"
	clientv3 "go.etcd.io/etcd/client/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	systemclasses "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	// root is where an API server keeps everything.
	root = "/registry"
	// MaxOperations is what etcd must take in one transaction.
	MaxOperations = 4096
)

// resources are the kinds of Kubernetes' own among the contents, as paths below root.
var resources = map[schema.GroupKind]string{
	{Kind: "Namespace"}:      "namespaces",
	{Kind: "ServiceAccount"}: "serviceaccounts",
	{Kind: "ConfigMap"}:      "configmaps",
	{Kind: "Secret"}:         "secrets",
	{Kind: "Pod"}:            "pods",
	{Group: rbacv1.GroupName, Kind: "ClusterRole"}:                       "clusterroles",
	{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}:                "clusterrolebindings",
	{Group: rbacv1.GroupName, Kind: "Role"}:                              "roles",
	{Group: rbacv1.GroupName, Kind: "RoleBinding"}:                       "rolebindings",
	{Group: appsv1.GroupName, Kind: "Deployment"}:                        "deployments",
	{Group: appsv1.GroupName, Kind: "ReplicaSet"}:                        "replicasets",
	{Group: appsv1.GroupName, Kind: "DaemonSet"}:                         "daemonsets",
	{Group: appsv1.GroupName, Kind: "StatefulSet"}:                       "statefulsets",
	{Group: schedulingv1.GroupName, Kind: "PriorityClass"}:               "priorityclasses",
	{Group: storagev1.GroupName, Kind: "StorageClass"}:                   "storageclasses",
	{Group: apiextensionsv1.GroupName, Kind: "CustomResourceDefinition"}: apiextensionsv1.GroupName + "/customresourcedefinitions",
	{Group: apiregistrationv1.GroupName, Kind: "APIService"}:             apiregistrationv1.GroupName + "/apiservices",
}

// Contents are collected object by object.
type Contents struct {
	scheme *runtime.Scheme
	now    metav1.Time
	custom map[schema.GroupKind]string // resources of the definitions
	values map[string][]byte
}

// New returns no contents. The scheme knows the kinds of all that is added.
func New(scheme *runtime.Scheme) *Contents {
	return &Contents{scheme: scheme, now: metav1.NewTime(time.Now().Truncate(time.Second)), custom: map[schema.GroupKind]string{}, values: map[string][]byte{}}
}

// Define adds a definition with accepted names, and registers its kind.
func (c *Contents) Define(crd *apiextensionsv1.CustomResourceDefinition) error {
	made := crd.DeepCopy()
	made.Generation = 1
	status := &made.Status
	status.AcceptedNames, status.StoredVersions = made.Spec.Names, nil
	for _, version := range made.Spec.Versions {
		if version.Storage {
			status.StoredVersions = append(status.StoredVersions, version.Name)
		}
	}
	if made.Spec.Conversion == nil {
		made.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
	}
	// An API server holds objects of a kind that was established less than two seconds ago.
	established := metav1.NewTime(c.now.Add(-time.Minute))
	for _, condition := range []apiextensionsv1.CustomResourceDefinitionCondition{
		{Type: apiextensionsv1.NamesAccepted, Reason: "NoConflicts", Message: "no conflicts found"},
		{Type: apiextensionsv1.Established, Reason: "InitialNamesAccepted", Message: "the initial names have been accepted"},
	} {
		condition.Status, condition.LastTransitionTime = apiextensionsv1.ConditionTrue, established
		status.Conditions = append(status.Conditions, condition)
	}
	c.custom[schema.GroupKind{Group: made.Spec.Group, Kind: made.Spec.Names.Kind}] = made.Spec.Group + "/" + made.Spec.Names.Plural
	return c.Add(made)
}

// Add adds an object that would pass the API server as it is. Of two with the same
// name the first stays.
func (c *Contents) Add(object client.Object) error {
	kind, err := apiutil.GVKForObject(object, c.scheme)
	if err != nil {
		return err
	}
	resource, known := resources[kind.GroupKind()]
	if !known {
		resource, known = c.custom[kind.GroupKind()]
	}
	if !known {
		return fmt.Errorf("%s: nothing defines the kind", kind)
	}
	key := path.Join(root, resource, object.GetNamespace(), object.GetName())
	if _, exists := c.values[key]; exists {
		return nil
	}
	made := object.DeepCopyObject().(client.Object)
	if made.GetUID() == "" {
		made.SetUID(newUID())
	}
	made.SetCreationTimestamp(c.now)
	made.GetObjectKind().SetGroupVersionKind(kind)
	if made.GetGeneration() == 0 && c.custom[kind.GroupKind()] != "" {
		made.SetGeneration(1)
	}
	content, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind.Kind, object.GetName(), err)
	}
	if c.custom[kind.GroupKind()] != "" {
		if content, err = withoutStatus(content); err != nil {
			return fmt.Errorf("%s %s: %w", kind.Kind, object.GetName(), err)
		}
	}
	c.values[key] = content
	return nil
}

// AddNamespace adds a namespace that is in use, with annotations and with what the
// controller manager puts into each.
func (c *Contents) AddNamespace(name string, annotations map[string]string, rootCA string) error {
	for _, object := range []client.Object{
		&corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}, Annotations: annotations},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
		},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}},
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: rootcacertpublisher.RootCACertConfigMapName, Annotations: map[string]string{rootcacertpublisher.DescriptionAnnotation: rootcacertpublisher.Description}},
			Data:       map[string]string{"ca.crt": rootCA},
		},
	} {
		if err := c.Add(object); err != nil {
			return err
		}
	}
	return nil
}

// Hooks are the parts of an API server's start that make what AddSystem adds. They wait for a second
// before they look.
var Hooks = []string{"rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes"}

// AddSystem adds Kubernetes' own roles and priority classes, which its API server makes one by one
// before it is ready.
func (c *Contents) AddSystem() error {
	var all []client.Object
	for _, class := range systemclasses.SystemPriorityClasses() {
		made := class.DeepCopy()
		made.Generation = 1
		all = append(all, made)
	}
	for _, roles := range [][]rbacv1.ClusterRole{bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()} {
		for i := range roles {
			all = append(all, &roles[i])
		}
	}
	for _, bindings := range [][]rbacv1.ClusterRoleBinding{bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()} {
		for i := range bindings {
			all = append(all, &bindings[i])
		}
	}
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		for i := range roles {
			all = append(all, &roles[i])
		}
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for i := range bindings {
			all = append(all, &bindings[i])
		}
	}
	for _, object := range all {
		if err := c.Add(object); err != nil {
			return err
		}
	}
	return nil
}

// Fill puts the contents into an etcd that no API server has used yet, all or
// nothing, and leaves any other as it is. It reports which of the two it was.
func (c *Contents) Fill(ctx context.Context, kv clientv3.KV) (filled bool, err error) {
	used, err := kv.Get(ctx, root+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil || used.Count > 0 {
		return false, err
	}
	puts := make([]clientv3.Op, 0, len(c.values))
	for key, value := range c.values {
		puts = append(puts, clientv3.OpPut(key, string(value)))
	}
	_, err = kv.Txn(ctx).Then(puts...).Commit()
	return err == nil, err
}

// Extend adds what is missing of the contents to an etcd in use.
func (c *Contents) Extend(ctx context.Context, kv clientv3.KV) error {
	for key := range c.values {
		if err := c.restore(ctx, kv, key); err != nil {
			return err
		}
	}
	return nil
}

// withoutStatus is what an API server keeps of a new custom object.
func withoutStatus(content []byte) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(content, &object); err != nil {
		return nil, err
	}
	delete(object, "status")
	return json.Marshal(object)
}

func newUID() types.UID { return types.UID(uuid.NewString()) }
