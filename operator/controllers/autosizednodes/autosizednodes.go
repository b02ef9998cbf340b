// Package autosizednodes lets nodes size what they reserve for the system.
package autosizednodes

import (
	"context"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const name = "dynamic-node"

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "AutoSizedNodes",
		Summary: "Keeps the KubeletConfig `dynamic-node`, by which nodes of OpenShift's own pools size what they reserve for the system. Removes it when the flag is not " +
			"true. Labels and annotations of others stay.",
		Also:    []flags.Name{flags.AutoSizedNodes},
		Watches: []controller.Watch{{Kind: machineconfigurationv1.GroupVersion.WithKind("KubeletConfig"), Name: name, Spec: true}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", machineconfigurationv1.GroupName, "kubeletconfigs")},
			{PolicyRule: controller.ResourceRule("patch delete", machineconfigurationv1.GroupName, "kubeletconfigs", name)},
		},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	config := &machineconfigurationv1.KubeletConfig{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if !r.Flags.True(flags.AutoSizedNodes) {
		_, err := r.Remove(ctx, config)
		return err
	}
	yes := true
	want := func() error {
		config.Spec = machineconfigurationv1.KubeletConfigSpec{AutoSizingReserved: &yes, MachineConfigPoolSelector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "machineconfiguration.openshift.io/mco-built-in", Operator: metav1.LabelSelectorOpExists}},
		}}
		r.Own(config)
		return nil
	}
	err := r.Change(ctx, config, want)
	if !apierrors.IsNotFound(err) {
		return err
	}
	if err := want(); err != nil {
		return err
	}
	return r.Make(ctx, config)
}
