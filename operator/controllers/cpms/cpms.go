// Package cpms keeps an active ControlPlaneMachineSet away, which would replace
// masters.
package cpms

import (
	"context"

	machinev1 "github.com/openshift/api/machine/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const namespace, name = "openshift-machine-api", "cluster"

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "CPMSController",
		Summary: "Deletes an active ControlPlaneMachineSet unless its flag is true; OpenShift then makes an inactive one. It does not change the state, which the " +
			"definition forbids. Clusters whose OpenShift has no such kind are left alone.",
		Also:      []flags.Name{flags.CPMS},
		Watches:   []controller.Watch{{Kind: machinev1.GroupVersion.WithKind("ControlPlaneMachineSet"), Namespace: namespace, Name: name, Spec: true}},
		Rules:     []controller.Rule{{Namespace: namespace, PolicyRule: controller.ResourceRule("delete", machinev1.GroupName, "controlplanemachinesets", name)}},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	if r.Flags.True(flags.CPMS) {
		return nil
	}
	set := &machinev1.ControlPlaneMachineSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := r.Read(ctx, set)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) || err == nil && (set.Spec.State != machinev1.ControlPlaneMachineSetStateActive || set.DeletionTimestamp != nil) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = r.Remove(ctx, set)
	return err
}
