package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

const (
	// clusterTimeout bounds what is waited for a cluster.
	clusterTimeout = 40 * time.Second
	// objectsMost is the most objects of a list, and maxObjects and maxLogs bound answers, in bytes.
	objectsMost = 1000
	maxObjects  = 32 << 20
	maxLogs     = 50 << 20
	// discovery asks an API server for all its resources in one answer.
	discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
)

// objectName is what names of objects and of what they are in look like.
var objectName = regexp.MustCompile(`^[a-zA-Z0-9][-.a-zA-Z0-9]{0,254}$`)

// clusterAPI is the API server of the cluster of a request.
type clusterAPI struct{ *openshift.API }

// withCluster calls do with the API server of the cluster of the path, which has
// clusterTimeout to answer.
func (a *API) withCluster(c *call, do func(ctx context.Context, k clusterAPI) error) error {
	k, err := a.open(c)
	if err != nil {
		return err
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(c.Ctx(), clusterTimeout)
	defer cancel()
	return do(ctx, k)
}

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

// do sends a request to the API server and returns the answer, if it is not an error.
func (k clusterAPI) do(ctx context.Context, method, path string, body io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, k.URL+path, body)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := k.Client.Do(req)
	if err != nil {
		return nil, arm.ServiceUnavailable.Errorf("The API server of the cluster does not answer: %s", openshift.Why(err)).Because(err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer res.Body.Close()
	var status struct{ Message string }
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&status) // the status code says enough
	code := arm.RequestNotAllowed
	if res.StatusCode == http.StatusNotFound {
		code = arm.ResourceNotFound
	}
	return nil, code.Errorf("The API server of the cluster answers %d: %s", res.StatusCode, arm.Plain(status.Message, 1024))
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
		if err := k.read(ctx, root, discovery, &groups); err != nil {
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

func (k clusterAPI) read(ctx context.Context, path, media string, into any) error {
	res, err := k.do(ctx, http.MethodGet, path, nil, "Accept", media)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxObjects)).Decode(into); err != nil {
		return fmt.Errorf("answer of the cluster: %w", err)
	}
	return nil
}

// allowed refuses secrets, and objects that are customers'.
func (k kind) allowed(namespace string) error {
	switch {
	case k.resource == "secrets" || k.group == "oauth.openshift.io":
		return arm.Forbidden.At("kind", "Secrets and tokens are not shown.")
	case k.namespaced && !openshift.IsPlatformNamespace(namespace):
		return arm.Forbidden.At("namespace", "Only objects in namespaces of OpenShift are shown, and this is none.")
	}
	return nil
}

// checkName refuses what is no name, so that paths stay what they are.
func checkName(parameter, value string) error {
	if !objectName.MatchString(value) || strings.Contains(value, "..") {
		return arm.InvalidParameter.At(parameter, "It must be a name of letters, digits, '-' and '.', at most 255.")
	}
	return nil
}

// AdminGetKubernetesObjects returns an object of the cluster, or those of a kind.
func (a *API) AdminGetKubernetesObjects(ec echo.Context, _, _, _ string, p api.AdminGetKubernetesObjectsParams) error {
	c := ec.(*call)
	c.Subject = p.Kind
	for parameter, value := range map[string]*string{"kind": &p.Kind, "namespace": p.Namespace, "name": p.Name} {
		if value != nil && *value != "" || parameter == "kind" {
			if err := checkName(parameter, *value); err != nil {
				return err
			}
		}
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		found, err := k.find(ctx, p.Kind)
		if err != nil {
			return err
		}
		namespace := optional(p.Namespace)
		if err := found.allowed(namespace); err != nil {
			return err
		}
		res, err := k.do(ctx, http.MethodGet, found.pathOf(namespace, optional(p.Name)), nil, "Accept", httpserver.JSON)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return c.Stream(http.StatusOK, httpserver.JSON, io.LimitReader(res.Body, maxObjects))
	})
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

// AdminGetPodLogs returns the logs of a pod.
func (a *API) AdminGetPodLogs(ec echo.Context, _, _, _ string, p api.AdminGetPodLogsParams) error {
	c := ec.(*call)
	c.Subject = p.Namespace + "/" + p.Podname
	for parameter, value := range map[string]string{"namespace": p.Namespace, "podname": p.Podname} {
		if err := checkName(parameter, value); err != nil {
			return err
		}
	}
	if err := (kind{resource: "pods", namespaced: true}).allowed(p.Namespace); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		path := "/api/v1/namespaces/" + p.Namespace + "/pods/" + p.Podname
		var pod struct{ Spec struct{ NodeName string } }
		if err := k.read(ctx, path, httpserver.JSON, &pod); err != nil {
			return err
		}
		if pod.Spec.NodeName == "" { // an API server answers with nothing, which looks like empty logs
			return arm.RequestNotAllowed.At("podname", "The pod is not scheduled to a node, so that it has no logs yet.")
		}
		q := url.Values{"limitBytes": {strconv.Itoa(maxLogs)}}
		if container := optional(p.Container); container != "" {
			q.Set("container", container)
		}
		res, err := k.do(ctx, http.MethodGet, path+"/log?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return c.Stream(http.StatusOK, "text/plain; charset=utf-8", io.LimitReader(res.Body, maxLogs))
	})
}

// AdminCordonNode keeps new pods from a node, or lets them on it again.
func (a *API) AdminCordonNode(ec echo.Context, _, _, _ string, p api.AdminCordonNodeParams) error {
	c := ec.(*call)
	c.Subject = p.VMName
	if err := checkName("vmName", p.VMName); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		path := "/api/v1/nodes/" + p.VMName
		if p.DryRun != nil && *p.DryRun {
			path += "?dryRun=All"
		}
		patch := fmt.Sprintf(`{"spec":{"unschedulable":%t}}`, p.ShouldCordon)
		res, err := k.do(ctx, http.MethodPatch, path, strings.NewReader(patch), "Content-Type", "application/merge-patch+json")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return c.NoContent(http.StatusOK)
	})
}

// optional is the value of a parameter, empty if it is absent.
func optional(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
