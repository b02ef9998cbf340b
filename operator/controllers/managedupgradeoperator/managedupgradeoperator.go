// Package managedupgradeoperator runs the managed upgrade operator, which performs updates of
// OpenShift when they are scheduled.
package managedupgradeoperator

import (
	"context"
	_ "embed"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const (
	namespace, name = "openshift-managed-upgrade-operator", "managed-upgrade-operator"
	// image is the default, in the service's registry.
	image = "/app-sre/managed-upgrade-operator:v0.1.1445-g512fbce"
)

//go:embed manifests.yaml
var text []byte

// restricted is the release since which pods meet the restricted security standard.
var restricted = release.Version{Major: 4, Minor: 11}

// New is the controller.
func New() (controller.Spec, error) {
	manifests, err := controller.ParseManifests(text)
	if err != nil {
		return controller.Spec{}, err
	}
	c := installer{manifests}
	return controller.Spec{
		Name: "ManagedUpgradeOperator",
		Summary: "Runs the managed upgrade operator in `openshift-managed-upgrade-operator`, with its definition, roles and alerts, or removes all of it. " +
			"Its image is that of the service's registry unless a flag names another one. It is an error if the deployment makes no progress for five minutes.",
		Flag: flags.UpgradeOperator, Also: []flags.Name{flags.UpgradeOperatorManaged, flags.UpgradeOperatorPullSpec},
		Release:   true,
		Namespace: namespace,
		Watches: append(manifests.Watches(), controller.Watch{Kind: corev1.SchemeGroupVersion.WithKind("Secret"),
			Namespace: "openshift-config", Name: "pull-secret"}),
		Rules:     manifests.Rules(),
		Reconcile: c.reconcile,
	}, nil
}

type installer struct{ manifests controller.Manifests }

func (c installer) reconcile(ctx context.Context, r *controller.Request) error {
	switch {
	case r.Flags.False(flags.UpgradeOperatorManaged):
		return r.RemoveAll(ctx, c.manifests.Copy())
	case !r.Flags.True(flags.UpgradeOperatorManaged):
		return nil
	}
	version, err := r.Release(ctx)
	if err != nil {
		return err
	}
	objects := c.manifests.Copy()
	deployment := objects.Find("Deployment", name)
	if err := complete(deployment, r.Flags.NonEmpty(flags.UpgradeOperatorPullSpec, r.Cluster.Spec.ACRDomain+image), !version.Before(restricted)); err != nil {
		return err
	}
	if err := r.EnsureAll(ctx, objects); err != nil {
		return err
	}
	_, err = r.Unavailable(ctx, namespace, name) // until it is available, its changes wake the controller
	return err
}

// complete sets what differs between clusters.
func complete(deployment *unstructured.Unstructured, image string, restricted bool) error {
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		return err
	}
	container := pod["containers"].([]any)[0].(map[string]any) // of the manifest
	container["image"] = image
	if restricted {
		pod["securityContext"] = map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
		container["securityContext"] = map[string]any{"allowPrivilegeEscalation": false, "runAsNonRoot": true,
			"capabilities": map[string]any{"drop": []any{"ALL"}}}
	}
	return unstructured.SetNestedMap(deployment.Object, pod, "spec", "template", "spec")
}
