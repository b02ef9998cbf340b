package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// adminAPI answers engineers, in the words of openapi/admin.
type adminAPI struct{ s *Server }

var _ admin.ServerInterface = adminAPI{}

// adminPage is how many clusters are read at a time.
const adminPage = 500

// AdminListClusters lists the clusters of all subscriptions that match the filters.
func (a adminAPI) AdminListClusters(ec echo.Context, p admin.AdminListClustersParams) error {
	c := ec.(*call)
	list := admin.ClusterList{Value: []admin.ClusterItem{}}
	query := store.Query{Limit: adminPage}
	for {
		docs, next, err := a.s.Store.Clusters.List(c.ctx(), query)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			if matchesFilters(&doc.Cluster, p) {
				list.Value = append(list.Value, clusterItem(doc))
			}
		}
		if query.Continuation = next; next == "" {
			break
		}
	}
	slices.SortFunc(list.Value, func(x, y admin.ClusterItem) int { return strings.Compare(x.Key, y.Key) })
	return c.value(http.StatusOK, list)
}

// value answers with v in JSON.
func (c *call) value(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.json(status, body)
}

func matchesFilters(cl *model.Cluster, p admin.AdminListClustersParams) bool {
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
		if f.part != nil && !strings.Contains(strings.ToLower(f.of), strings.ToLower(*f.part)) {
			return false
		}
	}
	return p.State == nil || strings.EqualFold(*p.State, string(cl.Properties.ProvisioningState))
}

func clusterItem(doc *store.ClusterDocument) admin.ClusterItem {
	cl := &doc.Cluster
	id, _ := arm.ParseClusterID(cl.ID)
	item := admin.ClusterItem{
		Key: strings.ToLower(cl.ID), Name: cl.Name, ResourceID: cl.ID,
		Subscription: id.SubscriptionID, ResourceGroup: id.ResourceGroup,
		ProvisioningState:       admin.ProvisioningState(cl.Properties.ProvisioningState),
		FailedProvisioningState: present(admin.ProvisioningState(cl.Internal.FailedProvisioningState)),
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

// present is nil for a zero value, which means absent.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func runningOperation(op *model.Operation) *admin.RunningOperation {
	if op == nil {
		return nil
	}
	r := &admin.RunningOperation{
		ID: op.ID, Kind: admin.OperationKind(op.Kind), StartedAt: op.StartedAt,
		PercentComplete: int32(op.PercentComplete()),
	}
	if op.Current != nil {
		r.Step, r.WaitingFor = present(op.Current.Name), present(op.Current.WaitingFor)
	}
	return r
}

// AdminGetCluster gives the whole document as it is stored, without its secrets.
func (a adminAPI) AdminGetCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	cl, err := a.s.cluster(c)
	if err != nil {
		return err
	}
	return c.value(http.StatusOK, cl)
}

// AdminExplainCluster says what a cluster does or waits for.
func (a adminAPI) AdminExplainCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	id := c.clusterID()
	doc, err := a.s.Store.Clusters.View(c.ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return notFound(id)
	}
	if err != nil {
		return err
	}
	return c.value(http.StatusOK, explain(doc))
}

func explain(doc *store.ClusterDocument) admin.Explanation {
	cl := &doc.Cluster
	e := admin.Explanation{
		ResourceID:              cl.ID,
		ProvisioningState:       admin.ProvisioningState(cl.Properties.ProvisioningState),
		FailedProvisioningState: present(admin.ProvisioningState(cl.Internal.FailedProvisioningState)),
		Operation:               runningOperation(cl.Internal.Operation),
		Retries:                 int32(doc.Lost),
		Transitions:             transitions(cl.Internal.Transitions),
	}
	if doc.Owner != "" && doc.Due != nil {
		e.Lease = &admin.Lease{Owner: doc.Owner, ExpiresAt: doc.WrittenAt.Add(time.Duration(*doc.Due * float64(time.Second)))}
	}
	op := cl.Internal.Operation
	if op == nil {
		return e
	}
	e.Steps = present(int32(op.Steps))
	finished := make([]admin.StepState, len(op.Finished))
	for i := range op.Finished {
		finished[i] = stepState(&op.Finished[i])
	}
	e.FinishedSteps = &finished
	if op.Current != nil {
		step := stepState(op.Current)
		e.CurrentStep, e.WaitingFor, e.NextAttempt = &step, step.WaitingFor, step.NextAttempt
	}
	return e
}

func stepState(s *model.Step) admin.StepState {
	return admin.StepState{
		Name: s.Name, StartedAt: s.StartedAt, EndedAt: present(s.EndedAt), Attempts: present(int32(s.Attempts)),
		WaitingFor: present(s.WaitingFor), LastError: present(s.LastError), NextAttempt: present(s.NextAttempt),
	}
}

func transitions(moves []model.Transition) []admin.Transition {
	list := make([]admin.Transition, len(moves))
	for i, m := range moves {
		list[i] = admin.Transition{
			At: m.At, From: present(admin.ProvisioningState(m.From)), To: admin.ProvisioningState(m.To),
			OperationID: present(m.OperationID), Reason: present(m.Reason),
		}
	}
	return list
}
