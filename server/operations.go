package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// operationView is an operation with the state of its cluster.
type operationView struct {
	op *model.AsyncOperation
	// running is the cluster's record of this operation while it runs, else nil.
	running *model.Operation
	// cluster is nil if it no longer exists, or if another one has its name.
	cluster *model.Cluster
}

// operationStatus is the body for clients that poll (L10).
type operationStatus struct {
	ID              string                  `json:"id"`
	Name            string                  `json:"name"`
	Status          model.ProvisioningState `json:"status"`
	StartTime       time.Time               `json:"startTime"`
	EndTime         *time.Time              `json:"endTime,omitempty"`
	PercentComplete int                     `json:"percentComplete"`
	// CurrentStep and its start are beside the status and not in properties, which
	// the contract reserves for successful operations.
	CurrentStep   string     `json:"currentStep,omitempty"`
	StepStartedAt *time.Time `json:"stepStartedAt,omitempty"`
	// StepError is the error of the step's last attempt, while it is retried:
	// clients treat a member "error" as the end of the operation.
	StepError *arm.Body `json:"stepError,omitempty"`
	Error     *arm.Body `json:"error,omitempty"`
}

// viewOperation returns the operation of the path. One of another subscription or
// tenant does not exist for the caller (L13).
func (s *Server) viewOperation(c *call) (*operationView, error) {
	absent := arm.NotFound.Errorf("The operation was not found. Operations are kept for seven days.")
	id := arm.ToLower(c.Param("operationId"))
	doc, err := s.Store.Operations.Get(c.Ctx(), id, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, absent
	}
	if err != nil {
		return nil, err
	}
	v := &operationView{op: &doc.Operation}
	if !arm.EqualFold(v.op.SubscriptionID, c.Param("subscriptionId")) {
		return nil, absent
	}
	if seen, err := s.isOfCallersTenant(c, v.op); err != nil {
		return nil, err
	} else if !seen {
		return nil, absent
	}
	if err := s.viewCluster(c, v); err != nil || v.running != nil || v.op.State != "" {
		return v, err
	}
	// It may have ended since it was read. Workers end the operation before the
	// cluster, so a second read shows its end.
	if doc, err = s.Store.Operations.Get(c.Ctx(), id, id); err == nil {
		v.op = &doc.Operation
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return v, nil
}

// isOfCallersTenant reports whether the caller's tenant is that of the operation
// when it began, or that to which its subscription has moved since.
func (s *Server) isOfCallersTenant(c *call, op *model.AsyncOperation) (bool, error) {
	tenant := c.Header(headerTenant)
	if tenant == "" || op.TenantID == "" || arm.EqualFold(tenant, op.TenantID) {
		return true, nil
	}
	moved, err := s.subscription(c)
	if err != nil || moved == nil {
		return false, err
	}
	return arm.EqualFold(tenant, moved.Subscription.Properties.TenantID), nil
}

func (s *Server) viewCluster(c *call, v *operationView) error {
	id, ok := arm.ParseClusterID(v.op.ResourceID)
	if !ok {
		return nil
	}
	doc, err := s.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if doc.Cluster.Internal.UID != v.op.ClusterUID {
		return nil
	}
	v.cluster = &doc.Cluster
	if running := doc.Cluster.Internal.Operation; running != nil && running.ID == v.op.ID {
		v.running = running
	}
	return nil
}

// state returns Canceled if the operation has no terminal state and its cluster
// does not run it: a delete replaced it.
func (v *operationView) state() model.ProvisioningState {
	switch {
	case v.running != nil:
		return v.op.InitialState
	case v.op.State == "":
		return model.Canceled
	}
	return v.op.State
}

func (v *operationView) error() *model.OperationError {
	if v.op.Error == nil && v.state() == model.Canceled {
		return canceled()
	}
	return v.op.Error
}

// getOperationStatus returns 200 until the operation's document expires (L10). An
// operation shows as ended only after its cluster does.
func (s *Server) getOperationStatus(ec echo.Context) error {
	c := ec.(*call)
	v, err := s.viewOperation(c)
	if err != nil {
		return err
	}
	status := operationStatus{
		ID:        c.operationID(s, v.op),
		Name:      v.op.ID,
		Status:    v.state(),
		StartTime: v.op.StartedAt,
	}
	if v.running != nil {
		status.PercentComplete = v.running.PercentComplete()
		if step := v.running.Current; step != nil {
			status.CurrentStep, status.StepStartedAt = step.Name, &step.StartedAt
			if step.Refusal != nil {
				body := errorBody(step.Refusal)
				status.StepError = &body
			}
		}
		c.Response().Header().Set(headerRetryAfter, asyncRetryAfterSeconds)
	} else {
		status.EndTime = v.op.EndedAt
		status.PercentComplete = 100
		if e := v.error(); e != nil {
			body := errorBody(e)
			status.Error = &body
		}
	}
	body, err := json.Marshal(status)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// operationID returns the resource id of the operation's status.
func (c *call) operationID(s *Server, op *model.AsyncOperation) string {
	return "/subscriptions/" + op.SubscriptionID + "/providers/" + arm.Namespace + "/locations/" +
		arm.NormalLocation(s.Location) + "/" + statusSegment + "/" + op.ID
}

func errorBody(e *model.OperationError) arm.Body {
	b := arm.Body{Code: e.Code, Message: e.Message, Target: e.Target}
	for i := range e.Details {
		b.Details = append(b.Details, errorBody(&e.Details[i]))
	}
	return b
}

// getOperationResult returns 202 while the operation runs, and then what a
// synchronous request would have returned (L09).
func (s *Server) getOperationResult(ec echo.Context) error {
	c := ec.(*call)
	v, err := s.viewOperation(c)
	if err != nil {
		return err
	}
	switch state := v.state(); {
	case v.running != nil:
		h := c.Response().Header()
		h.Set(headerLocation, s.operationURL(c, resultsSegment, v.op.ID))
		h.Set(headerRetryAfter, asyncRetryAfterSeconds)
		return c.NoContent(http.StatusAccepted)
	case state != model.Succeeded:
		return v.failure()
	case v.cluster == nil:
		return c.NoContent(http.StatusNoContent)
	}
	return c.cluster(http.StatusOK, v.cluster)
}

// failure returns the operation's error as a response. With a status of 5xx,
// clients would repeat the poll; after a conflict they stop.
func (v *operationView) failure() error {
	e := v.error()
	if e == nil {
		e = &model.OperationError{Code: arm.OperationFailed.Name, Message: "The operation failed."}
	}
	b := errorBody(e)
	failed := &arm.Error{Code: arm.Code{Name: b.Code, Status: http.StatusConflict}, Message: b.Message, Target: b.Target}
	for _, known := range arm.Catalogue() {
		if known.Name == b.Code && known.Status < http.StatusInternalServerError {
			failed.Code = known
		}
	}
	for _, d := range b.Details {
		failed.Details = append(failed.Details, &arm.Error{Code: arm.Code{Name: d.Code}, Message: d.Message, Target: d.Target})
	}
	return failed
}
