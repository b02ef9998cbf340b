package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
)

// The ends of the three conditions of a controller's health.
const (
	available   = "ControllerAvailable"
	progressing = "ControllerProgressing"
	degraded    = "ControllerDegraded"
)

// ConditionTypes are the types of the conditions that the controller writes.
func (s Spec) ConditionTypes() []string {
	switch s.Reports {
	case Health:
		return []string{s.Name + available, s.Name + progressing, s.Name + degraded}
	case Finding, FindingOrUnknown:
		return []string{s.Condition}
	default:
		return nil
	}
}

// health returns the three conditions. A controller that met an error is degraded and keeps its
// reported progress.
func (r *Request) health(spec Spec, err error) []operatorv1.OperatorCondition {
	types := spec.ConditionTypes()
	all := []operatorv1.OperatorCondition{
		{Type: types[0], Status: operatorv1.ConditionTrue},
		{Type: types[1], Status: operatorv1.ConditionFalse, Message: r.progressing},
		{Type: types[2], Status: operatorv1.ConditionFalse},
	}
	if r.progressing != "" {
		all[1].Status = operatorv1.ConditionTrue
	}
	if err != nil {
		all[2].Status, all[2].Message = operatorv1.ConditionTrue, err.Error()
		if have := find(r.Cluster.Status.Conditions, types[1]); have != nil && r.progressing == "" {
			all[1] = *have
		}
	}
	return all
}

func find(all []operatorv1.OperatorCondition, kind string) *operatorv1.OperatorCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// writeConditions applies conditions under a field manager of their own, so that concurrent writers
// cannot undo each other's. It writes only conditions that changed.
func (r *Request) writeConditions(ctx context.Context, wanted []operatorv1.OperatorCondition) error {
	same := true
	for i := range wanted {
		w := &wanted[i]
		w.LastTransitionTime = metav1.NewTime(r.Now.UTC().Truncate(time.Second))
		have := find(r.Cluster.Status.Conditions, w.Type)
		if have != nil && have.Status == w.Status {
			w.LastTransitionTime = have.LastTransitionTime
		}
		same = same && have != nil && have.Status == w.Status && have.Reason == w.Reason && have.Message == w.Message
	}
	if same {
		return nil
	}
	// A field manager that does not apply a condition again removes it. Conditions of the same type
	// of the master's and the worker's operators must therefore have different ones.
	return r.ApplyStatus(ctx, fieldOwner+"/"+wanted[0].Type, map[string]any{"conditions": wanted})
}

// ApplyStatus applies members of the Cluster's status under an owner.
func (r *Request) ApplyStatus(ctx context.Context, owner string, status map[string]any) error {
	body, err := json.Marshal(map[string]any{
		"apiVersion": arov1alpha1.GroupVersion.String(), "kind": "Cluster",
		"metadata": map[string]any{"name": r.Cluster.Name}, "status": status,
	})
	if err != nil {
		return fmt.Errorf("status of the Cluster: %w", err)
	}
	written := &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: r.Cluster.Name}}
	err = r.Status().Patch(ctx, written, client.RawPatch(types.ApplyPatchType, body), client.FieldOwner(owner), client.ForceOwnership)
	return explain(written, "report in", err)
}

// findings are the types of conditions besides those of health.
var findings = []string{
	"InternetReachableFromMaster", "InternetReachableFromWorker", "ServicePrincipalValid", "DefaultClusterDNS", "DefaultIngressCertificate",
	"MachineValid", "ManagedUpgradeOperatorStatus", "GuardRailsStatus",
}

// Known reports whether a condition's type is one of this operator's.
func Known(conditionType string) bool {
	return slices.Contains(findings, conditionType) || strings.HasSuffix(conditionType, available) ||
		strings.HasSuffix(conditionType, progressing) || strings.HasSuffix(conditionType, degraded)
}
