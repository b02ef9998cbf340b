// Package rbac keeps the roles in which the service and its engineers look at a cluster.
package rbac

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// Names of the roles, and of the users who have them.
const (
	engineersName   = "system:aro-sre"
	diagnosticsName = "system:aro-diagnostics"
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "RBAC",
		Summary: "Keeps the ClusterRoles `system:aro-sre` and `system:aro-diagnostics` and their bindings to the users of the same names. Both only read, and neither reads " +
			"secrets; added rules are removed.",
		Flag: flags.RBAC,
		Watches: []controller.Watch{
			{Kind: rbacv1.SchemeGroupVersion.WithKind("ClusterRole"), Made: true},
			{Kind: rbacv1.SchemeGroupVersion.WithKind("ClusterRoleBinding"), Made: true},
		},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", rbacv1.GroupName, "clusterroles clusterrolebindings")},
			// Giving rights that the operator does not have itself needs the verbs for that.
			{PolicyRule: controller.ResourceRule("get patch update bind escalate", rbacv1.GroupName, "clusterroles", engineersName, diagnosticsName)},
			{PolicyRule: controller.ResourceRule("get patch update", rbacv1.GroupName, "clusterrolebindings", engineersName, diagnosticsName)},
		},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	return errors.Join(role(ctx, r, engineersName, engineers()), role(ctx, r, diagnosticsName, diagnostics()))
}

// role keeps a role and its binding to the user of the same name.
func role(ctx context.Context, r *controller.Request, name string, rules []rbacv1.PolicyRule) error {
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
	}
	r.Own(role, binding)
	return errors.Join(r.EnsureExactly(ctx, role), r.EnsureExactly(ctx, binding))
}
