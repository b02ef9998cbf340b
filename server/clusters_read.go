package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// cluster returns the cluster of the path without its secrets, or the error that there
// is none.
func (s *Server) cluster(c *call) (*model.Cluster, error) {
	return readCluster(c, s.Store.Clusters.View)
}

func readCluster(c *call, read func(ctx context.Context, partition, id string) (*store.ClusterDocument, error)) (*model.Cluster, error) {
	id := armhttp.ClusterID(c)
	doc, err := read(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, armhttp.NotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return &doc.Cluster, nil
}

// OpenShiftClustersGet returns a cluster.
func (s *Server) OpenShiftClustersGet(ec echo.Context) error {
	c := ec.(*call)
	cl, err := s.cluster(c)
	if err != nil {
		return err
	}
	return c.cluster(http.StatusOK, cl)
}

// maxPage keeps a page well below ARM's limit of 8 MB (C11), whatever the size of
// the clusters.
const maxPage = 100

// OpenShiftClustersListByResourceGroup returns a page of the clusters of a resource group.
func (s *Server) OpenShiftClustersListByResourceGroup(ec echo.Context) error {
	return s.OpenShiftClustersList(ec)
}

// OpenShiftClustersList returns a page of the clusters of a subscription, or of one of
// its resource groups.
func (s *Server) OpenShiftClustersList(ec echo.Context) error {
	c := ec.(*call)
	id := armhttp.ClusterID(c)
	scope := armhttp.PageScope{Subscription: id.Partition(), Tenant: arm.ToLower(c.Header(headerTenant))}
	query := store.Query{Partition: id.Partition(), Limit: maxPage}
	if id.ResourceGroup != "" {
		query.Prefix = arm.ClusterKeyPrefix(id.ResourceGroup)
		scope.Group = query.Prefix
	}
	if top := c.QueryParam("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 {
			return arm.InvalidParameter.At("$top", "$top must be a whole number of at least 1.")
		}
		query.Limit = min(n, maxPage)
	}
	if token := c.QueryParam("$skipToken"); token != "" {
		continuation, err := s.tokens.Open(c.Ctx(), token, scope)
		if err != nil {
			return err
		}
		query.Continuation = continuation
	}
	docs, next, err := s.Store.Clusters.List(c.Ctx(), query)
	if err != nil {
		return err
	}
	items := make([]json.RawMessage, len(docs))
	for i, doc := range docs {
		if items[i], err = c.version.EncodeCluster(&doc.Cluster); err != nil {
			return err
		}
	}
	link := ""
	if next != "" {
		token, err := s.tokens.Seal(next, scope)
		if err != nil {
			return err
		}
		link = c.nextLink(token)
	}
	return c.page(items, link)
}

// page writes a list (G06, G07).
func (c *call) page(items []json.RawMessage, nextLink string) error {
	size := 64 + len(nextLink)
	for _, item := range items {
		size += len(item) + 1
	}
	body := append(make([]byte, 0, size), `{"value":[`...)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, item...)
	}
	body = append(body, ']')
	if nextLink != "" {
		quoted, err := json.Marshal(nextLink)
		if err != nil {
			return err
		}
		body = append(append(body, `,"nextLink":`...), quoted...)
	}
	return c.json(http.StatusOK, append(body, '}'))
}

// nextLink returns the URL of this request with another token (C05).
func (c *call) nextLink(token string) string {
	query := url.Values{}
	for name, values := range c.QueryParams() {
		query[name] = values
	}
	query.Set("$skipToken", token)
	u := url.URL{Path: c.Canonical, RawQuery: query.Encode()}
	return c.base() + u.String()
}
