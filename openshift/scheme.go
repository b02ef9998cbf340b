package openshift

import (
	"sync"

	configv1 "github.com/openshift/api/config/v1"
	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	samplesv1 "github.com/openshift/api/samples/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// scheme has the types that are used.
var scheme = sync.OnceValue(func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme) error{corev1.AddToScheme, storagev1.AddToScheme,
		configv1.Install, operatorv1.Install, machinev1beta1.Install, samplesv1.Install, imageregistryv1.Install, machineconfigurationv1.Install} {
		utilruntime.Must(install(s))
	}
	return s
})

// Scheme has the types of the objects that the service reads and writes.
func Scheme() *runtime.Scheme { return scheme() }

// endpoint is the path segment of a kind of object, and whether its objects
// have namespaces.
type endpoint struct {
	name       string
	namespaced bool
}

// resources are the endpoints of the kinds, so that no connection needs discovery,
// which would depend on aggregated API servers.
var resources = map[schema.GroupVersionKind]endpoint{
	corev1.SchemeGroupVersion.WithKind("ConfigMap"):               {"configmaps", true},
	corev1.SchemeGroupVersion.WithKind("Namespace"):               {"namespaces", false},
	corev1.SchemeGroupVersion.WithKind("Node"):                    {"nodes", false},
	corev1.SchemeGroupVersion.WithKind("NodeList"):                {"nodes", false},
	corev1.SchemeGroupVersion.WithKind("PodList"):                 {"pods", true},
	corev1.SchemeGroupVersion.WithKind("Pod"):                     {"pods", true},
	corev1.SchemeGroupVersion.WithKind("Secret"):                  {"secrets", true},
	corev1.SchemeGroupVersion.WithKind("Service"):                 {"services", true},
	storagev1.SchemeGroupVersion.WithKind("StorageClass"):         {"storageclasses", false},
	configv1.GroupVersion.WithKind("APIServer"):                   {"apiservers", false},
	configv1.GroupVersion.WithKind("ClusterOperator"):             {"clusteroperators", false},
	configv1.GroupVersion.WithKind("ClusterOperatorList"):         {"clusteroperators", false},
	configv1.GroupVersion.WithKind("ClusterVersion"):              {"clusterversions", false},
	configv1.GroupVersion.WithKind("Network"):                     {"networks", false},
	configv1.GroupVersion.WithKind("OperatorHub"):                 {"operatorhubs", false},
	operatorv1.GroupVersion.WithKind("CloudCredential"):           {"cloudcredentials", false},
	operatorv1.GroupVersion.WithKind("ClusterCSIDriver"):          {"clustercsidrivers", false},
	operatorv1.GroupVersion.WithKind("Console"):                   {"consoles", false},
	operatorv1.GroupVersion.WithKind("IngressController"):         {"ingresscontrollers", true},
	operatorv1.GroupVersion.WithKind("IngressControllerList"):     {"ingresscontrollers", true},
	operatorv1.GroupVersion.WithKind("KubeAPIServer"):             {"kubeapiservers", false},
	operatorv1.GroupVersion.WithKind("KubeControllerManager"):     {"kubecontrollermanagers", false},
	machinev1beta1.GroupVersion.WithKind("MachineList"):           {"machines", true},
	machinev1beta1.GroupVersion.WithKind("MachineSetList"):        {"machinesets", true},
	imageregistryv1.GroupVersion.WithKind("Config"):               {"configs", false},
	machineconfigurationv1.GroupVersion.WithKind("MachineConfig"): {"machineconfigs", false},
	samplesv1.GroupVersion.WithKind("Config"):                     {"configs", false},

	// What the operator is deployed with, which has no Go types here.
	corev1.SchemeGroupVersion.WithKind("ServiceAccount"):                               {"serviceaccounts", true},
	{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}:   {"customresourcedefinitions", false},
	{Group: "apps", Version: "v1", Kind: "Deployment"}:                                 {"deployments", true},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}:           {"clusterroles", false},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding"}:    {"clusterrolebindings", false},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"}:                  {"roles", true},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"}:           {"rolebindings", true},
	{Group: "aro.openshift.io", Version: "v1alpha1", Kind: "Cluster"}:                  {"clusters", false},
	{Group: "cloudcredential.openshift.io", Version: "v1", Kind: "CredentialsRequest"}: {"credentialsrequests", true},
	{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}:            {"servicemonitors", true},
}
