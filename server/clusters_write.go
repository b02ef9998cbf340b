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

// OpenShiftClustersCreateOrUpdate creates a cluster or replaces what is wanted of it.
func (s *Server) OpenShiftClustersCreateOrUpdate(ec echo.Context) error {
	c := ec.(*call)

	// State: the subscription may have clusters.
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}

	// Validation: by the spec of the api-version. What it finds is said by change, where
	// the cluster's state allows a change at all.
	body, invalid := validBody(c.version.ValidateCluster, c.body)
	w := &write{s: s, c: c, operation: s.operations.For(c.Exchange, c.subscriptionTenant()),
		content: func(*model.Cluster) ([]byte, error) { return body, invalid }}

	// Conversion, rules and decision, and one guarded write.
	id := armhttp.ClusterID(c)
	upsert := s.Store.Clusters.UpsertSealed
	if mayNameSecret(body) {
		upsert = s.Store.Clusters.Upsert
	}
	doc, err := upsert(c.Ctx(), id.Partition(), id.Key(), func() *store.ClusterDocument { return store.NewCluster(id) }, w.change)

	// Answer: the cluster, and the operation that makes it true.
	return w.answer(doc, err)
}

// OpenShiftClustersUpdate merges the body into what is wanted of a cluster (A05, A07).
func (s *Server) OpenShiftClustersUpdate(ec echo.Context) error {
	c := ec.(*call)
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}
	patch, invalid := validBody(c.version.ValidateClusterUpdate, c.body)
	w := &write{s: s, c: c, operation: s.operations.For(c.Exchange, c.subscriptionTenant()),
		always: invalid == nil && namesNothing(patch),
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

// write is one PUT or PATCH of a cluster on its way into the store.
type write struct {
	s         *Server
	c         *call
	operation *armhttp.Operation
	// content is the body in the words of the api-version, which may be made from the
	// stored cluster, or why it is not valid.
	content func(current *model.Cluster) ([]byte, error)
	// always begins an operation even if it is to change nothing.
	always bool

	created bool
	wanted  *model.Cluster
}

// change makes the document what the request wants, or says why not. It runs again on a
// newer document if somebody else wrote in between.
func (w *write) change(doc *store.ClusterDocument) error {
	w.created = doc.ETag == ""
	if w.created {
		return w.create(doc)
	}
	old := &doc.Cluster
	if err := armhttp.MayChange(w.c.Exchange, old); err != nil {
		return err
	}
	wanted, err := w.convert(old)
	if err != nil {
		// Where the state allows no change at all that is the answer, whatever the body
		// is blamed for: nothing that a client corrects in it would help.
		return cmp.Or(old.MayChange(), err)
	}
	if err := w.decide(doc, wanted); err != nil {
		return err
	}
	w.put(doc, wanted)
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
	wanted := &model.Cluster{ID: id.String(), Name: id.Name, Type: arm.ClusterResourceType}
	wanted.Internal = model.Internal{UID: w.s.NewID(), CreatedAt: now, CreatedBy: w.s.Build, ProvisionedBy: w.s.Build}
	if err := w.s.want(w.c, body, nil, wanted); err != nil {
		return err
	}
	wanted.Internal.TenantID = w.c.tenant()
	if w.s.Preflight != nil {
		if err := w.s.Preflight.CheckCreate(w.c.Ctx(), w.c.CorrelationID, wanted); err != nil {
			return err
		}
	}
	if err := w.operation.Begin(wanted, model.Create); err != nil {
		return err
	}
	armhttp.Offer(doc)
	w.put(doc, wanted)
	return nil
}

// convert is what the body makes of an existing cluster, by all rules.
func (w *write) convert(old *model.Cluster) (*model.Cluster, error) {
	body, err := w.content(old)
	if err != nil {
		return nil, err
	}
	wanted := old.Clone()
	return wanted, w.s.want(w.c, body, old, wanted)
}

// decide finds out what wanted takes: nothing, a quiet write, or an operation.
func (w *write) decide(doc *store.ClusterDocument, wanted *model.Cluster) error {
	old := &doc.Cluster
	same := reflect.DeepEqual(old, wanted)
	switch {
	case same && settled(old) && !w.always:
		return store.ErrUnchanged
	case !same && !w.always && onlyQuiet(old, wanted):
		if err := old.MayChange(); arm.OperationInProgress.Is(err) {
			return err
		}
		wanted.Internal.Revision++
		return nil
	}
	armhttp.Offer(doc)
	return w.operation.Begin(wanted, model.Update)
}

// put puts the wanted cluster into the document, with the keys that are unique.
func (w *write) put(doc *store.ClusterDocument, wanted *model.Cluster) {
	stampSystemData(wanted, w.c.systemData())
	w.wanted, doc.Cluster = wanted, *wanted
	doc.ManagedResourceGroup, doc.ClientIdentity = wanted.ManagedResourceGroupKey(), wanted.ClientIdentityKey()
}

// answer points to the running operation, be it new or one that does already what is
// wanted.
func (w *write) answer(doc *store.ClusterDocument, err error) error {
	if err != nil {
		w.operation.Settle(nil, err)
		return duplicate(err, w.wanted)
	}
	w.operation.Settle(&doc.Cluster, nil)
	if op := doc.Cluster.Internal.Operation; op != nil {
		w.c.async(w.s, op.ID)
		w.s.Wake()
	}
	if w.created {
		return w.c.cluster(http.StatusCreated, &doc.Cluster)
	}
	return w.c.cluster(http.StatusOK, &doc.Cluster)
}

// validBody judges the body by the spec, and makes it one in the spec's words.
func validBody(validate func([]byte, *arm.Faults) []byte, body []byte) ([]byte, error) {
	var f arm.Faults
	body = validate(body, &f)
	return body, f.Err()
}

// mayNameSecret reports whether a body in the spec's words might have a secret in it.
// One without leaves those of the cluster as they are, so that nobody has to open them.
func mayNameSecret(body []byte) bool {
	return bytes.Contains(body, []byte(`Secret"`)) || bytes.IndexByte(body, '\\') >= 0 // names can be escaped
}

// settled reports whether a cluster is, or becomes, what is wanted of it.
func settled(c *model.Cluster) bool {
	state := c.Properties.ProvisioningState
	return state != model.Failed && state != model.Deleting
}

// onlyQuiet reports whether the difference is in members that no machine depends
// on: tags, and where credentials of the identity are fetched.
func onlyQuiet(old, wanted *model.Cluster) bool {
	quiet := wanted.Clone()
	quiet.Tags = old.Tags
	if quiet.Identity != nil && old.Identity != nil {
		quiet.Identity.IdentityURL, quiet.Identity.TenantID = old.Identity.IdentityURL, old.Identity.TenantID
	}
	return reflect.DeepEqual(old, quiet)
}

// duplicate gives a unique key that cl violates its code and the member that is in the body.
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
