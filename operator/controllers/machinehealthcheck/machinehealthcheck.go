// Package machinehealthcheck keeps broken workers replaced.
package machinehealthcheck

import (
	"context"
	"time"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const (
	namespace, name = "openshift-machine-api", "aro-machinehealthcheck"
	legacyRule      = "mhc-remediation-alert"
	paused          = "cluster.x-k8s.io/paused"
)

var ruleKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "MachineHealthCheck",
		Summary: "Keeps the MachineHealthCheck `openshift-machine-api/aro-machinehealthcheck`, which replaces one worker at a time that has not been ready for 15 minutes. " +
			"It is paused during upgrades. Removes an alert of older releases.",
		Flag: flags.MachineHealthCheck, Also: []flags.Name{flags.MachineHealthCheckManaged},
		Release: true,
		Watches: []controller.Watch{{Kind: machinev1beta1.GroupVersion.WithKind("MachineHealthCheck"), Namespace: namespace, Name: name, Spec: true}},
		Rules: []controller.Rule{
			{Namespace: namespace, PolicyRule: controller.ResourceRule("create", machinev1beta1.GroupName, "machinehealthchecks")},
			{Namespace: namespace, PolicyRule: controller.ResourceRule("patch update delete", machinev1beta1.GroupName, "machinehealthchecks", name)},
			{Namespace: namespace, PolicyRule: controller.ResourceRule("get delete", ruleKind.Group, "prometheusrules", legacyRule)},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	check := wanted()
	if !r.Flags.True(flags.MachineHealthCheckManaged) {
		_, err := r.Remove(ctx, check)
		return err
	}
	rule := &unstructured.Unstructured{}
	rule.SetGroupVersionKind(ruleKind)
	rule.SetNamespace(namespace)
	rule.SetName(legacyRule)
	if _, err := r.Remove(ctx, rule); err != nil {
		return err
	}
	cv, err := r.ClusterVersion(ctx)
	if err != nil {
		return err
	}
	if release.Upgrading(cv) {
		check.Annotations = map[string]string{paused: ""}
	}
	r.Own(check)
	return r.EnsureExactly(ctx, check)
}

func wanted() *machinev1beta1.MachineHealthCheck {
	// Text, although it is a number: -1 as a number passes the definition's pattern.
	one := intstr.FromString("1")
	unready := func(status corev1.ConditionStatus) machinev1beta1.UnhealthyCondition {
		return machinev1beta1.UnhealthyCondition{Type: corev1.NodeReady, Status: status, Timeout: metav1.Duration{Duration: 15 * time.Minute}}
	}
	return &machinev1beta1.MachineHealthCheck{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: machinev1beta1.MachineHealthCheckSpec{
			Selector: metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "machine.openshift.io/cluster-api-machine-role", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"master"}},
				{Key: "machine.openshift.io/cluster-api-machineset", Operator: metav1.LabelSelectorOpExists},
			}},
			UnhealthyConditions: []machinev1beta1.UnhealthyCondition{unready(corev1.ConditionFalse), unready(corev1.ConditionUnknown)},
			MaxUnhealthy:        &one,
			NodeStartupTimeout:  &metav1.Duration{Duration: 25 * time.Minute},
		},
	}
}
