package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// putTries bounds how often a PUT changes its mind between creating and
// replacing, because others create and delete the same cluster meanwhile.
const putTries = 3

// putCluster creates a cluster or replaces what is wanted of it.
func (s *Server) putCluster(c *call) error {
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}
	invalid := c.validBody(c.version.ValidateCluster)
	whole := func(*model.Cluster) ([]byte, error) { return c.body, invalid }
	var conflict *store.ConflictError
	var refused error
	for range putTries {
		if err := s.changeCluster(c, &operation{}, whole); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if conflict != nil && conflict.UniqueKey != "" {
			return refused
		}
		if invalid != nil {
			return invalid
		}
		// A conflict may be with another cluster, or with this one if somebody else
		// has just created it: look again.
		if refused = s.createCluster(c); !errors.As(refused, &conflict) {
			return refused
		}
	}
	return arm.WriteConflict.Errorf("The cluster is being created and deleted by others at the same time. Retry.").Because(conflict)
}

// patchCluster merges the body into what is wanted of a cluster (A05, A07).
func (s *Server) patchCluster(c *call) error {
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return err
	}
	invalid := c.validBody(c.version.ValidateClusterUpdate)
	reconcile := &operation{always: invalid == nil && namesNothing(c.body)}
	err := s.changeCluster(c, reconcile, func(current *model.Cluster) ([]byte, error) {
		if invalid != nil {
			return nil, invalid
		}
		return c.merged(current)
	})
	if errors.Is(err, store.ErrNotFound) {
		return cmp.Or(invalid, notFound(c.clusterID()))
	}
	return err
}

// validBody judges the body by the spec, and makes it one in the spec's words.
func (c *call) validBody(validate func([]byte, *arm.Faults) []byte) error {
	var f arm.Faults
	c.body = validate(c.body, &f)
	return f.Err()
}

// namesNothing reports whether a patch has no value in it. Such a patch asks for
// what is wanted already to be made true again. Tags are replaced as a set, so
// that an empty set is a value.
func namesNothing(patch []byte) bool {
	var members map[string]any
	if json.Unmarshal(patch, &members) != nil {
		return false
	}
	_, tags := members["tags"]
	return !tags && isHollow(members)
}

// isHollow reports whether an object holds nothing but such objects.
func isHollow(object map[string]any) bool {
	for _, member := range object {
		if below, ok := member.(map[string]any); !ok || !isHollow(below) {
			return false
		}
	}
	return true
}

// merged is the resource as the version says it, with the patch merged in. What
// the merged resource is blamed for and the stored one is too, is not the
// patch's fault (A11).
func (c *call) merged(current *model.Cluster) ([]byte, error) {
	before, err := c.version.EncodeCluster(current)
	if err != nil {
		return nil, err
	}
	after, err := conversion.MergePatch(before, c.body)
	if err != nil {
		return nil, arm.InvalidRequestContent.Errorf("The body is not a JSON merge patch of a cluster.").Because(err)
	}
	var faults arm.Faults
	if c.version.ValidateCluster(after, &faults); faults.Len() == 0 {
		return after, nil
	}
	var legacy, fresh arm.Faults
	c.version.ValidateCluster(before, &legacy)
	for _, f := range faults.List() {
		if !blames(legacy.List(), f) {
			fresh.Note(f)
		}
	}
	return after, fresh.Err()
}

func blames(list []*arm.Error, fault *arm.Error) bool {
	for _, f := range list {
		if f.Target == fault.Target && f.Message == fault.Message {
			return true
		}
	}
	return false
}

// changeCluster makes the cluster what body, made from the stored one, wants. It
// answers, or returns an error that wraps store.ErrNotFound.
func (s *Server) changeCluster(c *call, operation *operation, body func(*model.Cluster) ([]byte, error)) error {
	id := c.clusterID()
	operation.s, operation.id = s, id
	var wanted *model.Cluster
	update := s.Store.Clusters.UpdateSealed
	if mayNameSecret(c.body) {
		update = s.Store.Clusters.Update
	}
	doc, err := update(c.ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) (err error) {
		old := &doc.Cluster
		if err := c.mayChange(old); err != nil {
			return err
		}
		if wanted, err = s.wanted(c, old, body); err != nil {
			return err
		}
		return s.decide(c, doc, wanted, operation)
	})
	if err != nil {
		operation.refused(c, err)
		return duplicate(err, wanted)
	}
	operation.discardUnless(c, &doc.Cluster)
	return s.answerChange(c, &doc.Cluster)
}

// wanted is what the body makes of an existing cluster. Where its state allows no
// change at all that is the answer, whatever the body is blamed for: nothing that
// a client corrects in it would help.
func (s *Server) wanted(c *call, old *model.Cluster, body func(*model.Cluster) ([]byte, error)) (*model.Cluster, error) {
	wanted := clone(old)
	external, err := body(old)
	if err == nil {
		err = s.want(c, external, old, wanted)
	}
	if err != nil {
		return nil, cmp.Or(old.MayChange(), err)
	}
	return wanted, nil
}

