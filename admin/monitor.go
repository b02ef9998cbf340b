package admin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
)

// AdminGetMonitorResult returns what the last check of a cluster found.
func (a *API) AdminGetMonitorResult(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := a.view(c)
	if err != nil {
		return err
	}
	last, err := a.Store.LastCheck(c.Ctx(), armhttp.ClusterID(c), doc.Cluster.Internal.UID)
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
