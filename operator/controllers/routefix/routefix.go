// Package routefix removes what worked around a fault of OpenShift's network.
package routefix

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const (
	namespace   = "openshift-azure-routefix"
	binding     = "routefix"
	constraints = "privileged-routefix"
)

// fixed is the release from which on OpenShift does without.
var fixed = release.Version{Major: 4, Minor: 8}

// New is the controller.
func New() controller.Spec {
	namespaceKind := corev1.SchemeGroupVersion.WithKind("Namespace")
	return controller.Spec{
		Name: "RouteFix",
		Summary: "Removes the namespace `openshift-azure-routefix`, and after it the binding and the security context constraints, with which older releases of the operator worked " +
			"around a fault of OpenShift 4.6 and 4.7. Clusters of those versions are left alone.",
		Flag:    flags.RouteFix,
		Release: true,
		Watches: []controller.Watch{{Kind: namespaceKind, Name: namespace}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("delete", "", "namespaces", namespace)},
			{PolicyRule: controller.ResourceRule("get delete", rbacv1.GroupName, "clusterrolebindings", binding)},
			{PolicyRule: controller.ResourceRule("get delete", "security.openshift.io", "securitycontextconstraints", constraints)},
		},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	cv, err := r.ClusterVersion(ctx)
	if err != nil {
		return err
	}
	desired, err := release.Parse(cv.Status.Desired.Version)
	if err != nil || desired.Before(fixed) {
		return err
	}
	was, err := r.Remove(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	if err != nil || was {
		return err // its end wakes us: what runs in it needs its rights until then
	}
	if _, err := r.Remove(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: binding}}); err != nil {
		return err
	}
	scc := &unstructured.Unstructured{}
	scc.SetGroupVersionKind(schema.GroupVersionKind{Group: "security.openshift.io", Version: "v1", Kind: "SecurityContextConstraints"})
	scc.SetName(constraints)
	_, err = r.Remove(ctx, scc)
	return err
}