// mayNameSecret reports whether a body in the spec's words might have a secret in it.
// One without leaves those of the cluster as they are, so that nobody has to open them.
func mayNameSecret(body []byte) bool {
	return bytes.Contains(body, []byte(`Secret"`)) || bytes.IndexByte(body, '\\') >= 0 // names can be escaped
}

// answerChange points to the running operation, be it new or one that does
// already what is wanted.
func (s *Server) answerChange(c *call, cl *model.Cluster) error {
	if op := cl.Internal.Operation; op != nil {
		c.async(s, op.ID)
		s.Wake()
	}
	return c.cluster(200, cl)
}

// want writes the body onto wanted and judges the result, all faults at once.
// old is nil on create.
func (s *Server) want(c *call, body []byte, old, wanted *model.Cluster) error {
	known, err := s.catalogue.current(c.ctx())
	if err != nil {
		return err
	}
	var f arm.Faults
	if err := c.writeOnto(body, old, wanted, &f); err != nil {
		return arm.InvalidRequestContent.Errorf("The body cannot be read as a cluster.").Because(err)
	}
	if len(wanted.Tags) == 0 {
		wanted.Tags = nil
	}
	if old == nil {
		known.chooseVersion(wanted, &f)
	}
	wanted.Default()
	s.noteIdentity(c, old, wanted, &f)
	wanted.Validate(old, s.rules, &f)
	if old == nil || !reflect.DeepEqual(old.Properties.PlatformWorkloadIdentityProfile, wanted.Properties.PlatformWorkloadIdentityProfile) {
		wanted.ValidateRoles(known.roleSets, &f)
	}
	return f.Err()
}

// writeOnto writes a body that is valid, and merged if it is that of a PATCH.
func (c *call) writeOnto(body []byte, old, wanted *model.Cluster, f *arm.Faults) error {
	if c.Request().Method == http.MethodPatch {
		return c.version.MergeCluster(body, wanted, f)
	}
	return c.version.WriteCluster(body, old, wanted, f)
}

// noteIdentity keeps what ARM tells about the cluster's managed identity.
func (s *Server) noteIdentity(c *call, old, wanted *model.Cluster, f *arm.Faults) {
	if wanted.Identity == nil || !wanted.UsesWorkloadIdentity() {
		return
	}
	if told := c.trusted(headerIdentityURL); told != "" {
		if err := s.IdentityHosts.Check(told); err != nil {
			f.Add(arm.InvalidParameter, headerIdentityURL, "The header is not usable: %s.", err)
		}
		wanted.Identity.IdentityURL = told
	}
	overlay(&wanted.Identity.TenantID, c.trusted(headerTenant))
	if old != nil {
		return
	}
	for header, value := range map[string]string{headerIdentityURL: wanted.Identity.IdentityURL, headerTenant: wanted.Identity.TenantID} {
		if value == "" {
			f.Add(arm.InvalidParameter, header, "The header is needed to create a cluster with a managed identity. Azure Resource Manager sets it.")
		}
	}
}

// decide finds out what wanted takes: nothing, a quiet write, or an operation.
func (s *Server) decide(c *call, doc *store.ClusterDocument, wanted *model.Cluster, operation *operation) error {
	old := &doc.Cluster
	same := reflect.DeepEqual(old, wanted)
	switch {
	case same && settled(old) && !operation.always:
		return store.ErrUnchanged
	case !same && !operation.always && onlyQuiet(old, wanted):
		if err := old.MayChange(); arm.OperationInProgress.Is(err) {
			return err
		}
		wanted.Internal.Revision++
	default:
		if err := operation.begin(c, wanted, model.Update); err != nil {
			return err
		}
		due(doc)
	}
	stampSystemData(wanted, c.systemData())
	doc.Cluster = *wanted
	doc.ManagedResourceGroup, doc.ClientIdentity = wanted.ManagedResourceGroupKey(), wanted.ClientIdentityKey()
	return nil
}

// settled reports whether a cluster is, or becomes, what is wanted of it.
func settled(c *model.Cluster) bool {
	state := c.Properties.ProvisioningState
	return state != model.Failed && state != model.Deleting
}

// onlyQuiet reports whether the difference is in members that no machine depends
// on: tags, and where credentials of the identity are fetched.
func onlyQuiet(old, wanted *model.Cluster) bool {
	quiet := clone(wanted)
	quiet.Tags = old.Tags
	if quiet.Identity != nil && old.Identity != nil {
		quiet.Identity.IdentityURL, quiet.Identity.TenantID = old.Identity.IdentityURL, old.Identity.TenantID
	}
	return reflect.DeepEqual(old, quiet)
}

// due offers the document to the workers, unless one holds it: the holder notices
// the new operation and hands the document on.
func due(doc *store.ClusterDocument) {
	if doc.Owner == "" {
		doc.Due = store.Due(0)
	}
}

