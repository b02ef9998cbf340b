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
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// scheme knows the types that are asked for.
var scheme = sync.OnceValue(func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme) error{corev1.AddToScheme, storagev1.AddToScheme,
		configv1.Install, operatorv1.Install, machinev1beta1.Install, samplesv1.Install, imageregistryv1.Install, machineconfigurationv1.Install} {
		utilruntime.Must(install(s))
	}
	return s
})

// Scheme knows the types of the objects that the service reads and writes.
func Scheme() *runtime.Scheme { return scheme() }

// mapper knows where the types are found, so that no connection has to discover
// it, and no answer depends on what an aggregated API server says that is down.
var mapper = sync.OnceValue(func() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	add := func(version schema.GroupVersion, scope meta.RESTScope, kinds ...string) {
		for _, kind := range kinds {
			m.Add(version.WithKind(kind), scope)
		}
	}
	add(corev1.SchemeGroupVersion, meta.RESTScopeNamespace, "ConfigMap", "Secret", "Pod", "Service")
	add(corev1.SchemeGroupVersion, meta.RESTScopeRoot, "Namespace", "Node")
	add(storagev1.SchemeGroupVersion, meta.RESTScopeRoot, "StorageClass")
	add(configv1.GroupVersion, meta.RESTScopeRoot, "APIServer", "ClusterOperator", "ClusterVersion", "Network", "OperatorHub")
	add(operatorv1.GroupVersion, meta.RESTScopeRoot, "CloudCredential", "ClusterCSIDriver", "Console", "KubeAPIServer", "KubeControllerManager")
	add(operatorv1.GroupVersion, meta.RESTScopeNamespace, "IngressController")
	add(machinev1beta1.GroupVersion, meta.RESTScopeNamespace, "Machine", "MachineSet")
	add(imageregistryv1.GroupVersion, meta.RESTScopeRoot, "Config")
	add(machineconfigurationv1.GroupVersion, meta.RESTScopeRoot, "MachineConfig")
	add(samplesv1.GroupVersion, meta.RESTScopeRoot, "Config")
	return m
})
