package guardrails

import (
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const constraintGroup = "constraints.gatekeeper.sh"

// template is a kind of constraints. Its conditions are those of the API server's policies, in the
// same language, so that both say the same.
type template struct {
	kind        string
	expressions []admissionv1.Validation
	constraints []constraint
}

// constraint applies a template to kinds of objects.
type constraint struct {
	name, group string
	kinds       []string
	namespaces  []string
}

// templates are those of the policies, and of two that the API server's policies do not have.
func templates() []template {
	by := map[string]*admissionv1.ValidatingAdmissionPolicy{}
	for _, p := range optional() {
		by[p.Name] = p
	}
	// A constraint cannot choose operations.
	onDelete := func(v admissionv1.Validation) admissionv1.Validation {
		v.Expression = `request.operation != "DELETE" || (` + v.Expression + `)`
		return v
	}
	first := func(name string) admissionv1.Validation { return by[name].Spec.Validations[0] }
	return []template{
		{"ARODenyLabels", []admissionv1.Validation{onDelete(first("aro-machines-deny")), onDelete(first("aro-nodes-deny"))}, []constraint{
			{"aro-machines-deny", "machine.openshift.io", []string{"Machine"}, []string{"openshift-machine-api"}},
			{"aro-nodes-deny", "", []string{"Node"}, nil},
		}},
		{"ARODenyMachineConfig", []admissionv1.Validation{first("aro-machine-config-deny")}, []constraint{
			{"aro-machine-config-deny", "machineconfiguration.openshift.io", []string{"MachineConfig"}, nil},
		}},
		{"ARODenyPrivilegedNamespace", []admissionv1.Validation{first("aro-privileged-namespace-deny")}, []constraint{
			{"aro-privileged-namespace-deny", "*", strings.Fields(`Pod Secret Service ServiceAccount ReplicationController ResourceQuota Namespace
				Deployment ReplicaSet StatefulSet DaemonSet Job CronJob Role RoleBinding PodDisruptionBudget`), nil},
		}},
		{"ARODenyMasterTolerationTaints", []admissionv1.Validation{mastersOnly()}, []constraint{
			{"aro-master-toleration-pod-deny", "", []string{"Pod"}, nil},
		}},
		{"ARODenyDeletePullSecret", []admissionv1.Validation{onDelete(pullSecretKept())}, []constraint{
			{"aro-pull-secret-deny", "", []string{"Secret"}, []string{"openshift-config"}},
		}},
	}
}

// mastersOnly keeps the customer's pods from masters.
func mastersOnly() admissionv1.Validation {
	return admissionv1.Validation{
		Expression: `variables.exempt || request.operation == "DELETE" || request.namespace in [` + quoted(privileged()) + `] || ` +
			`!object.?spec.?tolerations.orValue([]).exists(t, t.?key.orValue("") in ["node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"])`,
		Message: "Pods must not tolerate the taints of masters: they belong to the control plane",
	}
}

// pullSecretKept keeps the cluster's pull secret.
func pullSecretKept() admissionv1.Validation {
	return admissionv1.Validation{
		Expression: `variables.exempt || !(request.namespace == "openshift-config" && request.name == "pull-secret")`,
		Message:    "The cluster's pull secret must not be deleted: change it instead",
	}
}

func (t template) object() *unstructured.Unstructured {
	var validations []any
	for _, v := range t.expressions {
		validations = append(validations, map[string]any{"expression": v.Expression, "message": v.Message})
	}
	o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"crd": map[string]any{"spec": map[string]any{"names": map[string]any{"kind": t.kind}, "validation": map[string]any{"legacySchema": false}}},
		"targets": []any{map[string]any{"target": "admission.k8s.gatekeeper.sh", "code": []any{map[string]any{
			"engine": "K8sNativeValidation", "source": map[string]any{
				"generateVAP": false,
				"variables":   []any{map[string]any{"name": "exempt", "expression": exempt}},
				"validations": validations,
			}}}}},
	}}}
	o.SetGroupVersionKind(templateKind)
	o.SetName(strings.ToLower(t.kind))
	return o
}

func (c constraint) object(kind, enforcement string) *unstructured.Unstructured {
	match := map[string]any{"kinds": []any{map[string]any{"apiGroups": []any{c.group}, "kinds": texts(c.kinds)}}}
	if len(c.namespaces) > 0 {
		match["namespaces"] = texts(c.namespaces)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"enforcementAction": enforcement, "match": match}}}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: constraintGroup, Version: "v1beta1", Kind: kind})
	o.SetName(c.name)
	return o
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}
