package operators

import (
	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// setCondition notes since when a condition holds.
func setCondition(all *[]configv1.ClusterOperatorStatusCondition, kind configv1.ClusterStatusConditionType, holds bool, reason, message string) {
	status := configv1.ConditionFalse
	if holds {
		status = configv1.ConditionTrue
	}
	for i := range *all {
		have := &(*all)[i]
		if have.Type != kind {
			continue
		}
		if have.Status != status {
			have.LastTransitionTime = metav1.Now()
		}
		have.Status, have.Reason, have.Message = status, reason, message
		return
	}
	*all = append(*all, configv1.ClusterOperatorStatusCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now(),
	})
}

func holds(all []configv1.ClusterOperatorStatusCondition, kind configv1.ClusterStatusConditionType) bool {
	for _, condition := range all {
		if condition.Type == kind {
			return condition.Status == configv1.ConditionTrue
		}
	}
	return false
}

// setOperatorCondition is setCondition for the resources of operator.openshift.io.
func setOperatorCondition(all *[]operatorv1.OperatorCondition, kind string, holds bool, reason, message string) {
	status := operatorv1.ConditionFalse
	if holds {
		status = operatorv1.ConditionTrue
	}
	for i := range *all {
		have := &(*all)[i]
		if have.Type != kind {
			continue
		}
		if have.Status != status {
			have.LastTransitionTime = metav1.Now()
		}
		have.Status, have.Reason, have.Message = status, reason, message
		return
	}
	*all = append(*all, operatorv1.OperatorCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now(),
	})
}
