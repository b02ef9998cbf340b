package portal

import (
	"context"
	"errors"
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
)

// prometheusAPI are the parts of Prometheus' API that only read, and have no secrets.
var prometheusAPI = map[string]bool{"query": true, "query_range": true, "query_exemplars": true, "labels": true, "series": true, "metadata": true,
	"rules": true, "alerts": true, "targets": true}

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
		return &httpserver.Refusal{Status: http.StatusNotFound, Target: "endpoint", Message: "The portal passes on queries, and requests for labels, series, metadata, rules, alerts and targets only."}
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
	status, body, err := console.Pass(ctx, transport, path, c.Request().URL.RawQuery)
	switch {
	case errors.Is(err, console.ErrTooLarge):
		return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The answer of the cluster's Prometheus is too large. Select fewer series, or a longer step."}
	case err != nil:
		return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The cluster's Prometheus cannot be reached, or its answer broke off.", Cause: err}
	}
	return c.Blob(status, httpserver.JSON, body)
}

// PortalShowStatistics shows charts of what the cluster's Prometheus has on one part of the cluster.
func (p *Portal) PortalShowStatistics(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	s, err := console.ReadStatistics(c.QueryParams(), p.Now())
	if err != nil {
		return err
	}
	doc, err := p.view(c)
	if err != nil {
		return err
	}
	c.Subject = s.Topic.Name
	ctx, cancel := context.WithTimeout(c.Ctx(), prometheusTimeout)
	defer cancel()
	if transport, err := p.prometheus(ctx, c); err != nil {
		s.Problem = armhttp.Error(c.Exchange, err).Message
	} else {
		s.Ask(ctx, transport)
	}
	v := p.page(c, doc.Cluster.Name)
	return v.show(c, v.ofCluster(c.clusterID(), tabStatistics, s.Show()))
}

// PortalShowGraph leads addresses of Prometheus' own pages, such as alerts link to, to the console.
func (p *Portal) PortalShowGraph(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	return c.Redirect(http.StatusFound, c.clusterID().String()+"/prometheus?"+console.FromGraph(c.QueryParams()).Encode())
}
