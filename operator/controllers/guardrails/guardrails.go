// Package guardrails keeps customers from breaking what the service needs, by
// policies of the API server itself.
package guardrails

import (
	"context"
	"errors"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const (
	prefix    = "aro-"
	toBinding = "-binding"
	// deprecated is the name that the mandatory policy had.
	deprecated = "aro-cluster-version-major-upgrade-protection"
)

// since is the first release whose API server knows such policies.
var since = release.Version{Major: 4, Minor: 17}

// New is the controller.
func New() controller.Spec {
	group := admissionv1.SchemeGroupVersion
	ours := func(o client.Object) bool { return strings.HasPrefix(o.GetName(), prefix) }
	policies := "validatingadmissionpolicies validatingadmissionpolicybindings"
	return controller.Spec{
		Name: "GuardRails",
		Summary: "Keeps ValidatingAdmissionPolicies that refuse changes which break a cluster, or warn of them or note them: deletions of masters, changes of the service's MachineConfigs " +
			"and of what is in the platform's namespaces. Nodes, service accounts and administrators by certificate are exempt, and so are the controllers that end namespaces. One policy, against an " +
			"update to OpenShift 5, is there whatever the flags say. Needs OpenShift 4.17; older clusters have none, and whatever `aro.guardrails.method` says, nothing else enforces them.",
		Also:    []flags.Name{flags.GuardRails, flags.GuardRailsManaged},
		Release: true,
		Watches: []controller.Watch{
			{Kind: group.WithKind("ValidatingAdmissionPolicy"), Matches: ours, Spec: true},
			{Kind: group.WithKind("ValidatingAdmissionPolicyBinding"), Matches: ours, Spec: true},
		},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", group.Group, policies)},
			{PolicyRule: controller.ResourceRule("patch update delete", group.Group, policies, names()...)},
			// To bind a policy to objects needs the right to read them.
			{PolicyRule: controller.ResourceRule("get list watch", "machine.openshift.io", "machines")},
		},
		Reconcile: reconcile,
	}
}

// names are those of all policies and bindings that there are or were.
func names() []string {
	all := []string{deprecated, deprecated + toBinding, mandatory().Name, mandatory().Name + toBinding}
	for _, p := range optional() {
		all = append(all, p.Name, p.Name+toBinding)
	}
	return all
}

func reconcile(ctx context.Context, r *controller.Request) error {
	version, err := r.Release(ctx)
	if err != nil || version.Before(since) {
		return err
	}
	failed := []error{remove(ctx, r, deprecated), apply(ctx, r, mandatory(), admissionv1.Deny)}
	switch {
	case !r.Flags.True(flags.GuardRails):
	case r.Flags.True(flags.GuardRailsManaged):
		for _, p := range optional() {
			if r.Flags.True(flags.PolicyManaged(p.Name)) {
				failed = append(failed, apply(ctx, r, p, action(r.Flags.Value(flags.PolicyEnforcement(p.Name), "dryrun"))))
			} else {
				failed = append(failed, remove(ctx, r, p.Name))
			}
		}
	case r.Flags.False(flags.GuardRailsManaged):
		for _, p := range optional() {
			failed = append(failed, remove(ctx, r, p.Name))
		}
	}
	return errors.Join(failed...)
}

// action is what the API server does about a request that a policy does not like.
func action(enforcement string) admissionv1.ValidationAction {
	switch strings.ToLower(enforcement) {
	case "deny":
		return admissionv1.Deny
	case "dryrun", "audit":
		return admissionv1.Audit
	default:
		return admissionv1.Warn
	}
}

// apply makes a policy and its binding exactly as defined: an added condition could disable a
// policy.
func apply(ctx context.Context, r *controller.Request, policy *admissionv1.ValidatingAdmissionPolicy, action admissionv1.ValidationAction) error {
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policy.Name + toBinding},
		Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{action}},
	}
	return errors.Join(r.EnsureExactly(ctx, policy), r.EnsureExactly(ctx, binding))
}

func remove(ctx context.Context, r *controller.Request, policy string) error {
	_, bindingErr := r.Remove(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: policy + toBinding}})
	_, err := r.Remove(ctx, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: policy}})
	return errors.Join(bindingErr, err)
}
