// Package projects serves project.openshift.io within an API server: projects, which
// are the namespaces that the caller may see, and requests for new ones. It stores
// nothing itself.
package projects

import (
	"context"
	"errors"
	"net/http"
	"path"
	"time"

	restful "github.com/emicklei/go-restful/v3"
	projectv1 "github.com/openshift/api/project/v1"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapi "k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// root is where the paths of API groups begin.
const root = "/apis"

// watchAtLeast is how long a watch lasts that does not say.
const watchAtLeast = 30 * time.Minute

// API serves the group.
type API struct {
	container *restful.Container
	resources []apidiscoveryv2.APIResourceDiscovery
}

// New returns the API. The client may do everything with namespaces; the authorizer
// decides what callers may do.
func New(client kubernetes.Interface, authorizer authorizer.Authorizer) (*API, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	projects := &storage{namespaces: client.CoreV1().Namespaces(), authorizer: authorizer}
	group := &genericapi.APIGroupVersion{
		Root: root, GroupVersion: projectv1.GroupVersion, OptionsExternalVersion: &schema.GroupVersion{Version: "v1"},
		Storage: map[string]rest.Storage{
			"projects": projects, "projectrequests": &requests{projects: projects, bindings: client.RbacV1(), authorizer: authorizer},
		},
		ParameterCodec: runtime.NewParameterCodec(scheme), Serializer: serializer.NewCodecFactory(scheme),
		Creater: scheme, Convertor: scheme, ConvertabilityChecker: scheme, UnsafeConvertor: runtime.UnsafeObjectConvertor(scheme),
		Defaulter: scheme, Typer: scheme, Namer: runtime.Namer(meta.NewAccessor()), TypeConverter: managedfields.NewDeducedTypeConverter(),
		EquivalentResourceRegistry: runtime.NewEquivalentResourceRegistry(), Authorizer: authorizer, MinRequestTimeout: watchAtLeast,
	}
	api := &API{container: restful.NewContainer()}
	api.container.Router(restful.CurlyRouter{})
	api.resources, _, err = group.InstallREST(api.container)
	return api, err
}

// newScheme knows the kinds of the group, which are the same within and without.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, version := range []schema.GroupVersion{projectv1.GroupVersion, {Group: projectv1.GroupName, Version: runtime.APIVersionInternal}} {
		scheme.AddKnownTypes(version, &projectv1.Project{}, &projectv1.ProjectList{}, &projectv1.ProjectRequest{})
	}
	metav1.AddToGroupVersion(scheme, projectv1.GroupVersion)
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	err := scheme.AddFieldLabelConversionFunc(projectv1.GroupVersion.WithKind("Project"), func(label, value string) (string, string, error) {
		if label == "metadata.name" || label == "status.phase" {
			return label, value, nil
		}
		return "", "", errors.New("field label not supported: " + label)
	})
	return scheme, errors.Join(err, scheme.SetVersionPriority(projectv1.GroupVersion))
}

// The group's place among all groups, as OpenShift has it.
const groupPriority, versionPriority = 9900, 15

// Registration makes a server's list of groups name this one.
func Registration() *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: projectv1.GroupVersion.Version + "." + projectv1.GroupName},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: projectv1.GroupName, Version: projectv1.GroupVersion.Version, GroupPriorityMinimum: groupPriority, VersionPriority: versionPriority,
		},
	}
}

// Announce adds the group's resources to the discovery document of all groups.
func (a *API) Announce(discovery aggregated.ResourceManager) {
	discovery.SetGroupVersionPriority(metav1.GroupVersion(projectv1.GroupVersion), groupPriority, versionPriority)
	discovery.AddGroupVersion(projectv1.GroupName, apidiscoveryv2.APIVersionDiscovery{
		Version: projectv1.GroupVersion.Version, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent, Resources: a.resources,
	})
}

// Within answers for the group in place of the next handler, to those who may ask.
func (a *API) Within(next http.Handler) http.Handler {
	prefix := path.Join(root, projectv1.GroupVersion.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p == prefix || len(p) > len(prefix) && p[:len(prefix)+1] == prefix+"/" {
			a.container.ServeHTTP(w, outsideNamespaces(r))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Resolver finds what a request is about: a project is in the namespace of its name,
// so that the roles of the namespace allow it.
type Resolver struct{ request.RequestInfoResolver }

// NewRequestInfo implements request.RequestInfoResolver.
func (r Resolver) NewRequestInfo(req *http.Request) (*request.RequestInfo, error) {
	info, err := r.RequestInfoResolver.NewRequestInfo(req)
	if err == nil && info.APIGroup == projectv1.GroupName && info.Resource == "projects" {
		info.Namespace = info.Name
	}
	return info, err
}

// outsideNamespaces returns the request as its handlers expect it: projects are not in
// namespaces, except for the authorizer, which has decided.
func outsideNamespaces(r *http.Request) *http.Request {
	info, known := request.RequestInfoFrom(r.Context())
	if !known {
		return r
	}
	plain := *info
	plain.Namespace = ""
	return r.WithContext(request.WithRequestInfo(r.Context(), &plain))
}

// allowed reports whether someone may do something.
func allowed(ctx context.Context, a authorizer.Authorizer, what authorizer.AttributesRecord) bool {
	who, known := request.UserFrom(ctx)
	if !known {
		return false
	}
	what.User, what.ResourceRequest = who, true
	decision, _, err := a.Authorize(ctx, what)
	return err == nil && decision == authorizer.DecisionAllow
}
