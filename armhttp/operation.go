package armhttp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Operations begins asynchronous operations.
type Operations struct {
	Documents *store.Collection[store.OperationDocument]
	Logger    *slog.Logger
	Now       func() time.Time
	NewID     func() string
}

// Operation is an operation that a request may begin. Its document is written ahead of
// the cluster's, so that whoever polls it finds it.
type Operation struct {
	with   Operations
	x      *httpserver.Exchange
	id     arm.ClusterID
	tenant string
	doc    *store.OperationDocument // nil until written
}

// For returns the operation that a request may begin on its cluster. The tenant is the
// subscription's; if it is empty, the one that the cluster was created in is taken.
func (o Operations) For(x *httpserver.Exchange, tenant string) *Operation {
	return &Operation{with: o, x: x, id: ClusterID(x), tenant: tenant}
}

// Begin moves the cluster into the operation and writes the operation's document,
// once, even if the cluster has to be read and changed again.
func (o *Operation) Begin(cl *model.Cluster, kind model.OperationKind) error {
	if o.doc != nil && (o.doc.Operation.Kind != kind || o.doc.Operation.ClusterUID != cl.Internal.UID) {
		o.discard() // meanwhile another cluster has the name
		o.doc = nil
	}
	running := model.Operation{
		ID: o.with.NewID(), Kind: kind, StartedAt: o.with.Now().UTC(),
		CorrelationID: o.x.CorrelationID, ClientRequestID: o.x.ClientRequestID, RequestID: o.x.RequestID,
	}
	if o.doc != nil {
		running.ID, running.StartedAt = o.doc.ID, o.doc.Operation.StartedAt
	}
	if err := cl.Begin(running); err != nil || o.doc != nil {
		return err
	}
	doc := store.NewOperation(running.ID)
	doc.Operation = model.AsyncOperation{
		ID: running.ID, Kind: kind, SubscriptionID: o.id.SubscriptionID, TenantID: cmp.Or(o.tenant, cl.Internal.TenantID),
		ResourceID: cl.ID, ClusterUID: cl.Internal.UID,
		InitialState: kind.Underway(), StartedAt: running.StartedAt,
	}
	if err := o.with.Documents.Create(o.x.Ctx(), doc); err != nil {
		return err
	}
	o.doc = doc
	return nil
}

// Settle removes the document if the cluster does not run the operation after all. That
// is so if the write of the cluster failed, unless the store did not answer: then it may
// have been written. It is also so if others made the operation superfluous; cl is what
// was stored, nil after an error.
func (o *Operation) Settle(cl *model.Cluster, err error) {
	switch {
	case o.doc == nil:
	case err != nil:
		if !errors.Is(err, store.ErrUnavailable) && o.x.Ctx().Err() == nil {
			o.discard()
		}
	case cl.Internal.Operation == nil || cl.Internal.Operation.ID != o.doc.ID:
		o.discard()
	}
}

// discardTimeout bounds the clean-up after a request that came to nothing.
const discardTimeout = 5 * time.Second

// discard removes the document of an operation that never began. If it cannot,
// the document expires by itself; nobody was told its id.
func (o *Operation) discard() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.x.Ctx()), discardTimeout)
	defer cancel()
	if err := o.with.Documents.Delete(ctx, o.doc); err != nil {
		o.with.Logger.Warn("operation left over", "operation_id", o.doc.ID, "error", err)
	}
}

// Offer makes the document due for the workers, unless one holds it: the holder notices
// the new operation and hands the document on.
func Offer(doc *store.ClusterDocument) {
	if doc.Owner == "" {
		doc.Due = store.Due(0)
	}
}
