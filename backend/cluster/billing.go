package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// billing records the period in which a cluster is billed.
type billing struct {
	documents *store.Collection[store.BillingDocument]
	now       func() time.Time
}

// beginBilling creates the cluster's billing document. It carries the cluster's
// UID, so that a repetition finds it and a second cluster of the same name does not.
func (s *billing) beginBilling(ctx context.Context, w *Work) error {
	c := w.Resource()
	doc, err := billingDocument(c)
	if err != nil {
		return err
	}
	now := s.now().UTC()
	doc.Billing = model.Billing{
		ResourceID: c.ID, ResourceGroupID: c.Properties.ClusterProfile.ResourceGroupID, InfraID: c.Internal.InfraID,
		Location: c.Location, TenantID: c.Internal.TenantID, CreatedAt: &now,
	}
	var exists *store.ConflictError
	if err := s.documents.Create(ctx, doc); !errors.As(err, &exists) {
		return err
	}
	return nil
}

// endBilling marks the end. A cluster whose creation failed before its machines has no billing
// document.
func (s *billing) endBilling(ctx context.Context, w *Work) error {
	doc, err := billingDocument(w.Resource())
	if err != nil {
		return err
	}
	now := s.now().UTC()
	_, err = s.documents.Update(ctx, doc.Partition, doc.ID, func(d *store.BillingDocument) error {
		if d.Billing.DeletedAt != nil {
			return store.ErrUnchanged
		}
		d.Billing.DeletedAt = &now
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func billingDocument(c *model.Cluster) (*store.BillingDocument, error) {
	id, err := clusterID(c)
	if err != nil {
		return nil, err
	}
	return store.NewBilling(id.SubscriptionID, c.Internal.UID), nil
}
