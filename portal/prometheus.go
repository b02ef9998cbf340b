package portal

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/portal/console"
	"github.com/aro-rp/aro/store"
)

// Where the Prometheus of a cluster is, and how long a query may take.
const (
	prometheusNamespace, prometheusPod = "openshift-monitoring", "prometheus-k8s-0"
	prometheusPort                     = 9090
	prometheusTimeout                  = 45 * time.Second
	// maxSeries bounds an answer of Prometheus' API, in bytes.
	maxSeries = 32 << 20
)

// prometheusAPI are the parts of Prometheus' API that only read samples and their labels.
var prometheusAPI = map[string]bool{"query": true, "query_range": true, "labels": true, "series": true, "metadata": true}

// prometheus returns a transport to the Prometheus of the cluster of the path. Its
// connections end with ctx.
func (p *Portal) prometheus(ctx context.Context, c *call) (*http.Transport, error) {
	id := c.clusterID()
	doc, err := p.Store.Clusters.Get(ctx, id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, armhttp.NotFound(id)
	}
	if err != nil {
		return nil, err
	}
	in := &doc.Cluster.Internal
	server, err := openshift.Open([]byte(in.ServiceKubeconfig), in.PrivateEndpointIP)
	if err != nil {
		return nil, &httpserver.Refusal{Status: http.StatusServiceUnavailable, Message: "The cluster has no API server that the portal can reach yet.", Cause: err}
	}
	context.AfterFunc(ctx, server.Abort)
	return &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return server.Forward(ctx, prometheusNamespace, prometheusPod, prometheusPort)
	}}, nil
}

// PortalShowPrometheus shows the answer of the cluster's Prometheus to a query.
func (p *Portal) PortalShowPrometheus(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	q, err := console.Read(c.QueryParams(), p.Now())
	if err != nil {
		return err
	}
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	v, answer := p.page(c, doc.Cluster.Name), console.Answer{Query: q}
	if q.Text != "" {
		c.Subject = q.Text
		ctx, cancel := context.WithTimeout(c.Ctx(), prometheusTimeout)
		defer cancel()
		transport, err := p.prometheus(ctx, c)
		if err != nil {
			return err
		}
		answer = console.Ask(ctx, transport, q)
	}
	return v.show(c, v.ofCluster(c.clusterID(), tabPrometheus, answer.Show()))
}

// PortalQueryPrometheus gives scripts what the cluster's Prometheus answers.
func (p *Portal) PortalQueryPrometheus(ec echo.Context, _, _, _ string, endpoint string) error {
	if !prometheusAPI[endpoint] {
		return &httpserver.Refusal{Status: http.StatusNotFound, Target: "endpoint", Message: "The portal passes on queries, and requests for labels, series and metadata only."}
	}
	return p.askPrometheus(ec.(*call), endpoint)
}

// PortalListLabelValues gives scripts the values of a label.
func (p *Portal) PortalListLabelValues(ec echo.Context, _, _, _ string, label string) error {
	return p.askPrometheus(ec.(*call), "label/"+url.PathEscape(label)+"/values")
}

func (p *Portal) askPrometheus(c *call, path string) error {
	c.Subject = path + " " + c.QueryParam("query")
	ctx, cancel := context.WithTimeout(c.Ctx(), prometheusTimeout)
	defer cancel()
	transport, err := p.prometheus(ctx, c)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://prometheus/api/v1/"+path+"?"+c.Request().URL.RawQuery, nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The cluster's Prometheus cannot be reached.", Cause: err}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSeries+1))
	switch {
	case err != nil:
		return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The answer of the cluster's Prometheus broke off.", Cause: err}
	case len(body) > maxSeries:
		return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The answer of the cluster's Prometheus is too large. Select fewer series, or a longer step."}
	}
	return c.Blob(res.StatusCode, httpserver.JSON, body)
}
