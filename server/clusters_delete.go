package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// OpenShiftClustersDelete starts a delete in any state, and cancels a running operation
// (D01, D05).
func (s *Server) OpenShiftClustersDelete(ec echo.Context) error {
	c := ec.(*call)
	id := armhttp.ClusterID(c)
	switch _, err := s.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key()); {
	case errors.Is(err, store.ErrNotFound):
		return c.NoContent(http.StatusNoContent)
	case err != nil:
		return err
	}
	if err := s.subscriptionAllows(c, model.Registered, model.Warned, model.Suspended); err != nil {
		return err
	}
	operation := s.operations.For(c.Exchange, c.subscriptionTenant())
	var replaced string
	doc, err := s.Store.Clusters.UpdateSealed(c.Ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		replaced = ""
		if err := armhttp.MayChange(c.Exchange, &doc.Cluster); err != nil {
			return err
		}
		if running := doc.Cluster.Internal.Operation; running != nil {
			if running.Kind == model.Delete {
				return store.ErrUnchanged
			}
			replaced = running.ID
		}
		if err := operation.Begin(&doc.Cluster, &doc.Cluster, model.Delete); err != nil {
			return err
		}
		stampSystemData(&doc.Cluster, c.systemData())
		armhttp.Offer(doc)
		return nil
	})
	if err != nil {
		operation.DiscardUnused(nil, err)
		if errors.Is(err, store.ErrNotFound) {
			return c.NoContent(http.StatusNoContent)
		}
		return err
	}
	operation.DiscardUnused(&doc.Cluster, nil)
	s.cancel(c, replaced)
	if s.Wake(); replaced != "" {
		s.Replaced(doc.Partition, doc.ID)
	}
	running := doc.Cluster.Internal.Operation.ID
	c.async(s, running)
	status := c.version.accepted(c.Operation)
	if status == http.StatusAccepted { // L04: Location belongs to 202
		c.Response().Header().Set(headerLocation, s.operationURL(c, resultsSegment, running))
	}
	return c.NoContent(status)
}

// cancel ends the document of a replaced operation. If that fails, the operation
// still shows as canceled, because its cluster does not run it.
func (s *Server) cancel(c *call, operationID string) {
	if operationID == "" {
		return
	}
	_, err := s.Store.Operations.Update(c.Ctx(), operationID, operationID, func(doc *store.OperationDocument) error {
		if doc.Operation.State != "" {
			return store.ErrUnchanged
		}
		now := s.Now().UTC()
		doc.Operation.State, doc.Operation.EndedAt, doc.Operation.Error = model.Canceled, &now, canceled()
		return nil
	})
	if err != nil {
		s.Logger.Warn("replaced operation not ended", "operation_id", operationID, "error", err)
	}
}

func canceled() *model.OperationError {
	return &model.OperationError{Code: arm.OperationCanceled.Name, Message: "The operation was cancelled because the cluster is being deleted."}
}
