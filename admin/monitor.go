package admin

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/store"
)

// AdminGetMonitorResult returns what the last check of a cluster found.
func (a *API) AdminGetMonitorResult(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	id := armhttp.ClusterID(c)
	doc, err := a.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return armhttp.NotFound(id)
	}
	if err != nil {
		return err
	}
	last, err := a.Store.LastCheck(c.Ctx(), id, doc.Cluster.Internal.UID)
	if err != nil {
		return err
	}
	r := api.MonitorResult{ResourceID: doc.Cluster.ID, Outcome: api.MonitorResultOutcome(last.Result.Outcome), Since: present(last.Result.Since),
		ProblemCount: int32(last.Result.ProblemCount), Problems: []api.MonitorProblem{}, Monitor: present(last.Monitor), LastSeenAt: present(last.SeenAt)}
	for _, p := range last.Result.Problems {
		r.Problems = append(r.Problems, api.MonitorProblem{Metric: p.Metric, Dimensions: p.Dimensions})
	}
	return armhttp.Value(c, http.StatusOK, r)
}
