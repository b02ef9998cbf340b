package admin

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// AdminListHistory lists the operations of a cluster that have ended. A deleted cluster has those of its
// last days.
func (a *API) AdminListHistory(ec echo.Context, _, _, _ string, p api.AdminListHistoryParams) error {
	c := ec.(*call)
	id := armhttp.ClusterID(c)
	pages, err := a.pages(c, "history"+id.Partition()+id.Key(), p.Top, p.SkipToken)
	if err != nil {
		return err
	}
	pages.query.Partition = store.HistoryPartition(id)
	list := api.HistoryEntryList{Value: []api.HistoryEntry{}}
	for pages.more(len(list.Value)) {
		docs, next, err := a.Store.History.List(c.Ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(next)
		for _, doc := range docs {
			list.Value = append(list.Value, historyEntry(&doc.Entry))
		}
	}
	if len(list.Value) == 0 {
		if _, err := a.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key()); errors.Is(err, store.ErrNotFound) {
			return armhttp.NotFound(id)
		}
	}
	if list.NextLink, err = pages.nextLink(); err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, list)
}

func historyEntry(e *model.HistoryEntry) api.HistoryEntry {
	shown := api.HistoryEntry{OperationID: e.OperationID, Kind: api.OperationKind(e.Kind), MaintenanceTask: present(string(e.MaintenanceTask)), ResourceID: present(e.ResourceID),
		RequestedBy: present(e.RequestedBy), APIVersion: present(e.APIVersion), CorrelationID: present(e.CorrelationID), RequestID: present(e.RequestID),
		StartedAt: e.StartedAt, EndedAt: e.EndedAt, State: string(e.State), Steps: []api.StepState{}, Changes: []api.Change{}, MoreChanges: present(int32(e.MoreChanges))}
	if e.Error != nil {
		shown.Error = &api.HistoryError{Code: e.Error.Code, Message: e.Error.Message, Target: present(e.Error.Target)}
	}
	for i := range e.Steps {
		shown.Steps = append(shown.Steps, stepState(&e.Steps[i]))
	}
	for _, change := range e.Changes {
		shown.Changes = append(shown.Changes, api.Change{Path: change.Path, From: present(change.From), To: present(change.To)})
	}
	return shown
}