// createCluster writes a new cluster and its operation. It returns an error that
// wraps a *store.ConflictError if one of the same name appeared meanwhile.
func (s *Server) createCluster(c *call) error {
	if err := c.mayCreate(); err != nil {
		return err
	}
	id := c.clusterID()
	cl := &model.Cluster{ID: id.String(), Name: id.Name, Type: arm.ClusterResourceType}
	now := s.Now().UTC()
	cl.Internal = model.Internal{UID: s.NewID(), CreatedAt: now, CreatedBy: s.Build, ProvisionedBy: s.Build}
	if err := s.want(c, c.body, nil, cl); err != nil {
		return err
	}
	cl.Internal.TenantID = c.tenant()
	if s.Preflight != nil {
		if err := s.Preflight.CheckCreate(c.ctx(), c.correlationID, cl); err != nil {
			return err
		}
	}
	stampSystemData(cl, c.systemData())
	operation := &operation{s: s, id: id}
	if err := operation.begin(c, cl, model.Create); err != nil {
		return err
	}
	doc := store.NewCluster(id)
	doc.Cluster = *cl
	doc.ManagedResourceGroup, doc.ClientIdentity = cl.ManagedResourceGroupKey(), cl.ClientIdentityKey()
	doc.Due = store.Due(0)
	if err := s.Store.Clusters.Create(c.ctx(), doc); err != nil {
		operation.refused(c, err)
		return duplicate(err, cl)
	}
	s.Wake()
	c.async(s, cl.Internal.Operation.ID)
	return c.cluster(201, cl)
}

// duplicate gives a unique key that cl violates its code and the member that is in the body.
func duplicate(err error, cl *model.Cluster) error {
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) || conflict.UniqueKey == "" {
		return err
	}
	if conflict.UniqueKey == "managedResourceGroup" {
		return arm.DuplicateResourceGroup.At("properties.clusterProfile.resourceGroupId",
			"Another cluster of the subscription uses the managed resource group %s. Choose another one.", cl.Properties.ClusterProfile.ResourceGroupID).Because(err)
	}
	member, identity := cl.ClientIdentity()
	return arm.DuplicateClientID.At(member,
		"Another cluster of the subscription uses %s. Each cluster needs a service principal or user-assigned identity of its own: choose another one.", identity).Because(err)
}

func notFound(id arm.ClusterID) error {
	return arm.ResourceNotFound.Errorf("The cluster '%s' was not found in the resource group '%s'.", id.Name, id.ResourceGroup)
}

// operation is an operation that a request may begin. Its document is written
// ahead of the cluster's, so that whoever polls it finds it.
type operation struct {
	s      *Server
	id     arm.ClusterID
	always bool                     // begins even if it is to change nothing
	doc    *store.OperationDocument // nil until written
}

// begin moves the cluster into the operation and writes the operation's document,
// once, even if the cluster has to be read and changed again.
func (o *operation) begin(c *call, cl *model.Cluster, kind model.OperationKind) error {
	running := model.Operation{
		ID: o.s.NewID(), Kind: kind, StartedAt: o.s.Now().UTC(),
		CorrelationID: c.correlationID, ClientRequestID: c.clientRequestID, RequestID: c.requestID,
	}
	if o.doc != nil {
		running.ID, running.StartedAt = o.doc.ID, o.doc.Operation.StartedAt
	}
	if err := cl.Begin(running); err != nil || o.doc != nil {
		return err
	}
	doc := store.NewOperation(running.ID)
	doc.Operation = model.AsyncOperation{
		ID: running.ID, Kind: kind, SubscriptionID: o.id.SubscriptionID, TenantID: cmp.Or(c.subscriptionTenant(), cl.Internal.TenantID),
		ResourceID: cl.ID, ClusterUID: cl.Internal.UID,
		InitialState: kind.Underway(), StartedAt: running.StartedAt,
	}
	if err := o.s.Store.Operations.Create(c.ctx(), doc); err != nil {
		return err
	}
	o.doc = doc
	return nil
}

// discardUnless removes the document if the cluster was stored without the
// operation, because others made it superfluous.
func (o *operation) discardUnless(c *call, cl *model.Cluster) {
	if o.doc != nil && (cl.Internal.Operation == nil || cl.Internal.Operation.ID != o.doc.ID) {
		o.discard(c)
	}
}

// refused removes the document if the cluster was certainly not written. When
// the store did not answer it may have been, and then the operation runs.
func (o *operation) refused(c *call, err error) {
	if !errors.Is(err, store.ErrUnavailable) && c.ctx().Err() == nil {
		o.discard(c)
	}
}

// discardTimeout bounds the clean-up after a request that came to nothing.
const discardTimeout = 5 * time.Second

// discard removes the document of an operation that never began. If it cannot,
// the document expires by itself; nobody was told its id.
func (o *operation) discard(c *call) {
	if o.doc == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), discardTimeout)
	defer cancel()
	if err := o.s.Store.Operations.Delete(ctx, o.doc); err != nil {
		o.s.Logger.Warn("operation left over", "operation_id", o.doc.ID, "error", err)
	}
}
