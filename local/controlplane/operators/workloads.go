package operators

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// workloads reports deployments and daemon sets as rolled out wherever there are
// ready nodes for their pods. No pod is made: nothing here could run one, and
// clients wait for the roll-out alone.
func (o *operators) workloads(ctx context.Context) (time.Duration, error) {
	var list corev1.NodeList
	if err := o.client.List(ctx, &list); err != nil {
		return 0, err
	}
	var deployments appsv1.DeploymentList
	if err := o.client.List(ctx, &deployments); err != nil {
		return 0, err
	}
	var errs []error
	for i := range deployments.Items {
		if err := o.rollOut(ctx, &deployments.Items[i], list.Items); err != nil {
			errs = append(errs, fmt.Errorf("deployment %s: %w", deployments.Items[i].Name, err))
		}
	}
	var daemons appsv1.DaemonSetList
	if err := o.client.List(ctx, &daemons); err != nil {
		return 0, err
	}
	for i := range daemons.Items {
		if err := o.spread(ctx, &daemons.Items[i], list.Items); err != nil {
			errs = append(errs, fmt.Errorf("daemon set %s: %w", daemons.Items[i].Name, err))
		}
	}
	return 0, errors.Join(errs...)
}

func (o *operators) rollOut(ctx context.Context, d *appsv1.Deployment, all []corev1.Node) error {
	want := ptr.Deref(d.Spec.Replicas, 1)
	_, up := places(&d.Spec.Template.Spec, all)
	if up > 0 {
		up = int(want)
	}
	status := d.Status.DeepCopy()
	status.ObservedGeneration = d.Generation
	status.Replicas, status.UpdatedReplicas = want, want
	status.ReadyReplicas, status.AvailableReplicas = int32(up), int32(up)
	status.UnavailableReplicas = want - int32(up)
	available := int32(up) >= want
	setDeploymentCondition(status, appsv1.DeploymentAvailable, available, "MinimumReplicasAvailable", "MinimumReplicasUnavailable")
	setDeploymentCondition(status, appsv1.DeploymentProgressing, true, "NewReplicaSetAvailable", "")
	if equality.Semantic.DeepEqual(status, &d.Status) {
		return nil
	}
	d.Status = *status
	return o.client.Status().Update(ctx, d)
}

func (o *operators) spread(ctx context.Context, d *appsv1.DaemonSet, all []corev1.Node) error {
	want, up := places(&d.Spec.Template.Spec, all)
	status := d.Status.DeepCopy()
	status.ObservedGeneration = d.Generation
	status.DesiredNumberScheduled, status.CurrentNumberScheduled, status.UpdatedNumberScheduled = int32(want), int32(want), int32(want)
	status.NumberReady, status.NumberAvailable, status.NumberUnavailable = int32(up), int32(up), int32(want-up)
	if equality.Semantic.DeepEqual(status, &d.Status) {
		return nil
	}
	d.Status = *status
	return o.client.Status().Update(ctx, d)
}

// places counts the nodes that a pod may run on, and those of them that are ready.
func places(pod *corev1.PodSpec, all []corev1.Node) (possible, ready int) {
	selector := labels.SelectorFromSet(pod.NodeSelector)
	for i := range all {
		if !selector.Matches(labels.Set(all[i].Labels)) || !tolerated(pod.Tolerations, all[i].Spec.Taints) {
			continue
		}
		possible++
		if isReady(&all[i]) {
			ready++
		}
	}
	return possible, ready
}

// tolerated looks at the taints that a role brings; those of a node that is not
// well show in its readiness.
func tolerated(tolerations []corev1.Toleration, taints []corev1.Taint) bool {
	for i := range taints {
		if taints[i].Key != masterLabel {
			continue
		}
		ok := false
		for j := range tolerations {
			t := &tolerations[j]
			ok = ok || (t.Key == taints[i].Key || t.Key == "" && t.Operator == corev1.TolerationOpExists) && (t.Effect == "" || t.Effect == taints[i].Effect)
		}
		if !ok {
			return false
		}
	}
	return true
}

func setDeploymentCondition(status *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType, holds bool, reason, otherwise string) {
	condition := appsv1.DeploymentCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason}
	if !holds {
		condition.Status, condition.Reason = corev1.ConditionFalse, otherwise
	}
	condition.LastUpdateTime, condition.LastTransitionTime = metav1.Now(), metav1.Now()
	for i, have := range status.Conditions {
		if have.Type == kind {
			if have.Status != condition.Status || have.Reason != condition.Reason {
				status.Conditions[i] = condition
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}
