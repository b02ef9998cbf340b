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
	"github.com/aro-rp/aro/tracing"
)

// Operations begins asynchronous operations.
type Operations struct {
	Documents *store.Collection[store.OperationDocument]
	Logger    *slog.Logger
	Now       func() time.Time
	NewID     func() string
}

// Operation is an operation that a request may begin. Its document is written before
// the cluster's, so that clients that poll it find it.
type Operation struct {
	with   Operations
	x      *httpserver.Exchange
	id     arm.ClusterID
	tenant string
	doc    *store.OperationDocument // nil until written
}

// For returns the operation that a request may begin on its cluster. The tenant is
// that of the subscription; if it is empty, that in which the cluster was created is
// used.
func (o Operations) For(x *httpserver.Exchange, tenant string) *Operation {
	return &Operation{with: o, x: x, id: ClusterID(x), tenant: tenant}
}

// Begin starts the operation on the cluster and writes the operation's document,
// once, even if the cluster has to be read and changed again. before is the cluster
// that the request found, for its history; nil if the request creates it.
func (o *Operation) Begin(before, cl *model.Cluster, kind model.OperationKind) error {
	if o.doc != nil && (o.doc.Operation.Kind != kind || o.doc.Operation.ClusterUID != cl.Internal.UID) {
		o.discard() // another cluster has the name now
		o.doc = nil
	}
	running := model.Operation{
		ID: o.with.NewID(), Kind: kind, StartedAt: o.with.Now().UTC(),
		CorrelationID: o.x.CorrelationID, ClientRequestID: o.x.ClientRequestID, RequestID: o.x.RequestID,
		TraceParent: tracing.Parent(o.x.Ctx()), RequestedBy: httpserver.ShortText(o.x.Principal), APIVersion: o.x.Version,
	}
	if before != nil && kind != model.Delete {
		running.Before = before.Visible()
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

// DiscardUnused removes the document if the cluster does not run the operation. That is
// the case if the write of the cluster failed, unless the store did not respond: the
// write may then have succeeded. It is also the case if the request changed nothing. cl
// is the stored cluster, nil after an error.
func (o *Operation) DiscardUnused(cl *model.Cluster, err error) {
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

// discardTimeout bounds the time to remove the document of an unused operation.
const discardTimeout = 5 * time.Second

// discard removes the document of an operation that did not begin. If that fails,
// the document expires; no client has its id.
func (o *Operation) discard() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.x.Ctx()), discardTimeout)
	defer cancel()
	if err := o.with.Documents.Delete(ctx, o.doc); err != nil {
		o.with.Logger.Warn("operation left over", "operation_id", o.doc.ID, "error", err)
	}
}

// Offer makes the document due for the workers, unless a worker holds it: that worker
// notices the new operation and releases the document.
func Offer(doc *store.ClusterDocument) {
	if doc.Owner == "" {
		doc.Due = store.Due(0)
	}
}
