package admin

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/httpserver"
)

// AdminGetKubernetesObjects returns an object of the cluster, or those of a kind.
func (a *API) AdminGetKubernetesObjects(ec echo.Context, _, _, _ string, p api.AdminGetKubernetesObjectsParams) error {
	c, namespace, name := ec.(*call), optional(p.Namespace), optional(p.Name)
	c.Subject = subject(p.Kind, namespace, name)
	if err := (names{"kind": p.Kind, "namespace": namespace, "name": name}).check("namespace", "name"); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		found, err := k.find(ctx, p.Kind)
		if err != nil {
			return err
		}
		if err := found.allowed(namespace); err != nil {
			return err
		}
		return k.pass(ctx, c, http.MethodGet, found.pathOf(namespace, name), nil)
	})
}

// subject names an object for the audit.
func subject(kind, namespace, name string) string {
	return strings.TrimRight(kind+" "+strings.Trim(namespace+"/"+name, "/"), " ")
}

// pass sends a request to the API server and its response to the caller.
func (k clusterAPI) pass(ctx context.Context, c *call, method, path string, body []byte) error {
	media := httpserver.JSON
	if method == http.MethodPatch {
		media = "application/apply-patch+yaml"
	}
	res, err := k.Send(ctx, method, path, bytes.NewReader(body), "Accept", httpserver.JSON, "Content-Type", media)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	return c.Stream(res.StatusCode, httpserver.JSON, io.LimitReader(res.Body, maxObjects))
}

// manifest is what has to be known of an object to send it to its place.
type manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"metadata"`
}

// path of the API that the object is of.
func (m *manifest) path() (path, group string) {
	group, _, grouped := strings.Cut(m.APIVersion, "/")
	if !grouped {
		return "/api/" + m.APIVersion, ""
	}
	return "/apis/" + m.APIVersion, group
}

// check refuses names that are none.
func (m *manifest) check() error {
	group, version, grouped := strings.Cut(m.APIVersion, "/")
	if !grouped {
		version = group
	}
	return names{"apiVersion": version, "kind": m.Kind, "metadata.namespace": m.Metadata.Namespace, "metadata.name": m.Metadata.Name,
		"group": group}.check("metadata.namespace")
}

// AdminApplyKubernetesObject creates an object of the cluster, or changes it.
func (a *API) AdminApplyKubernetesObject(ec echo.Context, _, _, _ string, _ api.AdminApplyKubernetesObjectParams) error {
	c := ec.(*call)
	var m manifest
	if err := c.lenient(&m); err != nil {
		return err
	}
	c.Subject = subject(m.Kind, m.Metadata.Namespace, m.Metadata.Name)
	if err := m.check(); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		path, group := m.path()
		found, err := k.find(ctx, strings.TrimSuffix(m.Kind+"."+group, "."))
		if err != nil {
			return err
		}
		if found.group != group {
			return arm.InvalidParameter.At("apiVersion", "The kind %s is not of this API.", arm.Sent(m.Kind))
		}
		if err := found.mayChange(m.Metadata.Namespace); err != nil {
			return err
		}
		found.path = path
		return k.pass(ctx, c, http.MethodPatch, query(found.pathOf(m.Metadata.Namespace, m.Metadata.Name)+"?fieldManager=aro-admin&force=true", c), c.body)
	})
}

// AdminDeleteKubernetesObject deletes an object of the cluster.
func (a *API) AdminDeleteKubernetesObject(ec echo.Context, _, _, _ string, p api.AdminDeleteKubernetesObjectParams) error {
	c, namespace := ec.(*call), optional(p.Namespace)
	c.Subject = subject(p.Kind, namespace, p.Name)
	if err := (names{"kind": p.Kind, "namespace": namespace, "name": p.Name}).check("namespace"); err != nil {
		return err
	}
	return a.withCluster(c, func(ctx context.Context, k clusterAPI) error {
		found, err := k.find(ctx, p.Kind)
		if err != nil {
			return err
		}
		if err := found.mayChange(namespace); err != nil {
			return err
		}
		path := query(found.pathOf(namespace, p.Name)+"?propagationPolicy=Background", c)
		if optional(p.Force) {
			if found.resource != "pods" {
				return arm.Forbidden.At("force", "Only pods are deleted by force.")
			}
			path += "&gracePeriodSeconds=0"
		}
		res, err := k.Send(ctx, http.MethodDelete, path, nil, "Accept", httpserver.JSON)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		return c.NoContent(http.StatusOK)
	})
}
