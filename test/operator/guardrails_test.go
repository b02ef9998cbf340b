package operator

import (
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controllers/guardrails"
	"github.com/aro-rp/aro/operator/flags"
)

// as returns a client of another user with all permissions by RBAC.
func (w *fixture) as(user string, groups ...string) client.Client {
	w.Helper()
	w.with(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "test-" + strings.ReplaceAll(user, ":", "-")}, Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"}})
	w.permitted(user, "", rbacv1.PolicyRule{Verbs: []string{"delete"}, APIGroups: []string{""}, Resources: []string{"namespaces"}})
	config := rest.CopyConfig(server.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	c, err := client.New(config, client.Options{Scheme: w.Scheme(), Mapper: w.RESTMapper()})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// refused waits until a policy of the server refuses a request: that is Invalid, not
// Forbidden, although its text contains that word.
func (w *fixture) refused(policy string, try func() error) {
	w.Helper()
	w.eventually(policy+" refuses", func() error {
		err := try()
		if err == nil {
			return errNotYet
		}
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "is forbidden") || !strings.Contains(err.Error(), policy) {
			w.Errorf("%s: got %v", policy, err)
		}
		return nil
	})
}

func TestGuardRails(t *testing.T) {
	w := newFixture(t)
	var objects []client.Object
	for _, name := range []string{"aro-cluster-version-major-upgrade-deny", "aro-machines-deny"} {
		objects = append(objects, &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name + "-binding"}}, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	w.cleansPolicies()
	binding := func(policy string) *admissionv1.ValidatingAdmissionPolicyBinding {
		return &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: policy + "-binding"}}
	}
	does := func(action admissionv1.ValidationAction) func(*admissionv1.ValidatingAdmissionPolicyBinding) bool {
		return func(b *admissionv1.ValidatingAdmissionPolicyBinding) bool {
			return len(b.Spec.ValidationActions) == 1 && b.Spec.ValidationActions[0] == action && len(b.OwnerReferences) == 0
		}
	}
	cv := w.clusterVersion("4.16.9", configv1.CompletedUpdate)
	c := w.cluster(flag(flags.GuardRails, "false"))
	w.run(must(t)(guardrails.New()))
	w.quiet()
	if err := w.Get(t.Context(), key(objects[1]), objects[1]); !apierrors.IsNotFound(err) {
		t.Errorf("before 4.17: %v", err)
	}
	w.history("4.17.3", configv1.CompletedUpdate)
	becomes(w, binding("aro-cluster-version-major-upgrade-deny"), "the mandatory policy is there whatever the flags say", does(admissionv1.Deny))
	customer := w.as("customer")
	update := func(version string) error {
		fresh := cv.DeepCopy()
		if err := customer.Get(t.Context(), key(cv), fresh); err != nil {
			return err
		}
		fresh.Spec.DesiredUpdate = &configv1.Update{Version: version}
		return customer.Update(t.Context(), fresh)
	}
	w.refused("aro-cluster-version-major-upgrade-deny", func() error { return update("5.0.0") })
	if err := update("4.18.0"); err != nil {
		t.Errorf("an update to 4.18 is refused: %v", err)
	}

	w.set(c, flags.GuardRails, "true")
	becomes(w, binding("aro-machines-deny"), "machines are guarded", does(admissionv1.Deny))
	becomes(w, binding("aro-nodes-deny"), "nodes are guarded", does(admissionv1.Deny))
	becomes(w, binding("aro-machine-config-deny"), "machine configs are noted", does(admissionv1.Audit))
	becomes(w, binding("aro-privileged-namespace-deny"), "namespaces are noted", does(admissionv1.Audit))
	w.set(c, flags.PolicyEnforcement("aro-machine-config-deny"), "deny")
	w.set(c, flags.PolicyEnforcement("aro-privileged-namespace-deny"), "deny")

	master, worker := newMachine("guarded-master", "master", 128), newMachine("guarded-worker", "worker", 128)
	w.with(master)
	w.with(worker)
	w.refused("aro-machines-deny", func() error { return customer.Delete(t.Context(), master, client.DryRunAll) })
	if err := customer.Delete(t.Context(), worker); err != nil {
		t.Errorf("a worker may not be deleted: %v", err)
	}
	node := w.newNode("guarded", map[string]string{"node-role.kubernetes.io/master": ""})
	w.refused("aro-nodes-deny", func() error { return customer.Delete(t.Context(), node, client.DryRunAll) })
	w.refused("aro-machine-config-deny", func() error { return customer.Create(t.Context(), machineConfig("99-worker-ssh"), client.DryRunAll) })
	if err := customer.Create(t.Context(), machineConfig("99-worker-theirs"), client.DryRunAll); err != nil {
		t.Errorf("a MachineConfig of the customer's: %v", err)
	}
	inPlatform := func() *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-monitoring", Name: "guarded"}}
	}
	w.refused("aro-privileged-namespace-deny", func() error { return customer.Create(t.Context(), inPlatform(), client.DryRunAll) })
	w.namespace("customers")
	theirs := inPlatform()
	theirs.Namespace = "customers"
	if err := customer.Create(t.Context(), theirs, client.DryRunAll); err != nil {
		t.Errorf("a secret in the customer's namespace: %v", err)
	}
	for _, exempt := range []string{"system:serviceaccount:kube-system:namespace-controller", "system:serviceaccount:kube-system:generic-garbage-collector"} {
		// The API server learns of its role by and by.
		controller := w.as(exempt, "system:serviceaccounts")
		w.eventually(exempt+", without which namespaces never end, is not refused", func() error {
			return controller.Create(t.Context(), inPlatform(), client.DryRunAll)
		})
	}
	if err := customer.Delete(t.Context(), master.DeepCopyObject().(*machinev1beta1.Machine), client.DryRunAll); err == nil {
		t.Error("masters are not guarded any more")
	}

	for _, o := range objects {
		if err := w.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	becomes(w, binding("aro-cluster-version-major-upgrade-deny"), "it is made again", does(admissionv1.Deny))
	becomes(w, binding("aro-machines-deny"), "it is made again", does(admissionv1.Deny))
	edit(w, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "aro-machines-deny"}}, func(p *admissionv1.ValidatingAdmissionPolicy) {
		p.Spec.MatchConditions = []admissionv1.MatchCondition{{Name: "never", Expression: "false"}}
	})
	becomes(w, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "aro-machines-deny"}}, "a condition that turns it off is removed",
		func(p *admissionv1.ValidatingAdmissionPolicy) bool { return len(p.Spec.MatchConditions) == 0 })
	w.unchanged(w.touched)
	w.set(c, flags.PolicyManaged("aro-machines-deny"), "false")
	w.disappears(binding("aro-machines-deny"))
	w.set(c, flags.GuardRailsManaged, "false")
	w.disappears(binding("aro-nodes-deny"))
	becomes(w, binding("aro-cluster-version-major-upgrade-deny"), "the mandatory one stays", does(admissionv1.Deny))
}
