package controlplane

import (
	"fmt"
	"net/http"
	"slices"

	securityv1 "github.com/openshift/api/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/aro-rp/aro/local/controlplane/constraints"
	"github.com/aro-rp/aro/local/controlplane/projects"
)

// admitPods adds OpenShift's admission of pods to an API server that is about to be
// made. The informer of the constraints has to run for it.
func (p *plane) admitPods(options *apiserveroptions.ServerRunOptions) (cache.SharedInformer, error) {
	config, err := p.adminConfig()
	if err != nil {
		return nil, err
	}
	informer, err := constraintsInformer(config)
	if err != nil {
		return nil, fmt.Errorf("security context constraints: %w", err)
	}
	admission := options.Admission.GenericAdmission
	names := constraints.Register(admission.Plugins, known{informer})
	before := slices.Index(admission.RecommendedPluginOrder, mutating.PluginName)
	if before < 0 {
		return nil, fmt.Errorf("the API server has no plugin %s", mutating.PluginName)
	}
	admission.RecommendedPluginOrder = slices.Insert(slices.Clone(admission.RecommendedPluginOrder), before, names...)
	return informer, nil
}

func constraintsInformer(config *rest.Config) (cache.SharedInformer, error) {
	scheme := runtime.NewScheme()
	if err := securityv1.Install(scheme); err != nil {
		return nil, err
	}
	config.APIPath, config.GroupVersion = "/apis", &securityv1.GroupVersion
	config.NegotiatedSerializer, config.Timeout = serializer.NewCodecFactory(scheme).WithoutConversion(), 0
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	all := cache.NewListWatchFromClient(client, "securitycontextconstraints", metav1.NamespaceAll, fields.Everything())
	return cache.NewSharedInformer(all, &securityv1.SecurityContextConstraints{}, 0), nil
}

// known implements constraints.Lister.
type known struct{ cache.SharedInformer }

// List implements constraints.Lister.
func (k known) List() (all []*securityv1.SecurityContextConstraints) {
	for _, object := range k.GetStore().List() {
		all = append(all, object.(*securityv1.SecurityContextConstraints))
	}
	return all
}

// showProjects has an API server answer for projects, too.
func showProjects(front *genericapiserver.Config) error {
	client, err := kubernetes.NewForConfig(front.LoopbackClientConfig)
	if err != nil {
		return err
	}
	api, err := projects.New(client, front.Authorization.Authorizer)
	if err != nil {
		return fmt.Errorf("projects: %w", err)
	}
	api.Announce(front.AggregatedDiscoveryGroupManager)
	front.RequestInfoResolver = projects.Resolver{RequestInfoResolver: genericapiserver.NewRequestInfoResolver(front)}
	build := front.BuildHandlerChainFunc
	front.BuildHandlerChainFunc = func(next http.Handler, config *genericapiserver.Config) http.Handler {
		return build(api.Within(next), config)
	}
	return nil
}
