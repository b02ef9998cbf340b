package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// adminPage is the most entries of a page, and how many documents are read at a time.
	adminPage = 500
	// adminScan bounds the documents behind one page, of which few may match.
	adminScan = 10 * adminPage
)

// AdminListClusters lists the clusters of all subscriptions that match the filters,
// and those of which nothing but their names can be read.
func (a *API) AdminListClusters(ec echo.Context, p api.AdminListClustersParams) error {
	c := ec.(*call)
	pages, err := a.pages(c, "clusters", p.Top, p.SkipToken)
	if err != nil {
		return err
	}
	list := api.ClusterList{Value: []api.ClusterItem{}}
	for pages.more(len(list.Value)) {
		page, err := a.Store.Clusters.Inspect(c.Ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(page.Next)
		for _, doc := range page.Documents {
			if matchesFilters(&doc.Cluster, p) {
				list.Value = append(list.Value, clusterItem(doc))
			}
		}
		for _, e := range page.Unreadable {
			if item := unreadableItem(e); unreadableMatches(&item, p) {
				list.Value = append(list.Value, item)
			}
		}
	}
	slices.SortFunc(list.Value, func(x, y api.ClusterItem) int { return strings.Compare(x.Key, y.Key) })
	list.NextLink, err = pages.nextLink()
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, list)
}

func matchesFilters(cl *model.Cluster, p api.AdminListClustersParams) bool {
	if p.Unreadable != nil && *p.Unreadable {
		return false
	}
	id, _ := arm.ParseClusterID(cl.ID)
	for _, f := range []struct {
		part *string
		of   string
	}{
		{p.Name, cl.Name},
		{p.Subscription, id.SubscriptionID},
		{p.Version, cl.Properties.ClusterProfile.Version},
		{p.CreatedBy, cl.Internal.CreatedBy},
		{p.ProvisionedBy, cl.Internal.ProvisionedBy},
	} {
		if f.part != nil && !strings.Contains(arm.ToLower(f.of), arm.ToLower(*f.part)) {
			return false
		}
	}
	return p.State == nil || arm.EqualFold(*p.State, string(cl.Properties.ProvisioningState))
}

func clusterItem(doc *store.ClusterDocument) api.ClusterItem {
	cl := &doc.Cluster
	id, _ := arm.ParseClusterID(cl.ID)
	item := api.ClusterItem{
		Key: arm.ToLower(cl.ID), Name: cl.Name, ResourceID: cl.ID,
		Subscription: id.SubscriptionID, ResourceGroup: id.ResourceGroup,
		ProvisioningState:       present(api.ProvisioningState(cl.Properties.ProvisioningState)),
		FailedProvisioningState: present(api.ProvisioningState(cl.Internal.FailedProvisioningState)),
		Version:                 present(cl.Properties.ClusterProfile.Version),
		CreatedAt:               present(cl.Internal.CreatedAt),
		CreatedBy:               present(cl.Internal.CreatedBy),
		ProvisionedBy:           present(cl.Internal.ProvisionedBy),
		Operation:               runningOperation(cl.Internal.Operation),
	}
	if cl.SystemData != nil {
		item.LastModified = cl.SystemData.LastModifiedAt
	}
	return item
}

func runningOperation(op *model.Operation) *api.RunningOperation {
	if op == nil {
		return nil
	}
	r := &api.RunningOperation{
		ID: op.ID, Kind: api.OperationKind(op.Kind), StartedAt: op.StartedAt,
		PercentComplete: int32(op.PercentComplete()),
	}
	if op.Current != nil {
		r.Step, r.WaitingFor = present(op.Current.Name), present(op.Current.WaitingFor)
	}
	return r
}

// AdminGetCluster gives the whole document as it is stored, without its secrets.
func (a *API) AdminGetCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	cl, err := a.cluster(c)
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, cl)
}

// AdminUpdateCluster begins the maintenance of a cluster, or announces it.
func (a *API) AdminUpdateCluster(ec echo.Context, _, _, _ string, _ api.AdminUpdateClusterParams) error {
	c := ec.(*call)
	m, err := c.maintenance()
	if err != nil {
		return err
	}
	c.Subject = string(m.task)
	operation := a.operations.For(c.Exchange, "")
	if c.DryRun {
		return a.wouldMaintain(c, m)
	}
	id := armhttp.ClusterID(c)
	doc, err := a.Store.Clusters.UpdateSealed(c.Ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		if begins, err := m.prepare(c, &doc.Cluster); err != nil || !begins {
			return err
		}
		armhttp.Offer(doc)
		return operation.Begin(&doc.Cluster, &doc.Cluster, model.AdminUpdate)
	})
	if err != nil {
		operation.DiscardUnused(nil, err)
		if errors.Is(err, store.ErrNotFound) {
			return armhttp.NotFound(id)
		}
		return err
	}
	if _, announced := m.announces(); !announced {
		a.Wake()
		c.OperationID = doc.Cluster.Internal.Operation.ID
	}
	return armhttp.Value(c, http.StatusOK, doc.Cluster.WithoutSecrets())
}

// wouldMaintain answers with the cluster as the request would leave it.
func (a *API) wouldMaintain(c *call, m *maintenance) error {
	doc, err := a.view(c)
	if err != nil {
		return err
	}
	begins, err := m.prepare(c, &doc.Cluster)
	if err == nil && begins {
		err = doc.Cluster.Begin(model.Operation{Kind: model.AdminUpdate, StartedAt: a.Now().UTC(), CorrelationID: c.CorrelationID, RequestID: c.RequestID})
	}
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, doc.Cluster.WithoutSecrets())
}

// prepare changes a cluster as the request says, and reports whether an operation begins.
func (m *maintenance) prepare(c *call, cl *model.Cluster) (begins bool, err error) {
	if err := armhttp.MayChange(c.Exchange, cl); err != nil {
		return false, err
	}
	if state, announced := m.announces(); announced {
		cl.Internal.MaintenanceState = state
		return false, nil
	}
	cl.Internal.MaintenanceTask, cl.Internal.LastAdminUpdateError = m.task, ""
	cl.Internal.OperatorFlags = m.flagsOver(cl.Internal.OperatorFlags)
	return true, nil
}
