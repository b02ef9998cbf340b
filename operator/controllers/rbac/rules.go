package rbac

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/aro-rp/aro/operator/controller"
)

// read are the verbs that change nothing.
const read = "get list watch"

// web are the addresses of the API server that have no resource.
func web(urls ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: []string{"get"}, NonResourceURLs: urls}
}

// diagnostics is for the service's own look at a cluster.
func diagnostics() []rbacv1.PolicyRule {
	rule := func(verbs, group, resources string) rbacv1.PolicyRule {
		return controller.ResourceRule(verbs, group, resources)
	}
	return []rbacv1.PolicyRule{
		web("/healthz", "/livez", "/readyz", "/version", "/metrics"),
		rule(read, "", "pods pods/log nodes services endpoints configmaps events namespaces persistentvolumeclaims replicationcontrollers resourcequotas serviceaccounts limitranges"),
		rule(read, "apps", "deployments daemonsets statefulsets replicasets"),
		rule(read, "batch", "jobs cronjobs"),
		rule(read, "networking.k8s.io", "networkpolicies ingresses"),
		rule(read, "policy", "poddisruptionbudgets"),
		rule(read, "storage.k8s.io", "storageclasses persistentvolumes volumeattachments csinodes csidrivers"),
		rule(read, "autoscaling", "horizontalpodautoscalers"),
		rule(read, "rbac.authorization.k8s.io", "roles rolebindings clusterroles clusterrolebindings"),
		rule(read, "apps.openshift.io", "deploymentconfigs"),
		rule(read, "route.openshift.io", "routes"),
		rule(read, "machine.openshift.io", "machines machinesets machinehealthchecks"),
		rule(read, "config.openshift.io", "clusterversions clusteroperators infrastructures"),
		rule(read, "machineconfiguration.openshift.io", "machineconfigs machineconfigpools"),
		rule(read, "monitoring.coreos.com", "prometheusrules servicemonitors alertmanagers"),
		rule(read, "operator.openshift.io", "*"),
		rule(read, "operators.coreos.com", "subscriptions clusterserviceversions installplans operatorgroups"),
		rule(read, "certificates.k8s.io", "certificatesigningrequests"),
		rule("get list", "metrics.k8s.io", "nodes pods"),
	}
}

