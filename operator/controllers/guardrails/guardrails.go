// Package guardrails keeps customers from breaking what the service needs, by policies of the API
// server itself, or of Gatekeeper where the API server does not know them.
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
func New() (controller.Spec, error) {
	other, err := newGatekeeper()
	if err != nil {
		return controller.Spec{}, err
	}
	group := admissionv1.SchemeGroupVersion
	ours := func(o client.Object) bool { return strings.HasPrefix(o.GetName(), prefix) }
	policies := "validatingadmissionpolicies validatingadmissionpolicybindings"
	g := guard{other}
	return controller.Spec{
		Name: "GuardRails",
		Summary: "Refuses changes which break a cluster, or warns of them or notes them: deletions of masters, changes of the service's MachineConfigs " +
			"and of what is in the platform's namespaces. Nodes, service accounts and administrators by certificate are exempt, and so are the controllers that end namespaces. " +
			"From OpenShift 4.17 the API server does so by ValidatingAdmissionPolicies, before it, or where `aro.guardrails.method` is `gatekeeper`, a Gatekeeper in `openshift-azure-guardrails` " +
			"with the same conditions; where the customer runs Gatekeeper, nothing does. One policy, against an update to OpenShift 5, is there from 4.17 whatever the flags say.",
		Also:      []flags.Name{flags.GuardRails, flags.GuardRailsManaged, flags.GuardRailsMethod, flags.GatekeeperPullSpec, flags.GatekeeperMinutes},
		Release:   true,
		Namespace: namespace,
		Watches: append(other.manifests.Watches(),
			controller.Watch{Kind: group.WithKind("ValidatingAdmissionPolicy"), Matches: ours, Spec: true},
			controller.Watch{Kind: group.WithKind("ValidatingAdmissionPolicyBinding"), Matches: ours, Spec: true},
		),
		Rules: append(other.rules(),
			controller.Rule{PolicyRule: controller.ResourceRule("create", group.Group, policies)},
			controller.Rule{PolicyRule: controller.ResourceRule("patch update delete", group.Group, policies, names()...)},
			// To bind a policy to objects needs the right to read them.
			controller.Rule{PolicyRule: controller.ResourceRule("get list watch", "machine.openshift.io", "machines")},
		),
		Reconcile: g.reconcile,
	}, nil
}

// guard enforces the policies by either way.
type guard struct{ other gatekeeper }

// names are those of all policies and bindings that there are or were.
func names() []string {
	all := []string{deprecated, deprecated + toBinding, mandatory().Name, mandatory().Name + toBinding}
	for _, p := range optional() {
		all = append(all, p.Name, p.Name+toBinding)
	}
	return all
}

func (g guard) reconcile(ctx context.Context, r *controller.Request) error {
	version, err := r.Release(ctx)
	if err != nil {
		return err
	}
	knows := !version.Before(since)
	if knows {
		if err := errors.Join(remove(ctx, r, deprecated), apply(ctx, r, mandatory(), admissionv1.Deny)); err != nil {
			return err
		}
	}
	managed := r.Flags.True(flags.GuardRailsManaged)
	if !r.Flags.True(flags.GuardRails) || !managed && !r.Flags.False(flags.GuardRailsManaged) {
		return nil
	}
	method := strings.ToLower(r.Flags.Value(flags.GuardRailsMethod, ""))
	if knows && (method == "vap" || method == "auto") {
		return errors.Join(g.other.remove(ctx, r), keep(ctx, r, managed))
	}
	if knows {
		if err := keep(ctx, r, false); err != nil {
			return err
		}
	}
	if managed {
		return g.other.keep(ctx, r)
	}
	return g.other.remove(ctx, r)
}

// keep keeps the API server's policies that flags ask for, or removes all.
func keep(ctx context.Context, r *controller.Request, managed bool) error {
	var failed []error
	for _, p := range optional() {
		if managed && r.Flags.True(flags.PolicyManaged(p.Name)) {
			failed = append(failed, apply(ctx, r, p, action(r.Flags.Value(flags.PolicyEnforcement(p.Name), "dryrun"))))
		} else {
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
