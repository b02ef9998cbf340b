package operator

import (
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controllers/networkpolicy"
	"github.com/aro-rp/aro/operator/controllers/rbac"
	"github.com/aro-rp/aro/operator/controllers/routefix"
	"github.com/aro-rp/aro/operator/flags"
)

func TestRBAC(t *testing.T) {
	w := newFixture(t)
	const name = "system:aro-sre"
	role, binding := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}
	other := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "system:aro-diagnostics"}}
	w.cleans(role, binding, other, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: other.Name}})
	c := w.cluster()
	w.run(rbac.New())
	without := func(r *rbacv1.ClusterRole) bool {
		for _, rule := range r.Rules {
			for _, resource := range rule.Resources {
				if resource == "secrets" {
					return false
				}
			}
		}
		return len(r.Rules) > 10 && len(r.OwnerReferences) == 1
	}
	becomes(w, role, "the role is made", without)
	becomes(w, other, "the other too", without)
	bound := func(b *rbacv1.ClusterRoleBinding) bool { return len(b.Subjects) == 1 && b.Subjects[0].Name == name }
	becomes(w, binding, "and bound", bound)
	may := func(verb, group, resource string) bool {
		t.Helper()
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: name,
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource}}}
		if err := w.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		return review.Status.Allowed
	}
	w.eventually("the server knows the role", func() error {
		if !may("get", "", "pods") {
			return errNotYet
		}
		return nil
	})
	if may("get", "", "secrets") || may("delete", "", "pods") || !may("create", "authorization.k8s.io", "subjectaccessreviews") {
		t.Error("the rights are not read-only")
	}
	edit(w, role, func(r *rbacv1.ClusterRole) {
		r.Rules = append(r.Rules, rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}})
	})
	becomes(w, role, "a rule that was added is removed", without)
	for _, o := range []client.Object{role, binding} {
		if err := w.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	becomes(w, role, "the role is made again", without)
	becomes(w, binding, "and bound again", bound)
	edit(w, role, func(r *rbacv1.ClusterRole) { r.Labels = nil })
	becomes(w, role, "its label is restored, by which it is watched", func(r *rbacv1.ClusterRole) bool { return len(r.Labels) == 1 })
	w.unchanged(w.touched)
	w.set(c, flags.RBAC, "false")
	w.unchanged(func() { w.gone(role) })
}

func TestNetworkPolicy(t *testing.T) {
	w := newFixture(t)
	policy := &unstructured.Unstructured{}
	policy.SetGroupVersionKind(schema.GroupVersionKind{Group: "policy.networking.k8s.io", Version: "v1alpha1", Kind: "AdminNetworkPolicy"})
	policy.SetName("aro-cco-deny-pprof")
	w.cleans(policy)
	c := w.cluster()
	w.run(networkpolicy.New())
	w.condition("NetworkPolicyControllerDegraded", operatorv1.ConditionTrue, "ClusterVersion")
	w.clusterVersion("4.16.9", configv1.CompletedUpdate)
	w.healthy("NetworkPolicy")
	if err := w.Get(t.Context(), key(policy), policy); err == nil {
		t.Error("the policy is made before 4.17")
	}
	w.history("4.17.0-rc.1", configv1.CompletedUpdate)
	right := func(p *unstructured.Unstructured) bool {
		priority, _, _ := unstructured.NestedInt64(p.Object, "spec", "priority")
		rules, _, _ := unstructured.NestedSlice(p.Object, "spec", "ingress")
		return priority == 50 && len(rules) == 1
	}
	becomes(w, policy, "the policy is made", right)
	w.patch(policy, `{"spec":{"priority":7}}`)
	becomes(w, policy, "the priority is restored", right)
	if err := w.Delete(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	becomes(w, policy, "the policy is made again", right)
	w.unchanged(w.touched)
	w.set(c, flags.NetworkPolicy, "false")
	w.unchanged(func() { w.patch(policy, `{"spec":{"priority":7}}`) })
}

func TestRouteFix(t *testing.T) {
	w := newFixture(t)
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "openshift-azure-routefix"}}
	if err := w.Create(t.Context(), space); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "routefix"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "x"}}
	w.with(binding)
	w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	w.cluster()
	w.run(routefix.New())
	w.disappears(space)
	w.quiet()
	if err := w.Get(t.Context(), key(binding), binding); err != nil {
		t.Errorf("the binding goes before the namespace is gone: %v", err)
	}
	w.finalize(space)
	w.disappears(binding)
}
