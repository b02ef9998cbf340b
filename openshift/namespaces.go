package openshift

import "slices"

// platformNamespaces are those of OpenShift and of the service, by their whole names:
// customers may give theirs names that begin alike.
var platformNamespaces = []string{
	"default", "kube-node-lease", "kube-public", "kube-system",
	"openshift", "openshift-apiserver", "openshift-apiserver-operator", "openshift-authentication", "openshift-authentication-operator",
	"openshift-azure-guardrails", "openshift-azure-logging", "openshift-azure-operator", "openshift-cloud-controller-manager",
	"openshift-cloud-controller-manager-operator", "openshift-cloud-credential-operator", "openshift-cloud-network-config-controller",
	"openshift-cluster-api", "openshift-cluster-csi-drivers", "openshift-cluster-machine-approver", "openshift-cluster-node-tuning-operator",
	"openshift-cluster-olm-operator", "openshift-cluster-samples-operator", "openshift-cluster-storage-operator", "openshift-cluster-version",
	"openshift-config", "openshift-config-managed", "openshift-config-operator", "openshift-console", "openshift-console-operator",
	"openshift-console-user-settings", "openshift-controller-manager", "openshift-controller-manager-operator", "openshift-dns",
	"openshift-dns-operator", "openshift-etcd", "openshift-etcd-operator", "openshift-host-network", "openshift-image-registry",
	"openshift-infra", "openshift-ingress", "openshift-ingress-canary", "openshift-ingress-operator", "openshift-insights",
	"openshift-kni-infra", "openshift-kube-apiserver", "openshift-kube-apiserver-operator", "openshift-kube-controller-manager",
	"openshift-kube-controller-manager-operator", "openshift-kube-scheduler", "openshift-kube-scheduler-operator",
	"openshift-kube-storage-version-migrator", "openshift-kube-storage-version-migrator-operator", "openshift-machine-api",
	"openshift-machine-config-operator", "openshift-managed-upgrade-operator", "openshift-marketplace", "openshift-monitoring",
	"openshift-multus", "openshift-network-diagnostics", "openshift-network-node-identity", "openshift-network-operator", "openshift-node",
	"openshift-oauth-apiserver", "openshift-operator-controller", "openshift-operator-lifecycle-manager", "openshift-operators",
	"openshift-ovn-kubernetes", "openshift-route-controller-manager", "openshift-sdn", "openshift-service-ca", "openshift-service-ca-operator",
	"openshift-user-workload-monitoring",
}

// IsPlatformNamespace reports whether a namespace is one of OpenShift or of the service.
func IsPlatformNamespace(name string) bool {
	_, found := slices.BinarySearch(platformNamespaces, name)
	return found
}