// engineers are the rules of the service's engineers. They include no secrets.
func engineers() []rbacv1.PolicyRule {
	rule := func(verbs, group, resources string) rbacv1.PolicyRule {
		return controller.ResourceRule(verbs, group, resources)
	}
	return []rbacv1.PolicyRule{
		web("*"),
		rule(read, "", "configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods podtemplates replicationcontrollers resourcequotas serviceaccounts services"),
		rule("get list", "", "componentstatuses"),
		rule("get", "", "pods/log"),
		rule(read, "admissionregistration.k8s.io", "mutatingwebhookconfigurations validatingwebhookconfigurations"),
		rule(read, "apiextensions.k8s.io", "customresourcedefinitions"),
		rule(read, "apiregistration.k8s.io", "apiservices"),
		rule(read, "apiserver.openshift.io", "apirequestcounts"),
		rule(read, "apps", "controllerrevisions daemonsets deployments replicasets statefulsets"),
		rule(read, "apps.openshift.io", "deploymentconfigs"),
		rule("get", "apps.openshift.io", "deploymentconfigs/log"),
		rule(read, "aro.openshift.io", "clusters"),
		rule(read, "preview.aro.openshift.io", "previewfeatures"),
		rule("create", "authentication.k8s.io", "tokenreviews"),
		rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews"),
		rule(read, "authorization.openshift.io", "rolebindingrestrictions"),
		rule("get list", "authorization.openshift.io", "clusterrolebindings clusterroles rolebindings roles"),
		rule("create", "authorization.openshift.io", "resourceaccessreviews subjectaccessreviews"),
		rule(read, "autoscaling", "horizontalpodautoscalers"),
		rule(read, "autoscaling.openshift.io", "clusterautoscalers machineautoscalers"),
		rule(read, "batch", "cronjobs jobs"),
		rule(read, "build.openshift.io", "buildconfigs builds"),
		rule("get", "build.openshift.io", "builds/log"),
		rule(read, "certificates.k8s.io", "certificatesigningrequests"),
		rule(read, "cloud.network.openshift.io", "cloudprivateipconfigs"),
		rule(read, "cloudcredential.openshift.io", "credentialsrequests"),
		rule(read, "config.openshift.io", "apiservers authentications builds clusteroperators clusterversions consoles dnses featuregates imagecontentpolicies images infrastructures ingresses networks nodes oauths operatorhubs projects proxies schedulers"),
		rule(read, "console.openshift.io", "consoleclidownloads consoleexternalloglinks consolelinks consolenotifications consoleplugins consolequickstarts consoleyamlsamples"),
		rule(read, "controlplane.operator.openshift.io", "podnetworkconnectivitychecks"),
		rule(read, "coordination.k8s.io", "leases"),
		rule(read, "discovery.k8s.io", "endpointslices"),
		rule(read, "events.k8s.io", "events"),
		rule(read, "flowcontrol.apiserver.k8s.io", "flowschemas prioritylevelconfigurations"),
		rule(read, "helm.openshift.io", "helmchartrepositories projecthelmchartrepositories"),
		rule(read, "image.openshift.io", "images imagestreams"),
		rule("get", "image.openshift.io", "imagestreamimages"),
		rule("get list", "image.openshift.io", "imagestreamtags imagetags"),
		rule(read, "imageregistry.operator.openshift.io", "configs imagepruners"),
		rule(read, "ingress.operator.openshift.io", "dnsrecords"),
		rule(read, "k8s.cni.cncf.io", "network-attachment-definitions"),
		rule(read, "k8s.ovn.org", "egressfirewalls egressips egressqoses"),
		rule(read, "machine.openshift.io", "machinehealthchecks machines machinesets controlplanemachinesets"),
		rule(read, "machineconfiguration.openshift.io", "containerruntimeconfigs controllerconfigs kubeletconfigs machineconfigpools machineconfigs"),
		rule("get list", "metrics.k8s.io", "nodes pods"),
		rule(read, "migration.k8s.io", "storagestates storageversionmigrations"),
		rule(read, "monitoring.coreos.com", "alertmanagerconfigs alertmanagers podmonitors probes prometheuses prometheusrules servicemonitors thanosrulers"),
		rule(read, "network.operator.openshift.io", "egressrouters operatorpkis"),
		rule(read, "networking.k8s.io", "ingressclasses ingresses networkpolicies"),
		rule(read, "node.k8s.io", "runtimeclasses"),
		rule(read, "operator.openshift.io", "authentications cloudcredentials clustercsidrivers configs consoles csisnapshotcontrollers dnses etcds imagecontentsourcepolicies ingresscontrollers kubeapiservers kubecontrollermanagers kubeschedulers kubestorageversionmigrators networks openshiftapiservers openshiftcontrollermanagers servicecas storages"),
		rule(read, "operators.coreos.com", "catalogsources clusterserviceversions installplans olmconfigs operatorconditions operatorgroups operators subscriptions"),
		rule("get list", "packages.operators.coreos.com", "packagemanifests"),
		rule(read, "performance.openshift.io", "performanceprofiles"),
		rule(read, "policy", "poddisruptionbudgets podsecuritypolicies"),
		rule(read, "project.openshift.io", "projects"),
		rule("list", "project.openshift.io", "projectrequests"),
		rule(read, "quota.openshift.io", "clusterresourcequotas"),
		rule("get list", "quota.openshift.io", "appliedclusterresourcequotas"),
		rule(read, "rbac.authorization.k8s.io", "clusterrolebindings clusterroles rolebindings roles"),
		rule(read, "route.openshift.io", "routes"),
		rule(read, "samples.operator.openshift.io", "configs"),
		rule(read, "scheduling.k8s.io", "priorityclasses"),
		rule(read, "security.internal.openshift.io", "rangeallocations"),
		rule(read, "security.openshift.io", "rangeallocations securitycontextconstraints"),
		rule(read, "snapshot.storage.k8s.io", "volumesnapshotclasses volumesnapshotcontents volumesnapshots"),
		rule(read, "storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments"),
		rule(read, "template.openshift.io", "brokertemplateinstances templateinstances templates"),
		rule(read, "tuned.openshift.io", "profiles tuneds"),
		rule(read, "upgrade.managed.openshift.io", "upgradeconfigs"),
		rule(read, "user.openshift.io", "groups identities users"),
		rule("get", "user.openshift.io", "useridentitymappings"),
		rule(read, "whereabouts.cni.cncf.io", "ippools overlappingrangeipreservations"),
	}
}
