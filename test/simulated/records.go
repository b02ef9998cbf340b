package simulated

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// records are the steps that only write things down.
type records struct {
	billing    *store.Collection[store.BillingDocument]
	build      string
	now        func() time.Time
	newInfraID func(string) string
}

func (r records) chooseInfraID(ctx context.Context, w *backend.ClusterWork) error {
	if w.Resource().Internal.InfraID != "" {
		return nil
	}
	id := r.newInfraID(w.Resource().Name)
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.InfraID = id
		return nil
	})
}

// beginBilling creates the cluster's billing document. It carries the cluster's
// UID, so that a repetition finds it and a second cluster of the same name does not.
func (r records) beginBilling(ctx context.Context, w *backend.ClusterWork) error {
	c := w.Resource()
	doc, err := billingDocument(c)
	if err != nil {
		return err
	}
	now := r.now().UTC()
	doc.Billing = model.Billing{
		ResourceID: c.ID, ResourceGroupID: c.Properties.ClusterProfile.ResourceGroupID, InfraID: c.Internal.InfraID,
		Location: c.Location, TenantID: c.Internal.TenantID, CreatedAt: &now,
	}
	var exists *store.ConflictError
	if err := r.billing.Create(ctx, doc); !errors.As(err, &exists) {
		return err
	}
	return nil
}

// endBilling records the end of billing. A cluster whose create failed earlier was never
// billed.
func (r records) endBilling(ctx context.Context, w *backend.ClusterWork) error {
	doc, err := billingDocument(w.Resource())
	if err != nil {
		return err
	}
	now := r.now().UTC()
	_, err = r.billing.Update(ctx, doc.Partition, doc.ID, func(d *store.BillingDocument) error {
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
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return nil, fmt.Errorf("resource id %q of the cluster is malformed", c.ID)
	}
	return store.NewBilling(id.SubscriptionID, c.Internal.UID), nil
}

func (r records) recordWorkers(ctx context.Context, w *backend.ClusterWork) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Properties.WorkerProfilesStatus = slices.Clone(c.Properties.WorkerProfiles)
		return nil
	})
}

func (r records) recordBuild(ctx context.Context, w *backend.ClusterWork) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.ProvisionedBy = r.build
		return nil
	})
}

// The installer's rules for infra ids: a label of at most 21 characters made of
// the cluster's name, a dash, and 5 random characters.
const (
	infraLabel  = 21
	infraRandom = 5
)

// NewInfraID returns the prefix of a cluster's machine names. Names of machines are
// DNS labels, so every other character becomes a dash.
func NewInfraID(clusterName string) string {
	label := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(clusterName))
	label = strings.TrimLeft(label, "-")
	label = strings.TrimRight(label[:min(len(label), infraLabel)], "-")
	if label == "" {
		label = "aro"
	}
	return label + "-" + strings.ToLower(rand.Text()[:infraRandom])
}
