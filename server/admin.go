package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// adminAPI answers engineers, in the words of openapi/admin.
type adminAPI struct{ s *Server }

var _ admin.ServerInterface = adminAPI{}

const (
	// adminPage is the most entries of a page, and how many documents are read at a time.
	adminPage = 500
	// adminScan bounds the documents behind one page, of which few may match.
	adminScan = 10 * adminPage
)

// AdminListClusters lists the clusters of all subscriptions that match the filters,
// and those of which nothing but their names can be read.
func (a adminAPI) AdminListClusters(ec echo.Context, p admin.AdminListClustersParams) error {
	c := ec.(*call)
	pages, err := a.pages(c, "clusters", p.Top, p.SkipToken)
	if err != nil {
		return err
	}
	list := admin.ClusterList{Value: []admin.ClusterItem{}}
	for pages.more(len(list.Value)) {
		page, err := a.s.Store.Clusters.Inspect(c.ctx(), pages.query)
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
	slices.SortFunc(list.Value, func(x, y admin.ClusterItem) int { return strings.Compare(x.Key, y.Key) })
	list.NextLink, err = pages.nextLink()
	if err != nil {
		return err
	}
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

func clusterItem(doc *store.ClusterDocument) admin.ClusterItem {
	cl := &doc.Cluster
	id, _ := arm.ParseClusterID(cl.ID)
	item := admin.ClusterItem{
		Key: arm.ToLower(cl.ID), Name: cl.Name, ResourceID: cl.ID,
		Subscription: id.SubscriptionID, ResourceGroup: id.ResourceGroup,
		ProvisioningState:       present(admin.ProvisioningState(cl.Properties.ProvisioningState)),
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

// AdminUpdateCluster begins the maintenance of a cluster, or announces it.
func (a adminAPI) AdminUpdateCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	task, err := c.maintenanceTask()
	if err != nil {
		return err
	}
	c.subject = string(task)
	if state := model.MaintenanceState(task); slices.Contains(model.AnnouncedStates(), state) {
		return a.announce(c, state)
	}
	id := c.clusterID()
	operation := &operation{s: a.s, id: id}
	doc, err := a.s.Store.Clusters.UpdateSealed(c.ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		cl := &doc.Cluster
		if err := c.mayChange(cl); err != nil {
			return err
		}
		cl.Internal.MaintenanceTask, cl.Internal.LastAdminUpdateError = task, ""
		due(doc)
		return operation.begin(c, cl, model.AdminUpdate)
	})
	if err != nil {
		operation.refused(c, err)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(id)
		}
		return err
	}
	a.s.Wake()
	c.begun = doc.Cluster.Internal.Operation.ID
	return c.value(http.StatusOK, withoutSecrets(&doc.Cluster))
}

// announce sets the maintenance state, which begins nothing.
func (a adminAPI) announce(c *call, state model.MaintenanceState) error {
	id := c.clusterID()
	doc, err := a.s.Store.Clusters.UpdateSealed(c.ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		if err := c.mayChange(&doc.Cluster); err != nil {
			return err
		}
		doc.Cluster.Internal.MaintenanceState = state
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return notFound(id)
	}
	if err != nil {
		return err
	}
	return c.value(http.StatusOK, withoutSecrets(&doc.Cluster))
}

// maintenanceTask is the task of the body; everything if it names none.
func (c *call) maintenanceTask() (model.MaintenanceTask, error) {
	var told admin.ClusterUpdate
	if err := c.strict(&told); err != nil {
		return "", err
	}
	if told.Properties == nil || told.Properties.MaintenanceTask == nil {
		return model.Everything, nil
	}
	task := model.MaintenanceTask(*told.Properties.MaintenanceTask)
	if all := model.MaintenanceRequests(); !slices.Contains(all, task) {
		return "", arm.InvalidParameter.At("properties.maintenanceTask", "There is no such maintenance task. There are %v.", all)
	}
	return task, nil
}

// strict reads the body, a JSON object, into v and refuses members that v does
// not have.
func (c *call) strict(v any) error {
	if kind := jsontext.Value(c.body).Kind(); kind != jsontext.KindBeginObject {
		return arm.InvalidRequestContent.Errorf("The body must be one JSON object.")
	}
	err := jsonv2.Unmarshal(c.body, v, jsonv2.RejectUnknownMembers(true))
	var meaning *jsonv2.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return arm.InvalidRequestContent.At(target(syntax.JSONPointer), "The body is not valid JSON; the fault is at byte %d.", syntax.ByteOffset).Because(err)
	case errors.As(err, &meaning) && errors.Is(err, jsonv2.ErrUnknownName):
		return arm.InvalidParameter.At(target(meaning.JSONPointer), "There is no such member. Remove it, or correct its name.").Because(err)
	case errors.As(err, &meaning):
		return arm.InvalidRequestContent.At(target(meaning.JSONPointer), "The value has the wrong JSON type.").Because(err)
	}
	return fmt.Errorf("body: %w", err)
}

// target spells a place in the body as all our errors do.
func target(place jsontext.Pointer) string {
	var b strings.Builder
	for name := range place.Tokens() {
		switch _, err := strconv.ParseUint(name, 10, 0); {
		case err == nil:
			b.WriteString("[" + name + "]")
		case b.Len() > 0:
			b.WriteString("." + bounded(name))
		default:
			b.WriteString(bounded(name))
		}
	}
	return b.String()
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
		LastAdminUpdateError:    present(cl.Internal.LastAdminUpdateError),
		Operation:               runningOperation(cl.Internal.Operation),
		Retries:                 int32(doc.Lost),
		Transitions:             transitions(cl.Internal.Transitions),
	}
	if doc.Owner != "" && doc.Due != nil {
		e.Lease = &admin.Lease{Owner: doc.Owner, ExpiresAt: doc.WrittenAt.Add(time.Duration(*doc.Due * float64(time.Second)))}
	}
	explainFailure(&e, &cl.Internal)
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

// explainFailure tells how the last operation failed, if it did.
func explainFailure(e *admin.Explanation, in *model.Internal) {
	if f := in.LastFailure; f != nil {
		e.LastFailure = &admin.Failure{
			OperationID: f.OperationID, Step: present(f.Step), At: f.At,
			Code: f.Error.Code, Message: f.Error.Message, Target: present(f.Error.Target),
		}
	}
	if in.Diagnostics != nil {
		findings := make([]admin.Finding, len(in.Diagnostics.Findings))
		for i, f := range in.Diagnostics.Findings {
			findings[i] = admin.Finding{Name: f.Name, Text: f.Text}
		}
		e.Findings = &findings
	}
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
