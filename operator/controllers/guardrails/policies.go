package guardrails

import (
	"strconv"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// exempt is who may do everything: the platform itself, and who has a certificate
// of the cluster's administrators. The controllers that end namespaces and collect
// garbage are service accounts; without them namespaces would never end.
const exempt = `!has(request.userInfo.username) || request.userInfo.username in ["", "system:kube-controller-manager", "system:kube-scheduler", "system:admin", "system:aro-service"] || ` +
	`(has(request.userInfo.groups) && request.userInfo.groups.exists(g, g.startsWith("system:nodes") || g.startsWith("system:serviceaccounts") || g == "system:masters"))`

// mandatory refuses updates across a major version, which the service does not support.
func mandatory() *admissionv1.ValidatingAdmissionPolicy {
	p := policy("aro-cluster-version-major-upgrade-deny", admissionv1.Fail,
		`!(oldObject.?status.?desired.?version.orValue("").startsWith("4.") && (object.?spec.?desiredUpdate.?version.orValue("").startsWith("5.") || object.?spec.?channel.orValue("").contains("-5.")))`,
		"Clusters of this service cannot be updated from OpenShift 4 to OpenShift 5: choose a version and a channel of OpenShift 4",
		on([]string{"config.openshift.io"}, "clusterversions", admissionv1.Update))
	p.Spec.MatchConstraints.ResourceRules[0].ResourceNames = []string{"version"}
	p.Spec.Variables = nil
	return p
}

// optional are the policies that have flags.
func optional() []*admissionv1.ValidatingAdmissionPolicy {
	everything := []admissionv1.OperationType{admissionv1.Create, admissionv1.Update, admissionv1.Delete}
	machines := policy("aro-machines-deny", admissionv1.Ignore,
		`variables.exempt || !oldObject.metadata.?labels[?"machine.openshift.io/cluster-api-machine-role"].orValue("").matches("master")`,
		"Master machines must not be deleted: the cluster would lose its control plane",
		on([]string{"machine.openshift.io"}, "machines", admissionv1.Delete))
	machines.Spec.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "openshift-machine-api"}}
	nodes := policy("aro-nodes-deny", admissionv1.Ignore,
		`variables.exempt || !("node-role.kubernetes.io/master" in oldObject.metadata.?labels.orValue({}))`,
		"Master nodes must not be deleted: the cluster would lose its control plane",
		on([]string{""}, "nodes", admissionv1.Delete))
	configs := policy("aro-machine-config-deny", admissionv1.Ignore,
		`variables.exempt || !request.name.matches("`+protectedConfigs+`")`,
		"This MachineConfig belongs to the service or to OpenShift: use one of another name",
		on([]string{"machineconfiguration.openshift.io"}, "machineconfigs", everything...))
	namespaces := policy("aro-privileged-namespace-deny", admissionv1.Ignore,
		`variables.exempt || !((request.kind.kind == "Namespace" ? request.name : request.namespace) in [`+quoted(privileged())+`])`,
		"This namespace belongs to the platform: use one of your own",
		on([]string{""}, "pods secrets services serviceaccounts replicationcontrollers resourcequotas namespaces", everything...),
		on([]string{"apps"}, "deployments replicasets statefulsets daemonsets", everything...),
		on([]string{"batch"}, "jobs cronjobs", everything...),
		on([]string{"rbac.authorization.k8s.io"}, "roles rolebindings", everything...),
		on([]string{"policy"}, "poddisruptionbudgets", everything...))
	return []*admissionv1.ValidatingAdmissionPolicy{machines, configs, nodes, namespaces}
}

// policy spells out what the server would fill in, so that what is kept is all there is.
func policy(name string, onFailure admissionv1.FailurePolicyType, expression, message string, rules ...admissionv1.NamedRuleWithOperations) *admissionv1.ValidatingAdmissionPolicy {
	equivalent := admissionv1.Equivalent
	return &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: &onFailure,
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: rules, MatchPolicy: &equivalent,
				NamespaceSelector: &metav1.LabelSelector{}, ObjectSelector: &metav1.LabelSelector{}},
			Variables:   []admissionv1.Variable{{Name: "exempt", Expression: exempt}},
			Validations: []admissionv1.Validation{{Expression: expression, Message: message}},
		},
	}
}

func on(groups []string, resources string, operations ...admissionv1.OperationType) admissionv1.NamedRuleWithOperations {
	all := admissionv1.AllScopes
	return admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{Operations: operations,
		Rule: admissionv1.Rule{APIGroups: groups, APIVersions: []string{"*"}, Resources: strings.Fields(resources), Scope: &all}}}
}

func quoted(list []string) string {
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = strconv.Quote(item)
	}
	return strings.Join(all, ", ")
}

// protectedConfigs are the names of MachineConfigs that are not the customer's.
const protectedConfigs = "^(rendered-(master|worker)-.+|00-(master|worker)|01-(master|worker)-(container-runtime|kubelet)|90-aro-worker-registries|" +
	"9[789]-(master|worker)-generated-kubelet|99-(master|worker)-(aro-dns|aro-etc-hosts-gateway-domains|generated-registries|ssh))$"

// privileged are the platform's namespaces.
func privileged() []string {
	all := []string{"kube-node-lease", "kube-public", "kube-system", "openshift"}
	for _, name := range strings.Fields(`azure-logging azure-operator azure-guardrails managed-upgrade-operator apiserver apiserver-operator
		authentication-operator cloud-controller-manager cloud-controller-manager-operator cloud-credential-operator cluster-machine-approver
		cluster-storage-operator cluster-version config-managed config-operator console console-operator controller-manager controller-manager-operator
		dns dns-operator etcd etcd-operator host-network image-registry ingress ingress-operator kube-apiserver kube-apiserver-operator
		kube-controller-manager kube-controller-manager-operator kube-scheduler kube-scheduler-operator machine-api machine-config-operator
		monitoring multus network-operator oauth-apiserver operator-lifecycle-manager ovn-kubernetes sdn service-ca service-ca-operator`) {
		all = append(all, "openshift-"+name)
	}
	return all
}
