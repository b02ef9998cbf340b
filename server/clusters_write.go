package server

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"reflect"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// OpenShiftClustersCreateOrUpdate creates a cluster or replaces its desired state.
func (s *Server) OpenShiftClustersCreateOrUpdate(ec echo.Context) error {
	c := ec.(*call)

	// State: the subscription may have clusters.
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}

	// Validation by the spec of the api-version. change returns its errors if the
	// cluster's state allows a change at all.
	body, invalid := validBody(c.version.ValidateCluster, c.body)
	w := &write{s: s, c: c, operation: s.operations.For(c.Exchange, c.subscriptionTenant()),
		content: func(*model.Cluster) ([]byte, error) { return body, invalid }}

	// Conversion, rules, decision, and one guarded write.
	id := armhttp.ClusterID(c)
	upsert := s.Store.Clusters.UpsertSealed
	if mayNameSecret(body) {
		upsert = s.Store.Clusters.Upsert
	}
	doc, err := upsert(c.Ctx(), id.Partition(), id.Key(), func() *store.ClusterDocument { return store.NewCluster(id) }, w.change)

	// Response: the cluster, and the operation that reconciles it.
	return w.answer(doc, err)
}

// OpenShiftClustersUpdate merges the body into the desired state of a cluster (A05,
// A07).
func (s *Server) OpenShiftClustersUpdate(ec echo.Context) error {
	c := ec.(*call)
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}
	patch, invalid := validBody(c.version.ValidateClusterUpdate, c.body)
	w := &write{s: s, c: c, operation: s.operations.For(c.Exchange, c.subscriptionTenant()),
		always: invalid == nil && isEmptyPatch(patch),
		content: func(current *model.Cluster) ([]byte, error) {
			if invalid != nil {
				return nil, invalid
			}
			return c.merged(current, patch)
		}}
	id := armhttp.ClusterID(c)
	update := s.Store.Clusters.UpdateSealed
	if mayNameSecret(patch) {
		update = s.Store.Clusters.Update
	}
	doc, err := update(c.Ctx(), id.Partition(), id.Key(), w.change)
	if errors.Is(err, store.ErrNotFound) {
		return cmp.Or(invalid, armhttp.NotFound(id))
	}
	return w.answer(doc, err)
}

// write is one PUT or PATCH of a cluster.
type write struct {
	s         *Server
	c         *call
	operation *armhttp.Operation
	// content returns the body with the names of the api-version, which may depend
	// on the stored cluster, or why it is invalid.
	content func(current *model.Cluster) ([]byte, error)
	// always starts an operation even if nothing changes.
	always bool

	created bool
	desired *model.Cluster
}

// change writes the desired state to the document, or returns why it cannot. It is
// called again with a newer document after a concurrent write.
func (w *write) change(doc *store.ClusterDocument) error {
	w.created = doc.ETag == ""
	if w.created {
		return w.create(doc)
	}
	old := &doc.Cluster
	if err := armhttp.MayChange(w.c.Exchange, old); err != nil {
		return err
	}
	desired, err := w.convert(old)
	if err != nil {
		// If the state allows no change, that error comes first: correcting the body
		// would not help.
		return cmp.Or(old.MayChange(), err)
	}
	if err := w.decide(doc, desired); err != nil {
		return err
	}
	w.put(doc, desired)
	return nil
}

// create completes the document of a new cluster.
func (w *write) create(doc *store.ClusterDocument) error {
	body, err := w.content(nil)
	if err != nil {
		return err
	}
	if err := armhttp.MayCreate(w.c.Exchange); err != nil {
		return err
	}
	id, now := armhttp.ClusterID(w.c), w.s.Now().UTC()
	desired := &model.Cluster{ID: id.String(), Name: id.Name, Type: arm.ClusterResourceType}
	desired.Internal = model.Internal{UID: w.s.NewID(), CreatedAt: now, CreatedBy: w.s.Build, ProvisionedBy: w.s.Build}
	if err := w.s.apply(w.c, body, nil, desired); err != nil {
		return err
	}
	desired.Internal.TenantID = w.c.tenant()
	if w.s.Preflight != nil {
		if err := w.s.Preflight.CheckCreate(w.c.Ctx(), w.c.CorrelationID, desired); err != nil {
			return err
		}
	}
	if err := w.operation.Begin(nil, desired, model.Create); err != nil {
		return err
	}
	armhttp.Offer(doc)
	w.put(doc, desired)
	return nil
}

