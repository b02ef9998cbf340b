// Package networkpolicy closes a port that only its own pod needs.
package networkpolicy

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const name = "aro-cco-deny-pprof"

var (
	kind = schema.GroupVersionKind{Group: "policy.networking.k8s.io", Version: "v1alpha1", Kind: "AdminNetworkPolicy"}
	// since is the first release with the kind.
	since = release.Version{Major: 4, Minor: 17}
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name:    "NetworkPolicy",
		Summary: "Closes the profiling port 6060 of the cloud credential operator to all namespaces, by the AdminNetworkPolicy `aro-cco-deny-pprof`. Needs OpenShift 4.17.",
		Flag:    flags.NetworkPolicy,
		Release: true,
		Watches: []controller.Watch{{Kind: kind, Name: name, Spec: true}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", kind.Group, "adminnetworkpolicies")},
			{PolicyRule: controller.ResourceRule("patch", kind.Group, "adminnetworkpolicies", name)},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	version, err := r.Release(ctx)
	if err != nil || version.Before(since) {
		return err
	}
	policy := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"priority": int64(50),
		"subject":  map[string]any{"namespaces": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "openshift-cloud-credential-operator"}}},
		"ingress": []any{map[string]any{
			"name": "deny-pprof", "action": "Deny",
			"from":  []any{map[string]any{"namespaces": map[string]any{}}},
			"ports": []any{map[string]any{"portNumber": map[string]any{"protocol": "TCP", "port": int64(6060)}}},
		}},
	}}}
	policy.SetGroupVersionKind(kind)
	policy.SetName(name)
	return r.Ensure(ctx, policy)
}
