// Package ingress keeps the default router redundant.
package ingress

import (
	"context"

	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace, name       = "openshift-ingress-operator", "default"
	replicas        int32 = 2
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name:      "IngressControllerARO",
		Summary:   "Keeps at least two replicas of the default IngressController. One without a number, which OpenShift chooses itself, stays so.",
		Flag:      flags.Ingress,
		Watches:   []controller.Watch{{Kind: operatorv1.GroupVersion.WithKind("IngressController"), Namespace: namespace, Name: name, Spec: true}},
		Rules:     []controller.Rule{{Namespace: namespace, PolicyRule: controller.ResourceRule("patch", operatorv1.GroupName, "ingresscontrollers", name)}},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	router := &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return r.Change(ctx, router, func() error {
		if have := router.Spec.Replicas; have != nil && *have < replicas {
			enough := replicas
			router.Spec.Replicas = &enough
		}
		return nil
	})
}