// convert returns the desired state of an existing cluster after the write.
func (w *write) convert(old *model.Cluster) (*model.Cluster, error) {
	body, err := w.content(old)
	if err != nil {
		return nil, err
	}
	desired := old.Clone()
	return desired, w.s.apply(w.c, body, old, desired)
}

// decide starts an operation if desired needs one. A difference in metadata only
// increments the revision.
func (w *write) decide(doc *store.ClusterDocument, desired *model.Cluster) error {
	old := &doc.Cluster
	same := reflect.DeepEqual(old, desired)
	switch {
	case same && isReconciled(old) && !w.always:
		return store.ErrUnchanged
	case !same && !w.always && onlyMetadata(old, desired):
		if err := old.MayChange(); arm.OperationInProgress.Is(err) {
			return err
		}
		desired.Internal.Revision++
		return nil
	}
	armhttp.Offer(doc)
	return w.operation.Begin(old, desired, model.Update)
}

// put writes the desired state to the document, with its unique keys.
func (w *write) put(doc *store.ClusterDocument, desired *model.Cluster) {
	stampSystemData(desired, w.c.systemData())
	w.desired, doc.Cluster = desired, *desired
	doc.ManagedResourceGroup, doc.ClientIdentity = desired.ManagedResourceGroupKey(), desired.ClientIdentityKey()
}

// answer responds with the cluster and its running operation, which may have been
// started by an earlier request with the same desired state.
func (w *write) answer(doc *store.ClusterDocument, err error) error {
	if err != nil {
		w.operation.DiscardUnused(nil, err)
		return duplicate(err, w.desired)
	}
	w.operation.DiscardUnused(&doc.Cluster, nil)
	if op := doc.Cluster.Internal.Operation; op != nil {
		w.c.async(w.s, op.ID)
		w.s.Wake()
	}
	if w.created {
		return w.c.cluster(http.StatusCreated, &doc.Cluster)
	}
	return w.c.cluster(http.StatusOK, &doc.Cluster)
}

// validBody validates the body by the spec, and returns it with the names of the
// spec.
func validBody(validate func([]byte, *arm.Faults) []byte, body []byte) ([]byte, error) {
	var f arm.Faults
	body = validate(body, &f)
	return body, f.Err()
}

// mayNameSecret reports whether a body with the names of the spec may contain a secret.
// Otherwise the secrets of the stored cluster need not be decrypted.
func mayNameSecret(body []byte) bool {
	return bytes.Contains(body, []byte(`Secret"`)) || bytes.IndexByte(body, '\\') >= 0 // names can be escaped
}

// isReconciled reports whether a cluster has its desired state, or an operation is
// reconciling it.
func isReconciled(c *model.Cluster) bool {
	state := c.Properties.ProvisioningState
	return state != model.Failed && state != model.Deleting
}

// onlyMetadata reports whether the difference is in members that no machine depends
// on: tags, and where credentials of the identity are fetched.
func onlyMetadata(old, desired *model.Cluster) bool {
	copied := desired.Clone()
	copied.Tags = old.Tags
	if copied.Identity != nil && old.Identity != nil {
		copied.Identity.IdentityURL, copied.Identity.TenantID = old.Identity.IdentityURL, old.Identity.TenantID
	}
	return reflect.DeepEqual(old, copied)
}

// duplicate returns the error for a unique key that cl violates, with the member of the body
// as target.
func duplicate(err error, cl *model.Cluster) error {
	var conflict *store.ConflictError
	switch {
	case !errors.As(err, &conflict):
		return err
	case conflict.UniqueKey == "" || cl == nil:
		return arm.WriteConflict.Errorf("The cluster is being created and deleted by others at the same time. Retry.").Because(err)
	}
	if conflict.UniqueKey == "managedResourceGroup" {
		return arm.DuplicateResourceGroup.At("properties.clusterProfile.resourceGroupId",
			"Another cluster of the subscription uses the managed resource group %s. Choose another one.", cl.Properties.ClusterProfile.ResourceGroupID).Because(err)
	}
	member, identity := cl.ClientIdentity()
	return arm.DuplicateClientID.At(member,
		"Another cluster of the subscription uses %s. Each cluster needs a service principal or user-assigned identity of its own: choose another one.", identity).Because(err)
}
