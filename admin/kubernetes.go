package admin

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

const (
	// clusterTimeout bounds what is waited for a cluster, unless an action has a limit of
	// its own.
	clusterTimeout = 40 * time.Second
	// objectsMost is the most objects of a list, and maxObjects and maxLogs bound responses, in bytes.
	objectsMost = 1000
	maxObjects  = 32 << 20
	maxLogs     = 50 << 20
	// maxStatus bounds an error of a cluster in messages, in characters.
	maxStatus = 1024
	// discovery asks an API server for all its resources in one response.
	discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	// dryRunAll is the query of requests to an API server that change nothing.
	dryRunAll = "dryRun=All"
)

// objectName is what names of objects and of what they are in look like.
var objectName = regexp.MustCompile(`^[a-zA-Z0-9][-.a-zA-Z0-9]{0,254}$`)

// withCluster calls do with the API server of the cluster of the path, which has
// clusterTimeout to respond, or as long as the action may last.
func (a *API) withCluster(c *call, do func(ctx context.Context, k clusterAPI) error) error {
	k, err := a.open(c)
	if err != nil {
		return err
	}
	defer k.Close()
	limit := clusterTimeout
	if own := actions[c.Operation].limit; own > 0 {
		limit = own
	}
	ctx, cancel := context.WithTimeout(c.Ctx(), limit)
	defer cancel()
	return ofCluster(do(ctx, k))
}

// clusterAPI is the API server of the cluster of a request.
type clusterAPI struct{ *openshift.API }

// open connects to the cluster of the path. The caller closes it.
func (a *API) open(c *call) (clusterAPI, error) {
	id := armhttp.ClusterID(c)
	doc, err := a.Store.Clusters.Get(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return clusterAPI{}, armhttp.NotFound(id)
	}
	if err != nil {
		return clusterAPI{}, err
	}
	in := &doc.Cluster.Internal
	opened, err := openshift.Open([]byte(in.ServiceKubeconfig), in.PrivateEndpointIP)
	if err != nil {
		return clusterAPI{}, arm.RequestNotAllowed.Errorf("The cluster has no API server yet.").Because(err)
	}
	return clusterAPI{opened}, nil
}

// ofCluster is an error of an API server, or of the way to it, for the caller. Errors of
// the service itself stay as they are.
func ofCluster(err error) error {
	if _, own := errors.AsType[*arm.Error](err); own || err == nil {
		return err
	}
	status, refused := errors.AsType[*apierrors.StatusError](err)
	if !refused {
		return arm.ServiceUnavailable.Errorf("The API server of the cluster does not answer: %s", openshift.Why(err)).Because(err)
	}
	code := arm.RequestNotAllowed
	if apierrors.IsNotFound(err) {
		code = arm.ResourceNotFound
	}
	return code.Errorf("The API server of the cluster answers %d: %s", status.ErrStatus.Code, arm.Plain(status.ErrStatus.Message, maxStatus))
}

// kind is a kind of objects as an API server offers it.
type kind struct {
	path       string // of the API, such as /apis/apps/v1
	group      string
	resource   string
	namespaced bool
}

// find looks a kind up by its name, its resource, or resource.group, in any casing.
func (k clusterAPI) find(ctx context.Context, wanted string) (kind, error) {
	name, group, _ := strings.Cut(arm.ToLower(wanted), ".")
	for _, root := range []string{"/api", "/apis"} {
		var groups struct {
			Items []struct {
				Metadata struct{ Name string }
				Versions []struct {
					Version   string
					Resources []struct {
						Resource, Scope, SingularResource string
						ResponseKind                      struct{ Kind string }
					}
				}
			}
		}
		if err := k.ReadAs(ctx, root, discovery, &groups); err != nil {
			return kind{}, err
		}
		for _, g := range groups.Items {
			if group != "" && group != g.Metadata.Name {
				continue
			}
			for _, v := range g.Versions { // the preferred one is the first
				for _, r := range v.Resources {
					if name == r.Resource || name == r.SingularResource || arm.EqualFold(name, r.ResponseKind.Kind) {
						path := strings.TrimSuffix(root+"/"+g.Metadata.Name, "/") + "/" + v.Version
						return kind{path, g.Metadata.Name, r.Resource, r.Scope == "Namespaced"}, nil
					}
				}
			}
		}
	}
	return kind{}, arm.InvalidParameter.At("kind", "The cluster has no kind %s. Give a kind, a resource, or resource.group.", arm.Sent(wanted))
}

// allowed refuses secrets, and objects that are customers'.
func (k kind) allowed(namespace string) error {
	switch {
	case k.resource == "secrets" || k.group == "oauth.openshift.io":
		return arm.Forbidden.At("kind", "Secrets and tokens are neither shown nor changed.")
	case k.namespaced && !openshift.IsPlatformNamespace(namespace):
		return arm.Forbidden.At("namespace", "Only objects in namespaces of OpenShift are shown or changed, and this is none.")
	}
	return nil
}

// changeable are the groups whose objects without a namespace may be changed.
var changeable = []string{"apiserver.openshift.io", "aro.openshift.io", "certificates.k8s.io", "config.openshift.io", "console.openshift.io",
	"imageregistry.operator.openshift.io", "machine.openshift.io", "machineconfiguration.openshift.io", "metrics.k8s.io", "operator.openshift.io"}

// mayChange refuses also what gives rights, and objects of the whole cluster that are not
// OpenShift's.
func (k kind) mayChange(namespace string) error {
	if err := k.allowed(namespace); err != nil {
		return err
	}
	switch isNode := k.group == "" && k.resource == "nodes"; {
	case k.group == "rbac.authorization.k8s.io" || k.group == "authorization.openshift.io":
		return arm.Forbidden.At("kind", "Roles and their bindings are not changed.")
	case !k.namespaced && !isNode && !slices.Contains(changeable, k.group):
		return arm.Forbidden.At("kind", "Of the objects without a namespace only nodes and those of OpenShift's own kinds are changed.")
	}
	return nil
}

// pathOf is the path of an object, or of the list of objects if name is empty.
func (k kind) pathOf(namespace, name string) string {
	path := k.path
	if k.namespaced {
		path += "/namespaces/" + namespace
	}
	path += "/" + k.resource
	if name != "" {
		return path + "/" + name
	}
	return path + "?limit=" + strconv.Itoa(objectsMost)
}

// names are names that a caller gives, by parameter.
type names map[string]string

// check refuses what is no name, so that paths stay what they are. The empty ones are
// refused too, unless they may be absent.
func (n names) check(mayBeAbsent ...string) error {
	for parameter, value := range n {
		absent := value == "" && slices.Contains(mayBeAbsent, parameter)
		if !absent && (!objectName.MatchString(value) || strings.Contains(value, "..")) {
			return arm.InvalidParameter.At(parameter, "It must be a name of letters, digits, '-' and '.', at most 255.")
		}
	}
	return nil
}

// optional is the value of a parameter, the zero value if it is absent.
func optional[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// query appends the dry run to a path.
func query(path string, c *call) string {
	if !c.DryRun {
		return path
	}
	if strings.Contains(path, "?") {
		return path + "&" + dryRunAll
	}
	return path + "?" + dryRunAll
}
