// Package clusteroperator reports the operator's health where OpenShift and its
// console look for it, and keeps the Cluster's own status tidy.
package clusteroperator

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/controller"
)

// name is the ClusterOperator's.
const name = "aro"

// New is the controller of an operator of this version.
func New(version string) controller.Spec {
	c := reporter{version}
	return controller.Spec{
		Name: "ClusterOperatorARO",
		Summary: "Sums the controllers' conditions up in the ClusterOperator `aro`: available when all are, progressing when one is. It is never degraded there, because " +
			"that would stop the cluster's upgrades. Notes the operator's version in the Cluster, and removes conditions that no controller writes any more.",
		ClusterStatus: true,
		Watches:       []controller.Watch{{Kind: configv1.GroupVersion.WithKind("ClusterOperator"), Name: name}},
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("create", configv1.GroupName, "clusteroperators")},
			{PolicyRule: controller.ResourceRule("patch", configv1.GroupName, "clusteroperators", name)},
			{PolicyRule: controller.ResourceRule("patch", configv1.GroupName, "clusteroperators/status", name)},
		},
		Reconcile: c.reconcile,
	}
}

type reporter struct{ version string }

func (c reporter) reconcile(ctx context.Context, r *controller.Request) error {
	if r.Cluster.Status.OperatorVersion != c.version {
		if err := r.ApplyStatus(ctx, "aro-operator/version", map[string]any{"operatorVersion": c.version}); err != nil {
			return err
		}
	}
	if err := forget(ctx, r); err != nil {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := owned(ctx, r)
		if err != nil {
			return err
		}
		return c.report(ctx, r, object)
	})
}

// owned returns the object, which it makes if it is not there or not this operator's. It is read once, because
// each change of a condition leads here.
func owned(ctx context.Context, r *controller.Request) (*configv1.ClusterOperator, error) {
	want := &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: name}}
	have := want.DeepCopy()
	r.Own(want)
	err := r.Read(ctx, have)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	is := err == nil && metav1.IsControlledBy(have, r.Cluster)
	for label, value := range want.Labels {
		is = is && have.Labels[label] == value
	}
	if is {
		return have, nil
	}
	if err := r.Ensure(ctx, want); err != nil {
		return nil, err
	}
	return have, r.Read(ctx, have)
}

// forget removes conditions of controllers that there are no more.
func forget(ctx context.Context, r *controller.Request) error {
	conditions := r.Cluster.Status.Conditions
	for i := len(conditions) - 1; i >= 0; i-- {
		if controller.Known(conditions[i].Type) {
			continue
		}
		at := fmt.Sprintf("/status/conditions/%d", i)
		patch, err := json.Marshal([]map[string]any{
			{"op": "test", "path": at + "/type", "value": conditions[i].Type}, // another client may have moved it
			{"op": "remove", "path": at},
		})
		if err != nil {
			return err
		}
		if err := r.Status().Patch(ctx, r.Cluster.DeepCopy(), client.RawPatch(types.JSONPatchType, patch)); err != nil {
			return fmt.Errorf("remove the condition %s: %w", conditions[i].Type, err)
		}
	}
	return nil
}

// report writes the status, if it is another one.
func (c reporter) report(ctx context.Context, r *controller.Request, object *configv1.ClusterOperator) error {
	before := object.DeepCopy()
	for _, condition := range []configv1.ClusterOperatorStatusCondition{
		sum(configv1.OperatorAvailable, true, r.Cluster.Status.Conditions),
		sum(configv1.OperatorProgressing, false, r.Cluster.Status.Conditions),
		{Type: configv1.OperatorDegraded, Status: configv1.ConditionFalse, Reason: "AsExpected"},
		{Type: configv1.OperatorUpgradeable, Status: configv1.ConditionTrue, Reason: "AsExpected"},
	} {
		set(&object.Status, condition, metav1.NewTime(r.Now))
	}
	object.Status.Versions = []configv1.OperandVersion{{Name: "operator", Version: c.version}}
	if equality.Semantic.DeepEqual(before.Status, object.Status) {
		return nil
	}
	err := r.Status().Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return err
	}
	if err != nil {
		return fmt.Errorf("report in ClusterOperator %s: %w", name, err)
	}
	return nil
}

// sum is the union of the conditions of one kind; good is what each should be.
func sum(kind configv1.ClusterStatusConditionType, good bool, all []operatorv1.OperatorCondition) configv1.ClusterOperatorStatusCondition {
	suffix := "Controller" + string(kind)
	want := operatorv1.ConditionFalse
	if good {
		want = operatorv1.ConditionTrue
	}
	var reasons, messages []string
	found, worst := false, want
	for _, c := range all {
		source, is := strings.CutSuffix(c.Type, suffix)
		if !is {
			continue
		}
		found = true
		if c.Message != "" {
			messages = append(messages, c.Type+": "+c.Message)
		}
		if c.Status == want {
			continue
		}
		if worst == want || c.Status != operatorv1.ConditionUnknown {
			worst = c.Status
		}
		if c.Reason != "" {
			source += "_" + c.Reason
		}
		reasons = append(reasons, source)
	}
	slices.Sort(reasons)
	slices.Sort(messages)
	union := configv1.ClusterOperatorStatusCondition{Type: kind, Status: configv1.ConditionStatus(worst), Reason: "AsExpected", Message: strings.Join(messages, "\n")}
	if !found {
		union.Status, union.Reason = configv1.ConditionUnknown, "NoData"
	} else if len(reasons) > 0 {
		union.Reason = strings.Join(reasons, "::")
	} else if union.Message == "" {
		union.Message = "All is well"
	}
	return union
}

func set(status *configv1.ClusterOperatorStatus, c configv1.ClusterOperatorStatusCondition, now metav1.Time) {
	c.LastTransitionTime = metav1.NewTime(now.UTC().Truncate(1e9))
	for i := range status.Conditions {
		if have := &status.Conditions[i]; have.Type == c.Type {
			if have.Status == c.Status {
				c.LastTransitionTime = have.LastTransitionTime
			}
			*have = c
			return
		}
	}
	status.Conditions = append(status.Conditions, c)
}
