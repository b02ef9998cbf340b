package portal

import (
	"cmp"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// historyShown bounds the ended operations on the page of a cluster.
const historyShown = 50

// history reads the operations of the cluster of the path that have ended, the newest first.
func (p *Portal) history(c *call) ([]pastOperation, error) {
	docs, _, err := p.Store.History.List(c.Ctx(), store.Query{Partition: store.HistoryPartition(c.clusterID()), Limit: historyShown})
	entries := make([]pastOperation, len(docs))
	for i, doc := range docs {
		entries[i] = pastOperation{doc.Entry}
	}
	return entries, err
}

// pastOperation is an operation that has ended.
type pastOperation struct{ model.HistoryEntry }

// name is the operation in a few words.
func (o pastOperation) name() string {
	name := string(o.Kind)
	if o.MaintenanceTask != "" {
		name += " (" + string(o.MaintenanceTask) + ")"
	}
	return name + ", " + when(o.StartedAt)
}

// facts are who asked for the operation, and how.
func (o pastOperation) facts() []fact {
	return []fact{
		{name: "Requested by", text: orDash(o.RequestedBy)},
		{name: "api-version", text: orDash(o.APIVersion)},
		{name: "Correlation id", text: orDash(o.CorrelationID), code: true},
		{name: "Operation", text: o.OperationID, code: true},
		{name: "Took", text: took(o.EndedAt.Sub(o.StartedAt))},
	}
}

// orDash is a value, or a dash for none.
func orDash(value string) string { return cmp.Or(value, "–") }

// events are the steps, in order.
func (o pastOperation) events() []event {
	events := make([]event, len(o.Steps))
	for i := range o.Steps {
		kind := "step"
		if i == len(o.Steps)-1 && o.State != model.Succeeded {
			kind = "failure"
		}
		events[i] = stepEvent(&o.Steps[i], kind)
	}
	return events
}
